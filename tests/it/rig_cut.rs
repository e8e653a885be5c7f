//! The part of the rig that every run of the tests plays.

use crate::{
    rig::{Rig, SCENARIOS},
    support::turn::turn,
};

#[tokio::test]
async fn three_hosts_form_a_cluster_and_stand_a_crash_and_a_power_cut() {
    let _turn = turn(3).await;
    let mut rig = Rig::up().await;
    for name in ["first-start", "units", "node-crash", "power-cut"] {
        let scenario = SCENARIOS
            .iter()
            .find(|scenario| scenario.name == name)
            .expect("there is one");
        rig.play(scenario).await;
    }
    println!("{}", rig.book.table());
}
