//! A world: three nodes, each with a sidecar, and a second sidecar that comes and goes beside the first; the lines between them and
//! to etcd, and what befalls all of these. What etcd shows is judged at every step.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    guard::{Guard, heard_through, node_of, port_of, seen_through, start, writer},
    judge::{self, Keeper, Works},
    observer::Change,
    plan::{Blow, NODES, Node, Process, RIVAL, SIDECARS, Step},
    sky::Above,
};
use crate::support::{
    LONG,
    address::Address,
    proxy::{Line, Proxy},
    standin::{Mood, StandIn},
};

/// How often everything is judged.
const TICK: Duration = Duration::from_millis(100);
/// A machine that is so late was no fair judge.
const STALL: Duration = Duration::from_millis(400);
/// What of a log explains a failure.
const LAST_LINES: usize = 60;

/// A node and the lines of its sidecars to it.
struct Place {
    stand_in: StandIn,
    state: Node,
    address: Address,
}

pub(crate) struct World {
    above: Arc<Above>,
    service: String,
    places: Vec<Place>,
    guards: Vec<Guard>,
    /// When the key of each node was made.
    made: [Option<Instant>; NODES],
    /// How many changes of etcd were judged.
    known: usize,
}

impl World {
    /// Everything is well in it, and nothing registered yet.
    pub(crate) fn new(above: &Arc<Above>, service: &str) -> Self {
        let place = |_| Place {
            stand_in: StandIn::start("elasticsearch-6.8.23", "127.60.0.2:0"),
            state: Node::Fine,
            address: Address::take(),
        };
        let mut world = Self {
            above: Arc::clone(above),
            service: service.to_owned(),
            places: (0..NODES).map(place).collect(),
            guards: (0..SIDECARS).map(|_| Guard::new(above.members)).collect(),
            made: [None; NODES],
            known: 0,
        };
        for node in 0..NODES {
            world.node(node, Node::Fine);
        }
        world
    }

    /// From nothing through all blows, and a rest in which nothing may happen, to an orderly end; what is wrong.
    pub(crate) async fn live(&mut self, blows: &[Step<Blow>], rest: Duration) -> Result<(), String> {
        let told = self.go_through(blows, rest).await;
        told.map_err(|wrong| format!("{wrong}\n{}", self.explained()))
    }

    async fn go_through(&mut self, blows: &[Step<Blow>], rest: Duration) -> Result<(), String> {
        for guard in 0..NODES {
            self.process(guard, Process::Runs).await?;
        }
        self.until("every node is registered at first", World::is_whole).await?;
        for step in blows {
            self.pass(step.after).await?;
            self.befall(step.what).await?;
        }
        let mut fair = self.above.fair.subscribe();
        while !*fair.borrow_and_update() {
            self.pass(TICK).await?;
        }
        self.until("what has to go is gone", World::has_nothing_to_lose).await?;
        self.heal().await?;
        self.until("every node is registered again", World::is_whole).await?;
        self.pass(rest).await?;
        self.is_at_ease().await?;
        self.leave().await
    }

    async fn befall(&mut self, blow: Blow) -> Result<(), String> {
        match blow {
            Blow::Node(Some(node), state) => self.node(node, state),
            Blow::Node(None, state) => (0..NODES).for_each(|node| self.node(node, state)),
            Blow::Sidecar(Some(guard), process) => self.process(guard, process).await?,
            Blow::Sidecar(None, process) => {
                for guard in 0..NODES {
                    self.process(guard, process).await?;
                }
            }
            Blow::NodeLine(guard, line) => self.node_line(guard, line),
            Blow::EtcdLine(guard, member, line) => {
                let guard = self.guard(guard);
                for at in (0..NODES).filter(|at| member.is_none_or(|member| member == *at)) {
                    guard.etcd_line(at, line);
                }
            }
        }
        self.judge()
    }

    async fn heal(&mut self) -> Result<(), String> {
        for node in 0..NODES {
            self.node(node, Node::Fine);
        }
        for guard in 0..SIDECARS {
            self.node_line(guard, Line::Fine);
            for at in 0..NODES {
                self.guard(guard).etcd_line(at, Line::Fine);
            }
            let process = if guard == RIVAL { Process::Told } else { Process::Runs };
            self.process(guard, process).await?;
        }
        self.judge()
    }

    fn guard(&mut self, guard: usize) -> &mut Guard {
        self.guards.get_mut(guard).expect("a sidecar")
    }

    fn place(&self, node: usize) -> &Place {
        self.places.get(node).expect("a node")
    }

