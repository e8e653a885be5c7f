//! The real sidecar: with a stand-in for the node where it has to misbehave, with real nodes and a real etcd otherwise.

mod answers;
mod member_key;
mod steady;
mod told;

use std::time::Duration;

/// What a busy machine may add to a bound.
const SLACK: Duration = Duration::from_secs(10);
/// An etcd that is away for good.
const NO_ETCD: &str = "http://127.0.12.254:1";
/// Fast enough for a test, slow enough for a busy machine.
const FAST: [&str; 4] = ["--interval", "600ms", "--timeout", "500ms"];
