//! Vagrant with the project's own Vagrantfile, in a folder of its own. Whatever it has started is gone when it is dropped.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

use super::{part, session::Shell, setting};

/// The folder of what Vagrant reads.
pub(crate) fn in_vagrant(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect(name)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vagrant")
}

static STARTS: Mutex<()> = Mutex::new(());

/// The right to start hosts, until dropped: Vagrant looks for free ports of this machine, and takes them later.
pub(crate) fn start() -> MutexGuard<'static, ()> {
    STARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How quorate comes onto the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Package,
    Executable,
}

/// A copy of it with a configuration, where a user may type.
#[derive(Debug)]
pub(crate) struct Vagrant {
    pub(crate) shell: Shell,
    dir: TempDir,
}

impl Vagrant {
    /// With `config.rb` as given. There is a program of the right name and no archive of an image.
    pub(crate) fn with(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        for name in ["vagrant", "vagrant/images", "artifacts", "bin", "home"] {
            fs::create_dir(path(name)).expect("a directory");
        }
        for name in ["Vagrantfile", "provision", "etcd.service", "config.rb.sample"] {
            fs::copy(folder().join(name), path("vagrant").join(name)).expect(name);
        }
        let artifacts = path("artifacts").display().to_string();
        let config = format!("$artifacts = \"{artifacts}\"\n{config}");
        fs::write(path("vagrant/config.rb"), config).expect("a configuration");
        let variables = [
            ("PATH", format!("{}:{}", path("bin").display(), part("PATH"))),
            ("HOME", part("HOME")),
            ("VAGRANT_HOME", path("home").display().to_string()),
            ("VAGRANT_CHECKPOINT_DISABLE", "1".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        let engine = setting("QUORATE_TEST_DOCKER_HOST").map(|host| ("DOCKER_HOST".to_owned(), host));
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let shell = Shell {
            dir: path("vagrant"),
            variables: variables.into_iter().chain(engine).collect(),
        };
        let vagrant = Self { shell, dir };
        vagrant.program("VBoxManage", "#!/bin/sh\necho 7.0.14\n");
        fs::write(vagrant.path("artifacts/quorate-x86_64-unknown-linux-musl"), "").expect("a program");
        vagrant
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A program that is found before others of its name.
    fn program(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
    }

    /// Puts what users put onto their hosts where the Vagrantfile looks for it: the package, or the executable alone.
    pub(crate) fn puts_quorate(&self, how: Put) {
        let artifacts = self.path("artifacts").display().to_string();
        let (project, program) = (env!("CARGO_MANIFEST_DIR"), env!("CARGO_BIN_EXE_quorate"));
        // What only a debugger reads is nine tenths of it.
        let stripped = format!("{artifacts}/quorate-x86_64-unknown-linux-musl");
        self.types(&format!("strip -o {stripped} {program}"));
        if how == Put::Package {
            self.types(&format!(
                "{project}/scripts/package --program {stripped} --to {artifacts} && rm {stripped}"
            ));
        }
    }

    /// The image of a host, which is made if it is not there.
    pub(crate) fn host_image(&self) -> String {
        let said = self.types(&format!("{}/scripts/host-image", env!("CARGO_MANIFEST_DIR")));
        let named = said
            .lines()
            .find_map(|line| line.strip_prefix("QUORATE_TEST_HOST_IMAGE="));
        named.expect("an image").to_owned()
    }

    /// More of `config.rb`.
    pub(crate) fn configures(&self, more: &str) {
        let path = self.path("vagrant/config.rb");
        let config = fs::read_to_string(&path).expect("a configuration");
        fs::write(path, config + more).expect("a configuration");
    }

    /// Types commands that succeed; what they say.
    pub(crate) fn types(&self, commands: &str) -> String {
        let (succeeded, said) = self.shell.run(commands);
        assert!(succeeded, "{commands}\n{said}");
        said
    }
}

impl Drop for Vagrant {
    fn drop(&mut self) {
        if self.path("vagrant/.vagrant").exists() {
            self.shell.run("vagrant destroy --force");
        }
    }
}
