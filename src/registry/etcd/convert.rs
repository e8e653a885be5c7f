//! Our words and etcd's, one into the other. Pure.

use etcd_client::{
    Error, GetOptions, GetResponse, KeyValue, PutOptions, ResponseHeader, TxnOp, TxnOpResponse, TxnResponse,
};

use crate::registry::{Compare, Entry, LeaseId, Op, Range, Reading, RegistryError, Revision, TlsTrouble, Txn};

/// Whether a read waits until the member has all that was committed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It waits; needs a quorum.
    Linearizable,
    /// It answers from what it has.
    Stale,
}

/// How many keys one answer holds: some hundred kB, so that a large range holds up neither etcd nor us.
pub(super) const PAGE: i64 = 1000;

/// gRPC status codes by number: the client does not hand out the type.
mod code {
    pub(super) const UNKNOWN: i32 = 2;
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const UNAVAILABLE: i32 = 14;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

/// What the caller has to do about an error. What is not known is an outage. `who` is the user.
pub(super) fn classify(error: &Error, endpoint: String, who: &str) -> RegistryError {
    if let Error::GRpcStatus(status) = error {
        if let Some(tls) = tls_error(status) {
            return RegistryError::Tls {
                endpoint,
                cause: tls.to_string(),
                trouble: trouble(tls),
            };
        }
        return match i32::from(status.code()) {
            code::NOT_FOUND => RegistryError::LeaseGone,
            code::PERMISSION_DENIED => RegistryError::Denied {
                endpoint,
                who: who.to_owned(),
                what: "do this".to_owned(),
                grants: Vec::new(),
            },
            code::INVALID_ARGUMENT | code::UNAUTHENTICATED => RegistryError::Refused {
                endpoint,
                cause: status.message().to_owned(),
            },
            number if is_busy(number, status.message()) => RegistryError::Busy {
                endpoint,
                cause: status.message().to_owned(),
            },
            _ => RegistryError::Away {
                endpoint,
                cause: chain(error),
            },
        };
    }
    if let Error::LeaseKeepAliveError(_) = error {
        return RegistryError::LeaseGone;
    }
    if let Error::InvalidArgs(_) | Error::InvalidUri(_) = error {
        return RegistryError::Settings { cause: chain(error) };
    }
    RegistryError::Away {
        endpoint,
        cause: chain(error),
    }
}

/// Whether etcd did nothing because it has not applied yet what it has taken on: it turned a change away, or a renewal waited for that
/// in vain. It has a code for the first and does not use it, so that only its words tell.
fn is_busy(number: i32, message: &str) -> bool {
    match number {
        code::UNKNOWN | code::RESOURCE_EXHAUSTED => message.ends_with("too many requests"),
        code::UNAVAILABLE => message.ends_with("waiting for the applied index took too long"),
        _ => false,
    }
}

/// Whether etcd says that it has no answer in time, which tells no more than its silence would.
pub(super) fn is_out_of_time(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status)
        if i32::from(status.code()) == code::UNAVAILABLE && status.message().ends_with("request timed out"))
}

/// Whether this answer to a grant says that there is a lease with that id.
pub(super) fn is_granted_already(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if status.message().ends_with("lease already exists"))
}

/// Whether this answer to a login says that etcd has no users.
pub(super) fn is_open(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if i32::from(status.code()) == code::FAILED_PRECONDITION)
}

