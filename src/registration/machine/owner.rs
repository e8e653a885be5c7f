//! Whose key is at our id. Pure.

use crate::{
    registration::{Obstacle, Spec, Value, state_file::Run},
    registry::{Entry, LeaseId, TimeToLive},
};

/// A lease of another boot may live this much longer than it should: whole seconds on both sides, and the way here.
const SLACK: std::time::Duration = std::time::Duration::from_secs(2);

/// Whose key it is, and so what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// There is no key.
    Nobody,
    /// This run.
    Us,
    /// A former run on this host that cannot live any more, because we hold its lock.
    Former,
    /// It looks like a former run of this host in another boot; ask about this lease before anything is believed.
    Undecided(LeaseId),
    /// Somebody else, for the reason given.
    Other(Obstacle),
}

/// What etcd said about the lease of a key from another boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ruling {
    /// The lease.
    pub(super) lease: LeaseId,
    /// How long it lives unless somebody renews it.
    pub(super) ttl: TimeToLive,
    /// Nobody renewed it since this host booted.
    pub(super) free: bool,
}

impl Ruling {
    /// Judges a lease of another boot: a host that was dead renewed nothing. A clone of this machine, with the same files and
    /// the same key, goes on renewing.
    pub(super) fn new(lease: LeaseId, ttl: TimeToLive, uptime: std::time::Duration) -> Self {
        Self {
            lease,
            ttl,
            free: ttl.remaining + uptime <= ttl.granted + SLACK,
        }
    }
}

/// Whose key `entry` is. `runs` is what the state file tells.
pub(super) fn owner(spec: &Spec, runs: &[Run], rulings: &[Ruling], entry: Option<&Entry>) -> Owner {
    let Some(entry) = entry else {
        return Owner::Nobody;
    };
    let value = Value::parse(&entry.value);
    let incarnation = value.as_ref().and_then(Value::incarnation);
    if incarnation == Some(spec.incarnation.as_str()) {
        return Owner::Us;
    }
    let key = || spec.key.clone();
    let run = runs.iter().find(|run| Some(run.incarnation.as_str()) == incarnation);
    let boot = value.as_ref().and_then(Value::boot);
    let same_boot = |run: &Run| run.boot == spec.boot_id && boot.is_none_or(|boot| boot == spec.boot_id);
    match (run, entry.lease) {
        (Some(run), _) if same_boot(run) => Owner::Former,
        (Some(_), Some(lease)) => match rulings.iter().find(|ruling| ruling.lease == lease) {
            None => Owner::Undecided(lease),
            Some(ruling) if ruling.free => Owner::Former,
            Some(ruling) => Owner::Other(Obstacle::OtherBoot {
                key: key(),
                lease,
                remaining: ruling.ttl.remaining,
            }),
        },
        (None, Some(lease)) => Owner::Other(Obstacle::ForeignLease { key: key(), lease }),
        (Some(_) | None, None) => Owner::Other(Obstacle::ForeignKey {
            key: key(),
            revision: entry.mod_revision,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::registration::machine::tests::{BOOT, run, spec};

    fn entry(value: &str, lease: Option<i64>) -> Entry {
        Entry {
            key: "/k".to_owned(),
            value: value.as_bytes().to_vec(),
            create_revision: 3,
            mod_revision: 4,
            lease: lease.map(LeaseId),
        }
    }

    fn of(value: &str, lease: Option<i64>, ruling: Option<Ruling>) -> Owner {
        let runs = [run(7, "former", BOOT), run(8, "before-boot", "another")];
        owner(&spec(), &runs, ruling.as_slice(), Some(&entry(value, lease)))
    }

    #[test]
    fn whose_a_key_is() {
        let foreign_lease = Owner::Other(Obstacle::ForeignLease {
            key: "/k".to_owned(),
            lease: LeaseId(9),
        });
        let foreign_key = Owner::Other(Obstacle::ForeignKey {
            key: "/k".to_owned(),
            revision: 4,
        });
        for (value, lease, expected) in [
            (r#"{"incarnation":"us"}"#, Some(1), Owner::Us),
            (r#"{"incarnation":"us"}"#, None, Owner::Us),
            (r#"{"incarnation":"former"}"#, Some(7), Owner::Former),
            (r#"{"incarnation":"former"}"#, None, Owner::Former),
            (r#"{"incarnation":"former","boot":"this"}"#, Some(7), Owner::Former),
            (
                r#"{"incarnation":"former","boot":"that"}"#,
                Some(7),
                Owner::Undecided(LeaseId(7)),
            ),
            (
                r#"{"incarnation":"before-boot"}"#,
                Some(8),
                Owner::Undecided(LeaseId(8)),
            ),
            (r#"{"incarnation":"before-boot"}"#, None, foreign_key.clone()),
            (r#"{"incarnation":"stranger"}"#, Some(9), foreign_lease.clone()),
            (r#"{"http_port":1,"transport_port":2}"#, Some(9), foreign_lease.clone()),
            ("10.0.0.1:9200", Some(9), foreign_lease),
            (r#"{"http_port":1,"transport_port":2}"#, None, foreign_key.clone()),
            ("garbage", None, foreign_key),
        ] {
            assert_eq!(of(value, lease, None), expected, "{value} {lease:?}");
        }
        assert_eq!(owner(&spec(), &[], &[], None), Owner::Nobody);
    }

    #[test]
    fn a_lease_of_another_boot_is_ours_only_when_nobody_renewed_it_since() {
        let ruling = |remaining, uptime| {
            let ttl = TimeToLive {
                remaining: Duration::from_secs(remaining),
                granted: Duration::from_secs(30),
            };
            Ruling::new(LeaseId(8), ttl, Duration::from_secs(uptime))
        };
        // (remaining, uptime): a host that booted 20 s ago cannot have renewed a lease that has more than 10 s left.
        for (remaining, uptime, free) in [
            (10, 20, true),
            (12, 20, true),
            (13, 20, false),
            (29, 20, false),
            (0, 32, true),
            (0, 33, false),
            (25, 3600, false),
        ] {
            let ruling = ruling(remaining, uptime);
            assert_eq!(ruling.free, free, "{remaining} s left, up {uptime} s");
            let owner = of(r#"{"incarnation":"before-boot"}"#, Some(8), Some(ruling));
            assert_eq!(owner == Owner::Former, free);
        }
        let of_another_lease = of(r#"{"incarnation":"before-boot"}"#, Some(80), Some(ruling(10, 20)));
        assert_eq!(of_another_lease, Owner::Undecided(LeaseId(80)));
    }
}
