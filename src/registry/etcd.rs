//! The adapter to etcd v3: the only file that names `etcd_client`.
//!
//! One client per endpoint and never several endpoints in one: a client that balances keeps picking the dead one. It starts
//! at a random endpoint, stays there, and moves on when one fails. Every call stands under a deadline of its own, because the
//! client's own time-outs bound neither streams nor a stalled TLS handshake.

use std::{fmt, sync::Arc, time::Duration};

use etcd_client::{
    Certificate, Client, ConnectOptions, Error, GetOptions, Identity, PutOptions, TlsOptions, TxnOp, TxnOpResponse,
};
use tokio::{sync::Mutex, time::Instant};

use super::{Compare, Entry, Lease, LeaseId, Op, Range, Reading, RegistryError, Txn, WatchEvent, Watcher};

/// The longest that one attempt at one endpoint may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// Bound of a unary call inside the client; below [`ATTEMPT`], so that its own words reach the log.
const CALL: Duration = Duration::from_secs(2);
/// A TCP connection that is not there after this long is not there.
const CONNECT: Duration = Duration::from_secs(1);
/// HTTP/2 keep-alive: below 5 s etcd closes the connection for too many pings.
const PING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3));

/// Where etcd is and how to get in.
#[derive(Debug, Clone, Default)]
pub struct RegistrySettings {
    /// URLs, `http://host:port` or `https://host:port`; at least one.
    pub endpoints: Vec<String>,
    /// Certificates; needed for `https`.
    pub tls: Option<Tls>,
    /// User and password.
    pub credentials: Option<Credentials>,
}

/// PEM texts.
#[derive(Clone)]
pub struct Tls {
    /// The authority that signed etcd's certificate.
    pub ca: Option<Vec<u8>>,
    /// Our certificate and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// A user of etcd.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password; never shown.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A handle on etcd; clones share the connection.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    settings: RegistrySettings,
    /// The endpoint in use and the client made for it.
    current: Mutex<Current>,
}

struct Current {
    endpoint: usize,
    client: Option<Client>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("endpoints", &self.shared.settings.endpoints)
            .finish()
    }
}

