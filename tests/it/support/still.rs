//! Waiting for a process that was frozen: the signal is delivered thread by thread.

/// Comes back when every thread of the process, which got SIGSTOP, stands still.
pub(crate) fn stand_still(pid: u32) {
    let tasks = format!("/proc/{pid}/task");
    // A thread that ends meanwhile has no state any more.
    let moves = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.expect("a thread").path().join("stat")).unwrap_or_default();
        !stat.rsplit_once(") ").is_some_and(|(_, after)| after.starts_with('T'))
    };
    while std::fs::read_dir(&tasks).expect("it runs").any(moves) {
        std::thread::yield_now();
    }
}
