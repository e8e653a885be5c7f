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
        Fault {
            name: "the leader is killed",
            seen: "nothing: a new one is found within seconds, no key is lost",
            tests: &["etcd_faults::leader::a_leader_that_is_killed_costs_nobody_a_key"],
            broken: None,
        },
        Fault {
            name: "the leader freezes and comes back",
            seen: "nothing while it stands still: everybody goes to another member within seconds; one that wakes up after a TTL may make etcd end \
                   leases that others have renewed, and such a key is back within a second",
            tests: &["etcd_faults::leader::a_leader_that_freezes_costs_nobody_a_key_for_long"],
            broken: None,
        },
        Fault {
            name: "two of three members are lost for longer than a lease, and come back",
            seen: "`registry: away since …`; lists stay; keys and lists are right within 15 s of their return",
            tests: &["etcd_faults::leader::without_a_quorum_nothing_changes_and_with_one_all_goes_on"],
            broken: None,
        },
        Fault {
            name: "`NOSPACE`, and the alarm disarmed",
            seen: "keys stay and may go; what cannot be put is away with etcd's words, and there within seconds of the disarming",
            tests: &[
                "etcd_faults::upkeep::without_space_keys_stay_or_go_and_what_could_not_be_written_is_when_there_is_room",
            ],
            broken: None,
        },
        Fault {
            name: "a compaction under commands and daemons that stood still",
            seen: "nothing: they list again",
            tests: &["etcd_faults::upkeep::readers_that_a_compaction_overtook_list_again"],
            broken: None,
        },
        Fault {
            name: "members are defragmented one after the other",
            seen: "nothing: no key is lost",
            tests: &["etcd_faults::upkeep::members_that_are_defragmented_under_everybody_cost_nobody_a_key"],
            broken: None,
        },
        Fault {
            name: "a member is replaced by an empty one",
            seen: "nothing: no key is lost",
            tests: &["etcd_faults::replaced::a_member_that_is_replaced_by_an_empty_one_costs_nobody_a_key"],
            broken: None,
        },
        Fault {
            name: "a restore from a snapshot older than all keys",
            seen: "revisions go back; keys are put again within 15 s, lists and commands that stay show what there is, nobody who was known is forgotten",
            tests: &["etcd_faults::replaced::a_snapshot_from_before_all_keys_gets_them_again_and_everybody_notices"],
            broken: None,
        },
        Fault {
            name: "a restore from a snapshot with the keys of former runs",
            seen: "the key of the former run is waited for, for one lease at most, and replaced",
            tests: &[
                "etcd_faults::replaced::a_snapshot_with_the_keys_of_former_runs_lets_them_end_and_takes_those_of_today",
            ],
            broken: None,
        },
        Fault {
            name: "etcd's certificate ends",
            seen: "`no TLS with etcd …: certificate expired` in log and status; the renewed one is taken within 20 s, nothing is restarted",
            tests: &[
                "etcd_faults::certificates::a_certificate_of_etcd_that_has_ended_is_named_and_a_renewed_one_is_taken",
            ],
            broken: None,
        },
        Fault {
            name: "certificates of clients end",
            seen: "`no TLS with etcd …: received fatal alert`; renewed files are taken within 20 s, nothing is restarted",
            tests: &[
                "etcd_faults::certificates::certificates_of_clients_that_have_ended_are_named_and_renewed_ones_are_taken",
            ],
            broken: None,
        },
        Fault {
            name: "ten minutes without etcd under a cluster with writes all the time",
            seen: "no write is refused, no process and no file is touched; keys are back within 15 s",
            tests: &["outage::a_full_outage_heals_in_any_order"],
            broken: None,
        },
    ],
};
