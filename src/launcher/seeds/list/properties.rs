//! Whatever the sources say, in whatever order.

use proptest::{collection::vec, prelude::*};

use super::*;

fn set() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set("[a-f]", 0..5)
}

fn named() -> impl Strategy<Value = Named> {
    (set(), set(), set()).prop_map(|(masters, others, unsaid)| Named {
        masters,
        others,
        unsaid,
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![Just(Reply::Answers), Just(Reply::Refused), Just(Reply::Silent)]
}

#[derive(Debug, Clone)]
enum Move {
    Say(Event),
    /// The oldest question is answered.
    Answer(Reply),
}

fn happening() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => named().prop_map(|named| Move::Say(Event::Etcd(named))),
        1 => Just(Move::Say(Event::EtcdAway)),
        3 => named().prop_map(|named| Move::Say(Event::Nodes(named))),
        1 => Just(Move::Say(Event::NodesSilent)),
        1 => set().prop_map(|hosts| Move::Say(Event::Remembered(hosts))),
        2 => Just(Move::Say(Event::Woke)),
        6 => reply().prop_map(Move::Answer),
    ]
}

proptest! {
    #[test]
    fn whatever_is_said_the_list_keeps_its_promises(
        first in set(),
        moves in vec((0_u64..700, happening()), 1..60),
    ) {
        let mut list = SeedList::holding(Some("a".to_owned()), first.clone());
        let mut now = Instant::now();
        let mut open = Vec::new();
        let mut answers = BTreeMap::new();
        let mut known: BTreeSet<String> = first;
        for (pause, happening) in moves {
            now += Duration::from_secs(pause);
            let before: BTreeSet<String> = list.hosts().into_iter().collect();
            let event = match happening {
                Move::Say(event) => event,
                Move::Answer(_) if open.is_empty() => continue,
                Move::Answer(reply) => {
                    let host: String = open.remove(0);
                    answers.insert(host.clone(), reply);
                    Event::Probed { host, reply }
                }
            };
            let said = match &event {
                Event::Etcd(named) | Event::Nodes(named) => named.clone(),
                Event::EtcdAway | Event::NodesSilent | Event::Remembered(_) | Event::Probed { .. } | Event::Woke => {
                    Named::default()
                }
            };
            known.extend(said.masters.iter().chain(&said.unsaid).cloned());
            if let Event::Remembered(hosts) = &event {
                known.extend(hosts.iter().cloned());
            }
            for effect in list.step(now, event) {
                if let Effect::Probe(host) = effect {
                    prop_assert!(!open.contains(&host), "{} is asked twice", host);
                    open.push(host);
                }
            }
            prop_assert!(open.len() <= PROBES);
            let after: BTreeSet<String> = list.hosts().into_iter().collect();
            prop_assert!(before.is_empty() || !after.is_empty(), "it was emptied");
            prop_assert!(after.is_subset(&known) && !after.contains("a"));
            let speaks = list.etcd.speaks() || list.nodes.speaks();
            prop_assert!(speaks || before.is_subset(&after), "nobody speaks, and somebody went");
            for host in before.difference(&after) {
                let no_master = [&list.etcd, &list.nodes].iter().any(|word| word.named.others.contains(host));
                prop_assert!(
                    no_master || matches!(answers.get(host), Some(Reply::Refused | Reply::Silent)),
                    "{} was alive when it was last asked, or was not asked", host
                );
            }
            // An answer counts from when it was missed last.
            answers.retain(|host, _| list.entries.get(host).is_some_and(Standing::is_missed));
        }
    }

    /// Somebody whom no source names, and who never answers, goes in the end; those who answer stay.
    #[test]
    fn the_dead_go_and_the_living_stay(
        first in proptest::collection::btree_set("[a-z]", 1..26),
        living in proptest::collection::btree_set("[a-z]", 0..26),
        refuses in any::<bool>(),
    ) {
        let mut list = SeedList::holding(None, first.clone());
        let mut now = Instant::now();
        let named = Named { masters: BTreeSet::from(["somebody".to_owned()]), ..Named::default() };
        let mut effects = list.step(now, Event::Etcd(named));
        let mut questions = 0;
        let end = now + 3 * HOLD;
        while now < end {
            let mut wake = None;
            let mut next = Vec::new();
            for effect in effects {
                match effect {
                    Effect::WakeAt(at) => wake = Some(at),
                    Effect::Probe(host) => {
                        questions += 1;
                        let dead = if refuses { Reply::Refused } else { Reply::Silent };
                        let reply = if living.contains(&host) { Reply::Answers } else { dead };
                        next.extend(list.step(now, Event::Probed { host, reply }));
                    }
                }
            }
            if next.is_empty() {
                let Some(at) = wake else { break };
                now = at;
                next = list.step(now, Event::Woke);
            }
            effects = next;
        }
        let mut expected: Vec<String> = first.intersection(&living).cloned().collect();
        expected.push("somebody".to_owned());
        expected.sort();
        prop_assert_eq!(list.hosts(), expected);
        prop_assert!(questions <= first.len() * 40, "{} questions", questions);
    }
}
