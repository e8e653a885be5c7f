//! Which endpoint is talked to, and for how long.
//!
//! One client per endpoint and never several endpoints in one: a client that balances keeps picking the dead one. It starts
//! at a random endpoint, stays there, and moves on when one fails. Every call stands under a deadline of its own, because the
//! client's own time-outs bound neither streams nor a stalled TLS handshake.

mod open;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use etcd_client::Error;
use tokio::{sync::OnceCell, time::Instant};

use super::{
    access::Access,
    client::{Clients, Leader},
    convert::{classify, is_electing, is_out_of_time},
    passes::Fault,
    patience::{self, Patience},
};
use crate::{
    host::random_below,
    registry::{RegistryError, RegistrySettings, pass::Pass},
};

/// How often one attempt may be made again at once, with a new login or renewed files.
const SECOND_TRIES: usize = 2;

/// How long an election is waited for, and how often it is looked for its end: etcd elects within 2 s.
const ELECTION: (Duration, Duration) = (Duration::from_secs(3), Duration::from_millis(200));

/// Why an attempt failed.
struct Failed {
    error: RegistryError,
    /// etcd lives and elects a leader: the next round may find one.
    electing: bool,
    /// A new login or renewed files may do better at once.
    again: bool,
    /// The time was up, for us or for etcd.
    unanswered: bool,
}

/// When a call may be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resend {
    /// It may be repeated at will.
    Always,
    /// Only when etcd surely did nothing, because it refused.
    Refused,
}

/// The endpoints and the one in use.
pub(super) struct Connection {
    settings: Arc<RegistrySettings>,
    access: Access,
    /// The user, for messages.
    who: String,
    current: Mutex<Current>,
    patience: Mutex<Patience>,
}

/// The endpoint in use. Replaced as a whole when it fails, so that late failures of an old one cannot touch its successor.
#[derive(Clone)]
struct Current {
    generation: u64,
    endpoint: usize,
    connected: Arc<OnceCell<Connected>>,
}

/// The clients of the endpoint, and what opened it.
struct Connected {
    clients: Clients,
    pass: Pass,
    /// Whether etcd has answered them.
    proven: AtomicBool,
}

