//! `quorate completions`, `quorate man` and `quorate config sample`: what is made from the program's own description.

use std::path::Path;

use clap::ArgMatches;

use crate::{
    cli, config,
    exit::{Exit, Failure},
    output,
};

/// Prints completions for one shell.
pub(super) fn completions(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(shell) = matches.get_one::<clap_complete::Shell>("shell") else {
        return Err(Failure::new(Exit::Usage, "which shell?"));
    };
    let mut text = Vec::new();
    clap_complete::generate(*shell, &mut cli::command(), "quorate", &mut text);
    output::bytes(&text)?;
    Ok(Exit::Done)
}

/// Prints a configuration file to begin with.
pub(super) fn sample() -> Result<Exit, Failure> {
    output::bytes(config::sample().as_bytes())?;
    Ok(Exit::Done)
}

/// Prints the manual page, or writes one per command into a directory.
pub(super) fn man(matches: &ArgMatches) -> Result<Exit, Failure> {
    match matches.get_one::<String>("dir") {
        None => {
            let mut text = Vec::new();
            clap_mangen::Man::new(cli::command()).render(&mut text)?;
            output::bytes(&text)?;
        }
        Some(dir) => {
            if !Path::new(dir).is_dir() {
                let what = format!("`{dir}` is no directory");
                return Err(Failure::with_hint(
                    Exit::Usage,
                    what,
                    "make it first: pages are written into it, one per command",
                ));
            }
            clap_mangen::generate_to(cli::command(), dir)?;
        }
    }
    Ok(Exit::Done)
}
