//! Which pass is shown next: the newest, unless it has just failed and one before it has worked. Pure.
//!
//! Files are renewed before, after or while etcd learns of the new certificate or password, so a new pass that fails says
//! nothing about the old one and the other way round. A login that etcd refused is shown again only after a while: each attempt
//! costs etcd a good part of a second of its processor, and all hosts of a cluster make the same mistake together.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    backoff::Backoff,
    registry::{RegistryError, pass::Pass},
};

/// Waits before a pass that failed is shown again, unless something has changed.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What a failure says about the pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// etcd does not take this user and password: asking again does harm.
    Login,
    /// No TLS came about: another pass may do better, and trying costs little.
    Tls,
}

/// The passes that are known.
#[derive(Debug)]
pub(super) struct Passes {
    newest: Pass,
    /// The last one that worked.
    good: Option<Pass>,
    /// Those that failed since they last worked: at most the newest and the good one.
    failed: Vec<Failed>,
}

#[derive(Debug)]
struct Failed {
    pass: Pass,
    fault: Fault,
    error: RegistryError,
    until: Instant,
    backoff: Backoff,
}

impl Passes {
    pub(super) fn new(first: Pass) -> Self {
        Self {
            newest: first,
            good: None,
            failed: Vec::new(),
        }
    }

    /// Takes in what the files hold now; whether it is something new.
    pub(super) fn renew(&mut self, pass: Pass) -> bool {
        let new = self.newest != pass;
        self.newest = pass;
        self.forget();
        new
    }

    /// The pass to show, or what etcd said to those that there are.
    pub(super) fn choose(&self, now: Instant) -> Result<&Pass, &RegistryError> {
        let Some(failed) = self.waiting(&self.newest, now) else {
            return Ok(&self.newest);
        };
        let before = self.good.as_ref().filter(|good| **good != self.newest);
        match (before.filter(|good| self.waiting(good, now).is_none()), failed.fault) {
            (Some(good), _) => Ok(good),
            (None, Fault::Tls) => Ok(&self.newest),
            (None, Fault::Login) => Err(&failed.error),
        }
    }

    /// A pass worked.
    pub(super) fn worked(&mut self, pass: &Pass) {
        self.failed.retain(|failed| failed.pass != *pass);
        self.good = Some(pass.clone());
        self.forget();
    }

    /// A pass failed. `fraction` is drawn evenly from 0 to 1.
    pub(super) fn failed(&mut self, now: Instant, fraction: f64, pass: &Pass, fault: Fault, error: &RegistryError) {
        if fault == Fault::Login && self.good.as_ref() == Some(pass) && self.newest != *pass {
            // etcd has changed its mind: what it did not know before may be what it knows now.
            self.failed.retain(|failed| failed.pass != self.newest);
        }
        let before = self.failed.iter().position(|failed| failed.pass == *pass);
        let mut backoff = match before {
            Some(index) => self.failed.swap_remove(index).backoff,
            None => Backoff::new(AGAIN.0, AGAIN.1),
        };
        self.failed.push(Failed {
            pass: pass.clone(),
            fault,
            error: error.clone(),
            until: now + backoff.next(fraction),
            backoff,
        });
        self.forget();
    }

    fn waiting(&self, pass: &Pass, now: Instant) -> Option<&Failed> {
        self.failed
            .iter()
            .find(|failed| failed.pass == *pass && now < failed.until)
    }

    /// Passes that are neither the newest nor the good one come back only as something new.
    fn forget(&mut self) {
        let (newest, good) = (&self.newest, &self.good);
        self.failed
            .retain(|failed| failed.pass == *newest || Some(&failed.pass) == good.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn pass(password: &str) -> Pass {
        Pass {
            login: Some(("user".to_owned(), Secret::new(password))),
            ..Pass::default()
        }
    }

    fn refused() -> RegistryError {
        RegistryError::Refused {
            endpoint: "e".to_owned(),
            cause: "no".to_owned(),
        }
    }

    /// What is shown at `now`, as its password.
    fn shown(passes: &Passes, now: Instant) -> Option<String> {
        let (_, password) = passes.choose(now).ok()?.login.clone()?;
        Some(password.expose().to_owned())
    }

    #[test]
    fn a_refused_login_rests_longer_each_time_and_not_at_all_when_the_file_changes() {
        let start = Instant::now();
        let mut passes = Passes::new(pass("wrong"));
        let mut now = start;
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(shown(&passes, now).as_deref(), Some("wrong"));
            passes.failed(now, 1.0, &pass("wrong"), Fault::Login, &refused());
            assert_eq!(passes.choose(now), Err(&refused()));
            now += Duration::from_secs(wait);
        }
        passes.failed(now, 1.0, &pass("wrong"), Fault::Login, &refused());
        assert!(!passes.renew(pass("wrong")), "nothing new");
        assert_eq!(shown(&passes, now), None);
        assert!(passes.renew(pass("right")));
        assert_eq!(shown(&passes, now).as_deref(), Some("right"));
        passes.worked(&pass("right"));
        assert!(passes.failed.is_empty());
    }

    #[test]
    fn what_worked_goes_on_until_etcd_knows_the_new_one() {
        let now = Instant::now();
        let mut passes = Passes::new(pass("old"));
        passes.worked(&pass("old"));
        passes.renew(pass("new"));
        assert_eq!(shown(&passes, now).as_deref(), Some("new"));
        passes.failed(now, 1.0, &pass("new"), Fault::Login, &refused());
        assert_eq!(shown(&passes, now).as_deref(), Some("old"), "etcd does not know it yet");
        passes.failed(now, 1.0, &pass("old"), Fault::Login, &refused());
        assert_eq!(shown(&passes, now).as_deref(), Some("new"), "now it must, at once");
        passes.worked(&pass("new"));
        passes.failed(now, 1.0, &pass("new"), Fault::Login, &refused());
        assert_eq!(shown(&passes, now), None, "the old one is forgotten");
    }

    #[test]
    fn a_pass_without_tls_gives_way_to_one_that_had_it_and_never_locks_out() {
        let now = Instant::now();
        let mut passes = Passes::new(pass("old"));
        passes.failed(now, 1.0, &pass("old"), Fault::Tls, &refused());
        assert_eq!(shown(&passes, now).as_deref(), Some("old"), "there is no other");
        passes.worked(&pass("old"));
        passes.renew(pass("new"));
        passes.failed(now, 1.0, &pass("new"), Fault::Tls, &refused());
        assert_eq!(shown(&passes, now).as_deref(), Some("old"));
        assert_eq!(shown(&passes, now + AGAIN.0).as_deref(), Some("new"));
    }
}
