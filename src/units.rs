//! The systemd units: the templates of `units/`, made to fit a host, and whether a file on a host may be replaced.
//!
//! Text in, text out; nothing here looks at the host. `units/` is the only place where the units are written.
//!
//! Invariant: a text that is neither ours nor the wanted one is never judged replaceable. Ours is what ends in the seal that it
//! was written with: a checksum of all that stands above.

mod diff;

use std::{fmt::Write as _, path::Path};

pub(crate) use diff::unified;
use ring::digest::{SHA256, digest};

/// How the last line of a written unit begins; the checksum follows. Later versions look for it in the files of earlier ones.
const SEAL: &str = "# Written by quorate units, sha256 ";
/// How it ends, for whoever has the file in an editor. It may be put into other words: nobody looks for it.
const ADVICE: &str = "; change it by a drop-in (systemctl edit) instead.";
/// Where the program is in the templates.
const PROGRAM: &str = "ExecStart=/usr/local/bin/quorate ";
/// What only Docker has to be there for.
const DOCKER: &str = "docker.service";
/// Where `ProtectHome=` and `PrivateTmp=` of the sidecar's unit leave nothing to run.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// A unit as it stands in `units/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Template {
    /// The name of its file.
    pub(crate) name: &'static str,
    text: &'static str,
}

/// All of them, the one that is started first.
pub(crate) const TEMPLATES: [Template; 2] = [
    Template {
        name: "elasticsearch@.service",
        text: include_str!("../units/elasticsearch@.service"),
    },
    Template {
        name: "elasticsearch-discovery@.service",
        text: include_str!("../units/elasticsearch-discovery@.service"),
    },
];

/// What runs the node of that host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A service of its own, which has to be there first.
    Docker,
    /// Podman, which has none, or a plain process.
    Other,
}

/// What is different on each host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    program: String,
    engine: Engine,
}

/// A path that cannot stand in `ExecStart=` as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnfitPath;

impl Host {
    /// A host with the program at this path, which is absolute and of characters that mean nothing else to systemd.
    pub(crate) fn new(program: &Path, engine: Engine) -> Result<Self, UnfitPath> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,=~".contains(c);
        let text = program
            .to_str()
            .filter(|text| text.chars().all(plain))
            .ok_or(UnfitPath)?;
        if !program.is_absolute() || text.ends_with('/') {
            return Err(UnfitPath);
        }
        Ok(Self {
            program: text.to_owned(),
            engine,
        })
    }

    /// Where the program is.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// Whether the sidecar's unit, which is shut in, could not see the program.
    pub(crate) fn hides_program(&self) -> bool {
        HIDDEN.iter().any(|place| Path::new(&self.program).starts_with(place))
    }
}

impl Template {
    /// The whole file as it is written on that host.
    pub(crate) fn on(&self, host: &Host) -> String {
        sealed(&adapted(self.text, host))
    }
}

/// The unit with that host's program, and after the service of its engine alone.
fn adapted(text: &str, host: &Host) -> String {
    let mut adapted = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(arguments) = line.strip_prefix(PROGRAM) {
            let _ = writeln!(adapted, "ExecStart={} {arguments}", host.program);
        } else if let Some(units) = line.strip_prefix("After=").filter(|_| host.engine == Engine::Other) {
            let units: Vec<&str> = units.split_whitespace().filter(|unit| *unit != DOCKER).collect();
            // An empty assignment would take back the ones above it.
            if !units.is_empty() {
                let _ = writeln!(adapted, "After={}", units.join(" "));
            }
        } else {
            adapted.push_str(line);
            adapted.push('\n');
        }
    }
    adapted
}

/// The text with its seal.
fn sealed(text: &str) -> String {
    format!("{text}{}{ADVICE}\n", seal(text))
}

/// The seal of that text, without the advice.
fn seal(text: &str) -> String {
    let mut line = SEAL.to_owned();
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        let _ = write!(line, "{byte:02x}");
    }
    line
}

/// What a unit's file on a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not there.
    Missing,
    /// It is what would be written.
    Same,
    /// We wrote it, for another version or with other options, and nobody has changed it since.
    Ours,
    /// We wrote it, and somebody has changed it since.
    Changed,
    /// Somebody else wrote it.
    Foreign,
}

