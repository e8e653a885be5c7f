# shellcheck shell=bash
# lib: what the scripts beside it share; they source it. Standard output is theirs alone.

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
has() { command -v "$1" >/dev/null; }

if [ -n "${QUORATE_PARTS:-}" ]; then parts=$QUORATE_PARTS
elif is_root; then parts=/var/cache/quorate
else parts=${XDG_CACHE_HOME:-$HOME/.cache}/quorate; fi
[[ $parts == /* && $parts != *[[:space:]]* ]] || die "the parts folder must be an absolute path without blanks: $parts"

# Lists of packages, which a new machine does not have.
apt_lists() {
  has apt-get || return 1
  ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 && return
  is_root && { say "the machine has no package lists: apt-get update"; apt-get -qq update >&2; }
}

packaged() { apt_lists && [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# The mirror this Debian is installed from; nothing on another system.
debian_mirror() {
  # shellcheck disable=SC2016 # the variable is apt's
  local targets=(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian')
  if [ -n "${PARTS_DEBIAN_MIRROR:-}" ]; then echo "$PARTS_DEBIAN_MIRROR"
  elif apt_lists; then "${targets[@]}" | sort -u | head -n 1; fi
}

# Unpacks Debian packages into $1: from the suites $2, the newest that fits each of the names (apt's `name=version`).
# They are signed as for an installation, and nothing is installed: what they would depend on does not matter. Prints
# the packages it took.
unpack_debian() {
  local root=$1 suites=$2 t=$1.apt mirror suite deb
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || die "apt-get knows no Debian mirror: set PARTS_DEBIAN_MIRROR to the address of one"
  mkdir -p "$t"/{lists,cache/archives}/partial
  for suite in $suites; do
    # A mirror that stood still for some weeks is good enough to test with.
    echo "deb [target=Packages check-valid-until=no signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
  done >"$t/list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$t/list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::Lists=$t/lists" -o Dir::State::status=/dev/null -o "Dir::Cache=$t/cache" -o APT::Sandbox::User=root)
  (cd "$t" && "${apt[@]}" update && "${apt[@]}" download "${@:3}") >"$t/log" 2>&1 || {
    cat "$t/log" >&2
    die "no Debian packages ${*:3} from $suites"
  }
  for deb in "$t"/*.deb; do dpkg -x "$deb" "$root"; done
  (cd "$t" && printf '%s\n' *.deb | sed 's/_[^_]*$//; s/_/ /' | paste -sd,)
  rm -r "$t"
}
