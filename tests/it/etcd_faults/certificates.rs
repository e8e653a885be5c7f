//! Certificates that come to their end while everybody runs, and are renewed too late.

use std::time::{Duration, SystemTime};

use rcgen::SanType;

use super::version;
use crate::support::{
    LONG, eventually,
    everybody::Everybody,
    secured::{Known, Secured, USERS},
};

crate::support::at_the_same_time! {
    certificates_that_have_ended:
    a_certificate_of_etcd_that_has_ended_is_named_and_a_renewed_one_is_taken
    certificates_of_clients_that_have_ended_are_named_and_renewed_ones_are_taken
}

/// How long the certificates go on: everybody finds etcd again sooner.
const LEFT: Duration = Duration::from_secs(15);
/// Their end is a whole second.
const ROUNDED: Duration = Duration::from_secs(1);

/// Signs the certificates of these names anew; they end then.
fn sign(secured: &Secured, names: &[&str], end: SystemTime) {
    let ip = *secured.etcd.address().ip();
    for name in names {
        secured.authority.sign_as(name, |params| {
            params.subject_alt_names = vec![SanType::IpAddress(ip.into())];
            params.not_after = end.into();
        });
    }
}

/// Who needs a new connection is told why there is none; nothing changes; what is renewed is taken without a restart.
async fn end_and_are_renewed(names: &[&str], words: &str) {
    let mut secured = Secured::start(version(), Known::Certificate, &[]).await;
    let mut all = Everybody::with(&secured.etcd, |user| secured.flags(user)).await;
    // Everybody works with these for a while: what has worked before is not forgotten for what does not.
    let end = SystemTime::now() + LEFT;
    sign(&secured, names, end);
    secured.etcd.restart().await;
    all.sidecar_is_current().await;
    tokio::time::sleep(end.duration_since(SystemTime::now()).unwrap_or_default() + ROUNDED).await;
    // Open connections are not asked again.
    secured.etcd.restart().await;
    let status = all.sidecar.until("it says what has ended", |status| {
        let away = status.pointer("/registry/away/cause").and_then(|cause| cause.as_str());
        away.is_some_and(|cause| cause.contains(words))
    });
    assert_eq!(status.await["verdict"], "ready");
    all.are_the_same();

    sign(&secured, names, SystemTime::now() + 100 * LONG);
    all.sidecar_is_current().await;
    eventually("the seed is there", LONG, || async {
        let keys = secured
            .client("reader")
            .read(&[quorate::registry::Range::Prefix(
                "/quorate/elasticsearch/seeds/".to_owned(),
            )])
            .await;
        (keys.ok()?.entries.len() == 1).then_some(())
    })
    .await;
    all.are_the_same();
}

async fn a_certificate_of_etcd_that_has_ended_is_named_and_a_renewed_one_is_taken() {
    end_and_are_renewed(&["server"], "certificate expired").await;
}

async fn certificates_of_clients_that_have_ended_are_named_and_renewed_ones_are_taken() {
    end_and_are_renewed(&USERS, "received fatal alert").await;
}
