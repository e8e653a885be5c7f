//! The user whose rights the node gets, and a look at the host with those rights. Reads `/etc/passwd`; changes nothing.

use std::io;

use rustix::{
    process::{Gid, Uid},
    thread::{set_thread_gid, set_thread_groups, set_thread_uid},
};

use crate::exit::Problem;

/// A user and its main group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name, or the number as it was given.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its main group's number.
    pub gid: u32,
}

/// Whether this process may become another user.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl User {
    /// The user of the node: none where the launcher itself has no rights to give away.
    pub fn of_node(said: Option<&str>, product: &str) -> Result<Option<Self>, Problem> {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::choose(said, product, rustix::process::geteuid().as_raw(), &passwd)
    }

    fn choose(said: Option<&str>, product: &str, own: u32, passwd: &str) -> Result<Option<Self>, Problem> {
        match (said.map(|name| (name, Self::named(name, passwd))), own == 0) {
            (Some((name, None)), _) => Err(Problem::with_hint(
                format!("there is no user `{name}` in /etc/passwd"),
                "name another one, or its numbers: `--user UID:GID`",
            )),
            (Some((name, Some(user))), true) if user.uid == 0 => Err(Problem::with_hint(
                format!("`--user` is `{name}`, but a search node refuses to run as root"),
                "name an unprivileged user",
            )),
            (Some((_, Some(user))), true) => Ok(Some(user)),
            (Some((_, Some(user))), false) if user.uid == own => Ok(None),
            (Some((name, Some(_))), false) => Err(Problem::with_hint(
                format!("only root can start the node as `{name}`"),
                "leave `--user` out, or start the launcher as root",
            )),
            (None, false) => Ok(None),
            (None, true) => Self::named(product, passwd).map(Some).ok_or_else(|| {
                Problem::with_hint(
                    format!("a search node refuses to run as root, and there is no user `{product}`"),
                    format!("make one, `useradd --system {product}`, or name another: `--user NAME`"),
                )
            }),
        }
    }

    /// `name` in a text of the form of `/etc/passwd`, or `UID:GID`.
    fn named(name: &str, passwd: &str) -> Option<Self> {
        let user = |uid: &str, gid: &str| {
            Some(Self {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            })
        };
        if let Some((uid, gid)) = name.split_once(':') {
            return user(uid, gid);
        }
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(name);
            let (uid, gid) = (fields.nth(1)?, fields.next()?);
            is_it.then(|| user(uid, gid)).flatten()
        })
    }
}

/// Runs `look` with the rights of `user`, and of no group but its main one: only so a file that can be opened is one that the
/// node can open, whatever rules beside the modes there are. Linux gives rights to threads, so a thread of its own is enough.
pub fn with_rights_of<T: Send>(user: Option<&User>, look: impl FnOnce() -> T + Send) -> io::Result<T> {
    let Some(user) = user else {
        return Ok(look());
    };
    let become_user = || -> io::Result<()> {
        set_thread_groups(&[])?;
        set_thread_gid(Gid::from_raw(user.gid))?;
        set_thread_uid(Uid::from_raw(user.uid))?;
        Ok(())
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| become_user().map(|()| look()));
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the look at the host ended early")))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\nopensearch:x:998:997::/:/x\n";

    #[test]
    fn the_user_is_the_named_one_or_the_one_that_is_called_like_the_product() {
        let choose = |said, own| User::choose(said, "opensearch", own, PASSWD).map(|user| user.map(|u| (u.uid, u.gid)));
        assert_eq!(choose(Some("nobody"), 0), Ok(Some((65534, 65533))));
        assert_eq!(choose(Some("12:34"), 0), Ok(Some((12, 34))));
        assert_eq!(choose(None, 0), Ok(Some((998, 997))));
        assert_eq!(choose(None, 1000), Ok(None));
        assert_eq!(choose(Some("nobody"), 65534), Ok(None), "it is that user already");
    }

    #[test]
    fn a_user_that_cannot_be_is_refused_with_the_way_out() {
        for (said, product, own, hint) in [
            (Some("nemo"), "opensearch", 0, "`--user UID:GID`"),
            (Some("root"), "opensearch", 0, "unprivileged"),
            (Some("nobody"), "opensearch", 1000, "as root"),
            (None, "elasticsearch", 0, "useradd --system elasticsearch"),
        ] {
            let problem = User::choose(said, product, own, PASSWD).expect_err("refused");
            assert!(problem.hint.is_some_and(|text| text.contains(hint)), "{said:?}");
        }
    }

    #[test]
    fn another_users_rights_are_those_of_a_thread_only() {
        if !is_root() {
            // Without root there are no rights to take on; the function then looks with its own.
            assert_eq!(with_rights_of(None, || 7).expect("looked"), 7);
            return;
        }
        let nobody = User::choose(Some("65534:65534"), "x", 0, "").expect("user");
        let dir = tempfile::tempdir().expect("directory");
        let secret = dir.path().join("secret");
        std::fs::write(&secret, b"x").expect("written");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("closed");
        let seen = with_rights_of(nobody.as_ref(), || std::fs::read(&secret).map_err(|error| error.kind()));
        assert_eq!(seen.expect("looked"), Err(io::ErrorKind::PermissionDenied));
        assert!(std::fs::read(&secret).is_ok(), "this thread is root still");
    }
}
