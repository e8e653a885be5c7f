//! What operators do to an etcd, and what they have to do when its space has run out.

use super::version;
use crate::support::{LONG, etcd::Etcd, eventually, everybody::Everybody, standin::Mood};

crate::support::at_the_same_time! {
    what_operators_do_and_undo:
    without_space_keys_stay_or_go_and_what_could_not_be_written_is_when_there_is_room
    readers_that_a_compaction_overtook_list_again
    members_that_are_defragmented_under_everybody_cost_nobody_a_key
}

/// Big values, until etcd takes no more.
fn fill(etcd: &Etcd) {
    let big = "x".repeat(100_000);
    for number in 0..100 {
        if etcd.try_etcdctl(&["put", &format!("/filled/{number}"), &big]).is_err() {
            return;
        }
    }
    panic!("it takes everything");
}

async fn without_space_keys_stay_or_go_and_what_could_not_be_written_is_when_there_is_room() {
    let etcd = Etcd::start_with(version(), "http", |_| vec!["--quota-backend-bytes=1000000".to_owned()]).await;
    let etcd = [etcd];
    let mut all = Everybody::at(&etcd).await;
    let [etcd] = etcd;
    all.learn_of(&etcd, "10.0.0.1").await;
    fill(&etcd);
    assert!(etcd.etcdctl(&["alarm", "list"]).contains("NOSPACE"));
    // Leases are renewed, and a key may go, which takes no space; it does not come back.
    all.sidecar_is_current().await;
    all.node.is(Mood::Line("lost"));
    let key = format!("/services/elasticsearch/{}", all.node.home());
    let there = || etcd.etcdctl(&["get", "--keys-only", &key]).contains(&key);
    eventually("the key goes", LONG, || async { (!there()).then_some(()) }).await;
    all.node.is(Mood::Line("joined"));
    let said = all.sidecar.until("it says that etcd has no space", |status| {
        let away = status.pointer("/registry/away/cause").and_then(|cause| cause.as_str());
        away.is_some_and(|cause| cause.contains("space"))
    });
    assert_eq!(said.await["verdict"], "ready");
    assert!(!there());
    all.are_the_same();

    // As etcd's own documentation says.
    etcd.etcdctl(&["del", "--prefix", "/filled/"]);
    let status = etcd.etcdctl(&["endpoint", "status", "-w", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("json");
    let revision = status
        .pointer("/0/Status/header/revision")
        .expect("a revision")
        .to_string();
    etcd.etcdctl(&["compact", &revision]);
    etcd.etcdctl(&["defrag"]);
    etcd.etcdctl(&["alarm", "disarm"]);
    let room = tokio::time::Instant::now();
    all.learn_of(&etcd, "10.0.0.2").await;
    assert!(room.elapsed().as_secs() < 15, "{:?}", room.elapsed());
    assert_eq!(all.lease_losses(), 0);
}

async fn readers_that_a_compaction_overtook_list_again() {
    let etcd = [Etcd::start(version()).await];
    let mut all = Everybody::at(&etcd).await;
    let [etcd] = etcd;
    all.learn_of(&etcd, "10.0.0.1").await;
    all.freeze();
    // More than what lies between the two can hold, so that etcd has to read what it sends from its history.
    let big = format!(
        r#"{{"http_port":9200,"transport_port":9300,"x":"{}"}}"#,
        "x".repeat(900_000)
    );
    let registry = etcd.registry();
    let mut last = 0;
    for number in 0..40 {
        let put = quorate::registry::Op::Put {
            key: format!("/services/elasticsearch/10.0.1.{}", number % 4),
            value: big.clone().into_bytes(),
            lease: None,
        };
        let txn = quorate::registry::Txn {
            when: Vec::new(),
            then: vec![put],
        };
        let committed = eventually("it is committed", LONG, || async { registry.commit(&txn).await.ok() });
        last = committed.await.expect("no condition");
    }
    etcd.etcdctl(&["del", "--prefix", "/services/elasticsearch/10.0.1."]);
    etcd.etcdctl(&["compact", "--physical", &(last + 1).to_string()]);
    all.thaw();
    all.learn_of(&etcd, "10.0.0.2").await;
}

async fn members_that_are_defragmented_under_everybody_cost_nobody_a_key() {
    let members = Etcd::start_three(version()).await;
    let mut all = Everybody::at(&members).await;
    let big = vec![b'x'; 1_000_000];
    let registry = members[0].registry();
    for number in 0..150 {
        let put = quorate::registry::Op::Put {
            key: format!("/filled/{number}"),
            value: big.clone(),
            lease: None,
        };
        let txn = quorate::registry::Txn {
            when: Vec::new(),
            then: vec![put],
        };
        eventually("it is committed", LONG, || async { registry.commit(&txn).await.ok() }).await;
    }
    for member in &members {
        member.etcdctl(&["--command-timeout=60s", "defrag"]);
    }
    all.learn_of(&members[0], "10.0.0.1").await;
    assert_eq!(all.lease_losses(), 0);
}
