//! `quorate units`: the systemd units for this host printed, compared with what is there, or written. It runs nothing.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use clap::ArgMatches;
use rustix::fs::{Access, access};

use crate::{
    exit::{Exit, Failure, Problem},
    host::{read_optional, write_atomic},
    output,
    units::{Engine, Host, Standing, TEMPLATES, unified},
};

/// A unit as it is to be.
struct Wanted {
    name: &'static str,
    text: String,
}

/// What is there in its place.
struct Found {
    path: PathBuf,
    content: Option<Vec<u8>>,
    /// Where it leads to, when it is a link: `systemctl mask` makes one, we never do.
    link: Option<PathBuf>,
    standing: Standing,
}

/// Prints them as they would be written; several with the name of each above it.
pub(super) fn print(matches: &ArgMatches) -> Result<Exit, Failure> {
    let wanted = wanted(matches)?;
    let text = match wanted.as_slice() {
        [one] => one.text.clone(),
        several => {
            let headed = several.iter().map(|unit| format!("# {}\n{}", unit.name, unit.text));
            headed.collect::<Vec<_>>().join("\n")
        }
    };
    output::bytes(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Says how each stands to what is there, and what is different.
pub(super) fn diff(matches: &ArgMatches) -> Result<Exit, Failure> {
    let wanted = wanted(matches)?;
    let dir = directory(matches)?;
    let mut text = String::new();
    let mut all_same = true;
    for unit in &wanted {
        let found = Found::of(dir, unit)?;
        let path = found.path.display();
        all_same &= found.standing == Standing::Same;
        let _ = writeln!(text, "{path}: {}", found.words());
        if let Some(content) = found.content.filter(|_| found.standing != Standing::Same) {
            let lines = unified(&String::from_utf8_lossy(&content), &unit.text);
            let _ = write!(text, "--- {path}\n+++ what would be written\n{lines}");
        }
    }
    output::bytes(text.as_bytes())?;
    Ok(if all_same { Exit::Done } else { Exit::Failed })
}

/// Writes those that are missing or may be replaced. All are judged before one is written.
pub(super) fn install(matches: &ArgMatches) -> Result<Exit, Failure> {
    let wanted = wanted(matches)?;
    let dir = directory(matches)?;
    let force = matches.get_flag("force");
    let mut work = Vec::new();
    let mut problems = Vec::new();
    for unit in wanted {
        let found = Found::of(dir, &unit)?;
        problems.extend(found.refusal(unit.name, force));
        work.push((unit, found));
    }
    if !problems.is_empty() {
        return Err(Failure {
            exit: Exit::Refused,
            problems,
        });
    }
    let idle = work.iter().all(|(_, found)| found.standing == Standing::Same);
    if !idle {
        access(dir, Access::WRITE_OK | Access::EXEC_OK).map_err(|errno| cannot("write into", dir, &errno.into()))?;
    }
    let mut said = String::new();
    let done = work
        .iter()
        .try_for_each(|(unit, found)| write(unit, found).map(|line| said.push_str(&line)));
    if done.is_ok() && !idle {
        said.push_str("next: `systemctl daemon-reload`, then `systemctl enable --now elasticsearch@1`\n");
    }
    // After all is written: a reader that has gone away must not stop the work, nor a failure hide what was done.
    output::bytes(said.as_bytes())?;
    done.map(|()| Exit::Done)
}

/// Writes one, and says so.
fn write(unit: &Wanted, found: &Found) -> Result<String, Failure> {
    let path = &found.path;
    let how = match found.standing {
        Standing::Same => return Ok(format!("{}: the same, left alone\n", path.display())),
        Standing::Missing => "written".to_owned(),
        Standing::Ours => "replaced; nobody had changed it".to_owned(),
        Standing::Changed | Standing::Foreign => {
            let kept = found.kept();
            // A link replaces nothing, and keeps owner, mode and time.
            if let Err(error) = fs::hard_link(path, &kept)
                && !found.is_kept_in(&kept)
            {
                return Err(cannot("keep the old one as", &kept, &error));
            }
            format!("replaced; what was there is kept as {}", kept.display())
        }
    };
    write_atomic(path, unit.text.as_bytes(), 0o644).map_err(|error| cannot("write", path, &error))?;
    Ok(format!("{}: {how}\n", path.display()))
}

impl Found {
    fn of(dir: &Path, unit: &Wanted) -> Result<Self, Failure> {
        let path = dir.join(unit.name);
        let content = read_optional(&path).map_err(|error| cannot("read", &path, &error))?;
        let link = fs::read_link(&path).ok();
        let judged = Standing::of(content.as_deref(), &unit.text);
        let standing = if link.is_some() && judged != Standing::Same {
            Standing::Foreign
        } else {
            judged
        };
        Ok(Self {
            path,
            content,
            link,
            standing,
        })
    }

    /// What it is, in words.
    fn words(&self) -> String {
        match (self.standing, &self.link) {
            (Standing::Missing, _) => "missing".to_owned(),
            (Standing::Same, _) => "the same".to_owned(),
            (Standing::Ours, _) => {
                "different: of another version or with other options, and nobody has changed it".to_owned()
            }
            (Standing::Changed, _) => "different: somebody has changed it since it was written".to_owned(),
            (Standing::Foreign, Some(to)) => format!("different: a link to {}", to.display()),
            (Standing::Foreign, None) => "different: not written by `quorate units`".to_owned(),
        }
    }

    /// Where it is kept when it is replaced by force. Nothing that systemd would read.
    fn kept(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".before");
        name.into()
    }

    /// Whether that file already holds the same.
    fn is_kept_in(&self, kept: &Path) -> bool {
        self.content.is_some() && fs::read(kept).ok() == self.content
    }

    /// Why it may not be replaced, if so.
    fn refusal(&self, name: &str, force: bool) -> Option<Problem> {
        let path = self.path.display();
        let what = match (self.standing, &self.link) {
            (Standing::Missing | Standing::Same | Standing::Ours, _) => return None,
            (Standing::Changed | Standing::Foreign, _) if force => {
                let kept = self.kept();
                let clash = fs::symlink_metadata(&kept).is_ok() && !self.is_kept_in(&kept);
                return clash.then(|| {
                    Problem::with_hint(
                        format!("`{path}` cannot be kept as `{}`, where another file is", kept.display()),
                        "nothing was written; move that file away first",
                    )
                });
            }
            (Standing::Foreign, Some(to)) => format!("`{path}` is a link to `{}`", to.display()),
            (Standing::Foreign, None) => format!("`{path}` was not written by `quorate units`"),
            (Standing::Changed, _) => format!("`{path}` was changed since `quorate units` wrote it"),
        };
        let hint = format!(
            "nothing was written; look at `quorate units diff`, put your changes into a drop-in (`systemctl edit {name}`), \
             or replace it with `--force`"
        );
        Some(Problem::with_hint(what, hint))
    }
}

/// The units that were asked for, made to fit the host.
fn wanted(matches: &ArgMatches) -> Result<Vec<Wanted>, Failure> {
    let host = host(matches)?;
    if host.hides_program() {
        output::note(&format!(
            "warning: the sidecar's unit cannot run `{}`: homes and temporary directories are hidden from it\n \
             hint: put the program where everybody may read it, e.g. /usr/local/bin, and run that one or name it with `--program`",
            host.program()
        ));
    }
    let named: Vec<&String> = matches.get_many::<String>("unit").into_iter().flatten().collect();
    let asked = TEMPLATES
        .iter()
        .filter(|template| named.is_empty() || named.iter().any(|name| *name == template.name));
    let fitting = asked.map(|template| Wanted {
        name: template.name,
        text: template.on(&host),
    });
    Ok(fitting.collect())
}

fn host(matches: &ArgMatches) -> Result<Host, Failure> {
    let engine = match matches.get_one::<String>("engine").map(String::as_str) {
        Some("podman" | "process") => Engine::Other,
        _ => Engine::Docker,
    };
    let program = match matches.get_one::<PathBuf>("program") {
        Some(path) => path.clone(),
        None => std::env::current_exe()?,
    };
    Host::new(&program, engine).map_err(|_| {
        // So the kernel calls a program whose file is gone, replaced ones included.
        let what = match program.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
            Some(was) => format!("this program is no longer at `{was}`"),
            None => format!("a unit cannot start `{}`", program.display()),
        };
        let hint = "name it with `--program`: an absolute path of letters, digits and any of `/._-+@:,=~`";
        Failure::with_hint(Exit::Usage, what, hint)
    })
}

