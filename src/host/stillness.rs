//! Why a process that lives does nothing: whether it is stopped, frozen with its control group, waits for a disk, or how much it works.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::process::{Stat, threads};

/// Where control groups are mounted everywhere.
const MOUNT: &str = "/sys/fs/cgroup";

/// One look at a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stillness {
    /// Somebody stopped it: SIGSTOP, a terminal, a debugger.
    pub stopped: bool,
    /// Its control group is frozen, as a paused container's is.
    pub frozen: bool,
    /// How many of its threads wait in a way that nothing interrupts, mostly for a disk.
    pub waiting: usize,
    /// Processor time that it has used, in clock ticks.
    pub used: u64,
}

impl Stillness {
    /// Of a process that can be seen. For moments in which something is wrong: it reads a file for each thread.
    pub fn of(pid: u32) -> Option<Self> {
        let process = Stat::of(&pid.to_string())?;
        let waits = |tid: &u32| Stat::of(&format!("{pid}/task/{tid}")).is_some_and(|stat| stat.state == 'D');
        let frozen = is_frozen(pid);
        Some(Self {
            stopped: matches!(process.state, 'T' | 't'),
            frozen,
            // Whoever is frozen by the older kind of control group looks the same.
            waiting: if frozen {
                0
            } else {
                threads(pid).iter().chain([&pid]).filter(|tid| waits(tid)).count()
            },
            used: process.used,
        })
    }
}

fn is_frozen(pid: u32) -> bool {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    files(&groups).any(|(file, mark)| fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line == mark)))
}

/// The files that may say it, with the line by which they do: version 2 and version 1.
fn files(groups: &str) -> impl Iterator<Item = (PathBuf, &'static str)> {
    groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let path = path.trim_start_matches('/');
        match controllers {
            "" => Some((Path::new(MOUNT).join(path).join("cgroup.events"), "frozen 1")),
            "freezer" => Some((
                Path::new(MOUNT).join("freezer").join(path).join("freezer.state"),
                "FROZEN",
            )),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process to be stopped")]
    fn a_stopped_process_is_told_from_one_that_waits() {
        let sleeper = Sleeper(Command::new("sleep").arg("600").spawn().expect("started"));
        let look = || Stillness::of(sleeper.0.id()).expect("it lives");
        assert!(!look().stopped && !look().frozen);
        kill_process(Pid::from_child(&sleeper.0), Signal::STOP).expect("stopped");
        while !look().stopped {
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&sleeper.0), Signal::CONT).expect("goes on");
        while look().stopped {
            std::thread::yield_now();
        }
        assert_eq!(Stillness::of(u32::MAX), None);
    }

    #[test]
    fn both_kinds_of_control_groups_are_looked_at() {
        let found: Vec<_> = files("9:freezer:/docker/x\n4:cpu:/a\n0::/b\ngarbage\n").collect();
        assert_eq!(
            found,
            [
                (PathBuf::from("/sys/fs/cgroup/freezer/docker/x/freezer.state"), "FROZEN"),
                (PathBuf::from("/sys/fs/cgroup/b/cgroup.events"), "frozen 1")
            ]
        );
    }
}
