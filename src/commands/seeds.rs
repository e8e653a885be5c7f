//! `quorate seeds`: the seed list once, at every change, or in a file that is kept true.
//!
//! While etcd is away, what the launchers of this host last knew is better than nothing, and said to be that.

mod hook;
mod keep;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::ArgMatches;
use hook::Hook;

use super::{
    live::{Live, News},
    resolve,
};
use crate::{
    config::{self, Sources},
    exit::{Exit, Failure},
    launcher::seeds::told::SeedsTold,
    model::{ServiceName, brief},
    output,
    registry::{Registry, RegistryError},
    status,
    view::ClusterView,
};

/// Lists the seeds.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let (common, run_dir) = resolve(sources, |r| {
        let dir = config::run_dir(r);
        config::common(r).zip(dir)
    })?;
    let registry = Registry::new(common.registry.clone())?;
    let host = Host {
        run_dir,
        service: common.service.clone(),
    };
    let form = Form::of(matches);
    if let Some(file) = matches.get_one::<String>("file") {
        let file = Path::new(file);
        let hook = Hook::of(matches, file);
        return keep::keep(file, form, hook, Live::follow(&registry, &common.keys), &host).await;
    }
    if matches.get_flag("watch") {
        return follow(form, Live::follow(&registry, &common.keys), &host).await;
    }
    let reading = match registry.read(&common.keys.all()).await {
        Ok(reading) => reading,
        Err(error @ (RegistryError::Away { .. } | RegistryError::Busy { .. })) => {
            return host.answer(form, error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let view = ClusterView::of(&common.keys, &reading);
    complain(&view);
    output::bytes(form.render(&view.seed_hosts(None)).as_bytes())?;
    Ok(Exit::Done)
}

/// Prints the list at each change of the list.
async fn follow(form: Form, mut live: Live, host: &Host) -> Result<Exit, Failure> {
    let mut shown = None;
    loop {
        match live.next().await? {
            News::Changed => {
                let seeds = live.view().seed_hosts(None);
                if shown.as_ref() != Some(&seeds) {
                    complain(live.view());
                    output::bytes(form.render(&seeds).as_bytes())?;
                    shown = Some(seeds);
                }
            }
            News::Away { cause } => {
                output::note(&format!("etcd is away, the list stays: {cause}"));
                if shown.is_none()
                    && let Some(seeds) = host.last_good()
                {
                    output::bytes(form.render(&seeds).as_bytes())?;
                    shown = Some(seeds);
                }
            }
        }
    }
}

/// What the launchers of this host tell of their lists.
struct Host {
    run_dir: PathBuf,
    service: ServiceName,
}

impl Host {
    /// The last good list, with a word on its age; none where no launcher has run since the host started.
    fn last_good(&self) -> Option<Vec<String>> {
        let (seeds, at) = SeedsTold::last_good(&self.run_dir, &self.service)?;
        let age = status::age(SystemTime::now().duration_since(at).unwrap_or_default());
        output::note(&format!(
            "warning: the list is what the launchers of this host last knew, {age} ago"
        ));
        Some(seeds)
    }

    /// The answer without etcd. The exit code goes on saying that it is away: only the caller knows whether an old list will do.
    fn answer(&self, form: Form, away: Failure) -> Result<Exit, Failure> {
        if let Some(seeds) = self.last_good() {
            output::bytes(form.render(&seeds).as_bytes())?;
        }
        Err(away)
    }
}

/// A key that is left out is said, on the side.
fn complain(view: &ClusterView) {
    for (key, why) in &view.unreadable {
        output::note(&format!("warning: the key {} is left out: {why}", brief(key)));
    }
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Csv,
    Json,
}

impl Form {
    fn of(matches: &ArgMatches) -> Self {
        match matches.get_one::<String>("format").map(String::as_str) {
            Some("csv") => Self::Csv,
            Some("json") => Self::Json,
            Some(_) | None => Self::Lines,
        }
    }

    fn render(self, seeds: &[String]) -> String {
        match self {
            Self::Lines => seeds.iter().flat_map(|seed| [seed, "\n"]).collect(),
            Self::Csv => format!("{}\n", seeds.join(",")),
            Self::Json => format!("{}\n", serde_json::json!(seeds)),
        }
    }

    /// The list in a file that was written before, by this command or by hand.
    fn parse(self, text: &str) -> Vec<String> {
        let words = |separator: char| {
            let parts = text.split([separator, '\n']).map(str::trim);
            parts
                .filter(|part| !part.is_empty() && !part.starts_with('#'))
                .map(str::to_owned)
                .collect()
        };
        match self {
            Self::Lines => words('\n'),
            Self::Csv => words(','),
            Self::Json => serde_json::from_str(text).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        for seeds in [vec![], vec!["10.0.0.1:9300".to_owned(), "[fd00::1]:9301".to_owned()]] {
            for form in [Form::Lines, Form::Csv, Form::Json] {
                assert_eq!(form.parse(&form.render(&seeds)), seeds, "{form:?}");
            }
        }
        assert_eq!(Form::Lines.parse("# by hand\n\n a:1 \n"), ["a:1"]);
    }
}
