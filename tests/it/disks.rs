//! Disks that are wiped, moved, exchanged or unreadable, and a record that is lost: what `docs/usage/disks.md` says happens, on real
//! nodes. Whatever happens, there is never a second cluster.

mod formed;
mod swapped;
mod unrecorded;

/// Three hosts of Elasticsearch 6.8, all of them named when the cluster is founded.
const ZEN: [&str; 4] = ["--expected-masters", "3", "--bootstrap-expect", "3"];

/// What users find about disks.
const PAGE: &str = include_str!("../../docs/usage/disks.md");

/// A part of a message that stands on the page.
fn documented(part: &'static str) -> &'static str {
    assert!(PAGE.contains(part), "the page has no `{part}`");
    part
}
