//! The process's surroundings: log, signals, the service manager, files that must not be half written. Shell; decides nothing.

mod alarm;
mod clock;
mod exec;
mod files;
mod folder;
mod listener;
mod log;
mod memory;
mod notify;
mod oom;
mod pidfd;
mod process;
mod random;
mod signals;
mod stillness;

pub use alarm::Alarm;
pub use clock::utc;
pub use exec::{Executable, exec, inherited, letter};
pub use files::{FileLock, LockError, Stamp, boot_id, machine_hash, read_optional, stamp, uptime, write_atomic};
pub use folder::FolderWatch;
pub use listener::{listener, listener_below};
pub use log::{LogLevel, init_log};
pub use memory::settle;
pub use notify::Notifier;
pub use oom::OomKills;
pub use pidfd::Pidfd;
pub use process::{child_start_time, group_lives, is_dumping_core, process_is_dead, process_start_time, threads};
pub use random::{random_below, random_bits, random_fraction};
pub use signals::{Signal, Signals, hold_signals, let_signals_in};
pub use stillness::Stillness;

/// This host's name; none where it has none.
pub fn name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_str().ok();
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}
