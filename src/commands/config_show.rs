//! `quorate config show`: each setting with its value and where it comes from.

use clap::ArgMatches;

use crate::{
    cli,
    config::{Group, Resolver, Sources},
    exit::{Exit, Failure},
    output,
};

/// Prints all settings; secrets only as "(set)".
pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    if !cli::wants_json(matches) {
        table(sources, &Group::ALL)?;
        return Ok(Exit::Done);
    }
    let mut resolver = Resolver::new(sources);
    let object: serde_json::Map<_, _> = resolver
        .show_all()
        .into_iter()
        .map(|(opt, value, source)| {
            (
                opt.key.to_owned(),
                serde_json::json!({ "value": value, "source": source.to_string() }),
            )
        })
        .collect();
    output::json(&object)?;
    resolver.finish()?;
    Ok(Exit::Done)
}

/// Prints the settings of some groups, for people.
pub(super) fn table(sources: &Sources, groups: &[Group]) -> Result<(), Failure> {
    let mut resolver = Resolver::new(sources);
    let settings = resolver.show_all().into_iter();
    let rows: Vec<_> = settings
        .filter(|(opt, ..)| groups.contains(&opt.group))
        .map(|(opt, value, source)| {
            let value = value.unwrap_or_else(|| "-".to_owned());
            vec![opt.key.to_owned(), value, source.to_string()]
        })
        .collect();
    output::table(&["SETTING", "VALUE", "FROM"], &rows)?;
    resolver.finish()
}
