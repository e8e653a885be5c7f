//! A real etcd of its own, and what its metrics say.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use quorate::registry::{Range, Registry, RegistrySettings};
use tempfile::TempDir;

/// A single member on free loopback ports; killed when dropped.
pub(crate) struct Etcd {
    child: Child,
    bin: PathBuf,
    url: String,
    _data: TempDir,
}

impl Etcd {
    /// Starts the server named by `QUORATE_TEST_ETCD_35`.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) async fn start() -> Self {
        let bin = server();
        let data = tempfile::tempdir().expect("a directory");
        let (url, peer) = (free_url(), free_url());
        let mut command = Command::new(&bin);
        command.args([
            "--listen-client-urls",
            &url,
            "--advertise-client-urls",
            &url,
            "--listen-peer-urls",
            &peer,
        ]);
        command.args([
            "--initial-advertise-peer-urls",
            &peer,
            "--initial-cluster",
            &format!("default={peer}"),
            "--data-dir",
        ]);
        command
            .arg(data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", bin.display()));
        let etcd = Self {
            child,
            bin,
            url,
            _data: data,
        };
        let registry = etcd.registry();
        while registry.read(&[Range::Key("/".to_owned())]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        etcd
    }

    /// A handle of its own.
    pub(crate) fn registry(&self) -> Registry {
        let settings = RegistrySettings {
            endpoints: vec![self.url.clone()],
            ..RegistrySettings::default()
        };
        Registry::new(settings).expect("settings")
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The etcdctl beside the server.
    pub(crate) fn etcdctl(&self) -> PathBuf {
        self.bin.with_file_name("etcdctl")
    }

    /// Its metrics without labels.
    pub(crate) async fn metrics(&self) -> BTreeMap<String, f64> {
        let response = http_get(&self.url, "/metrics").await;
        let number = |line: &str| {
            Some((
                line.split_once(' ')?.0.to_owned(),
                line.split_once(' ')?.1.parse().ok()?,
            ))
        };
        response
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(number)
            .collect()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The version of the server, as it says itself.
#[expect(clippy::disallowed_methods, reason = "the benchmark asks the server for its version")]
pub(crate) fn version() -> String {
    let output = Command::new(server()).arg("--version").output().expect("version");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.lines().next().and_then(|line| line.rsplit(' ').next());
    version.unwrap_or("?").to_owned()
}

fn server() -> PathBuf {
    let server = std::env::var_os("QUORATE_TEST_ETCD_35").map(PathBuf::from);
    server.expect("QUORATE_TEST_ETCD_35 (make bench sets it)")
}

fn free_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("its address"))
}

async fn http_get(url: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("etcd");
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("answer");
    text
}
