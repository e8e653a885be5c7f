//! The registry on a real etcd.

use quorate::registry::{Compare, Op, Range, Txn};

use crate::support::etcd::{Etcd, Version};

#[tokio::test]
async fn what_is_committed_is_read() {
    for version in [Version::V34, Version::V35] {
        let etcd = Etcd::start(version).await;
        let registry = etcd.registry();
        let txn = Txn {
            when: vec![Compare::Absent(Range::Key("/t/a".to_owned()))],
            then: vec![Op::Put {
                key: "/t/a".to_owned(),
                value: b"1".to_vec(),
                lease: None,
            }],
        };
        let revision = registry.commit(&txn).await.expect("committed").expect("absent before");
        assert_eq!(registry.commit(&txn).await, Ok(None), "there already");
        let reading = registry.read(&[Range::Prefix("/t/".to_owned())]).await.expect("read");
        assert_eq!(reading.get("/t/a").map(|entry| entry.mod_revision), Some(revision));
        assert!(etcd.metric("etcd_server_proposals_applied_total").await > 0.0);
        assert_eq!(etcd.etcdctl(&["get", "/t/a", "--print-value-only"]), "1\n");
    }
}