impl Registry {
    /// A handle; nothing is connected yet, so "it was made" says nothing about etcd.
    pub fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        if settings.endpoints.is_empty() {
            return Err(RegistryError::Settings {
                cause: "no endpoints".to_owned(),
            });
        }
        let mut random = [0_u8; 2];
        // Without randomness every client starts at the first endpoint: less spread, nothing wrong.
        let _ = getrandom::fill(&mut random);
        let endpoint = usize::from(u16::from_le_bytes(random)) % settings.endpoints.len();
        Ok(Self {
            shared: Arc::new(Shared {
                settings,
                current: Mutex::new(Current { endpoint, client: None }),
            }),
        })
    }

    /// The endpoints, in the order given.
    pub fn endpoints(&self) -> &[String] {
        &self.shared.settings.endpoints
    }

    /// Reads all `ranges` at one revision, linearizably. Tries every endpoint once.
    pub async fn read(&self, ranges: &[Range]) -> Result<Reading, RegistryError> {
        let ops: Vec<TxnOp> = ranges.iter().map(get_op).collect();
        let response = self.try_all(|mut client| {
            let txn = etcd_client::Txn::new().and_then(ops.clone());
            async move { client.txn(txn).await }
        });
        let response = response.await?;
        let mut reading = Reading {
            revision: response.header().map_or(0, etcd_client::ResponseHeader::revision),
            entries: Vec::new(),
        };
        for part in response.op_responses() {
            if let TxnOpResponse::Get(got) = part {
                reading.entries.extend(got.kvs().iter().filter_map(entry));
            }
        }
        Ok(reading)
    }

    /// Watches `ranges`: everything that is there first, then every change. Needs a runtime; never ends by itself.
    pub fn watch(&self, ranges: Vec<Range>) -> Watcher {
        let (events, receiver) = tokio::sync::mpsc::channel(256);
        let registry = self.clone();
        let task = tokio::spawn(async move {
            let event = match registry.read(&ranges).await {
                Ok(Reading { revision, entries }) => WatchEvent::Listed { revision, entries },
                Err(error) => WatchEvent::Away {
                    cause: error.to_string(),
                },
            };
            let _ = events.send(event).await;
            std::future::pending::<()>().await;
        });
        Watcher::new(receiver, task)
    }

    /// Commits `txn` if its conditions hold; the revision of the commit, or none when they do not. Sent once.
    pub async fn commit(&self, txn: &Txn) -> Result<Option<super::Revision>, RegistryError> {
        let request = etcd_client::Txn::new()
            .when(txn.when.iter().map(compare).collect::<Vec<_>>())
            .and_then(txn.then.iter().map(change_op).collect::<Vec<_>>());
        let response = self.once(|mut client| async move { client.txn(request).await }).await?;
        let revision = response.header().map_or(0, etcd_client::ResponseHeader::revision);
        Ok(response.succeeded().then_some(revision))
    }

    /// A new lease of at least `ttl`.
    pub async fn grant(&self, ttl: Duration) -> Result<Lease, RegistryError> {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let sent = Instant::now();
        let response = self
            .once(|mut client| async move { client.lease_grant(seconds, None).await })
            .await?;
        lease(response.id(), response.ttl(), sent)
    }

    /// Renews a lease. Opens a stream of its own each time: a stream that broke is never met again.
    pub async fn keep_alive(&self, lease: Lease) -> Result<Lease, RegistryError> {
        let sent = Instant::now();
        // Opening sends one keep-alive and fails when its answer says that the lease is gone.
        self.once(|mut client| async move { client.lease_keep_alive(lease.id.0).await })
            .await?;
        Ok(Lease {
            deadline: sent + lease.ttl,
            ..lease
        })
    }

    /// How long a lease has left; none when it is gone.
    pub async fn time_to_live(&self, id: LeaseId) -> Result<Option<Duration>, RegistryError> {
        let response = self
            .try_all(|mut client| async move { client.lease_time_to_live(id.0, None).await })
            .await?;
        Ok(u64::try_from(response.ttl())
            .ok()
            .filter(|ttl| *ttl > 0)
            .map(Duration::from_secs))
    }

    /// Ends a lease and deletes its keys. A lease that is gone already is no error.
    pub async fn revoke(&self, id: LeaseId) -> Result<(), RegistryError> {
        match self
            .once(|mut client| async move { client.lease_revoke(id.0).await })
            .await
        {
            Ok(_) | Err(RegistryError::LeaseGone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One attempt at the current endpoint.
    async fn once<T, F>(&self, call: impl FnOnce(Client) -> F) -> Result<T, RegistryError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (endpoint, url) = {
            let current = self.shared.current.lock().await;
            (current.endpoint, self.url(current.endpoint))
        };
        let attempt = async {
            let client = self.client(endpoint).await?;
            call(client).await
        };
        let result = match tokio::time::timeout(ATTEMPT, attempt).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => classify(&error, url),
            Err(_) => RegistryError::Away {
                endpoint: url,
                cause: format!("no answer within {ATTEMPT:?}"),
            },
        };
        if matches!(result, RegistryError::Away { .. }) {
            self.leave(endpoint).await;
        }
        Err(result)
    }

    /// One attempt at each endpoint until one answers; only for calls that may be repeated.
    async fn try_all<T, F>(&self, call: impl Fn(Client) -> F) -> Result<T, RegistryError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut last = self.once(&call).await;
        for _ in 1..self.shared.settings.endpoints.len() {
            if !matches!(last, Err(RegistryError::Away { .. })) {
                break;
            }
            last = self.once(&call).await;
        }
        last
    }

    /// The client of the endpoint in use.
    async fn client(&self, endpoint: usize) -> Result<Client, Error> {
        let mut current = self.shared.current.lock().await;
        if current.endpoint == endpoint
            && let Some(client) = &current.client
        {
            return Ok(client.clone());
        }
        let client = Client::connect([self.url(endpoint)], Some(options(&self.shared.settings))).await?;
        if current.endpoint == endpoint {
            current.client = Some(client.clone());
        }
        Ok(client)
    }

    /// Moves on from `endpoint`, unless another task already has.
    async fn leave(&self, endpoint: usize) {
        let mut current = self.shared.current.lock().await;
        if current.endpoint == endpoint {
            current.endpoint = (endpoint + 1) % self.shared.settings.endpoints.len();
            current.client = None;
        }
    }

    fn url(&self, endpoint: usize) -> String {
        self.shared
            .settings
            .endpoints
            .get(endpoint)
            .cloned()
            .unwrap_or_default()
    }
}

