//! The roles of nodes: one vocabulary for every version, and how each version is told of them. Pure data.
//!
//! `master` stands here for both of its names; [`Line::master_role`](super::Line::master_role) says which one a line uses.

use super::{
    Product::{self, Elasticsearch, OpenSearch},
    Version,
};

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Its name in `--roles`.
    pub name: &'static str,
    /// From which version on of which product it is told how, oldest first.
    told: &'static [(Product, Version, Telling)],
}

/// How a version is told that a node has a role, or has it not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// This setting is `true` or `false`.
    Switch(&'static str),
    /// The same, known only to a node with the module that also secures it.
    ModuleSwitch(&'static str),
    /// Its name stands in `node.roles`, or not.
    Listed,
}

use Telling::{Listed, ModuleSwitch, Switch};

/// Whether a node may have a role beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// With any.
    Any,
    /// Only when this setting is said too.
    With(&'static str),
    /// With none.
    Alone,
}

impl Role {
    /// The role of this name; both names of the master are understood.
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = if name == "cluster_manager" { "master" } else { name };
        ROLES.iter().find(|role| role.name == name)
    }

    /// How `version` is told; none: it has no such role.
    pub fn told(&self, product: Product, version: Version) -> Option<Telling> {
        let known = self.told.iter().rev();
        let mut told = known.filter(|(of, from, _)| *of == product && *from <= version);
        told.next().map(|(_, _, telling)| *telling)
    }

    /// The first version of `product` that has it.
    pub fn since(&self, product: Product) -> Option<Version> {
        let first = self.told.iter().find(|(of, ..)| *of == product);
        first.map(|(_, from, _)| *from)
    }

    /// Whether `version` takes it beside others.
    pub fn company(&self, product: Product, version: Version) -> Company {
        const CACHE: Company = Company::With("node.search.cache.size");
        match (product, self.name) {
            (OpenSearch, "search") if version >= Version::at(3, 0) => Company::Alone,
            (OpenSearch, "search" | "warm") => CACHE,
            (OpenSearch | Elasticsearch, _) => Company::Any,
        }
    }

    /// What is left of the name of a tier: `hot` of `data_hot`.
    pub fn tier(&self) -> Option<&'static str> {
        self.name.strip_prefix("data_")
    }
}

/// From 7.9 on Elasticsearch takes a list; OpenSearch began with one.
const LIST: Version = Version::at(7, 9);

const fn role(name: &'static str, told: &'static [(Product, Version, Telling)]) -> Role {
    Role { name, told }
}

/// Every role, as people list them.
pub const ROLES: &[Role] = &[
    role(
        "master",
        &[
            (Elasticsearch, Version::at(0, 0), Switch("node.master")),
            (Elasticsearch, LIST, Listed),
            (OpenSearch, Version::at(1, 0), Listed),
        ],
    ),
    role(
        "voting_only",
        &[
            (Elasticsearch, Version::at(7, 3), ModuleSwitch("node.voting_only")),
            (Elasticsearch, LIST, Listed),
        ],
    ),
    role(
        "data",
        &[
            (Elasticsearch, Version::at(0, 0), Switch("node.data")),
            (Elasticsearch, LIST, Listed),
            (OpenSearch, Version::at(1, 0), Listed),
        ],
    ),
    role("data_content", &[(Elasticsearch, Version::at(7, 10), Listed)]),
    role("data_hot", &[(Elasticsearch, Version::at(7, 10), Listed)]),
    role("data_warm", &[(Elasticsearch, Version::at(7, 10), Listed)]),
    role("data_cold", &[(Elasticsearch, Version::at(7, 10), Listed)]),
    role("data_frozen", &[(Elasticsearch, Version::at(7, 12), Listed)]),
    role(
        "ingest",
        &[
            (Elasticsearch, Version::at(5, 0), Switch("node.ingest")),
            (Elasticsearch, LIST, Listed),
            (OpenSearch, Version::at(1, 0), Listed),
        ],
    ),
    role(
        "ml",
        &[
            (Elasticsearch, Version::at(5, 4), ModuleSwitch("node.ml")),
            (Elasticsearch, LIST, Listed),
            (OpenSearch, Version::at(2, 1), Listed),
        ],
    ),
    role(
        "transform",
        &[
            (Elasticsearch, Version::at(7, 7), ModuleSwitch("node.transform")),
            (Elasticsearch, LIST, Listed),
        ],
    ),
    role(
        "remote_cluster_client",
        &[
            (Elasticsearch, Version::at(5, 6), Switch("search.remote.connect")),
            (Elasticsearch, Version::at(6, 5), Switch("cluster.remote.connect")),
            (Elasticsearch, Version::at(7, 8), Switch("node.remote_cluster_client")),
            (Elasticsearch, LIST, Listed),
            (OpenSearch, Version::at(1, 0), Listed),
        ],
    ),
    role("search", &[(OpenSearch, Version::at(2, 4), Listed)]),
    role("warm", &[(OpenSearch, Version::at(3, 0), Listed)]),
];