    fn node(&mut self, node: usize, state: Node) {
        let place = self.places.get_mut(node).expect("a node");
        place.state = state;
        place.stand_in.is(match state {
            Node::Fine | Node::Dead => Mood::Line("joined"),
            Node::Hangs => Mood::Hang,
            Node::Masterless => Mood::Line("lost"),
            Node::Trickles => Mood::Trickle(Duration::from_millis(50)),
        });
        let (ip, server) = (place.address.ip(), place.stand_in.address());
        for guard in (0..SIDECARS).filter(|guard| node_of(*guard) == node) {
            let of_guard = self.guard(guard);
            match (state, &of_guard.to_node) {
                (Node::Dead, _) => of_guard.to_node = None,
                (_, Some(_)) => {}
                (_, None) => {
                    let proxy = Proxy::between((ip, port_of(guard)).into(), server);
                    proxy.is(of_guard.node_line);
                    of_guard.to_node = Some(proxy);
                }
            }
        }
    }

    fn node_line(&mut self, guard: usize, line: Line) {
        let guard = self.guard(guard);
        guard.node_line = line;
        if let Some(proxy) = &guard.to_node {
            proxy.is(line);
        }
    }

    async fn process(&mut self, guard: usize, process: Process) -> Result<(), String> {
        if self.guard(guard).sidecar.is_none() {
            if !matches!(process, Process::Runs | Process::Restarted) {
                return Ok(());
            }
            let endpoints = self
                .guard(guard)
                .to_etcd
                .each_ref()
                .map(|proxy| format!("http://{}", proxy.address()));
            let address = &self.place(node_of(guard)).address;
            let sidecar = start(guard, &endpoints.join(","), address, &self.service);
            self.guard(guard).sidecar = Some(sidecar);
            self.guard(guard).is(Process::Runs);
            return Ok(());
        }
        self.guard(guard).becomes(process).await
    }