impl Standing {
    /// What `found` is, where `wanted` would be written.
    pub(crate) fn of(found: Option<&[u8]>, wanted: &str) -> Self {
        let Some(found) = found else { return Self::Missing };
        if found == wanted.as_bytes() {
            return Self::Same;
        }
        let Ok(text) = std::str::from_utf8(found) else {
            return Self::Foreign;
        };
        let last = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
        let (above, line) = text.split_at(last);
        let whole = line.ends_with('\n') && !line.ends_with("\n\n");
        if whole && line.starts_with(&seal(above)) {
            Self::Ours
        } else if text.contains(SEAL) {
            // Anywhere: whoever appends a line has changed it too.
            Self::Changed
        } else {
            Self::Foreign
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(program: &str, engine: Engine) -> Host {
        Host::new(Path::new(program), engine).expect("a path")
    }

    #[test]
    fn program_and_engine_are_all_that_changes_from_host_to_host() {
        let usual = "/usr/local/bin/quorate";
        let other = "/opt/quorate-1.2/bin/quorate";
        for (program, engine, text, expected) in [
            (
                usual,
                Engine::Docker,
                "After=a.service docker.service\n",
                "After=a.service docker.service\n",
            ),
            (
                usual,
                Engine::Other,
                "After=docker.service a.service b.service\n",
                "After=a.service b.service\n",
            ),
            (usual, Engine::Other, "[Unit]\nAfter=docker.service\n", "[Unit]\n"),
            (
                usual,
                Engine::Other,
                "After=network-online.target\n",
                "After=network-online.target\n",
            ),
            (usual, Engine::Other, "Wants=docker.service\n", "Wants=docker.service\n"),
            (
                usual,
                Engine::Other,
                "# After=docker.service\n",
                "# After=docker.service\n",
            ),
            (
                usual,
                Engine::Docker,
                "ExecStart=/usr/local/bin/quorate launch --instance %i\n",
                "ExecStart=/usr/local/bin/quorate launch --instance %i\n",
            ),
            (
                other,
                Engine::Docker,
                "ExecStart=/usr/local/bin/quorate sidecar\n",
                "ExecStart=/opt/quorate-1.2/bin/quorate sidecar\n",
            ),
            (
                other,
                Engine::Docker,
                "ExecReload=/bin/kill -HUP $MAINPID\n\n# /usr/local/bin/quorate\n",
                "ExecReload=/bin/kill -HUP $MAINPID\n\n# /usr/local/bin/quorate\n",
            ),
        ] {
            assert_eq!(adapted(text, &host(program, engine)), expected, "{program}, {text:?}");
        }
    }

    #[test]
    fn every_unit_starts_the_program_and_is_otherwise_as_it_stands() {
        let (usual, other) = (
            host("/usr/local/bin/quorate", Engine::Docker),
            host("/opt/q", Engine::Other),
        );
        for template in TEMPLATES {
            assert_eq!(adapted(template.text, &usual), template.text, "{}", template.name);
            let text = adapted(template.text, &other);
            let starts: Vec<_> = text.lines().filter(|line| line.starts_with("ExecStart=")).collect();
            assert!(
                matches!(starts.as_slice(), [one] if one.starts_with("ExecStart=/opt/q ")),
                "{starts:?}"
            );
            assert!(
                !text.contains(DOCKER) && !text.contains("/usr/local/bin/quorate"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_program_has_a_path_that_systemd_reads_as_it_is() {
        for path in ["/usr/local/bin/quorate", "/opt/quorate-1.2_x86~64/bin/quorate+a@b"] {
            assert_eq!(host(path, Engine::Docker).program(), path);
        }
        for path in [
            "quorate",
            "./quorate",
            "",
            "/a b/quorate",
            "/100%/q",
            "/$HOME/q",
            "/a\"b",
            "/a\\b",
            "/é",
            "/opt/",
        ] {
            assert_eq!(Host::new(Path::new(path), Engine::Docker), Err(UnfitPath), "{path}");
        }
    }

    #[test]
    fn a_program_in_a_home_is_hidden_from_the_sidecar() {
        for (path, hidden) in [
            ("/root/quorate", true),
            ("/home/ann/bin/quorate", true),
            ("/tmp/quorate", true),
            ("/usr/bin/quorate", false),
            ("/homes/quorate", false),
        ] {
            assert_eq!(host(path, Engine::Docker).hides_program(), hidden, "{path}");
        }
    }

    #[test]
    fn a_file_is_ours_only_as_long_as_its_seal_fits() {
        let (old, new) = (sealed("[Unit]\nA=1\n"), sealed("[Unit]\nA=2\n"));
        let cases: &[(&str, Option<String>, Standing)] = &[
            ("none", None, Standing::Missing),
            ("the wanted one", Some(new.clone()), Standing::Same),
            ("an older one", Some(old.clone()), Standing::Ours),
            ("the seal of nothing", Some(sealed("")), Standing::Ours),
            ("a changed value", Some(old.replace("A=1", "A=3")), Standing::Changed),
            (
                "a new value under an old seal",
                Some(old.replace("A=1", "A=2")),
                Standing::Changed,
            ),
            ("a line more", Some(old.replace("A=1", "A=1\nB=1")), Standing::Changed),
            ("a line below", Some(format!("{old}B=1\n")), Standing::Changed),
            ("an empty line below", Some(format!("{old}\n")), Standing::Changed),
            ("no newline", Some(old.trim_end().to_owned()), Standing::Changed),
            (
                "another line ending",
                Some(old.replace('\n', "\r\n")),
                Standing::Changed,
            ),
            (
                "the advice of another version",
                Some(old.replace(ADVICE, ".")),
                Standing::Ours,
            ),
            ("no seal", Some("[Unit]\nA=2\n".to_owned()), Standing::Foreign),
            ("empty", Some(String::new()), Standing::Foreign),
        ];
        for (name, found, expected) in cases {
            let found = found.as_ref().map(String::as_bytes);
            assert_eq!(Standing::of(found, &new), *expected, "{name}");
        }
        assert_eq!(Standing::of(Some(b"\xff\xfe"), &new), Standing::Foreign);
    }
}
