//! The faults that were survived, one row each, from which docs/reliability.md is made (`make doc`).
//!
//! Invariant: a row names tests that exist, and says what was broken in the code only when one of them was seen to fail from it.

mod disk;
mod etcd;
mod host;
mod line;
mod model;
mod process;

/// A class of faults.
#[derive(Debug)]
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    pub(crate) faults: &'static [Fault],
}

/// A fault.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// What a user sees, and in what time at default settings.
    pub(crate) seen: &'static str,
    /// The tests that survive it, with their modules: `sidecar::member_key::a_dead_a_frozen_and_a_thawed_node_are_told_from_each_other`.
    pub(crate) tests: &'static [&'static str],
    /// What was broken in the code to see one of the tests fail.
    pub(crate) broken: Option<&'static str>,
}

pub(crate) const CHAPTERS: [&Chapter; 6] = [
    &process::CHAPTER,
    &line::CHAPTER,
    &etcd::CHAPTER,
    &host::CHAPTER,
    &disk::CHAPTER,
    &model::CHAPTER,
];

/// The chapters as they stand in the page.
pub(crate) fn page() -> String {
    let chapters = CHAPTERS.map(|chapter| {
        let rows: String = chapter.faults.iter().map(row).collect();
        let title = chapter.title;
        format!("\n## {title}\n\n| fault | what one sees | tests | which fail when |\n|---|---|---|---|\n{rows}")
    });
    chapters.concat() + "\n"
}

fn row(fault: &Fault) -> String {
    let tests: Vec<String> = fault.tests.iter().map(|test| format!("`{test}`")).collect();
    let (name, seen, tests) = (fault.name, fault.seen, tests.join("<br>"));
    format!("| {name} | {seen} | {tests} | {} |\n", fault.broken.unwrap_or("–"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CHAPTERS, Fault};

    /// Whether the source of its module, a test's or the program's, has a function of this name.
    fn exists(test: &str) -> bool {
        let (module, name) = test.rsplit_once("::").expect("a module and a name");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        ["tests/it", "src"].iter().any(|folder| {
            let file = root.join(folder).join(format!("{}.rs", module.replace("::", "/")));
            let text = std::fs::read_to_string(file).unwrap_or_default();
            text.contains(&format!("fn {name}("))
        })
    }

    #[test]
    fn every_test_that_a_row_names_exists() {
        let faults = CHAPTERS.iter().flat_map(|chapter| chapter.faults);
        let missing = |fault: &'static Fault| fault.tests.iter().filter(|test| !exists(test));
        let missing: Vec<_> = faults.clone().flat_map(missing).collect();
        assert!(missing.is_empty(), "no such tests: {missing:#?}");
        let untested: Vec<_> = faults.filter(|fault| fault.tests.is_empty()).collect();
        assert!(untested.is_empty(), "{untested:#?}");
    }
}
