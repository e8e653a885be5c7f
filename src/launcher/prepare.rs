//! Makes the directories and the config directory of a node, just before it starts.
//!
//! Runs as root over directories that the node's user may write, so: what is made, is made where only the launcher may write and
//! moved into place, ownership is given last, and no link is ever followed into a change.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt, lchown, symlink},
    path::{Path, PathBuf},
};

use super::{
    layout::Layout,
    render::{CERTIFICATES, java_options},
    seeds,
    user::User,
};

/// An error with the path it is about.
fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Makes what is missing of the directories that every node has. Those that are there are left as they are.
pub fn directories(layout: &Layout, user: Option<&User>) -> io::Result<()> {
    make(&layout.dir, 0o755, None)?;
    make(&layout.seeds, 0o755, None)?;
    make(&layout.data, 0o750, user)
}

/// The same for those of a plain process: a container has its own.
pub fn process_directories(layout: &Layout, user: Option<&User>) -> io::Result<()> {
    make(&layout.tmp, 0o700, user)?;
    make(&layout.logs, 0o755, user)
}

/// Makes `dir`, and what is missing above it, for everyone to enter and read.
pub fn open_to_all(dir: &Path) -> io::Result<()> {
    make(dir, 0o755, None)
}

/// Makes `path` with exactly this mode, whatever the umask; missing parents are open to everyone.
fn make(path: &Path, mode: u32, user: Option<&User>) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
        make(parent, 0o755, None)?;
    }
    // With its mode from the first instant: launchers of other nodes look through shared parents meanwhile.
    match DirBuilder::new().mode(mode).create(path) {
        // Somebody else was faster, e.g. the launcher of another node below the same directory.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => {
            let remedy = "choose another `--state-dir`, `--run-dir` or `--data`";
            let what = format!("cannot make the directory {}: {error}; {remedy}", path.display());
            return Err(io::Error::new(error.kind(), what));
        }
        Ok(()) => {}
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path))?;
    give(path, user)
}

/// What a config directory holds by reference, so that it stays true while the node runs.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    /// The seed file's path in the config directory, where the line reads one.
    pub seed_file: Option<&'a str>,
    /// The directory of the node's certificates.
    pub certificates: Option<&'a Path>,
}

/// Makes the config directory afresh: a copy of the distribution's, for this Java, with `settings` as its settings file and the links
/// in it.
pub fn config(
    layout: &Layout,
    (source, java): (&Path, Option<u32>),
    settings: (&str, &str),
    links: Links<'_>,
    user: Option<&User>,
) -> io::Result<()> {
    let fresh = layout.dir.join(".config.new");
    let options = |text: &str| java_options(text, java, &layout.logs, &layout.data);
    remove(&fresh)?;
    DirBuilder::new().mode(0o700).create(&fresh).map_err(at(&fresh))?;
    copy(source, &fresh, &options)?;
    let (name, text) = settings;
    remove(&fresh.join(name))?;
    fs::write(fresh.join(name), text).map_err(at(&fresh.join(name)))?;
    if let Some(seed_file) = links.seed_file {
        link(&seed_path(layout), &fresh.join(seed_file))?;
    }
    if let Some(certificates) = links.certificates {
        link(certificates, &fresh.join(CERTIFICATES))?;
    }
    give_all(&fresh, user)?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o750)).map_err(at(&fresh))?;
    remove(&layout.config)?;
    fs::rename(&fresh, &layout.config).map_err(at(&layout.config))
}

/// Links `name` to `target`, whatever is there by that name.
fn link(target: &Path, name: &Path) -> io::Result<()> {
    remove(name)?;
    symlink(target, name).map_err(at(name))
}

/// The live seed file, which the node reaches by a link in its config directory.
pub fn seed_path(layout: &Layout) -> PathBuf {
    layout.seeds.join(seeds::file::NAME)
}

/// Copies files and directories. A link becomes a link to what it meant, so that certificates may lie elsewhere.
fn copy(from: &Path, to: &Path, options: &dyn Fn(&str) -> String) -> io::Result<()> {
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(at(&source))?;
        if kind.is_dir() {
            DirBuilder::new().mode(0o750).create(&target).map_err(at(&target))?;
            copy(&source, &target, options)?;
        } else if kind.is_symlink() {
            let meant = fs::canonicalize(&source)
                .or_else(|_| fs::read_link(&source))
                .map_err(at(&source))?;
            symlink(meant, &target).map_err(at(&target))?;
        } else if is_java_options(&source) {
            let text = fs::read_to_string(&source).map_err(at(&source))?;
            fs::write(&target, options(&text)).map_err(at(&target))?;
        } else if kind.is_file() {
            fs::copy(&source, &target).map_err(at(&source))?;
        }
    }
    Ok(())
}

