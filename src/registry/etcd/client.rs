//! Makes the clients of one endpoint from a pass. Knows the client library's options, decides nothing.

use std::time::Duration;

use etcd_client::{
    Certificate, Client, ConnectOptions, Error, Identity, KvClient, LeaseClient, TlsOptions, WatchClient,
};

use super::renewals::Renewals;
use crate::registry::pass::Pass;

/// The largest answer: all keys of some 100 000 nodes. The client's own limit of 4 MB is the keys of some thousand.
const LARGEST_ANSWER: usize = 64 << 20;

/// Whether calls are answered by a member that knows no leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// They fail at once.
    Required,
    /// They are answered from what that member last knew.
    NotRequired,
}

/// The clients of one endpoint; they share its connection.
#[derive(Clone)]
pub(super) struct Clients {
    pub(super) kv: KvClient,
    pub(super) lease: LeaseClient,
    pub(super) renewals: Renewals,
    pub(super) watch: WatchClient,
}

impl Clients {
    /// Logs in when the pass has a login; else nothing is sent yet. `bound` is that of the whole attempt, to which this belongs.
    pub(super) async fn connect(url: String, pass: &Pass, leader: Leader, bound: Duration) -> Result<Self, Error> {
        let client = Client::connect([url], Some(options(pass, leader, bound))).await?;
        Ok(Self {
            kv: client.kv_client().max_decoding_message_size(LARGEST_ANSWER),
            lease: client.lease_client(),
            renewals: Renewals::default(),
            watch: client.watch_client().max_decoding_message_size(LARGEST_ANSWER),
        })
    }
}

fn options(pass: &Pass, leader: Leader, bound: Duration) -> ConnectOptions {
    // No bound on calls, which have that of their attempt, and no pings: whoever has a stream open asks it for a sign of life.
    let mut options = ConnectOptions::new()
        // The kernel asks a second time after a second: one lost packet is no dead host.
        .with_connect_timeout(bound / 2)
        .with_require_leader(leader == Leader::Required)
        .with_auto_token_refresh(true);
    if pass.ca.is_some() || pass.identity.is_some() {
        let mut with = TlsOptions::new().timeout(bound);
        if let Some(ca) = &pass.ca {
            with = with.ca_certificate(Certificate::from_pem(ca));
        }
        if let Some((certificate, key)) = &pass.identity {
            with = with.identity(Identity::from_pem(certificate, key));
        }
        options = options.with_tls(with);
    }
    if let Some((user, password)) = &pass.login {
        options = options.with_user(user, password.expose());
    }
    options
}
