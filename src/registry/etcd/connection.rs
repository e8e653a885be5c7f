//! Which endpoint is talked to, and for how long.
//!
//! One client per endpoint and never several endpoints in one: a client that balances keeps picking the dead one. It starts
//! at a random endpoint, stays there, and moves on when one fails. Every call stands under a deadline of its own, because the
//! client's own time-outs bound neither streams nor a stalled TLS handshake.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use etcd_client::{
    Certificate, Client, ConnectOptions, Error, Identity, KvClient, LeaseClient, TlsOptions, WatchClient,
};
use tokio::{sync::OnceCell, time::Instant};

use super::convert::{classify, is_electing};
use crate::{
    host::random_below,
    registry::{RegistryError, RegistrySettings},
};

/// The longest that one attempt at one endpoint may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// Bound of a unary call inside the client; below [`ATTEMPT`], so that its own words reach the log.
const CALL: Duration = Duration::from_secs(2);
/// A TCP connection that is not there after this long is not there.
const CONNECT: Duration = Duration::from_secs(1);
/// HTTP/2 keep-alive: below 5 s etcd closes the connection for too many pings.
const PING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3));
/// The largest answer: all keys of some 100 000 nodes. The client's own limit of 4 MB is the keys of some thousand.
const LARGEST_ANSWER: usize = 64 << 20;

/// How long an election is waited for, and how often it is looked for its end: etcd elects within 2 s.
const ELECTION: (Duration, Duration) = (Duration::from_secs(3), Duration::from_millis(200));

/// Why an attempt failed.
struct Failed {
    error: RegistryError,
    /// etcd lives and elects a leader: the next round may find one.
    electing: bool,
}

/// Whether calls are answered by a member that knows no leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// They fail at once.
    Required,
    /// They are answered from what that member last knew.
    NotRequired,
}

/// The endpoints and the one in use.
pub(super) struct Connection {
    settings: RegistrySettings,
    current: Mutex<Current>,
}

/// The endpoint in use. Replaced as a whole when it fails, so that late failures of an old one cannot touch its successor.
#[derive(Clone)]
struct Current {
    generation: u64,
    endpoint: usize,
    clients: Arc<OnceCell<Clients>>,
}

/// The clients of one endpoint; they share its connection.
#[derive(Clone)]
pub(super) struct Clients {
    pub(super) kv: KvClient,
    pub(super) lease: LeaseClient,
    pub(super) watch: WatchClient,
}

