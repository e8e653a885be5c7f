//! `--roles` in the words of one version, or what is wrong with it. Pure.
//!
//! Whatever the node itself would refuse, or take and do nothing with, is refused here before anything starts.

use std::collections::BTreeSet;

use super::{NodeSetup, by_hand::is_key, yaml};
use crate::{
    config::nearest,
    exit::Problem,
    launcher::product::{Company, ROLES, Role, Telling},
};

/// The word for no role at all: an empty list would be a mistake more often than it is meant.
pub(super) const COORDINATING: &str = "coordinating";

impl NodeSetup {
    /// Whether the node may be elected, or at least vote.
    pub fn master_eligible(&self) -> bool {
        self.has("master")
    }

    /// Whether it votes and can never be elected: a cluster of such nodes alone would have no master.
    pub fn votes_only(&self) -> bool {
        self.roles.is_some() && self.has("voting_only")
    }

    /// Whether it keeps copies of shards.
    pub fn holds_data(&self) -> bool {
        ["data", "search", "warm"].iter().any(|role| self.has(role)) || self.names().any(is_tier)
    }

    /// Names that the product takes and that mean nothing to it; a plugin may look for them.
    pub fn roles_of_plugins(&self) -> Vec<&str> {
        self.names()
            .filter(|name| Role::named(name).is_none() && *name != COORDINATING)
            .collect()
    }

    fn has(&self, role: &str) -> bool {
        let is_it = |name: &str| Role::named(name).is_some_and(|known| known.name == role);
        self.roles.is_none() || self.names().any(is_it)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().flatten().map(String::as_str)
    }

    fn told(&self, role: &Role) -> Option<Telling> {
        role.told(self.line.product, self.version)
    }

    /// The settings that say the roles; none when nobody said any.
    pub(super) fn role_settings(&self) -> Vec<(String, String)> {
        if self.roles.is_none() {
            return Vec::new();
        }
        let switch = |role: &Role| match self.told(role)? {
            Telling::Switch(setting) => Some((setting, self.has(role.name))),
            Telling::ModuleSwitch(setting) => self.has_security.then(|| (setting, self.has(role.name))),
            Telling::Listed => None,
        };
        let switches: Vec<(String, String)> = ROLES
            .iter()
            .filter_map(switch)
            .map(|(setting, on)| (setting.to_owned(), yaml(&on)))
            .collect();
        if !switches.is_empty() {
            return switches;
        }
        let word = |name| match Role::named(name) {
            Some(role) if role.name == "master" => self.line.master_role,
            Some(_) | None => name,
        };
        let listed: Vec<&str> = self.names().filter(|name| *name != COORDINATING).map(word).collect();
        vec![("node.roles".to_owned(), yaml(&listed))]
    }

