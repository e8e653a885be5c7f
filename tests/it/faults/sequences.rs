//! Random sequences of faults: worlds side by side under one real etcd of three members, whose faults they share.
//!
//! Everything follows from a seed, which every line names; `QUORATE_TEST_SEED` begins with it. `QUORATE_TEST_FAULTS` is how many sequences
//! there are; `make faults` runs a hundred. A sequence that goes wrong is played again alone, and without the steps that it does not need.

use std::{io::Write as _, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{
    nodes,
    plan::{Plan, blows, weather},
    sky::{Above, Heaven},
    world::World,
};
use crate::{
    formation_model::search::seed,
    support::{etcd::Version, setting},
};

/// How many worlds live at the same time, for how long something befalls them, and for how long nothing does at the end.
struct Storm {
    worlds: usize,
    length: Duration,
    rest: Duration,
}

/// What two cores carry.
const LONG_STORM: Storm = Storm {
    worlds: 20,
    length: Duration::from_secs(35),
    rest: Duration::from_secs(12),
};
/// Where there is little time.
const SHORT_STORM: Storm = Storm {
    worlds: 4,
    length: Duration::from_secs(9),
    rest: Duration::from_secs(6),
};
/// For how long a sequence that went wrong is made shorter.
const SHRINKING: Duration = Duration::from_mins(4);
/// The versions take turns.
const VERSIONS: [Version; 4] = [Version::V35, Version::V34, Version::V36, Version::V37];

#[tokio::test]
async fn no_sequence_of_faults_breaks_an_invariant() {
    let count = setting("QUORATE_TEST_FAULTS").map(|count| count.parse::<usize>().expect("a number of sequences"));
    let storm = if count.is_some() { LONG_STORM } else { SHORT_STORM };
    let (first, count, begun) = (seed(), count.unwrap_or(storm.worlds), Instant::now());
    let mut told = 0;
    for (number, version) in (0_u64..).zip(VERSIONS.into_iter().cycle()) {
        let worlds = storm.worlds.min(count - told);
        if worlds == 0 {
            break;
        }
        let seed = first.wrapping_add(number);
        let plans: Vec<Plan> = (0..worlds).map(|world| storm.plan(seed, world)).collect();
        let ended = tell(version, &plans).await;
        for (world, (end, seconds)) in ended.into_iter().enumerate() {
            told += 1;
            let Some(plan) = plans.get(world) else { continue };
            let (kinds, spared) = (plan.kinds(), if plan.spares_quorum { ", quorum spared" } else { "" });
            let line = format!(
                "sequence {told} of {count}: QUORATE_TEST_SEED={seed}, world {world}, {version:?}{spared}, {seconds:.0} s: {kinds}"
            );
            say(&format!("{line}{}", if end.is_ok() { "" } else { ": WRONG" }));
            if let Err(wrong) = end {
                say(&format!("{wrong}\n{plan}"));
                let (plan, wrong) = shortest(version, plan.clone(), wrong).await;
                panic!("{wrong}\n{plan}\nQUORATE_TEST_SEED={seed}, world {world}");
            }
        }
    }
    say(&format!(
        "{told} sequences, no invariant broken, {:.0} s",
        begun.elapsed().as_secs_f64()
    ));
    if let Some(count) = setting("QUORATE_TEST_NODE_FAULTS") {
        let count = count.parse().expect("a number of sequences");
        Box::pin(nodes::are_the_same_cluster_after_any_sequence(count)).await;
    }
}

impl Storm {
    fn plan(&self, seed: u64, world: usize) -> Plan {
        Plan {
            spares_quorum: seed.is_multiple_of(2),
            rest: self.rest,
            weather: weather(seed, self.length),
            blows: blows(seed, world, self.length),
        }
    }
}

fn say(line: &str) {
    std::io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .expect("written");
}

/// How a world ended, and after how many seconds.
type End = (Result<(), String>, f64);

/// Lets worlds live at the same time, under the weather of the first.
async fn tell(version: Version, plans: &[Plan]) -> Vec<End> {
    let mut heaven = Heaven::start(version).await;
    let mut worlds = JoinSet::new();
    for (at, plan) in plans.iter().cloned().enumerate() {
        let above = Arc::clone(&heaven.above);
        worlds.spawn(async move { (at, live(at, &plan, &above).await) });
    }
    let weather = plans.first().expect("a plan");
    let (mut ends, ()) = tokio::join!(worlds.join_all(), heaven.go_through(weather));
    ends.sort_by_key(|(at, _)| *at);
    ends.into_iter().map(|(_, end)| end).collect()
}

async fn live(at: usize, plan: &Plan, above: &Arc<Above>) -> End {
    let begun = Instant::now();
    let mut world = World::new(above, &format!("world-{at}"));
    let end = world.live(&plan.blows, plan.rest).await;
    (end, begun.elapsed().as_secs_f64())
}

/// Leaves away what is not needed for the failure, as far as time allows.
async fn shortest(version: Version, mut plan: Plan, mut wrong: String) -> (Plan, String) {
    let begun = Instant::now();
    let mut chunk = plan.len().div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < plan.len() {
            if begun.elapsed() > SHRINKING {
                return (plan, wrong);
            }
            let shorter = plan.without(from, chunk);
            match tell(version, std::slice::from_ref(&shorter)).await.pop() {
                Some((Err(still), _)) => (plan, wrong) = (shorter, still),
                Some((Ok(()), _)) | None => from += chunk,
            }
        }
        chunk /= 2;
    }
    (plan, wrong)
}