fn options(settings: &RegistrySettings) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .with_connect_timeout(CONNECT)
        .with_timeout(CALL)
        .with_keep_alive(PING.0, PING.1)
        .with_keep_alive_while_idle(false)
        .with_require_leader(true)
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
        options = options.with_user(&credentials.user, &credentials.password);
    }
    options
}

fn lease(id: i64, ttl: i64, sent: Instant) -> Result<Lease, RegistryError> {
    let ttl = u64::try_from(ttl)
        .ok()
        .filter(|ttl| *ttl > 0)
        .map(Duration::from_secs)
        .ok_or(RegistryError::LeaseGone)?;
    Ok(Lease {
        id: LeaseId(id),
        ttl,
        deadline: sent + ttl,
    })
}

/// gRPC status codes by number: the client does not hand out the type.
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

fn classify(error: &Error, endpoint: String) -> RegistryError {
    match error {
        Error::LeaseKeepAliveError(_) => RegistryError::LeaseGone,
        Error::InvalidArgs(cause) => RegistryError::Settings { cause: cause.clone() },
        Error::InvalidUri(cause) => RegistryError::Settings {
            cause: cause.to_string(),
        },
        Error::GRpcStatus(status) => match i32::from(status.code()) {
            code::NOT_FOUND => RegistryError::LeaseGone,
            code::PERMISSION_DENIED | code::INVALID_ARGUMENT | code::UNAUTHENTICATED => RegistryError::Refused {
                endpoint,
                cause: status.message().to_owned(),
            },
            _ => RegistryError::Away {
                endpoint,
                cause: chain(status),
            },
        },
        other => RegistryError::Away {
            endpoint,
            cause: chain(other),
        },
    }
}

/// An error with its sources, each once: the cause of a refused connection stands in the last one.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

fn get_op(range: &Range) -> TxnOp {
    match range {
        Range::Key(key) => TxnOp::get(key.as_str(), None),
        Range::Prefix(prefix) => TxnOp::get(prefix.as_str(), Some(GetOptions::new().with_prefix())),
    }
}

fn change_op(op: &Op) -> TxnOp {
    match op {
        Op::Put { key, value, lease } => {
            let options = lease.map(|lease| PutOptions::new().with_lease(lease.0));
            TxnOp::put(key.as_str(), value.clone(), options)
        }
        Op::Delete { key } => TxnOp::delete(key.as_str(), None),
    }
}

fn compare(condition: &Compare) -> etcd_client::Compare {
    use etcd_client::CompareOp::{Equal, Less};
    let ranged = |range: &Range, make: &dyn Fn(&str) -> etcd_client::Compare| match range {
        Range::Key(key) => make(key),
        Range::Prefix(prefix) => make(prefix).with_prefix(),
    };
    match condition {
        Compare::Absent(range) => ranged(range, &|key| etcd_client::Compare::create_revision(key, Equal, 0)),
        Compare::ModRevision(key, revision) => etcd_client::Compare::mod_revision(key.as_str(), Equal, *revision),
        Compare::CreateRevision(key, revision) => etcd_client::Compare::create_revision(key.as_str(), Equal, *revision),
        Compare::NotWrittenAfter(range, revision) => ranged(range, &|key| {
            etcd_client::Compare::mod_revision(key, Less, revision + 1)
        }),
    }
}

/// An entry in our words; none for keys that are not UTF-8, which can be none of ours.
fn entry(kv: &etcd_client::KeyValue) -> Option<Entry> {
    Some(Entry {
        key: kv.key_str().ok()?.to_owned(),
        value: kv.value().to_vec(),
        create_revision: kv.create_revision(),
        mod_revision: kv.mod_revision(),
        lease: Some(kv.lease()).filter(|id| *id != 0).map(LeaseId),
    })
}