impl Connection {
    pub(super) fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        if settings.endpoints.is_empty() {
            return Err(no_endpoints());
        }
        let current = Current {
            generation: 0,
            // Clients that start at a random endpoint spread over all of them.
            endpoint: random_below(settings.endpoints.len()),
            clients: Arc::default(),
        };
        Ok(Self {
            settings,
            current: Mutex::new(current),
        })
    }

    pub(super) fn endpoints(&self) -> &[String] {
        &self.settings.endpoints
    }

    /// One attempt at the endpoint in use. The answer comes with the generation that gave it, for [`leave`](Self::leave).
    pub(super) async fn once<T, F>(&self, call: impl FnOnce(Clients) -> F) -> Result<(T, u64), RegistryError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.attempt(call).await.map_err(|failed| failed.error)
    }

    async fn attempt<T, F>(&self, call: impl FnOnce(Clients) -> F) -> Result<(T, u64), Failed>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let current = self.current();
        let attempt = async {
            let connect = || self.connect(current.endpoint, Leader::Required);
            let clients = current.clients.get_or_try_init(connect).await?.clone();
            call(clients).await
        };
        match bounded(attempt, self.url(current.endpoint)).await {
            Ok(answer) => Ok((answer, current.generation)),
            Err(failed) => {
                match &failed.error {
                    RegistryError::Away { .. } => self.leave(current.generation),
                    // A new client brings new credentials: the token may be one that etcd has forgotten.
                    RegistryError::Refused { .. } => self.replace(&current, current.endpoint),
                    RegistryError::LeaseGone | RegistryError::Settings { .. } => {}
                }
                Err(failed)
            }
        }
    }

    /// One attempt at each endpoint until one answers, and more for as long as they elect; only for calls that may be repeated.
    pub(super) async fn try_all<T, F>(&self, call: impl Fn(Clients) -> F) -> Result<T, RegistryError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let give_up = Instant::now() + ELECTION.0;
        loop {
            let mut electing = false;
            let mut last = None;
            for _ in self.endpoints() {
                match self.attempt(&call).await {
                    Ok((answer, _)) => return Ok(answer),
                    Err(failed) if !matches!(failed.error, RegistryError::Away { .. }) => return Err(failed.error),
                    Err(failed) => {
                        electing |= failed.electing;
                        last = Some(failed.error);
                    }
                }
            }
            if !electing || Instant::now() >= give_up {
                return Err(last.unwrap_or_else(no_endpoints));
            }
            tokio::time::sleep(ELECTION.1).await;
        }
    }

    /// Like [`try_all`](Self::try_all), but takes the word of a member that knows no leader. With clients of its own: one that
    /// requires a leader is refused such answers.
    pub(super) async fn try_all_leaderless<T, F>(&self, call: impl Fn(Clients) -> F) -> Result<T, RegistryError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let first = self.current().endpoint;
        let count = self.settings.endpoints.len();
        let mut last = no_endpoints();
        for endpoint in (first..first + count).map(|endpoint| endpoint % count) {
            let attempt = async { call(self.connect(endpoint, Leader::NotRequired).await?).await };
            match bounded(attempt, self.url(endpoint)).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => last = failed.error,
            }
        }
        Err(last)
    }

    /// Moves on from the endpoint of `generation`, unless somebody already has.
    pub(super) fn leave(&self, generation: u64) {
        let current = self.current();
        if current.generation == generation {
            let next = (current.endpoint + 1) % self.settings.endpoints.len();
            tracing::debug!(
                from = self.url(current.endpoint),
                to = self.url(next),
                "leaving an etcd endpoint"
            );
            self.replace(&current, next);
        }
    }

    fn replace(&self, old: &Current, endpoint: usize) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation == old.generation {
            *current = Current {
                generation: old.generation + 1,
                endpoint,
                clients: Arc::default(),
            };
        }
    }

    fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn connect(&self, endpoint: usize, leader: Leader) -> Result<Clients, Error> {
        let client = Client::connect([self.url(endpoint)], Some(options(&self.settings, leader))).await?;
        Ok(Clients {
            kv: client.kv_client().max_decoding_message_size(LARGEST_ANSWER),
            lease: client.lease_client(),
            watch: client.watch_client().max_decoding_message_size(LARGEST_ANSWER),
        })
    }

    /// An endpoint's address, for clients and for people.
    pub(super) fn url(&self, endpoint: usize) -> String {
        self.settings.endpoints.get(endpoint).cloned().unwrap_or_default()
    }
}

async fn bounded<T>(attempt: impl Future<Output = Result<T, Error>>, endpoint: String) -> Result<T, Failed> {
    match tokio::time::timeout(ATTEMPT, attempt).await {
        Ok(answer) => answer.map_err(|error| Failed {
            electing: is_electing(&error),
            error: classify(&error, endpoint),
        }),
        Err(_) => Err(Failed {
            electing: false,
            error: RegistryError::Away {
                endpoint,
                cause: format!("no answer within {ATTEMPT:?}"),
            },
        }),
    }
}

fn no_endpoints() -> RegistryError {
    RegistryError::Settings {
        cause: "no endpoints".to_owned(),
    }
}

fn options(settings: &RegistrySettings, leader: Leader) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .with_connect_timeout(CONNECT)
        .with_timeout(CALL)
        .with_keep_alive(PING.0, PING.1)
        .with_keep_alive_while_idle(false)
        .with_require_leader(leader == Leader::Required)
        .with_auto_token_refresh(true);
    if let Some(tls) = &settings.tls {
        let mut with = TlsOptions::new().timeout(CALL);
        if let Some(ca) = &tls.ca {
            with = with.ca_certificate(Certificate::from_pem(ca));
        }
        if let Some((certificate, key)) = &tls.identity {
            with = with.identity(Identity::from_pem(certificate, key));
        }
        options = options.with_tls(with);
    }
    if let Some(credentials) = &settings.credentials {
        options = options.with_user(&credentials.user, credentials.password.first().expose());
    }
    options
}
