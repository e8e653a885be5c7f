# shellcheck shell=sh
# Beside the scripts of the packages: put before each of them by scripts/package, because each has to stand alone. For any POSIX shell.

# The services that this host knows of and that run our program, whatever their names and states, each with its state and whether it can
# be reloaded: `elasticsearch@1.service active yes`.
services() {
  systemctl show '*.service' --property=Id,ActiveState,CanReload,ExecStart 2>/dev/null | {
    name='' state='' reload='' ours=''
    while read -r line || [ -n "$name" ]; do
      case $line in
        Id=*) name=${line#*=} ;;
        ActiveState=*) state=${line#*=} ;;
        CanReload=*) reload=${line#*=} ;;
        ExecStart=*" path=/usr/bin/quorate ;"*) ours=yes ;;
        '')
          [ -z "$ours" ] || echo "$name $state $reload"
          name='' state='' reload='' ours='' ;;
      esac
    done
  }
}

# `systemctl ARGUMENT...`, where the host lets a package do that.
act() {
  if command -v deb-systemd-invoke >/dev/null; then deb-systemd-invoke "$@"
  else systemctl "$@"; fi
}

# Neither into another root nor where systemd does not run is there anything to reload or stop.
live() { [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; }
