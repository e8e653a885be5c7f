//! The store of the model against a real etcd: the same random reads, transactions and leases, the same answers.

#![expect(clippy::indexing_slicing, reason = "dice stay below the length")]

use quorate::registry::{Compare, LeaseId, Op, Range, RegistryError, Txn};

use crate::{
    formation_model::{
        dice::Dice,
        store::{DeadLease, Store},
    },
    support::{
        etcd::{Etcd, Version},
        on_both_versions,
    },
};

on_both_versions! {
    the_store_of_the_model_answers_like_etcd
}

const KEYS: [&str; 6] = ["/a/1", "/a/2", "/a/3", "/b/1", "/b/2", "/c"];

/// Each lease under its two names; some are ended and go on being used.
type Leases = Vec<(LeaseId, LeaseId)>;

async fn the_store_of_the_model_answers_like_etcd(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let (mut store, mut dice, mut leases) = (Store::new(), Dice::random(), Leases::new());
    let everything = ["/a/", "/b/", "/c"].map(|prefix| match prefix.strip_suffix('/') {
        Some(_) => Range::Prefix(prefix.to_owned()),
        None => Range::Key(prefix.to_owned()),
    });
    for round in 0..300 {
        match dice.below(10) {
            0 => leases.push((
                store.grant(),
                registry
                    .grant(std::time::Duration::from_mins(1))
                    .await
                    .expect("granted")
                    .id,
            )),
            1 if !leases.is_empty() => {
                let (model, real) = leases[dice.below(leases.len())];
                store.end(model);
                registry.revoke(real).await.expect("revoked");
            }
            _ => {
                let txn = random_txn(&mut dice, &store, leases.len());
                let expected = store.commit(&with_leases(&txn, |lease| leases[lease].0));
                let committed = registry.commit(&with_leases(&txn, |lease| leases[lease].1)).await;
                let answered = match (&expected, &committed) {
                    (Ok(expected), Ok(committed)) => expected == committed,
                    (Err(DeadLease), Err(error)) => *error == RegistryError::LeaseGone,
                    (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
                };
                assert!(
                    answered,
                    "round {round}: {txn:?}: the model says {expected:?}, etcd {committed:?}"
                );
            }
        }
        let (mut expected, read) = (store.read(&everything), registry.read(&everything).await.expect("read"));
        for entry in &mut expected.entries {
            let real = |lease: LeaseId| leases.iter().find(|(model, _)| *model == lease).map(|(_, real)| *real);
            entry.lease = entry.lease.and_then(real);
        }
        assert_eq!(expected, read, "round {round}");
    }
}

fn random_txn(dice: &mut Dice, store: &Store, leases: usize) -> Txn {
    let when = (0..dice.below(3)).map(|_| random_compare(dice, store)).collect();
    // etcd takes each key only once.
    let keys: Vec<&str> = KEYS.into_iter().filter(|_| dice.below(3) == 0).collect();
    let change = |key: &str| match dice.below(3) {
        0 => Op::Delete { key: key.to_owned() },
        1 if leases > 0 => put(key, Some(LeaseId(i64::try_from(dice.below(leases)).expect("few")))),
        _ => put(key, None),
    };
    Txn {
        when,
        then: keys.into_iter().map(change).collect(),
    }
}

fn put(key: &str, lease: Option<LeaseId>) -> Op {
    Op::Put {
        key: key.to_owned(),
        value: b"{}".to_vec(),
        lease,
    }
}

fn random_compare(dice: &mut Dice, store: &Store) -> Compare {
    let key = KEYS[dice.below(KEYS.len())].to_owned();
    let range = match dice.below(3) {
        0 => Range::Prefix("/a/".to_owned()),
        1 => Range::Prefix("/b/".to_owned()),
        _ => Range::Key(key.clone()),
    };
    let entry = store.get(&key);
    let around = |revision: i64, dice: &mut Dice| revision - 1 + i64::from(u8::try_from(dice.below(3)).expect("few"));
    match dice.below(4) {
        0 => Compare::Absent(range),
        1 => Compare::ModRevision(key, entry.map_or(0, |entry| entry.mod_revision)),
        2 => Compare::CreateRevision(key, entry.map_or(0, |entry| entry.create_revision)),
        _ => Compare::NotWrittenAfter(range, around(store.revision(), dice)),
    }
}

/// The leases of the transaction are numbers; these are their names.
fn with_leases(txn: &Txn, name: impl Fn(usize) -> LeaseId) -> Txn {
    let mut txn = txn.clone();
    for op in &mut txn.then {
        if let Op::Put { lease: Some(lease), .. } = op {
            *lease = name(usize::try_from(lease.0).expect("a number"));
        }
    }
    txn
}