impl Connection {
    pub(super) fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        if settings.endpoints.is_empty() {
            return Err(no_endpoints());
        }
        let settings = Arc::new(settings);
        let current = Current {
            generation: 0,
            // Clients that start at a random endpoint spread over all of them.
            endpoint: random_below(settings.endpoints.len()),
            connected: Arc::default(),
        };
        Ok(Self {
            access: Access::new(Arc::clone(&settings))?,
            who: who(&settings),
            patience: Mutex::new(Patience::new(settings.endpoints.len())),
            settings,
            current: Mutex::new(current),
        })
    }

    pub(super) fn endpoints(&self) -> &[String] {
        &self.settings.endpoints
    }

    /// One attempt at the endpoint in use, sent again only where etcd refused it. The answer comes with the generation that gave
    /// it, for [`leave`](Self::leave).
    pub(super) async fn once<T, F>(&self, call: impl Fn(Clients) -> F) -> Result<(T, u64), RegistryError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.attempt(Resend::Refused, call).await.map_err(|failed| failed.error)
    }

    /// One attempt, and at once another one where a new login or renewed files may do better.
    async fn attempt<T, F>(&self, resend: Resend, call: impl Fn(Clients) -> F) -> Result<(T, u64), Failed>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut spare = SECOND_TRIES;
        loop {
            let failed = match self.attempt_once(&call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let refused = matches!(
                failed.error,
                RegistryError::Refused { .. } | RegistryError::Denied { .. }
            );
            if !failed.again || spare == 0 || !(refused || resend == Resend::Always) {
                return Err(failed);
            }
            spare -= 1;
        }
    }

    async fn attempt_once<T, F>(&self, call: impl Fn(Clients) -> F) -> Result<(T, u64), Failed>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let current = self.current();
        let url = self.url(current.endpoint);
        let start = Instant::now();
        let bound = self.bound();
        let attempt = async {
            // Boxed: it is rare, and would make every call's future several times as large.
            let connect = || Box::pin(self.connect(current.endpoint, Leader::Required, bound));
            let connected = current.connected.get_or_try_init(connect).await?;
            let answer = call(connected.clients.clone()).await;
            answer.map_err(|error| self.failure(&error, current.endpoint))
        };
        match bounded(attempt, url, bound).await {
            Ok(answer) => {
                self.patience(|patience| patience.answered(start.elapsed()));
                if let Some(connected) = current.connected.get()
                    && !connected.proven.swap(true, Ordering::Relaxed)
                {
                    self.access.worked(&connected.pass);
                }
                Ok((answer, current.generation))
            }
            Err(mut failed) => {
                if let Some(connected) = current.connected.get()
                    && !connected.proven.load(Ordering::Relaxed)
                {
                    Box::pin(open::diagnose(start, &connected.pass, &mut failed)).await;
                }
                Err(Box::pin(self.after(&current, start, failed)).await)
            }
        }
    }

    /// Draws the conclusions from a failure: which endpoint and which pass are next, and whether to try them at once.
    async fn after(&self, current: &Current, start: Instant, failed: Failed) -> Failed {
        let connected = current.connected.get();
        if let (RegistryError::Tls { .. }, Some(connected)) = (&failed.error, connected) {
            self.access.failed(&connected.pass, Fault::Tls, &failed.error);
        }
        match &failed.error {
            RegistryError::Away { .. }
                if failed.unanswered && !self.patience(|patience| patience.unanswered(start, Instant::now())) => {}
            RegistryError::Away { .. } | RegistryError::Tls { .. } => self.leave(current.generation),
            // The token may be one that etcd has forgotten.
            RegistryError::Refused { .. } => self.replace(current, current.endpoint),
            RegistryError::Busy { .. }
            | RegistryError::Denied { .. }
            | RegistryError::LeaseGone
            | RegistryError::Settings { .. } => {}
        }
        let credentials = matches!(
            failed.error,
            RegistryError::Tls { .. } | RegistryError::Refused { .. } | RegistryError::Denied { .. }
        );
        let Some(connected) = connected.filter(|_| credentials) else {
            return failed;
        };
        let renewed = self.access.pass().await.is_ok_and(|pass| pass != connected.pass);
        if renewed {
            self.replace(current, current.endpoint);
        }
        let forgotten =
            matches!(failed.error, RegistryError::Refused { .. }) && connected.proven.load(Ordering::Relaxed);
        Failed {
            again: renewed || forgotten,
            ..failed
        }
    }

    fn failure(&self, error: &Error, endpoint: usize) -> Failed {
        Failed {
            electing: is_electing(error),
            error: classify(error, self.url(endpoint), &self.who),
            again: false,
            unanswered: is_out_of_time(error),
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
                match self.attempt(Resend::Always, &call).await {
                    Ok((answer, _)) => return Ok(answer),
                    Err(failed) if !failed.error.is_of_the_endpoint() => return Err(failed.error),
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
            let bound = patience::ATTEMPT;
            let attempt = async {
                let connected = Box::pin(self.connect(endpoint, Leader::NotRequired, bound)).await?;
                let answer = call(connected.clients).await;
                answer.map_err(|error| self.failure(&error, endpoint))
            };
            match bounded(attempt, self.url(endpoint), bound).await {
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
                connected: Arc::default(),
            };
        }
    }

    /// How long an answer is waited for at the moment.
    pub(super) fn bound(&self) -> Duration {
        self.patience(|patience| patience.bound())
    }

    fn patience<T>(&self, with: impl FnOnce(&mut Patience) -> T) -> T {
        with(&mut self.patience.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An endpoint's address, for clients and for people.
    pub(super) fn url(&self, endpoint: usize) -> String {
        self.settings.endpoints.get(endpoint).cloned().unwrap_or_default()
    }
}

async fn bounded<T>(
    attempt: impl Future<Output = Result<T, Failed>>,
    endpoint: String,
    bound: Duration,
) -> Result<T, Failed> {
    tokio::time::timeout(bound, attempt).await.unwrap_or_else(|_| {
        Err(Failed {
            electing: false,
            error: RegistryError::Away {
                endpoint,
                cause: format!("no answer within {bound:?}"),
            },
            again: false,
            unanswered: true,
        })
    })
}

fn no_endpoints() -> RegistryError {
    RegistryError::Settings {
        cause: "no endpoints".to_owned(),
    }
}

fn who(settings: &RegistrySettings) -> String {
    let certificate = settings.tls.as_ref().is_some_and(|tls| tls.identity.is_some());
    match &settings.credentials {
        Some(credentials) => format!("user `{}`", credentials.user),
        None if certificate => "the user that our certificate names".to_owned(),
        None => "nobody".to_owned(),
    }
}
