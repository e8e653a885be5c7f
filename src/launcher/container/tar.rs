//! A tar stream of a few small files and links, as `cp -` of the container engines takes it. Pure.
//!
//! The format (POSIX ustar) is 512 bytes of header per entry; for that a library with file times, attributes and links that point
//! outside would be more to trust than to write.

use std::fmt::Write as _;

const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// A file with this content.
    File(&'a [u8]),
    /// A symbolic link to this path.
    Link(&'a str),
}

/// The stream. Names are relative, shorter than 100 bytes as are the targets of links; everything belongs to `owner`.
pub(super) fn archive(entries: &[(&str, Entry<'_>)], owner: (u32, u32)) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, entry) in entries {
        let (content, target) = match entry {
            Entry::File(content) => (*content, None),
            Entry::Link(target) => (&[][..], Some(*target)),
        };
        bytes.extend(header(name, content.len(), target, owner));
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks are the end.
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

fn header(name: &str, size: usize, target: Option<&str>, owner: (u32, u32)) -> Vec<u8> {
    let (mode, kind) = match target {
        None => (0o640, "0"),
        Some(_) => (0o777, "2"),
    };
    let octal = |value: u64, width: usize| format!("{value:0width$o}\0");
    let before = [
        field(name, 100),
        octal(mode, 7).into_bytes(),
        octal(owner.0.into(), 7).into_bytes(),
        octal(owner.1.into(), 7).into_bytes(),
        octal(size as u64, 11).into_bytes(),
        octal(0, 11).into_bytes(),
    ]
    .concat();
    let after = [
        field(kind, 1),
        field(target.unwrap_or_default(), 100),
        b"ustar\x0000".to_vec(),
    ]
    .concat();
    // The sum is taken with blanks in its own place.
    let sum: u64 = before.iter().chain(&after).map(|byte| u64::from(*byte)).sum::<u64>() + 8 * u64::from(b' ');
    let mut checksum = String::new();
    let _ = write!(checksum, "{sum:06o}\0 ");
    let mut header = [before, checksum.into_bytes(), after].concat();
    header.resize(BLOCK, 0);
    header
}

fn field(text: &str, width: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(width, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        os::unix::fs::PermissionsExt,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what another program makes of it is the test")]
    fn tar_unpacks_it() {
        let dir = tempfile::tempdir().expect("directory");
        let text = "a: 1\n".repeat(200);
        let entries = [
            ("elasticsearch.yml", Entry::File(text.as_bytes())),
            ("unicast_hosts.txt", Entry::Link("/quorate/unicast_hosts.txt")),
            ("empty", Entry::File(b"")),
        ];
        let bytes = archive(&entries, (1000, 0));
        assert_eq!(bytes.len() % BLOCK, 0);
        let mut tar = Command::new("tar")
            .args(["--no-same-owner", "-x", "-p", "-C"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("tar");
        tar.stdin.take().expect("input").write_all(&bytes).expect("written");
        assert!(tar.wait().expect("ended").success());
        let path = |name: &str| dir.path().join(name);
        assert_eq!(std::fs::read_to_string(path("elasticsearch.yml")).expect("file"), text);
        let link = std::fs::read_link(path("unicast_hosts.txt")).expect("link");
        assert_eq!(link.to_str(), Some("/quorate/unicast_hosts.txt"));
        let mode = std::fs::metadata(path("empty")).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(&bytes[108..116], b"0001750\0", "the owner");
    }
}
