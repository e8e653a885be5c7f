//! The cells of the matrix.

use crate::{
    lines::{
        cell::Cell,
        distribution::{Distribution, ELASTICSEARCH_6, ELASTICSEARCH_9, on_java_17, on_java_25},
    },
    support::etcd::Version,
};

/// One of every line, and both ends of the long one.
const DISTRIBUTIONS: [Distribution; 11] = [
    on_java_17("elasticsearch-1.7.6", "QUORATE_TEST_ES1_HOME"),
    on_java_17("elasticsearch-2.4.6", "QUORATE_TEST_ES2_HOME"),
    on_java_17("elasticsearch-5.6.16", "QUORATE_TEST_ES5_HOME"),
    ELASTICSEARCH_6,
    on_java_17("elasticsearch-7.17.29", "QUORATE_TEST_ES7_HOME"),
    on_java_17("elasticsearch-8.7.1", "QUORATE_TEST_ES87_HOME"),
    on_java_17("elasticsearch-8.19.21", "QUORATE_TEST_ES8_HOME"),
    ELASTICSEARCH_9,
    on_java_17("opensearch-1.3.20", "QUORATE_TEST_OS1_HOME"),
    on_java_17("opensearch-2.19.6", "QUORATE_TEST_OS2_HOME"),
    on_java_25("opensearch-3.6.0", "QUORATE_TEST_OS3_HOME"),
];

/// Every distribution on one etcd, and the cheapest on every etcd.
pub(crate) fn cells() -> Vec<Cell> {
    let on = |distribution, etcd| Cell { distribution, etcd };
    let lines = DISTRIBUTIONS.map(|distribution| on(distribution, Version::V35));
    let others = [Version::V34, Version::V36, Version::V37].map(|etcd| on(ELASTICSEARCH_6, etcd));
    lines.into_iter().chain(others).collect()
}

/// The name of a cell on the command line.
pub(crate) fn name(cell: Cell) -> String {
    let etcd = match cell.etcd {
        Version::V34 => "3.4",
        Version::V35 => "3.5",
        Version::V36 => "3.6",
        Version::V37 => "3.7",
    };
    format!("{}@etcd-{etcd}", cell.distribution.name)
}
