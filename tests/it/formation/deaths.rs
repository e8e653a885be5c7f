//! A hundred races in which launchers die at any step and start again, while etcd is killed and restarted under them.
//!
//! The plan of deaths and restarts follows from a seed; a failure prints it, and `QUORATE_TEST_SEED` plans the same again.

use std::{io::Write as _, time::Duration};

use quorate::{launcher::decide::Rule, registration::Registration};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    host::{Host, Service, killed_after},
    races::{assert_one_cluster, etcd},
};
use crate::{
    formation_model::{dice::Dice, search::seed},
    support::{LONG, etcd::Etcd},
};

const RACES: u64 = 100;
/// So many at once, each with its own service.
const AT_ONCE: u64 = 20;
/// So often etcd dies while they run.
const RESTARTS: usize = 3;
/// Deaths of etcd come within so many milliseconds after it has answered again.
const APART: usize = 300;
/// A launch is over after about so many wake-ups; deaths are spread over them.
const LAUNCH_WAKES: usize = 24;

#[tokio::test]
async fn launchers_and_etcd_that_die_at_any_step_form_one_cluster_all_the_same() {
    let (mut etcd, first) = (etcd().await, seed());
    let mut deaths = 0;
    for from in (0..RACES).step_by(usize::try_from(AT_ONCE).expect("few")) {
        let seeds = (from..from + AT_ONCE).map(|race| first.wrapping_add(race));
        deaths += races(&mut etcd, seeds.collect()).await;
    }
    let told = format!("{RACES} races with {deaths} deaths of launchers and of etcd, QUORATE_TEST_SEED={first}\n");
    std::io::stderr().write_all(told.as_bytes()).expect("written");
}

/// Races at once, while etcd dies under them; how many deaths were planned.
async fn races(etcd: &mut Etcd, seeds: Vec<u64>) -> usize {
    let mut races = JoinSet::new();
    let mut plan = Dice::new(!seeds.first().expect("races"));
    for seed in seeds {
        let registry = etcd.registry();
        races.spawn(async move {
            let mut plan = Dice::new(seed);
            let rule = Rule::coordinated(Some(1 + plan.below(3)));
            let service = Service::new(registry, &format!("race-{seed}"), rule);
            race(service, &mut plan, &format!("QUORATE_TEST_SEED={seed}")).await
        });
    }
    for _ in 0..RESTARTS {
        sleep(Duration::from_millis(plan.below(APART) as u64)).await;
        etcd.kill();
        etcd.restart().await;
    }
    let mut deaths = RESTARTS;
    while let Some(race) = races.join_next().await {
        let race = race.expect("the race went well");
        race.judge().await;
        deaths += race.deaths;
    }
    deaths
}

/// A race that is over.
struct Race {
    service: Service,
    launched: Vec<(Host, Registration)>,
    deaths: usize,
    story: String,
}

/// Each launcher dies up to three times and is started again at once.
async fn race(service: Service, plan: &mut Dice, story: &str) -> Race {
    let (mut launchers, mut deaths) = (JoinSet::new(), 0);
    for host in Host::three(&service) {
        let planned: Vec<usize> = (0..plan.below(4)).map(|_| 1 + plan.below(LAUNCH_WAKES)).collect();
        deaths += planned.len();
        launchers.spawn(async move {
            for wakes in planned {
                if let Some(registration) = killed_after(wakes, Box::pin(host.launch())).await {
                    return (host, registration);
                }
            }
            let registration = host.launch().await;
            (host, registration)
        });
    }
    let launched = timeout(2 * LONG, launchers.join_all()).await;
    Race {
        service,
        launched: launched.unwrap_or_else(|_| panic!("{story}: not within {:?}", 2 * LONG)),
        deaths,
        story: story.to_owned(),
    }
}

impl Race {
    /// One cluster, one disk with the setting.
    async fn judge(&self) {
        let mut bootstraps = self.service.bootstraps();
        bootstraps.dedup();
        assert!(bootstraps.len() <= 1, "{}: {bootstraps:?}", self.story);
        let hosts: Vec<&Host> = self.launched.iter().map(|(host, _)| host).collect();
        assert_one_cluster(&self.service, &hosts, &self.story).await;
    }
}