fn is_java_options(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(std::ffi::OsStr::to_string_lossy)
        .unwrap_or_default();
    name == "jvm.options"
        || path.parent().is_some_and(|dir| dir.ends_with("jvm.options.d")) && name.ends_with(".options")
}

fn remove(path: &Path) -> io::Result<()> {
    let result = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn give_all(path: &Path, user: Option<&User>) -> io::Result<()> {
    if fs::symlink_metadata(path).map_err(at(path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(at(path))? {
            give_all(&entry.map_err(at(path))?.path(), user)?;
        }
    }
    give(path, user)
}

fn give(path: &Path, user: Option<&User>) -> io::Result<()> {
    user.map_or(Ok(()), |user| {
        lchown(path, Some(user.uid), Some(user.gid)).map_err(at(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: Links<'static> = Links {
        seed_file: Some("unicast_hosts.txt"),
        certificates: None,
    };

    fn layout(dir: &Path) -> Layout {
        let (service, id) = ("es".parse().expect("name"), "10.0.0.1".parse().expect("id"));
        Layout::new(&dir.join("state"), &service, &id, &dir.join("data"))
    }

    fn distribution(dir: &Path) -> PathBuf {
        let config = dir.join("home/config");
        fs::create_dir_all(config.join("jvm.options.d")).expect("config");
        fs::create_dir_all(dir.join("certs")).expect("certs");
        fs::write(config.join("elasticsearch.yml"), "# nothing\n").expect("written");
        fs::write(config.join("log4j2.properties"), "x\n").expect("written");
        fs::write(config.join("jvm.options"), "-XX:ErrorFile=logs/e\n").expect("written");
        fs::write(config.join("jvm.options.d/gc.options"), "-Xloggc:logs/gc.log\n").expect("written");
        symlink("../../certs", config.join("certs")).expect("linked");
        config
    }

    #[test]
    fn the_config_directory_is_the_distributions_with_our_settings() {
        let dir = tempfile::tempdir().expect("directory");
        let (layout, source) = (layout(dir.path()), distribution(dir.path()));
        directories(&layout, None).expect("directories");
        for text in ["a: 1\n", "a: 2\n"] {
            config(&layout, (&source, None), ("elasticsearch.yml", text), LINKS, None).expect("config");
            let read = |name: &str| fs::read_to_string(layout.config.join(name)).expect(name);
            assert_eq!(read("elasticsearch.yml"), text);
            assert_eq!(read("log4j2.properties"), "x\n");
            assert_eq!(
                read("jvm.options"),
                format!("-XX:ErrorFile={}/e\n", layout.logs.display())
            );
            assert_eq!(
                read("jvm.options.d/gc.options"),
                format!("-Xloggc:{}/gc.log\n", layout.logs.display())
            );
            assert_eq!(
                fs::canonicalize(layout.config.join("certs")).expect("link"),
                fs::canonicalize(dir.path().join("certs")).expect("certs")
            );
            fs::write(layout.config.join("left-by-the-node"), "x").expect("written");
        }
        assert_eq!(
            fs::read_to_string(source.join("elasticsearch.yml")).expect("source"),
            "# nothing\n"
        );
        fs::write(layout.seeds.join("unicast_hosts.txt"), "h:1\n").expect("seeds");
        assert_eq!(
            fs::read_to_string(layout.config.join("unicast_hosts.txt")).expect("seeds"),
            "h:1\n"
        );
    }

    #[test]
    fn a_link_in_place_of_the_config_directory_loses_nothing_behind_it() {
        let dir = tempfile::tempdir().expect("directory");
        let (layout, source) = (layout(dir.path()), distribution(dir.path()));
        directories(&layout, None).expect("directories");
        fs::create_dir(dir.path().join("precious")).expect("precious");
        fs::write(dir.path().join("precious/file"), "x").expect("written");
        symlink(dir.path().join("precious"), &layout.config).expect("linked");
        config(&layout, (&source, None), ("elasticsearch.yml", ""), LINKS, None).expect("config");
        assert!(dir.path().join("precious/file").is_file());
        assert!(fs::symlink_metadata(&layout.config).expect("config").is_dir());
    }

    #[test]
    fn directories_have_their_modes_and_those_that_are_there_keep_theirs() {
        let dir = tempfile::tempdir().expect("directory");
        let layout = layout(dir.path());
        fs::create_dir(&layout.data).expect("data");
        fs::set_permissions(&layout.data, Permissions::from_mode(0o711)).expect("mode");
        directories(&layout, None).expect("directories");
        process_directories(&layout, None).expect("directories");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(
            (mode(&layout.dir), mode(&layout.tmp), mode(&layout.data)),
            (0o755, 0o700, 0o711)
        );
    }
}
