//! The plan of a plain process: an unpacked distribution, its Java, its user and its whole environment.

use std::{collections::BTreeMap, path::Path};

use super::{Found, Node, Plan, heap, java_option, layout, text};
use crate::{
    config::LaunchSettings,
    exit::{Failure, Problem},
    launcher::{
        distribution::Distribution,
        java::{self, Java},
        process::{Program, Template},
        product::{Collector, ConfigDir},
        render::Reach,
        user::User,
    },
};

/// Where programs are looked for when the launcher itself does not know.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// In place of a collector that a newer Java does not have any more.
const NEW_COLLECTOR: &str = "-XX:+UseG1GC";
/// Without it Java takes file names for ASCII.
const DEFAULT_LANG: &str = "C.UTF-8";

/// An unpacked distribution and the Java for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// What lies at `--home`.
    pub distribution: Distribution,
    /// What it runs on.
    pub java: Java,
}

impl Plan {
    /// The plan of a process, or everything that is wrong.
    pub fn of_home(settings: LaunchSettings, home: &Path) -> Result<Self, Failure> {
        let mut problems = Vec::new();
        let mut note = |problem| problems.push(problem);
        let found = Distribution::find(home, settings.product.as_deref(), settings.version.as_deref());
        let distribution = found.map_err(&mut note).ok();
        let on = distribution.as_ref();
        let java = on.and_then(|d| {
            Java::find(d, &settings.env, &settings.inherited)
                .map_err(&mut note)
                .ok()
        });
        let product = on.map_or("elasticsearch", |d| d.line.product.name());
        let user = User::of_node(settings.user.as_deref(), product).map_err(&mut note);
        let user = user.ok().flatten();
        env_problems(on, &settings).into_iter().for_each(&mut note);
        let layout = layout(&settings);
        let found = distribution.map(|distribution| Found {
            line: distribution.line,
            version: distribution.version,
            has_security: distribution.has_security,
            seen: (layout.data.clone(), layout.logs.clone()),
            reach: Reach::OnHost,
            node: java.map(|java| Node::Process(Unpacked { distribution, java })),
        });
        Self::complete(settings, found, user, problems)
    }

    /// What the process engine starts.
    pub fn program(&self, unpacked: &Unpacked) -> Program {
        Program {
            path: unpacked.distribution.program(),
            arguments: self.arguments(),
            environment: self.environment(&unpacked.java),
            directory: self.layout.dir.clone(),
            user: self.user.clone(),
            template: Some(Template {
                source: unpacked.distribution.config(),
                java: unpacked.java.major,
                layout: self.layout.clone(),
                line: self.line,
                certificates: self.settings.certificates.clone(),
            }),
        }
    }

    fn arguments(&self) -> Vec<String> {
        match self.line.script.config {
            ConfigDir::Variable => Vec::new(),
            ConfigDir::Argument(start) => vec![format!("{start}{}", self.layout.config.display())],
        }
    }

    /// The node's whole environment: what was said wins, and Java options said are added to ours.
    fn environment(&self, java: &Java) -> BTreeMap<String, String> {
        let line = self.line;
        let mut environment: BTreeMap<String, String> = [
            ("PATH".to_owned(), DEFAULT_PATH.to_owned()),
            ("LANG".to_owned(), DEFAULT_LANG.to_owned()),
        ]
        .into();
        let general = ["PATH", "LANG", "LC_ALL", "TZ"];
        environment.extend(
            self.settings
                .inherited
                .iter()
                .filter(|(name, _)| general.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        environment.extend([
            ("HOME".to_owned(), text(&self.layout.tmp)),
            (line.java_variable.to_owned(), text(&java.home)),
        ]);
        environment.extend(self.for_the_script(java));
        environment.extend(self.settings.env.clone());
        heap(line, self.settings.heap.as_deref(), &mut environment);
        if line.script.tmp_by_option {
            let option = format!("-Djava.io.tmpdir={}", self.layout.tmp.display());
            java_option(line, &option, &mut environment);
        }
        environment
    }

    /// What the start script wants to be told by variables.
    fn for_the_script(&self, java: &Java) -> Vec<(String, String)> {
        let (line, config) = (self.line, &self.layout.config);
        let mut all = vec![(line.variable("TMPDIR"), text(&self.layout.tmp))];
        match line.script.config {
            ConfigDir::Variable => all.push((line.variable("PATH_CONF"), text(config))),
            ConfigDir::Argument(_) => {}
        }
        if let Some(name) = line.script.options_file {
            all.push((name.to_owned(), text(&config.join("jvm.options"))));
        }
        if let Collector::Variable(name) = line.script.collector
            && java.major.is_some_and(java::refuses_old_collectors)
        {
            all.push((name.to_owned(), NEW_COLLECTOR.to_owned()));
        }
        all
    }
}

/// Variables that would take the node away from the files that the launcher writes for it.
fn env_problems(distribution: Option<&Distribution>, settings: &LaunchSettings) -> Vec<Problem> {
    let owned = |name: &str| {
        distribution.is_some_and(|d| {
            let always = ["PATH_CONF", "TMPDIR"].iter().any(|own| d.line.variable(own) == name);
            always || d.line.script.options_file == Some(name)
        })
    };
    let said = settings.env.keys().filter(|name| owned(name));
    said.map(|name| {
        Problem::with_hint(
            format!("`--env {name}` is refused: quorate owns this variable"),
            "change the files in the distribution's `config`, or use `--set`",
        )
    })
    .collect()
}
