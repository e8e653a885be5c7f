//! The cut of the compatibility matrix that every run makes: the line that may found a cluster at any start, and the newest one.

use crate::{
    lines::{
        cell::{Cell, Row},
        distribution::{Distribution, ELASTICSEARCH_6, ELASTICSEARCH_9},
    },
    support::{etcd::Version, turn::turn},
};

async fn run(distribution: Distribution, etcd: Version) -> Row {
    let _turn = turn(3).await;
    let cell = Cell { distribution, etcd };
    cell.run(|_| {}).await
}

#[tokio::test]
async fn elasticsearch_6_stands_every_step_even_with_nodes_that_freeze() {
    let row = run(ELASTICSEARCH_6, Version::V37).await;
    assert!(row.steps.iter().all(|step| step.seconds.is_some()), "{row:?}");
}

#[tokio::test]
async fn elasticsearch_9_stands_every_step() {
    run(ELASTICSEARCH_9, Version::V34).await;
}
