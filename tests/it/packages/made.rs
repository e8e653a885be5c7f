//! The packages themselves, made once for all tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The version that is installed first, and the one that replaces it.
pub(super) const VERSIONS: [&str; 2] = ["0.1.0", "0.1.1"];

/// One run of `scripts/package`.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) deb: PathBuf,
    pub(super) rpm: PathBuf,
    pub(super) archive: PathBuf,
}

/// What a program of the system says, and nothing else: it must end well.
#[expect(
    clippy::disallowed_methods,
    reason = "packages are looked at by those who made their formats"
)]
pub(super) fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {err}");
    String::from_utf8(output.stdout).expect("text")
}

/// A file of the project.
pub(super) fn of_project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The packages in that version, with these variables and this mask for new files.
pub(super) fn make(version: &str, to: &str, mask: &str, environment: &[(&str, &str)]) -> Made {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages").join(to);
    let _ = fs::remove_dir_all(&to);
    let variables = environment.iter().map(|(name, value)| format!("{name}={value}"));
    let script = format!(
        "umask {mask}; exec env {} '{}' --program '{}' --version {version} --to '{}'",
        variables.collect::<Vec<_>>().join(" "),
        of_project("scripts/package").display(),
        program().display(),
        to.display()
    );
    let paths = said("sh", &["-c", &script]);
    let paths: Vec<PathBuf> = paths.lines().map(PathBuf::from).collect();
    let [deb, rpm, archive] = <[PathBuf; 3]>::try_from(paths).expect("three files");
    Made { deb, rpm, archive }
}

/// The program of the tests without what only a debugger reads, which is nine tenths of it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages/quorate");
        fs::create_dir_all(to.parent().expect("a parent")).expect("made");
        said(
            "strip",
            &["-o", &to.display().to_string(), env!("CARGO_BIN_EXE_quorate")],
        );
        to
    })
}

/// Those of the first version.
pub(super) fn first() -> &'static Made {
    static FIRST: OnceLock<Made> = OnceLock::new();
    FIRST.get_or_init(|| make(VERSIONS[0], "first", "022", &[]))
}

/// Those of the second version.
pub(super) fn second() -> &'static Made {
    static SECOND: OnceLock<Made> = OnceLock::new();
    SECOND.get_or_init(|| make(VERSIONS[1], "second", "022", &[]))
}

/// The files of the first .deb, unpacked.
pub(super) fn unpacked() -> &'static Path {
    static TREE: OnceLock<PathBuf> = OnceLock::new();
    TREE.get_or_init(|| {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages/unpacked");
        let _ = fs::remove_dir_all(&to);
        said("dpkg-deb", &["-x", text(&first().deb), &to.display().to_string()]);
        to
    })
}

/// A path as text.
pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
