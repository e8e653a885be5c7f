//! Single stories: who comes in, who stays, who goes.

use super::*;

/// Masters by single letters; `-x` is known to be no master, `?x` does not say.
fn named(text: &str) -> Named {
    let mut named = Named::default();
    for word in text.split_whitespace() {
        if let Some(other) = word.strip_prefix('-') {
            named.others.insert(other.to_owned());
        } else if let Some(unsaid) = word.strip_prefix('?') {
            named.unsaid.insert(unsaid.to_owned());
        } else {
            named.masters.insert(word.to_owned());
        }
    }
    named
}

/// A list of the node `m` with the time, and replies for whom it asks.
struct Story {
    list: SeedList,
    now: Instant,
    replies: BTreeMap<String, Reply>,
    /// Who was asked so far.
    asked: Vec<String>,
    wake: Option<Instant>,
}

impl Story {
    fn holding(text: &str) -> Self {
        let hosts = text.split_whitespace().map(str::to_owned);
        Self {
            list: SeedList::holding(Some("m".to_owned()), hosts),
            now: Instant::now(),
            replies: BTreeMap::new(),
            asked: Vec::new(),
            wake: None,
        }
    }

    fn reply(&mut self, host: &str, reply: Reply) {
        self.replies.insert(host.to_owned(), reply);
    }

    /// Says it, answers whoever is asked, and what the list is then.
    fn say(&mut self, event: Event) -> String {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            self.wake = None;
            for effect in self.list.step(self.now, event) {
                match effect {
                    Effect::WakeAt(at) => self.wake = Some(at),
                    Effect::Probe(host) => {
                        let reply = self.replies.get(&host).copied().unwrap_or(Reply::Refused);
                        self.asked.push(host.clone());
                        events.push(Event::Probed { host, reply });
                    }
                }
            }
        }
        self.list.hosts().join(" ")
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) -> String {
        let end = self.now + time;
        while let Some(at) = self.wake.filter(|at| *at <= end) {
            self.now = at;
            self.say(Event::Woke);
        }
        self.now = end;
        self.list.hosts().join(" ")
    }

    fn etcd(&mut self, text: &str) -> String {
        self.say(Event::Etcd(named(text)))
    }

    fn nodes(&mut self, text: &str) -> String {
        self.say(Event::Nodes(named(text)))
    }
}

#[test]
fn who_left_in_good_order_is_gone_at_once_and_who_is_silent_after_the_hold() {
    let mut story = Story::holding("");
    assert_eq!(story.etcd("m b c d"), "b c d");
    assert_eq!(story.etcd("m b c"), "b c", "nothing listens there");
    story.reply("c", Reply::Silent);
    assert_eq!(story.etcd("m b"), "b c", "a host that is off may come back");
    assert_eq!(story.pass(HOLD * 9 / 10), "b c");
    assert_eq!(story.pass(HOLD / 10), "b");
}

#[test]
fn an_etcd_that_lost_its_keys_takes_nobody_out_who_lives() {
    let mut story = Story::holding("");
    story.etcd("m b c d e f");
    for host in ["b", "c", "d", "e"] {
        story.reply(host, Reply::Answers);
    }
    story.reply("f", Reply::Refused);
    assert_eq!(story.etcd(""), "b c d e f", "one that names nobody says nothing");
    assert!(story.asked.is_empty());
    assert_eq!(story.etcd("m"), "b c d e f");
    assert_eq!(story.pass(HOLD / 2), "b c d e f", "many at once are held back");
    assert_eq!(story.pass(HOLD / 2), "b c d e");
    assert_eq!(story.pass(10 * HOLD), "b c d e");
    assert_eq!(story.etcd("m b c d e g"), "b c d e g");
    let asked = story.asked.len();
    assert_eq!(story.pass(10 * HOLD), "b c d e g");
    assert_eq!(story.asked.len(), asked, "who is named is not asked");
}

#[test]
fn somebody_who_answers_though_nobody_names_him_makes_nobody_else_one_of_many() {
    let mut story = Story::holding("");
    story.etcd("m b c d");
    story.reply("c", Reply::Answers);
    assert_eq!(story.etcd("m b d"), "b c d");
    assert_eq!(story.etcd("m b"), "b c", "d left in good order");
}

#[test]
fn the_nodes_keep_the_list_while_etcd_is_away() {
    let mut story = Story::holding("");
    story.etcd("m b c");
    story.nodes("m b c");
    story.say(Event::EtcdAway);
    assert_eq!(story.nodes("m b c d"), "b c d", "a host has come");
    assert_eq!(story.nodes("m b d"), "b c d", "another is gone, or only starts again");
    assert_eq!(story.pass(HOLD), "b d");
    assert_eq!(story.say(Event::NodesSilent), "b d");
    assert_eq!(story.pass(100 * HOLD), "b d", "nobody speaks, nobody goes");
    assert_eq!(story.etcd("m b c"), "b c", "d left in good order");
}

#[test]
fn all_may_change_their_addresses_while_etcd_is_away() {
    let mut story = Story::holding("b c");
    assert_eq!(story.say(Event::EtcdAway), "b c");
    assert_eq!(story.nodes("m x y"), "b c x y");
    assert_eq!(story.pass(HOLD), "x y");
    assert_eq!(story.etcd("m x y"), "x y");
}

#[test]
fn the_last_one_stays_whatever_is_said() {
    let mut story = Story::holding("b");
    story.reply("b", Reply::Refused);
    assert_eq!(story.etcd("m"), "b", "the other of two was removed for good");
    assert_eq!(story.pass(10 * HOLD), "b");
    assert_eq!(story.etcd("m -b"), "b");
    assert_eq!(story.etcd("m x"), "x", "until there is somebody else");
    assert_eq!(Story::holding("").etcd("m"), "", "a cluster of one");
}

#[test]
fn no_master_is_in_the_list_whoever_says_so() {
    let mut story = Story::holding("b");
    story.reply("b", Reply::Answers);
    assert_eq!(story.etcd("m c -b"), "c", "it became a data node");
    assert_eq!(story.nodes("m c ?d ?b"), "c d", "etcd knows b");
    story.say(Event::EtcdAway);
    assert_eq!(story.nodes("m c ?d ?b"), "c d", "and goes on knowing");
    assert_eq!(story.nodes("m c -d"), "c");
}

#[test]
fn sources_that_differ_are_asked_again_soon() {
    let mut story = Story::holding("b");
    assert!(!story.list.is_in_doubt());
    story.etcd("m b c");
    assert!(!story.list.is_in_doubt(), "there is one source only");
    story.nodes("m b");
    assert!(story.list.is_in_doubt());
    story.nodes("m b c");
    assert!(!story.list.is_in_doubt());
}
