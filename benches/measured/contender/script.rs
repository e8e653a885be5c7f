//! The shell loop of `curl` and `etcdctl` that is replaced: ask the node, put its key with a fresh lease, sleep.

use std::{
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Contender, Etcd, Keeper, member_key};

/// How it is run.
pub(crate) struct Script {
    /// Seconds between two turns.
    pub(crate) sleep: u32,
    /// Its unit has `BindsTo=` on the node's, and an `ExecStop=` that deletes the key.
    pub(crate) binds_to: bool,
    name: String,
}

impl Script {
    pub(crate) fn new(sleep: u32, binds_to: bool) -> Self {
        let name = format!("loop, sleep {sleep}{}", if binds_to { ", BindsTo" } else { "" });
        Self { sleep, binds_to, name }
    }
}

impl Contender for Script {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep(&self, etcd: &Etcd, address: &str) -> Box<dyn Keeper> {
        let unit = Unit {
            etcdctl: etcd.etcdctl(),
            url: etcd.url().to_owned(),
            address: address.to_owned(),
            sleep: self.sleep,
        };
        // A bound unit starts with the node's.
        let running = (!self.binds_to).then(|| unit.start());
        Box::new(Service {
            unit,
            binds_to: self.binds_to,
            running: Arc::new(Mutex::new(running)),
        })
    }
}

#[derive(Clone)]
struct Unit {
    etcdctl: PathBuf,
    url: String,
    address: String,
    sleep: u32,
}

impl Unit {
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    fn start(&self) -> Child {
        let Self { address, sleep, .. } = self;
        let key = member_key(address);
        let script = format!(
            r#"while :; do
                 if curl -sf -m 2 http://{address}:9200/ >/dev/null; then
                   lease=$("$ETCDCTL" lease grant 60 | cut -d' ' -f2)
                   "$ETCDCTL" put --lease="$lease" {key} '{{"http_port":9200,"transport_port":9300}}'
                 else
                   "$ETCDCTL" del {key}
                 fi
                 sleep {sleep}
               done"#
        );
        let mut command = Command::new("bash");
        command
            .args(["-c", &script])
            .env("ETCDCTL", &self.etcdctl)
            .env("ETCDCTL_API", "3")
            .env("ETCDCTL_ENDPOINTS", &self.url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        command.spawn().expect("bash")
    }

    /// `ExecStop=`.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    fn delete(&self) {
        let mut command = Command::new(&self.etcdctl);
        command
            .args(["del", &member_key(&self.address), "--endpoints", &self.url])
            .env("ETCDCTL_API", "3")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let _ = command.status();
    }
}

struct Service {
    unit: Unit,
    binds_to: bool,
    running: Arc<Mutex<Option<Child>>>,
}

impl Keeper for Service {
    /// A bound unit: what the service manager does when the node's process has ended is done by a thread that waits for it as the manager
    /// waits, so without the manager's own work. The floor of the real thing.
    fn node_runs(&mut self, pid: u32) {
        if !self.binds_to {
            return;
        }
        *self.running.lock().expect("whole") = Some(self.unit.start());
        let (unit, running) = (self.unit.clone(), Arc::clone(&self.running));
        std::thread::spawn(move || {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            unit.delete();
            end(&mut running.lock().expect("whole"));
        });
    }

    fn pid(&self) -> Option<u32> {
        self.running.lock().expect("whole").as_ref().map(Child::id)
    }

    fn crash(&mut self) {
        end(&mut self.running.lock().expect("whole"));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The loop has children of its own and ends as a group.
fn end(running: &mut Option<Child>) {
    let Some(mut child) = running.take() else { return };
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    let _ = child.wait();
}
