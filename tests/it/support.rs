//! What integration tests share: waiting for a condition, and real parts that are started, broken and ended.

pub(crate) mod address;
pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod docker;
pub(crate) mod documents;
pub(crate) mod engine;
pub(crate) mod etcd;
pub(crate) mod everybody;
pub(crate) mod haproxy;
pub(crate) mod http;
pub(crate) mod key_seen;
pub(crate) mod launcher;
pub(crate) mod manager;
pub(crate) mod mount;
pub(crate) mod node;
mod parts;
pub(crate) mod place;
pub(crate) mod program;
pub(crate) mod prometheus;
pub(crate) mod proxy;
pub(crate) mod registration;
pub(crate) mod reload;
pub(crate) mod secure;
pub(crate) mod secured;
pub(crate) mod session;
pub(crate) mod sidecar;
pub(crate) mod small_disk;
pub(crate) mod standin;
pub(crate) mod still;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod turn;
pub(crate) mod vagrant;
mod wait;

pub(crate) use parts::{part, setting};
pub(crate) use wait::{LONG, SETTLED, eventually, standing_until};

/// Makes a test of each function that takes a version of etcd. It runs on both versions, which differ where it is dangerous, at
/// the same time, because most of it is waiting.
macro_rules! on_both_versions {
    ($($name:ident)*) => {
        mod on_both_versions {
            use $crate::support::etcd::Version;
            $(#[tokio::test] async fn $name() {
                let old = tokio::spawn(super::$name(Version::V34));
                let new = tokio::spawn(super::$name(Version::V35));
                let (old, new) = tokio::join!(old, new);
                old.expect("etcd 3.4");
                new.expect("etcd 3.5");
            })*
        }
    };
}
pub(crate) use on_both_versions;

/// Makes one test of several functions, which run at the same time, because most of each is waiting.
macro_rules! at_the_same_time {
    ($test:ident: $($name:ident)*) => {
        #[tokio::test]
        async fn $test() {
            let all = [$((stringify!($name), tokio::spawn($name()))),*];
            for (name, run) in all {
                run.await.expect(name);
            }
        }
    };
}
pub(crate) use at_the_same_time;

/// Runs each test on two newer versions of etcd as well.
macro_rules! on_newer_versions {
    ($($name:ident)*) => {
        mod on_newer_versions {
            use $crate::support::etcd::Version;
            $(#[tokio::test] async fn $name() {
                let old = tokio::spawn(super::$name(Version::V36));
                let new = tokio::spawn(super::$name(Version::V37));
                let (old, new) = tokio::join!(old, new);
                old.expect("etcd 3.6");
                new.expect("etcd 3.7");
            })*
        }
    };
}
pub(crate) use on_newer_versions;
