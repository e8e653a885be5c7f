//! `quorate config show`: each setting with its value and where it comes from.

use clap::ArgMatches;

use crate::{
    cli,
    config::{Resolver, Sources},
    exit::{Exit, Failure},
    output,
};

/// Prints all settings; secrets only as "(set)".
pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let mut resolver = Resolver::new(sources);
    let settings = resolver.show_all();
    if cli::wants_json(matches) {
        let object: serde_json::Map<_, _> = settings
            .into_iter()
            .map(|(opt, value, source)| {
                (
                    opt.key.to_owned(),
                    serde_json::json!({ "value": value, "source": source.to_string() }),
                )
            })
            .collect();
        output::json(&object)?;
    } else {
        let row = |(opt, value, source): (&crate::config::Opt, Option<String>, crate::config::Source)| {
            vec![
                opt.key.to_owned(),
                value.unwrap_or_else(|| "-".to_owned()),
                source.to_string(),
            ]
        };
        output::table(
            &["SETTING", "VALUE", "FROM"],
            &settings.into_iter().map(row).collect::<Vec<_>>(),
        )?;
    }
    resolver.finish()?;
    Ok(Exit::Done)
}
