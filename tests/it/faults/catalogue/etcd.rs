//! etcd: its processes, its disk, its data and what it lets us do.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "etcd",
    faults: &[
        Fault {
            name: "SIGKILL or SIGSTOP of one member of three",
            seen: "nothing: no key is lost, writes go on with another member",
            tests: &[
                "registration_outage::a_member_that_dies_is_not_noticed",
                "registration_outage::a_member_that_freezes_is_not_noticed",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: Some("a lease is never renewed"),
        },
        Fault {
            name: "no etcd for longer than a lease lives",
            seen: "`registry: away since …`, verdicts and answers go on, nothing stops; keys are back after its return",
            tests: &[
                "sidecar::member_key::an_etcd_that_is_away_longer_than_the_ttl_costs_nothing",
                "registration_outage::an_etcd_that_was_dead_for_longer_than_the_ttl_finds_the_key_back",
                "registration_outage::an_etcd_that_was_frozen_for_longer_than_the_ttl_gets_the_key_again",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: None,
        },
        Fault {
            name: "members and leaders killed, frozen, stopped and started in any order; no space; defragmentation",
            seen: "nothing while two members serve; else nothing changes, and keys that are missing are back within 15 s of etcd's return",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: Some("a lease is never renewed; a key is kept while its node is unready"),
        },
        Fault {
            name: "an etcd that has lost everything",
            seen: "keys and record are put again by whoever lives",
            tests: &["registration_outage::an_etcd_that_lost_everything_gets_the_key_again"],
            broken: None,
        },
        Fault {
            name: "a restart under hundreds of sidecars",
            seen: "nothing: leases outlive it, each is renewed and its key looked at within a third of the TTL, none is written again",
            tests: &["scale::hundreds_of_sidecars_lose_no_registration_when_etcd_is_killed_and_started"],
            broken: None,
        },
        Fault {
            name: "all leases gone at once, under hundreds of sidecars",
            seen: "keys are back within 15 s, spread so that etcd takes every write; what it turns away is tried again later",
            tests: &[
                "scale::hundreds_of_sidecars_are_back_when_all_their_leases_are_gone_at_once",
                "registration::machine::tests::a_busy_etcd_is_left_alone_and_what_it_turned_away_was_not_done",
            ],
            broken: None,
        },
        Fault {
            name: "a commit whose answer is lost",
            seen: "nothing: it is found out whether it took place, and it is neither undone nor repeated",
            tests: &["registration_outage::a_commit_without_an_answer_is_neither_undone_nor_repeated"],
            broken: None,
        },
        Fault {
            name: "a compaction that overtakes a watcher",
            seen: "nothing: it reads everything again",
            tests: &[
                "registry_watch::a_reader_that_a_compaction_overtook_gets_a_list",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: None,
        },
        Fault {
            name: "a password that is changed, tokens that end, certificates that are renewed",
            seen: "nothing, once files and etcd agree; what is refused meanwhile is said with the user and the key",
            tests: &[
                "etcd_renewal::a_password_is_changed_in_either_order_and_no_key_is_lost",
                "etcd_renewal::a_renewed_certificate_is_used_by_the_next_connection_and_half_a_renewal_is_not",
                "registry_access::a_user_with_a_password_gets_in_and_stays_in_when_etcd_forgets_its_tokens",
            ],
            broken: None,
        },
    ],
};
