//! The labels of a node's container: whose it is, and what it was started as. Pure.
//!
//! A container is ours by these, whatever the launcher's file says: the file goes with the run directory, the labels with the
//! container.

use std::collections::BTreeMap;

use crate::{
    launcher::{leftover::Label, plan::Plan},
    model::FORMAT,
};

pub(super) const FORMAT_OF: &str = "quorate.format";
pub(super) const SERVICE: &str = "quorate.service";
pub(super) const ID: &str = "quorate.id";
pub(super) const NAME: &str = "quorate.name";
pub(super) const CLUSTER: &str = "quorate.cluster";
/// The data directory, to find every container that uses it.
pub(super) const DATA: &str = "quorate.data";
pub(super) const IMAGE: &str = "quorate.image";
pub(super) const PRODUCT: &str = "quorate.product";
pub(super) const VERSION: &str = "quorate.version";
pub(super) const CLAIM: &str = "quorate.claim";
pub(super) const WITH_SETTING: &str = "quorate.with-setting";

/// What the formation says.
pub(super) fn of_start(label: &Label) -> BTreeMap<&'static str, String> {
    let claim = label.claim.as_ref().map(|claim| (CLAIM, claim.to_string()));
    claim
        .into_iter()
        .chain([(WITH_SETTING, label.with_setting.to_string())])
        .collect()
}

/// What was known before.
pub(in crate::launcher) fn of_plan(plan: &Plan, image: &str) -> BTreeMap<&'static str, String> {
    let settings = &plan.settings;
    BTreeMap::from([
        (FORMAT_OF, FORMAT.to_string()),
        (SERVICE, settings.common.service.to_string()),
        (ID, settings.node.id.to_string()),
        (NAME, settings.name.clone()),
        (CLUSTER, settings.cluster.clone()),
        (DATA, plan.layout.data.display().to_string()),
        (IMAGE, image.to_owned()),
        (PRODUCT, plan.line.product.name().to_owned()),
        (VERSION, plan.version.to_string()),
    ])
}