    /// What is wrong with the roles.
    pub(super) fn role_problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.names().filter_map(|name| self.role_problem(name)).collect();
        problems.extend(self.said_twice());
        let said = |role: &str| self.roles.is_some() && self.has(role);
        if said("voting_only") && !said("master") {
            problems.push(Problem::with_hint(
                "`--roles` has `voting_only` without `master`",
                "a node that only votes needs both: `--roles master,voting_only`",
            ));
        }
        if let Some(tier) = self.names().find(|name| is_tier(name)).filter(|_| said("data")) {
            problems.push(Problem::with_hint(
                format!("`--roles` has `data` and `{tier}`"),
                "`data` stands for every tier: give it alone, or the tiers alone",
            ));
        }
        if self.names().any(|name| name == COORDINATING) && self.names().count() > 1 {
            problems.push(Problem::with_hint(
                format!("`--roles` has `{COORDINATING}` and other roles"),
                format!("a node with any role coordinates all the same: leave `{COORDINATING}` out, or give it alone"),
            ));
        }
        problems
    }

    fn said_twice(&self) -> Option<Problem> {
        let mut seen = BTreeSet::new();
        let twice = self
            .names()
            .find(|name| !seen.insert(Role::named(name).map_or(*name, |role| role.name)))?;
        let hint = match twice {
            "master" | "cluster_manager" => "`master` and `cluster_manager` are one role: give one of them",
            _ => "give each role once",
        };
        Some(Problem::with_hint(format!("`--roles` has `{twice}` twice"), hint))
    }

    fn role_problem(&self, name: &str) -> Option<Problem> {
        if name == COORDINATING {
            return None;
        }
        let product = self.line.product;
        let Some(role) = Role::named(name) else {
            return self.unknown_role(name);
        };
        let here = format!("{} {}", product.title(), self.version);
        match (self.told(role), role.since(product)) {
            (Some(Telling::ModuleSwitch(_)), _) if !self.has_security => {
                let module = self.line.security.module;
                Some(Problem::with_hint(
                    format!("`{name}` in `--roles` is a role of a module that this {here} does not have: {module}"),
                    "leave it out, or start a distribution with that module",
                ))
            }
            (Some(_), _) => self.company_problem(role),
            (None, Some(since)) => Some(Problem::with_hint(
                format!(
                    "`{name}` in `--roles` came with {} {since}, and this is {}",
                    product.title(),
                    self.version
                ),
                self.instead(role),
            )),
            (None, None) => Some(Problem::with_hint(
                format!("`{name}` in `--roles` is no role of {}", product.title()),
                self.instead(role),
            )),
        }
    }

    fn company_problem(&self, role: &Role) -> Option<Problem> {
        if self.names().count() < 2 {
            return None;
        }
        let (what, hint) = match role.company(self.line.product, self.version) {
            Company::With(setting) if !self.set.contains_key(setting) => (
                format!(
                    "`{}` beside other roles in `--roles` needs the setting {setting}",
                    role.name
                ),
                format!("give `--set {setting}=SIZE`, e.g. `50gb`, or the role alone"),
            ),
            Company::Alone => (
                format!(
                    "{} takes `{}` in `--roles` beside no other role",
                    self.line.label, role.name
                ),
                "give it alone".to_owned(),
            ),
            Company::Any | Company::With(_) => return None,
        };
        Some(Problem::with_hint(what, hint))
    }

    /// The nearest that works where there is no such role.
    fn instead(&self, role: &Role) -> String {
        match (role.tier(), role.name) {
            (Some("content"), _) => "use `data`".to_owned(),
            (Some("frozen"), _) if Role::named("data_cold").is_some_and(|cold| self.told(cold).is_some()) => {
                "use `data_cold`".to_owned()
            }
            (Some(tier), _) => format!("use `data` and `--attr box_type={tier}`, which indices can be bound to"),
            (None, "voting_only") => "use `master`: every master-eligible node votes and may be elected".to_owned(),
            (None, "warm") => "use `data` and `--attr box_type=warm`, which indices can be bound to".to_owned(),
            (None, _) => format!("leave it out: {}", self.vocabulary()),
        }
    }

    /// The node itself would refuse the name, or take it for the role of a plugin.
    fn unknown_role(&self, name: &str) -> Option<Problem> {
        if self.line.any_role && is_key(name) {
            return None;
        }
        Some(Problem::with_hint(
            format!(
                "`{name}` in `--roles` is no role of {} {}",
                self.line.product.title(),
                self.version
            ),
            self.meant(name).unwrap_or_else(|| self.vocabulary()),
        ))
    }

    /// "Did you mean".
    pub fn meant(&self, name: &str) -> Option<String> {
        let known = self.known().into_iter().chain([COORDINATING]);
        nearest(name, known).map(|near| format!("did you mean `{near}`?"))
    }

    fn known(&self) -> Vec<&'static str> {
        let word = |role: &&Role| match role.name {
            "master" => self.line.master_role,
            name => name,
        };
        ROLES
            .iter()
            .filter(|role| self.told(role).is_some())
            .map(|role| word(&role))
            .collect()
    }

    fn vocabulary(&self) -> String {
        let known = self.known().join("`, `");
        format!(
            "{} {} has `{known}`, and `{COORDINATING}` for none of them",
            self.line.product.title(),
            self.version
        )
    }
}

fn is_tier(name: &str) -> bool {
    Role::named(name).is_some_and(|role| role.tier().is_some())
}

#[cfg(test)]
mod tests;
