//! The whole sidecar under every sequence of faults that chance finds, in virtual time: the real judge and the real keeper of the key,
//! over a modelled node, launcher's file, network and etcd. Two hosts, the second with a sidecar of the same id or a clone of the
//! first; runs are killed, frozen, stopped and become the next program; calls are lost, late, unanswered and refused.
//!
//! A failure prints the shortest list of moves that still fails, and the seed that tells it again.
#![expect(clippy::indexing_slicing, reason = "a story names only hosts that are there")]

mod act;
mod action;
mod etcd;
mod host;
mod node;
mod oracle;
mod sabotage;
mod shell;
mod story;
mod world;

use crate::formation_model::search::never_fails;

#[test]
fn no_sequence_of_faults_leaves_a_key_without_its_node_or_a_node_without_its_key() {
    never_fails("faults of one sidecar", 1500, story::story);
}
