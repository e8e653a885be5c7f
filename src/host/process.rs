//! What the kernel says about processes: `/proc`, read and never guessed.
//!
//! A number names one process only together with the time it started: numbers are given again.

use std::{collections::BTreeSet, fs, io::Read};

/// What matters of `/proc/<pid>/stat`.
pub(super) struct Stat {
    pub(super) state: char,
    parent: u32,
    group: u32,
    /// Processor time that it used, in clock ticks.
    pub(super) used: u64,
    start_time: u64,
}

impl Stat {
    /// Of a process, `<pid>`, or of a thread, `<pid>/task/<tid>`.
    pub(super) fn of(who: &str) -> Option<Self> {
        // In one read: the sidecar asks before each probe. The line is some 300 bytes long, at most 52 numbers and a name.
        let mut line = [0; 2048];
        let length = fs::File::open(format!("/proc/{who}/stat")).ok()?.read(&mut line).ok()?;
        Self::parse(line.get(..length)?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // The command name may hold spaces and brackets, and half a character where it was cut; fields count from its closing bracket:
        // state is the 3rd, used time the 14th and 15th, start the 22nd.
        let bracket = stat.iter().rposition(|byte| *byte == b')')?;
        let after_name = str::from_utf8(stat.get(bracket + 1..)?).ok()?;
        let mut fields = after_name.split_whitespace();
        Some(Self {
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            used: (fields.nth(8)?.parse::<u64>().ok()?).saturating_add(fields.next()?.parse().ok()?),
            start_time: fields.nth(6)?.parse().ok()?,
        })
    }

    /// What has ended is there until it was waited for.
    fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// When process `pid` started, in clock ticks since boot: with the pid it names one process. None when it has ended.
pub fn process_start_time(pid: u32) -> Option<u64> {
    let stat = Stat::of(&pid.to_string())?;
    (!stat.has_ended()).then_some(stat.start_time)
}

/// The same for a child of this process, which is there until it was waited for, even when it has ended.
pub fn child_start_time(pid: u32) -> Option<u64> {
    Some(Stat::of(&pid.to_string())?.start_time)
}

/// Whether the process that started then is dead, though its memory and its sockets may not have been given back yet.
pub fn process_is_dead(pid: u32, start_time: u64) -> bool {
    // Memory, and the command line with it, goes before the process counts as ended.
    process_start_time(pid) != Some(start_time)
        || fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.is_empty())
}

/// Whether the kernel is writing the memory of a process into a core dump: it is dead and keeps its sockets until that is done.
pub fn is_dumping_core(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| dumping(&status))
}

fn dumping(status: &str) -> bool {
    let flag = status.lines().find_map(|line| line.strip_prefix("CoreDumping:"));
    flag.is_some_and(|flag| flag.trim() == "1")
}

/// Whether anything of a process group lives. What has ended and was not waited for, as below an init that waits for nobody, does not;
/// what was killed does until its last thread is gone, because so long it holds its sockets and locks.
pub fn group_lives(group: u32) -> bool {
    all().any(|(pid, stat)| stat.group == group && (!stat.has_ended() || has_threads(pid)))
}

/// Whether a thread of the process is left. Its first one can be over while others still give back the memory.
fn has_threads(pid: u32) -> bool {
    let stat = |tid: u32| Stat::of(&format!("{pid}/task/{tid}"));
    numbers(&format!("/proc/{pid}/task")).any(|tid| stat(tid).is_some_and(|stat| !stat.has_ended()))
}

/// A process and everything below it, itself first.
pub(super) fn process_tree(root: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = all().map(|(pid, stat)| (pid, stat.parent)).collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    tree
}

/// The threads of a process but its first one, oldest first.
pub fn threads(pid: u32) -> Vec<u32> {
    let by_age: BTreeSet<(u64, u32)> = numbers(&format!("/proc/{pid}/task"))
        .filter(|tid| *tid != pid)
        .filter_map(|tid| Some((Stat::of(&format!("{pid}/task/{tid}"))?.start_time, tid)))
        .collect();
    by_age.into_iter().map(|(_, tid)| tid).collect()
}

/// Every process that can be seen.
pub(super) fn processes() -> impl Iterator<Item = u32> {
    numbers("/proc")
}

fn all() -> impl Iterator<Item = (u32, Stat)> {
    processes().filter_map(|pid| Some((pid, Stat::of(&pid.to_string())?)))
}

/// The entries of a directory that are numbers.
fn numbers(dir: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_lives_as_long_as_one_of_it() {
        let own = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
        assert!(group_lives(own));
        assert!(!group_lives(u32::MAX));
    }

    #[test]
    fn a_process_is_known_by_its_start_time() {
        let pid = std::process::id();
        let own = process_start_time(pid).expect("it runs");
        assert_eq!(process_start_time(pid), Some(own));
        assert_eq!(process_start_time(u32::MAX), None);
        assert!(!process_is_dead(pid, own));
        assert!(process_is_dead(pid, own + 1), "another one with its number");
        assert!(process_is_dead(u32::MAX, 1));
        // The kernel's own processes have no memory.
        assert!(process_start_time(2).is_none_or(|start| process_is_dead(2, start)));
    }

    #[test]
    fn no_name_moves_the_fields() {
        // The second was cut within a character.
        for name in [&b"a) S (b c"[..], b"caf\xc3"] {
            let rest = b") R 1 5 5 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
            let stat = Stat::parse(&[b"7 (", name, rest].concat()).expect("parsed");
            assert_eq!(
                (stat.state, stat.parent, stat.group, stat.start_time),
                ('R', 1, 5, 4242)
            );
        }
        assert!(Stat::parse(b"7 (a").is_none() && Stat::parse(b"7 (a) R 1 5").is_none());
    }

    #[test]
    fn the_threads_of_this_process_are_found_oldest_first() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let young = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs())
                .expect("told");
            let _ = held.recv();
        });
        let tid = told.recv().expect("it runs");
        let pid = std::process::id();
        let found = threads(pid);
        assert!(found.contains(&tid) && !found.contains(&pid), "{tid} in {found:?}");
        drop(hold);
        young.join().expect("ended");
        assert!(threads(u32::MAX).is_empty());
    }

    #[test]
    fn a_tree_has_its_root_and_what_is_below() {
        assert!(process_tree(1).contains(&std::process::id()) || std::process::id() == 1);
        assert_eq!(process_tree(u32::MAX), [u32::MAX]);
    }

    #[test]
    fn a_core_dump_is_told_by_its_flag() {
        assert!(dumping("Name:\tjava\nCoreDumping:\t1\nThreads:\t2\n"));
        assert!(!dumping("Name:\tjava\nCoreDumping:\t0\n") && !dumping("") && !is_dumping_core(std::process::id()));
    }

    #[test]
    fn nothing_damaged_under_proc_panics() {
        crate::fuzz::fuzz("proc", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = (
                Stat::parse(text.as_bytes()).map(|stat| stat.has_ended()),
                dumping(&text),
            );
        });
    }
}
