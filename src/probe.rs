//! The probe: asks a node over HTTP whether it is up, joined, and who it is.
//!
//! One request per probe while nothing changes. Identity is asked on every new connection, and a connection is dropped after every
//! failure: what a report says about name, version and ports therefore comes from the very process that gave the answer.
//! Everything stands under one deadline. A probe never changes the node.

mod access;
mod answer;
mod progress;
mod report;
mod session;
mod tls;

use std::time::Duration;

pub use access::{Access, Login, NoAccess, Terms};
use progress::Progress;
pub use report::{Identity, Peer, ProbeFailure, ProbeOutcome, Report, ReportedUuid, Who};
use session::Session;
pub use tls::{BadTerms, Fingerprint, Name, Terms as TlsTerms, TlsFailure, Trust};
pub(crate) use tls::{authorities, believes, certificates, key_pair};
use tokio::time::{Instant, timeout};

/// How often a connection may end in the middle of one probe before that is its outcome.
const ENDS: usize = 2;

/// Asks one node, again and again.
#[derive(Debug)]
pub struct Prober {
    host: String,
    http_port: u16,
    timeout: Duration,
    access: Access,
    contact: Option<Contact>,
    /// How far the probe under way has come.
    progress: Progress,
}

/// A connection with what was learned about the process on its other end.
#[derive(Debug)]
struct Contact {
    session: Session,
    identity: Option<Identity>,
    /// The UUID from the root answer, for lines whose state has none; a process never changes the one it has.
    uuid: ReportedUuid,
}

impl Prober {
    /// Will ask `host`, an address or a name, at `http_port`, under the terms of `access`; no probe takes longer than `timeout`.
    pub fn new(host: impl Into<String>, http_port: u16, timeout: Duration, access: Access) -> Self {
        Self {
            host: host.into(),
            http_port,
            timeout,
            access,
            contact: None,
            progress: Progress::default(),
        }
    }

    /// Probes once. Keeps the connection for the next time, unless the probe failed.
    ///
    /// Cancel safety: a probe that is dropped drops the connection with it.
    pub async fn probe(&mut self) -> ProbeOutcome {
        let begun = Instant::now();
        self.progress.begins();
        let held = self.contact.take();
        let result = match timeout(self.timeout, self.ask_node(held)).await {
            Ok(Ok((contact, report))) => {
                self.contact = Some(contact);
                Ok(report)
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(self.progress.failure(self.timeout)),
        };
        ProbeOutcome {
            took: begun.elapsed(),
            result,
        }
    }

    /// Probes once, and asks whom else the node's cluster has as well; none of that where it has no master. Two small questions on the
    /// same connection, answered by the node alone.
    ///
    /// Cancel safety: as [`probe`](Self::probe).
    pub async fn peers(&mut self) -> Result<(Report, Vec<Peer>), ProbeFailure> {
        let report = self.probe().await.result?;
        let Some(mut contact) = self.contact.take().filter(|_| report.joined()) else {
            return Ok((report, Vec::new()));
        };
        let question = answer::peers(&report.identity);
        let answer = timeout(self.timeout, contact.session.get(question)).await;
        let peers = answer::read_peers(&answer.map_err(|_| ProbeFailure::TimedOut(self.timeout))??)?;
        self.contact = Some(contact);
        Ok((report, peers))
    }

    /// A connection that ends decides nothing by itself: an idle one may end at any time, and a dying node still takes new ones
    /// until its port is closed, which the next attempt then finds.
    async fn ask_node(&self, held: Option<Contact>) -> Result<(Contact, Report), ProbeFailure> {
        let mut held = held;
        let mut ends = 0;
        loop {
            let was_held = held.is_some();
            let contact = match held.take() {
                Some(contact) => contact,
                None => Contact {
                    session: Session::open(&self.host, self.http_port, self.access.pass(), self.progress.clone())
                        .await?,
                    identity: None,
                    uuid: ReportedUuid::Unsaid,
                },
            };
            match ask(contact).await {
                Err(ProbeFailure::Closed) if ends < ENDS => ends += 1,
                // A password that was changed meanwhile: a new connection takes the new one.
                Err(ProbeFailure::Unauthorized { .. }) if was_held => {}
                Err(failure) if self.may_want_tls(&failure) => {
                    let wants = timeout(self.timeout / 4, self.wants_tls()).await.unwrap_or(false);
                    return Err(if wants {
                        ProbeFailure::Tls(TlsFailure::Wanted)
                    } else {
                        failure
                    });
                }
                decided => return decided,
            }
        }
    }

    /// Whether the other end speaks TLS.
    async fn wants_tls(&self) -> bool {
        match session::connect(&self.host, self.http_port).await {
            Ok(stream) => tls::is_spoken(&self.host, stream).await,
            Err(_) => false,
        }
    }

    /// Whether a failure looks like that of a server that speaks TLS and was asked in plain HTTP.
    fn may_want_tls(&self, failure: &ProbeFailure) -> bool {
        !self.access.is_tls()
            && matches!(
                failure,
                ProbeFailure::Closed | ProbeFailure::Garbage(_) | ProbeFailure::Status(400)
            )
    }

    /// Returns when the connection that the last probe left has ended; never when there is none. Cancel safety: nothing is lost.
    pub async fn ended(&mut self) {
        let Some(contact) = &mut self.contact else {
            return std::future::pending().await;
        };
        contact.session.ended().await;
        self.contact = None;
    }
}

async fn ask(mut contact: Contact) -> Result<(Contact, Report), ProbeFailure> {
    let first = contact.identity.is_none();
    let mut identity = match contact.identity.take() {
        Some(identity) => identity,
        None => answer::read_node(&contact.session.get(answer::NODE).await?)?,
    };
    let state = answer::read_state(&contact.session.get(answer::state(&identity)).await?)?;
    let no_uuid = state.uuid == ReportedUuid::Unsaid
        && contact.uuid.known().is_none()
        && answer::may_have_uuid(&identity.version);
    if no_uuid || (first && identity.product.is_none()) {
        match answer::read_root(&contact.session.get(answer::ROOT).await?, &identity.version) {
            Ok(root) => {
                identity.product = identity.product.or(root.product);
                contact.uuid = root.uuid;
            }
            Err(failure) if no_uuid => return Err(failure),
            // Test distributions from 8.9 on do not know the question; the product is not worth a failed probe.
            Err(_) => {}
        }
    }
    let uuid = match state.uuid {
        ReportedUuid::Unsaid => contact.uuid.clone(),
        said @ (ReportedUuid::Known(_) | ReportedUuid::NotYet) => said,
    };
    contact.identity = Some(identity.clone());
    let report = Report {
        identity,
        uuid,
        master: state.master,
    };
    Ok((contact, report))
}
