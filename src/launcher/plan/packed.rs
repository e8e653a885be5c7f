//! The plan of a container: an image, what of this host is put into it, and its environment.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Found, Node, Plan, heap, text};
use crate::{
    config::{ContainerSettings, LaunchSettings, Network},
    exit::{Failure, Problem},
    launcher::{
        container::{
            self, Image,
            arguments::{Blueprint, Mount},
            labels,
        },
        product::Line,
        render::{CERTIFICATES, Reach},
        seeds,
        user::{User, is_root},
    },
};

/// Where the node sees the directory of the live seed file.
const SEEDS: &str = "/quorate";

/// An image and everything about its container that is no setting of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// What was said.
    pub container: ContainerSettings,
    /// What it is made of.
    pub image: Image,
    /// The container's name.
    pub name: String,
    /// User and group of the node in it.
    pub user: (u32, u32),
}

impl Plan {
    /// The plan of a container, or everything that is wrong.
    pub fn of_image(settings: LaunchSettings, container: ContainerSettings, image: Image) -> Result<Self, Failure> {
        let mut problems = env_problems(&settings);
        let line = image.line;
        let user = user(settings.user.as_deref(), line)
            .map_err(|problem| problems.push(problem))
            .ok();
        let home = PathBuf::from(line.image.home);
        let reach = match container.network {
            Network::Host => Reach::OnHost,
            Network::Named(_) => Reach::Published,
        };
        let found = user.map(|user| Found {
            line,
            version: image.version,
            has_security: image.has_security,
            seen: (home.join("data"), home.join("logs")),
            reach,
            node: Some(Node::Container(Packed {
                name: container::name(&settings),
                container,
                image,
                user,
            })),
        });
        // Only root can give a directory away.
        let owner = user.filter(|_| is_root()).map(|(uid, gid)| User {
            name: format!("{uid}:{gid}"),
            uid,
            gid,
        });
        Self::complete(settings, found, owner, problems)
    }

    /// What the container engine makes.
    pub fn blueprint(&self, packed: &Packed) -> Blueprint {
        let home = PathBuf::from(self.line.image.home);
        let node = &self.settings.node;
        Blueprint {
            cli: packed.container.cli,
            name: packed.name.clone(),
            image: packed.image.reference.clone(),
            user: packed.user,
            network: packed.container.network.clone(),
            published: (node.address, vec![node.http_port, node.transport_port]),
            mounts: self.mounts(&home),
            environment: self.variables(),
            limits: self.limits(packed),
            grace: self.settings.grace,
            labels: labels::of_plan(self, &packed.image.reference),
            arguments: packed.container.arguments.clone(),
            config: text(&home.join("config")),
            settings_file: self.line.settings_file(),
            seed_link: self.line.seed_link().map(|link| {
                let target = Path::new(SEEDS).join(seeds::file::NAME);
                (link.to_owned(), text(&target))
            }),
        }
    }

    fn mounts(&self, home: &Path) -> Vec<Mount> {
        let mount = |source: &Path, target: &Path, writable| Mount {
            source: text(source),
            target: text(target),
            writable,
        };
        let certificates = self.settings.certificates.as_deref();
        let certificates = certificates.map(|dir| mount(dir, &home.join("config").join(CERTIFICATES), false));
        let data = mount(&self.layout.data, &home.join("data"), true);
        let seeds = self.line.seed_link();
        let seeds = seeds.map(|_| mount(&self.layout.seeds, Path::new(SEEDS), false));
        [data].into_iter().chain(seeds).chain(certificates).collect()
    }

    /// What the image's entry point is told; what was said wins.
    fn variables(&self) -> BTreeMap<String, String> {
        let shape = self.line.image;
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let mut all: BTreeMap<String, String> = own(shape.environment).into_iter().collect();
        if self.setup.unprotected() {
            all.extend(own(shape.unprotected));
        }
        all.extend(self.settings.env.clone());
        heap(self.line, self.settings.heap.as_deref(), &mut all);
        all
    }

    fn limits(&self, packed: &Packed) -> BTreeMap<String, String> {
        let mut limits = packed.container.limits.clone();
        // Engines give less than it wants.
        if self.setup.locks_memory() {
            limits.entry("memlock".to_owned()).or_insert_with(|| "-1".to_owned());
        }
        limits
    }
}

/// The numbers in `--user`, or those of the official images.
fn user(said: Option<&str>, line: &Line) -> Result<(u32, u32), Problem> {
    let Some(said) = said else {
        return Ok(line.image.user);
    };
    let (uid, gid) = said.split_once(':').map_or((said, None), |(uid, gid)| (uid, Some(gid)));
    let numbers = uid
        .parse()
        .ok()
        .zip(gid.map_or(Some(line.image.user.1), |gid| gid.parse().ok()));
    let numbers = numbers.filter(|(uid, _)| *uid != 0);
    numbers.ok_or_else(|| {
        Problem::with_hint(
            format!("`--user` is `{said}`, which is no user of a container"),
            "give its numbers, UID or UID:GID, and no root: names of this host mean nothing in a container",
        )
    })
}

/// Variables that the entry point would make settings of, past the launcher, and those that no line of a file can hold.
fn env_problems(settings: &LaunchSettings) -> Vec<Problem> {
    let is_setting = |name: &str| {
        let lower = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        lower && name.contains('.') || name.starts_with("ES_SETTING_")
    };
    let problem = |(name, value): (&String, &String)| {
        if is_setting(name) {
            return Some(Problem::with_hint(
                format!("`--env {name}` is refused: the image makes a setting of it"),
                "use `--set`",
            ));
        }
        value.contains(['\n', '\r']).then(|| {
            Problem::with_hint(
                format!("`--env {name}` has more than one line, which container engines cannot hand on"),
                "put it into a file of the image, or mount one by `--engine-arg`",
            )
        })
    };
    settings.env.iter().filter_map(problem).collect()
}
