//! The registry: what `quorate` keeps in etcd, in its own words.
//!
//! Reads, transactions and leases are plain data here ([`Txn`], [`Reading`], [`Lease`]); [`etcd`](self) details stay in one
//! adapter file. The contract:
//!
//! - [`Registry::read`] is linearizable and reads all its ranges at one revision. It may be repeated at will.
//! - [`Registry::commit`] is sent once. After an error it may or may not have taken effect: read again, never resend blindly.
//! - [`Registry::commit_fenced`] is sent until an endpoint answers, because each of its changes is compared with what it replaces.
//! - Every call has a deadline and leaves a sick endpoint for the next one; an error means that no endpoint answered in time.
//! - An error that is not known counts as "registry away", never as a reason to act.

mod error;
mod etcd;
mod keys;
mod pass;
mod settings;
mod tracker;
mod txn;
mod watch;

pub use error::{RegistryError, TlsTrouble};
pub use etcd::Registry;
pub use keys::{Key, Keys};
pub use settings::{BadTlsFile, Credentials, RegistrySettings, Tls, TlsFile};
pub use txn::{Compare, Entry, Lease, LeaseId, LeaseRequest, Op, Range, Reading, Revision, TimeToLive, Txn};
pub use watch::{Pace, WatchEvent, Watcher};