/// What TLS itself said, however deep it lies.
pub(super) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    // What an I/O error carries is not its source, but its source's.
    let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let inner = match carried {
        Some(carried) => Some(carried as &(dyn std::error::Error + 'static)),
        None => error.source(),
    };
    tls_error(inner?)
}

/// Whose matter it is.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that is open by design")]
pub(super) fn trouble(error: &rustls::Error) -> TlsTrouble {
    use rustls::{AlertDescription as Alert, CertificateError as Bad, Error};
    match error {
        Error::InvalidCertificate(
            Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. },
        ) => TlsTrouble::Ended,
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => TlsTrouble::Name,
        Error::InvalidCertificate(_) => TlsTrouble::Authority,
        Error::AlertReceived(
            Alert::BadCertificate
            | Alert::CertificateRequired
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => TlsTrouble::OurCertificate,
        Error::InvalidMessage(_) => TlsTrouble::NotTls,
        _ => TlsTrouble::Other,
    }
}

/// Whether a living etcd says that it cannot answer now, as all of them do while they elect a leader. A connection that cannot
/// be made has the same code, and a source.
pub(super) fn is_electing(error: &Error) -> bool {
    use std::error::Error as _;
    match error {
        Error::GRpcStatus(status) => i32::from(status.code()) == code::UNAVAILABLE && status.source().is_none(),
        Error::InvalidArgs(_)
        | Error::InvalidUri(_)
        | Error::IoError(_)
        | Error::TransportError(_)
        | Error::WatchError(_)
        | Error::Utf8Error(_)
        | Error::LeaseKeepAliveError(_)
        | Error::ElectError(_)
        | Error::InvalidMetadataValue(_)
        | Error::EndpointError(_)
        | Error::EndpointsNotManaged
        | Error::Internal(_) => false,
    }
}

/// An error with its sources, each once: the cause of a refused connection stands in the last one.
pub(super) fn chain(error: &Error) -> String {
    use std::error::Error as _;
    let (mut text, mut source) = if let Error::GRpcStatus(status) = error {
        // Shown whole, a status is for debuggers.
        (status.message().to_owned(), status.source())
    } else {
        (error.to_string(), error.source())
    };
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) && inner_text != "transport error" {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

/// All ranges in one transaction, so that they are read at one revision; of each no more than the first page, unless the answer is
/// a stale one: other members may not know its revision.
pub(super) fn read_txn(ranges: &[Range], freshness: Freshness) -> etcd_client::Txn {
    let options = match freshness {
        Freshness::Linearizable => GetOptions::new().with_limit(PAGE),
        Freshness::Stale => GetOptions::new().with_serializable(),
    };
    let get = |range: &Range| match range {
        Range::Key(key) => TxnOp::get(key.as_str(), Some(options.clone())),
        Range::Prefix(prefix) => TxnOp::get(prefix.as_str(), Some(options.clone().with_prefix())),
    };
    etcd_client::Txn::new().and_then(ranges.iter().map(get).collect::<Vec<_>>())
}

/// The next page of a prefix, from `key` on, at the revision of the first.
pub(super) fn next_page(prefix: &str, revision: Revision) -> GetOptions {
    let mut end = prefix.as_bytes().to_vec();
    // No byte of a text is 255.
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end.push(0),
    }
    GetOptions::new()
        .with_range(end)
        .with_limit(PAGE)
        .with_revision(revision)
}

/// Some entries of a range.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// The key where the next page begins; none: this was the last.
    pub(super) next: Option<Vec<u8>>,
}

impl From<&GetResponse> for Page {
    fn from(got: &GetResponse) -> Self {
        // The smallest key that is larger.
        let after = |last: &KeyValue| [last.key(), &[0]].concat();
        Self {
            entries: got.kvs().iter().filter_map(entry).collect(),
            next: got.kvs().last().filter(|_| got.more()).map(after),
        }
    }
}

/// What such a transaction read, range by range.
pub(super) fn pages(response: &TxnResponse) -> Vec<Page> {
    let page = |part: &TxnOpResponse| match part {
        TxnOpResponse::Get(got) => Page::from(got),
        TxnOpResponse::Put(_) | TxnOpResponse::Delete(_) | TxnOpResponse::Txn(_) => Page::default(),
    };
    response.op_responses().iter().map(page).collect()
}

/// All of a transaction whose pages are whole ranges.
pub(super) fn reading(response: &TxnResponse) -> Reading {
    Reading {
        revision: revision(response.header()),
        entries: pages(response).into_iter().flat_map(|page| page.entries).collect(),
    }
}

/// The revision in an answer's header; 0 where there is none, which is before everything.
pub(super) fn revision(header: Option<&ResponseHeader>) -> Revision {
    header.map_or(0, ResponseHeader::revision)
}

/// A transaction in etcd's words.
pub(super) fn change_txn(txn: &Txn) -> etcd_client::Txn {
    etcd_client::Txn::new()
        .when(txn.when.iter().map(compare).collect::<Vec<_>>())
        .and_then(txn.then.iter().map(change).collect::<Vec<_>>())
}

fn change(op: &Op) -> TxnOp {
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
pub(super) fn entry(kv: &KeyValue) -> Option<Entry> {
    Some(Entry {
        key: kv.key_str().ok()?.to_owned(),
        value: kv.value().to_vec(),
        create_revision: kv.create_revision(),
        mod_revision: kv.mod_revision(),
        lease: Some(kv.lease()).filter(|id| *id != 0).map(LeaseId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etcd_that_is_busy_is_told_by_its_words() {
        let words = "etcdserver: too many requests";
        let renewal = "etcdserver: request timed out, waiting for the applied index took too long";
        for (number, message, busy) in [
            (code::UNKNOWN, words, true),
            (code::RESOURCE_EXHAUSTED, words, true),
            (code::UNAVAILABLE, words, false),
            (code::UNAVAILABLE, renewal, true),
            (code::UNAVAILABLE, "etcdserver: request timed out", false),
            (
                code::RESOURCE_EXHAUSTED,
                "etcdserver: mvcc: database space exceeded",
                false,
            ),
            (code::UNKNOWN, "h2 protocol error", false),
        ] {
            assert_eq!(is_busy(number, message), busy, "{number} {message}");
        }
    }
}
