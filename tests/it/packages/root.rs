//! A small Debian in a folder of its own: real dpkg, apt and rpm, and in place of a running systemd a program that says which services
//! there are and notes what it is told.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;

use super::made::{said, text};
use crate::support::{part, program::Run};

/// What `systemctl show` says of it; of a real one on systemd 252.
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) can_reload: bool,
    pub(super) program: &'static str,
}

/// Ours and others, in every state that matters.
pub(super) const SERVICES: [Service; 8] = [
    service("cron.service", "active", false, "/usr/sbin/cron"),
    service("elasticsearch@1.service", "active", true, "/usr/bin/quorate"),
    service("elasticsearch-discovery@1.service", "active", true, "/usr/bin/quorate"),
    service("elasticsearch@2.service", "activating", true, "/usr/bin/quorate"),
    service("elasticsearch@3.service", "inactive", true, "/usr/bin/quorate"),
    service("elasticsearch@4.service", "active", true, "/usr/local/bin/quorate"),
    service(
        "elasticsearch.service",
        "active",
        true,
        "/usr/share/elasticsearch/bin/systemd-entrypoint",
    ),
    service("seed-list.service", "active", false, "/usr/bin/quorate"),
];

const fn service(name: &'static str, state: &'static str, can_reload: bool, program: &'static str) -> Service {
    Service {
        name,
        state,
        can_reload,
        program,
    }
}

impl Service {
    fn shown(&self) -> String {
        let program = self.program;
        format!(
            "ExecStart={{ path={program} ; argv[]={program} launch --instance 1 ; ignore_errors=no ; \
             start_time=[Sun 2026-11-29 07:18:46 UTC] ; stop_time=[n/a] ; pid=311 ; code=(null) ; status=0/0 }}\n\
             Id={}\nActiveState={}\nCanReload={}\n",
            self.name,
            self.state,
            if self.can_reload { "yes" } else { "no" },
        )
    }
}

const SYSTEMCTL: &str = "#!/bin/sh\n[ \"$1\" != show ] || exec cat /services\necho \"$*\" >>/told\n";

/// The folder; gone when dropped.
pub(super) struct Root {
    dir: tempfile::TempDir,
}

impl Root {
    /// A fresh one, with a systemd that runs these services.
    pub(super) fn new(services: &[Service]) -> Self {
        assert!(
            geteuid().is_root(),
            "only root can install packages: run the tests as root"
        );
        let dir = tempfile::tempdir().expect("a folder");
        said(
            "tar",
            &["-C", text(dir.path()), "-xpf", &part("QUORATE_TEST_DEBIAN_ROOT")],
        );
        let root = Self { dir };
        // What kept it small when it was made.
        let _ = fs::remove_file(root.path("etc/dpkg/dpkg.cfg.d/99mmdebstrap"));
        root.write("usr/bin/systemctl", SYSTEMCTL);
        fs::set_permissions(root.path("usr/bin/systemctl"), fs::Permissions::from_mode(0o755)).expect("executable");
        fs::create_dir_all(root.path("run/systemd/system")).expect("made");
        root.with(services)
    }

    /// The same host, where these run now.
    pub(super) fn with(self, services: &[Service]) -> Self {
        let shown: Vec<String> = services.iter().map(Service::shown).collect();
        self.write("services", &shown.join("\n"));
        self
    }

    /// The same path seen from outside.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect(path)
    }

    pub(super) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }

    pub(super) fn link(&self, path: &str, to: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        symlink(to, path).expect("linked");
    }

    /// What systemd was told since the last time, but for what it was asked.
    pub(super) fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.path("told")).unwrap_or_default();
        let _ = fs::remove_file(self.path("told"));
        told.lines().map(str::to_owned).collect()
    }

    /// Runs it in there; nobody answers questions.
    #[expect(clippy::disallowed_methods, reason = "dpkg, apt and rpm are processes")]
    pub(super) fn run(&self, command: &[&str]) -> Run {
        let enter = "mount --rbind /dev \"$1/dev\" && mount --rbind /proc \"$1/proc\" && exec chroot \"$@\"";
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", enter, "sh", text(self.dir.path())])
            .args(command)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(std::process::Stdio::null())
            .output()
            .expect("it runs");
        Run {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it in there, and it must end well; what it said.
    pub(super) fn done(&self, command: &[&str]) -> String {
        let run = self.run(command);
        assert_eq!(run.code, Some(0), "{command:?}: {}{}", run.out, run.err);
        format!("{}{}", run.out, run.err)
    }

    /// Apt installs the file as people do it.
    pub(super) fn apt_install(&self, deb: &Path) -> String {
        fs::copy(deb, self.path("quorate.deb")).expect("copied");
        self.done(&["apt-get", "install", "-y", "/quorate.deb"])
    }
}
