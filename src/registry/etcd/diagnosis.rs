//! Why a connection that came about was closed without an answer: asked once more, with nothing else to say.
//!
//! TLS 1.3 tells a client only after the handshake that its certificate is not wanted, and one that has sent something by then may
//! never read it; a server that speaks TLS just hangs up on one that does not. Only for messages: it opens a connection of its own.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::convert::{tls_error, trouble};
use crate::registry::{TlsTrouble, pass::Pass};

/// Longer than any etcd takes to say no.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is wrong between us and `url`, and whose matter it is; none when nothing is, or nothing can be said.
pub(super) async fn ask(url: &str, pass: &Pass) -> Option<(String, TlsTrouble)> {
    let ask = async {
        match url.split_once("://")? {
            ("https", host_port) => ask_tls(host_port, pass).await,
            (_, host_port) => ask_plain(host_port).await,
        }
    };
    tokio::time::timeout(PATIENCE, ask).await.ok()?
}

async fn ask_tls(host_port: &str, pass: &Pass) -> Option<(String, TlsTrouble)> {
    let (host, _) = host_port.rsplit_once(':')?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()?;
    let connector = TlsConnector::from(Arc::new(config(pass)?));
    let stream = TcpStream::connect(host_port).await.ok()?;
    let error = match connector.connect(name, stream).await {
        Ok(mut stream) => stream.read_u8().await.err()?,
        Err(error) => error,
    };
    match tls_error(&error) {
        Some(tls) => Some((tls.to_string(), trouble(tls))),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            let what = "the connection was closed in the handshake";
            Some((what.to_owned(), TlsTrouble::NotTls))
        }
        None => None,
    }
}

fn config(pass: &Pass) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(pass.ca.as_deref()?) {
        roots.add(ca.ok()?).ok()?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots);
    let mut config = match &pass.identity {
        Some((certificate, key)) => {
            let chain: Result<_, _> = CertificateDer::pem_slice_iter(certificate).collect();
            let key = PrivateKeyDer::from_pem_slice(key).ok()?;
            builder.with_client_auth_cert(chain.ok()?, key).ok()?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Some(config)
}

async fn ask_plain(host_port: &str) -> Option<(String, TlsTrouble)> {
    let mut stream = TcpStream::connect(host_port).await.ok()?;
    stream.write_all(b"GET /version HTTP/1.0\r\n\r\n").await.ok()?;
    let what = "the connection was closed without a word";
    match stream.read_u8().await {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Some((what.to_owned(), TlsTrouble::Wanted)),
        Ok(_) | Err(_) => None,
    }
}