    /// Lets time go by.
    async fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let next = end.min(Instant::now() + TICK);
            tokio::time::sleep_until(next).await;
            if next.elapsed() > STALL {
                // Nodes and lines, which are of this process, stood still as well: sidecars may think of them what they like.
                for guard in &mut self.guards {
                    guard.judged.node.since = Instant::now();
                }
            }
            self.judge()?;
        }
        Ok(())
    }

    /// Waits; bounds are judged meanwhile, so this one is only for bounds that are wrong.
    async fn until(&mut self, what: &str, mut look: impl FnMut(&Self) -> bool) -> Result<(), String> {
        let begun = Instant::now();
        while !look(self) {
            self.pass(TICK).await?;
            if begun.elapsed() > 2 * LONG {
                return Err(format!("not within {:?}: {what}", 2 * LONG));
            }
        }
        Ok(())
    }

    /// Whether every node has the key of its first sidecar.
    fn is_whole(&self) -> bool {
        (0..NODES).all(|node| self.holder(node) == Some(node))
    }

    /// Whether no key stands that has to go.
    fn has_nothing_to_lose(&self) -> bool {
        let sky = self.above.climate().sky;
        let guard = |node| self.guards.get(self.holder(node)?);
        let has_to_go = |node| judge::gone_by(&guard(node)?.judged, &sky);
        (0..NODES).all(|node| has_to_go(node).is_none())
    }

    fn key(&self, node: usize) -> String {
        format!("/storm/services/{}/{}", self.service, self.place(node).address)
    }

    /// Whose key the node's is.
    fn holder(&self, node: usize) -> Option<usize> {
        let key = self.key(node);
        writer(node, self.above.observer.now(&key).get(&key)?)
    }

    /// Everything that has to hold.
    fn judge(&mut self) -> Result<(), String> {
        self.look_around();
        let (now, sky) = (Instant::now(), self.above.climate().sky);
        let (changes, known) = self
            .above
            .observer
            .since(self.known, &format!("/storm/services/{}/", self.service));
        self.known = known;
        for (at, change) in &changes {
            self.judge_change(*at, change, &sky)?;
        }
        for node in 0..NODES {
            let guards = self.guards.iter().enumerate();
            let keepers: Vec<&Keeper> = guards
                .filter(|(at, _)| node_of(*at) == node)
                .map(|(_, guard)| &guard.judged)
                .collect();
            let holder = self.holder(node).and_then(|holder| self.guards.get(holder));
            let bound = match holder {
                Some(holder) => judge::gone_by(&holder.judged, &sky),
                None => judge::there_by(&keepers, &sky),
            };
            if bound.is_some_and(|bound| bound < now) {
                let wrong = if holder.is_some() { "stands" } else { "is missing" };
                return Err(format!(
                    "invariant 2: {} {wrong} for too long: {keepers:?}, {sky:?}, now {now:?}",
                    self.key(node)
                ));
            }
        }
        for (at, guard) in self.guards.iter_mut().enumerate() {
            let lives = matches!(guard.process, Process::Runs | Process::Frozen);
            if lives && guard.sidecar.as_mut().is_some_and(|sidecar| !sidecar.lives()) {
                return Err(format!("invariant 3: sidecar {at} has ended"));
            }
        }
        Ok(())
    }

    fn judge_change(&mut self, at: Instant, change: &Change, sky: &judge::Sky) -> Result<(), String> {
        let node = (0..NODES).find(|node| self.key(*node) == change.key);
        let node = node.ok_or_else(|| format!("a key of nobody: {change:?}"))?;
        let made = self.made.get_mut(node).expect("a node");
        let who = |value: &Option<String>| value.as_ref().map(|value| writer(node, value));
        match (who(&change.before), who(&change.value)) {
            (Some(None), _) | (_, Some(None)) => return Err(format!("a value of nobody: {change:?}")),
            (Some(Some(before)), Some(Some(after))) if before != after => {
                let who = format!("sidecar {after} wrote over the key of sidecar {before}");
                return Err(format!("invariant 4: {who}: {change:?}"));
            }
            (Some(Some(before)), None) => {
                let keeper = &self.guards.get(before).expect("a sidecar").judged;
                if made
                    .take()
                    .is_some_and(|made| judge::has_to_stay(keeper, sky, made, at))
                {
                    return Err(format!(
                        "invariant 4: a key is gone that had to stay: {change:?}, {keeper:?}, {sky:?}"
                    ));
                }
            }
            (None, Some(Some(_))) => *made = Some(at),
            (Some(Some(_)), Some(Some(_))) | (None, None) => {}
        }
        Ok(())
    }

    /// Says of every line and process what can be said.
    fn look_around(&mut self) {
        let (now, members) = (Instant::now(), self.above.climate().members);
        for (at, guard) in self.guards.iter_mut().enumerate() {
            let node = self.places.get(node_of(at)).expect("a node").state;
            guard.judged.node.becomes(seen_through(node, guard.node_line), now);
            let all = members
                .iter()
                .zip(guard.etcd_lines)
                .map(|(member, line)| heard_through(*member, line));
            let (mut yes, mut perhaps) = (0, 0);
            for works in all {
                yes += usize::from(works == Works::Yes);
                perhaps += usize::from(works == Works::Perhaps);
            }
            let reach = match (yes, perhaps) {
                (2.., _) => Works::Yes,
                (0, 0) => Works::No,
                (_, _) => Works::Perhaps,
            };
            guard.judged.reach.becomes(reach, now);
        }
    }

    /// Whether everybody says the same as etcd.
    async fn is_at_ease(&mut self) -> Result<(), String> {
        for guard in 0..NODES {
            self.until("everybody is ready, registered and alive", |world| {
                let sidecar = world
                    .guards
                    .get(guard)
                    .and_then(|guard| guard.sidecar.as_ref())
                    .expect("it runs");
                let status = sidecar.status().unwrap_or_default();
                status.get("verdict") == Some(&Value::from("ready"))
                    && status.pointer("/registry/as_wanted") == Some(&Value::from(true))
                    && sidecar.ask("GET", "/livez").is_some_and(|(code, _)| code == 200)
            })
            .await?;
        }
        Ok(())
    }

    /// Everybody is told to leave and does, with its key.
    async fn leave(&mut self) -> Result<(), String> {
        for guard in 0..NODES {
            self.process(guard, Process::Told).await?;
        }
        for guard in &mut self.guards {
            guard.ended().await?;
        }
        self.until("every key is gone", |world| {
            (0..NODES).all(|node| world.holder(node).is_none())
        })
        .await
    }

    /// The last words of everybody.
    fn explained(&self) -> String {
        let words = self.guards.iter().enumerate().filter_map(|(at, guard)| {
            let logged = guard.sidecar.as_ref()?.logged();
            let lines: Vec<&str> = logged.lines().collect();
            let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
            Some(format!(
                "--- sidecar {at} at {}\n{}",
                self.place(node_of(at)).address,
                last.join("\n")
            ))
        });
        words.collect::<Vec<_>>().join("\n")
    }
}