fn directory(matches: &ArgMatches) -> Result<&Path, Failure> {
    let dir = matches.get_one::<PathBuf>("directory");
    let dir = dir.ok_or_else(|| Failure::new(Exit::Usage, "which directory?"))?;
    match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => Ok(dir),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("read", dir, &error)),
        Ok(_) | Err(_) => Err(Failure::with_hint(
            Exit::Usage,
            format!("`{}` is no directory", dir.display()),
            "name the one where systemd looks for units with `--directory`; it is never made",
        )),
    }
}

/// A failure of the host, with what can be done about it.
fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot {what} `{}`: {error}", path.display());
    if error.kind() == io::ErrorKind::PermissionDenied {
        let hint = "run it with `sudo`, or name another directory with `--directory`";
        return Failure::with_hint(Exit::Failed, text, hint);
    }
    io::Error::new(error.kind(), text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_does_not_allow_is_said_with_a_way_on() {
        let path = Path::new("/etc/systemd/system/a.service");
        for (kind, hint) in [
            (
                io::ErrorKind::PermissionDenied,
                Some("run it with `sudo`, or name another directory with `--directory`"),
            ),
            (
                io::ErrorKind::StorageFull,
                Some("make room on that file system, and run it again"),
            ),
            (io::ErrorKind::IsADirectory, None),
        ] {
            let failure = cannot("write", path, &io::Error::new(kind, "why"));
            assert_eq!(failure.exit, Exit::Failed);
            let expected = Problem {
                what: format!("cannot write `{}`: why", path.display()),
                hint: hint.map(str::to_owned),
            };
            assert_eq!(failure.problems, [expected]);
        }
    }
}
