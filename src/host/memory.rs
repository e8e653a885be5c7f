//! Gives back what only the start needed. Changes nothing that anybody could read: only what is the same in the file is dropped.
//!
//! Most of a small program's resident memory is its own file: the kernel maps sixteen pages where one is touched, and reading a
//! command line, files and certificates touches nearly all of them once. What is used again is mapped again, from memory.

use std::{fs, ops::Range, ptr::with_exposed_provenance_mut};

use rustix::mm::{Advice, madvise};

/// Drops the pages of program and libraries that are as they are in their files. To be called when the start is over.
pub fn settle() {
    // Without /proc nothing is known, and everything stays.
    let maps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    for pages in untouched(&maps) {
        #[expect(
            unsafe_code,
            reason = "pages that are dropped while they are in use need the word that they come back"
        )]
        // SAFETY: a file's mapping that may not be written and holds no page of its own comes back as it was.
        let dropped = unsafe {
            madvise(
                with_exposed_provenance_mut(pages.start),
                pages.len(),
                Advice::LinuxDontNeed,
            )
        };
        // Locked in memory by somebody: then they are wanted there.
        let _ = dropped;
    }
}

/// The mappings of files that may not be written and of which no page was ever changed. Relocated tables were, before they were
/// made read-only.
fn untouched(smaps: &str) -> Vec<Range<usize>> {
    let mut candidate = None;
    let mut all = Vec::new();
    for line in smaps.lines() {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [range, access, _, _, _, ref path @ ..] if !range.ends_with(':') => {
                let is_file = path.first().is_some_and(|path| path.starts_with('/'));
                candidate = addresses(range).filter(|_| is_file && !access.contains('w') && access.ends_with('p'));
            }
            ["Anonymous:", "0", "kB"] => all.extend(candidate.take()),
            _ => {}
        }
    }
    all
}

/// `from-to` in hexadecimal.
fn addresses(range: &str) -> Option<Range<usize>> {
    let (from, to) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some(address(from)?..address(to)?)
}

#[cfg(test)]
mod tests {
    use super::{settle, untouched};

    #[test]
    fn only_what_is_as_in_its_file_is_dropped() {
        let mapping = |range: &str, access: &str, changed: u32, path: &str| {
            format!(
                "{range} {access} 00021000 fe:00 656 {path}\nSize: 172 kB\nRss: 168 kB\nAnonymous: {changed} kB\nVmFlags: rd ex mr mw me\n"
            )
        };
        let smaps = [
            mapping("1000-2000", "r--p", 0, "/usr/bin/quorate"),
            mapping("2000-5000", "r-xp", 0, "/usr/bin/quorate (deleted)"),
            mapping("5000-6000", "r--p", 4, "/usr/bin/quorate"),
            mapping("6000-7000", "rw-p", 0, "/usr/bin/quorate"),
            mapping("7000-8000", "r--s", 0, "/var/shared"),
            mapping("8000-9000", "r--p", 0, ""),
            mapping("9000-a000", "r-xp", 0, "[vdso]"),
        ];
        assert_eq!(untouched(&smaps.concat()), [0x1000..0x2000, 0x2000..0x5000]);
        assert!(untouched("what is this\n1-2\nAnonymous: 0 kB\n").is_empty());
    }

    #[test]
    fn a_program_goes_on_after_it() {
        let sum = || include_str!("memory.rs").bytes().map(usize::from).sum::<usize>();
        let before = sum();
        settle();
        assert_eq!(sum(), before);
    }
}
