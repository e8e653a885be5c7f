//! A TLS server in front of a stand-in: shows whatever certificate it is told to, and passes the rest on.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::certificates::Authority;

/// What a server shows, and what it wants to see.
pub(crate) fn shows(authority: &Authority, name: &str, chain: &[&Path], clients: Option<&Authority>) -> ServerConfig {
    let own = authority.file(name, "pem");
    let chain = std::iter::once(own.as_path()).chain(chain.iter().copied());
    let chain = chain.map(|path| CertificateDer::from_pem_file(path).expect("a certificate"));
    let key = PrivateKeyDer::from_pem_file(authority.file(name, "key")).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            let ca = CertificateDer::from_pem_file(clients.file("ca", "pem")).expect("a certificate");
            roots.add(ca).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    builder.with_single_cert(chain.collect(), key).expect("a pair")
}

/// A running server; ended when dropped.
pub(crate) struct TlsFront {
    address: SocketAddr,
    shown: Arc<Mutex<Arc<ServerConfig>>>,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// In front of `behind`, on the same address.
    pub(crate) async fn start(behind: SocketAddr, config: ServerConfig) -> Self {
        let listener = TcpListener::bind((behind.ip(), 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shown = Arc::new(Mutex::new(Arc::new(config)));
        let current = Arc::clone(&shown);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let config = Arc::clone(&current.lock().expect("no panic"));
                tokio::spawn(async move {
                    if let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await {
                        let mut behind = TcpStream::connect(behind).await.expect("the stand-in");
                        let _ = copy_bidirectional(&mut stream, &mut behind).await;
                    }
                });
            }
        });
        Self { address, shown, task }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What new connections are shown from now on.
    pub(crate) fn show(&self, config: ServerConfig) {
        *self.shown.lock().expect("no panic") = Arc::new(config);
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}
