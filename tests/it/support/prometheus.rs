//! A real Prometheus with the project's own configuration, and its promtool. Ended by pid on drop.

use std::{
    fs::File,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{LONG, address::Address, eventually, http::ask, part, program::Run};

/// The folder of what is put beside it.
pub(crate) fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring")
}

/// One file of it.
pub(crate) fn monitoring_file(name: &str) -> String {
    std::fs::read_to_string(monitoring().join(name)).expect(name)
}

/// `text` with the one thing in it replaced that a test must have otherwise.
pub(crate) fn replaced(text: &str, what: &str, by: &str) -> String {
    assert!(text.contains(what), "there is no `{what}` in\n{text}");
    text.replace(what, by)
}

fn program() -> PathBuf {
    PathBuf::from(part("QUORATE_TEST_PROMETHEUS"))
}

/// Runs promtool in the folder of what is put beside it, with this on its standard input.
#[expect(clippy::disallowed_methods, reason = "a real promtool is a process")]
pub(crate) fn promtool(args: &[&str], input: &str) -> Run {
    let mut child = Command::new(program().with_file_name("promtool"))
        .args(args)
        .current_dir(monitoring())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // What reads nothing has closed it.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    let output = child.wait_with_output().expect("promtool runs");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A Prometheus that was started, at port 9200 of an address of its own.
#[derive(Debug)]
pub(crate) struct Prometheus {
    address: Address,
    dir: TempDir,
    child: Child,
}

impl Prometheus {
    /// Starts one that scrapes these hosts as the project's configuration says, but every second, and tells nobody of alerts.
    #[expect(clippy::disallowed_methods, reason = "a real Prometheus is a process")]
    pub(crate) fn start(hosts: &[Ipv4Addr]) -> Self {
        let (address, dir) = (Address::take(), tempfile::tempdir().expect("a directory"));
        let config = monitoring_file("prometheus.yml");
        let config = replaced(&config, "interval: 15s", "interval: 1s");
        let config = replaced(&config, "scrape_timeout: 5s", "scrape_timeout: 1s");
        let config = replaced(&config, "127.0.0.1:9093", &format!("{}:1", address.ip()));
        let listed: Vec<String> = hosts.iter().map(|host| format!("    - {host}:9190\n")).collect();
        let targets = monitoring_file("targets.yml");
        let (labels, _) = targets.split_once("    - ").expect("targets");
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
        write("prometheus.yml", &config);
        write("targets.yml", &(labels.to_owned() + &listed.concat()));
        write("alerts.yml", &monitoring_file("alerts.yml"));
        let log = File::create(dir.path().join("log")).expect("a log");
        let child = Command::new(program())
            .current_dir(dir.path())
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={}:9200", address.ip()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("Prometheus starts");
        Self { address, dir, child }
    }

    async fn data(&self, path: &str) -> Option<Value> {
        let answer = ask(self.address.ip(), "GET", path, "", LONG).await?;
        let answer: Value = serde_json::from_str(&answer.body).ok()?;
        answer.get("data").cloned()
    }

    /// Waits until a series with this name satisfies `look`, which gets its labels and its value.
    pub(crate) async fn series(&self, name: &str, look: impl Fn(&Value, &str) -> bool) -> Value {
        let path = format!("/api/v1/query?query={name}");
        eventually(&format!("Prometheus has {name}"), LONG, || async {
            let data = self.data(&path).await?;
            let series = data.get("result")?.as_array()?;
            let fits = |one: &&Value| {
                let value = one.pointer("/value/1").and_then(Value::as_str);
                one.get("metric")
                    .is_some_and(|labels| look(labels, value.unwrap_or_default()))
            };
            series.iter().find(fits).and_then(|one| one.get("metric").cloned())
        })
        .await
    }

    /// Waits for an alert of this name, pending or firing; all that there are then.
    pub(crate) async fn alerts(&self, name: &str) -> Vec<Value> {
        eventually(&format!("Prometheus tells of {name}"), LONG, || async {
            let data = self.data("/api/v1/alerts").await?;
            let alerts = data.get("alerts")?.as_array()?.clone();
            let is_there = alerts
                .iter()
                .any(|alert| alert.pointer("/labels/alertname").is_some_and(|own| own == name));
            is_there.then_some(alerts)
        })
        .await
    }
}

impl Drop for Prometheus {
    #[expect(clippy::print_stderr, reason = "what it logged explains the failure")]
    fn drop(&mut self) {
        // It may have ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            eprintln!("Prometheus logged:\n{log}");
        }
    }
}
