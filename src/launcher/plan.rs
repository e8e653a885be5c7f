//! Everything that is known about a start before etcd is asked: what is started, as whom, with which Java, settings and environment.
//!
//! Made once, from the settings and a look at the distribution; all that is wrong with them is reported together.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    decide::{self, Candidate, Rule},
    distribution::Distribution,
    java::Java,
    layout::Layout,
    prepare::seed_path,
    process::{Program, Template},
    product::{Formation, Line, Version},
    render::NodeSetup,
    user::User,
};
use crate::{
    config::{Engine, LaunchSettings},
    exit::{Exit, Failure, Problem},
};

/// Where programs are looked for when the launcher itself does not know.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Without it Java takes file names for ASCII.
const DEFAULT_LANG: &str = "C.UTF-8";

/// What is started and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What was said.
    pub settings: LaunchSettings,
    /// What its version wants.
    pub line: &'static Line,
    /// Its version.
    pub version: Version,
    /// What becomes the node.
    pub node: Node,
    /// Whose rights the node gets; none: the launcher's.
    pub user: Option<User>,
    /// Where its files are.
    pub layout: Layout,
    /// Its settings.
    pub setup: NodeSetup,
    /// How its line forms a cluster.
    pub rule: Rule,
}

/// What becomes the node; each engine has a kind of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A distribution on this host, as a plain process.
    Process(Unpacked),
}

/// An unpacked distribution and the Java for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// What lies at `--home`.
    pub distribution: Distribution,
    /// What it runs on.
    pub java: Java,
}

impl Plan {
    /// The plan, or everything that is wrong.
    pub fn new(settings: LaunchSettings) -> Result<Self, Failure> {
        let Engine::Process { home } = &settings.engine;
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
        let user = User::of_node(settings.user.as_deref(), product).map_err(&mut note).ok();
        let rule = on.and_then(|d| rule(d, &settings).map_err(&mut note).ok());
        let node = &settings.node;
        let layout = Layout::new(&node.state_dir, &settings.common.service, &node.id, &settings.data);
        let setup = on.map(|d| setup(d, &settings, &layout, rule.as_ref()));
        setup.iter().flat_map(NodeSetup::problems).for_each(&mut note);
        env_problems(on, &settings).into_iter().for_each(&mut note);
        match (problems.is_empty(), distribution, java, user, setup, rule) {
            (true, Some(distribution), Some(java), Some(user), Some(setup), Some(rule)) => Ok(Self {
                settings,
                line: distribution.line,
                version: distribution.version,
                node: Node::Process(Unpacked { distribution, java }),
                user,
                layout,
                setup,
                rule,
            }),
            _ => Err(Failure {
                exit: Exit::Config,
                problems,
            }),
        }
    }

    /// Who decides how the node may start.
    pub fn candidate(&self, skipped_checks: Vec<String>) -> Candidate {
        let settings = &self.settings;
        Candidate {
            id: settings.node.id.clone(),
            name: settings.name.clone(),
            service: settings.common.service.clone(),
            cluster: settings.cluster.clone(),
            master_eligible: self.setup.master_eligible(),
            rule: self.rule,
            skipped_checks,
        }
    }

    /// What the process engine starts.
    pub fn program(&self, unpacked: &Unpacked) -> Program {
        Program {
            path: unpacked.distribution.program(),
            arguments: Vec::new(),
            environment: self.environment(&unpacked.java),
            directory: self.layout.dir.clone(),
            user: self.user.clone(),
            template: Some(Template {
                source: unpacked.distribution.config(),
                layout: self.layout.clone(),
                line: self.line,
                certificates: self.settings.certificates.clone(),
            }),
        }
    }

    /// The live seed file.
    pub fn seed_file(&self) -> PathBuf {
        seed_path(&self.layout, self.line.seed_file)
    }

    /// The node's whole environment: what was said wins, and Java options said are added to ours.
    fn environment(&self, java: &Java) -> BTreeMap<String, String> {
        let line = self.line;
        let path = |path: &PathBuf| path.display().to_string();
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
            ("HOME".to_owned(), path(&self.layout.tmp)),
            (line.java_variable.to_owned(), path(&java.home)),
            (line.variable("PATH_CONF"), path(&self.layout.config)),
            (line.variable("TMPDIR"), path(&self.layout.tmp)),
        ]);
        environment.extend(self.settings.env.clone());
        if let Some(heap) = &self.settings.heap {
            let options = environment.entry(line.variable("JAVA_OPTS")).or_default();
            let ours = format!("-Xms{heap} -Xmx{heap} ");
            options.insert_str(0, if options.is_empty() { ours.trim_end() } else { &ours });
        }
        environment
    }
}

fn rule(distribution: &Distribution, settings: &LaunchSettings) -> Result<Rule, Problem> {
    match distribution.line.formation {
        Formation::Bootstrap { .. } => Ok(Rule::coordinated(settings.bootstrap_expect)),
        Formation::Quorum { .. } => Rule::zen(settings.bootstrap_expect, settings.expected_masters),
    }
}

fn setup(distribution: &Distribution, settings: &LaunchSettings, layout: &Layout, rule: Option<&Rule>) -> NodeSetup {
    NodeSetup {
        line: distribution.line,
        cluster: settings.cluster.clone(),
        name: settings.name.clone(),
        address: settings.node.address,
        http_port: settings.node.http_port,
        transport_port: settings.node.transport_port,
        data: layout.data.clone(),
        logs: layout.logs.clone(),
        roles: settings.roles.clone(),
        attributes: settings.attributes.clone(),
        minimum_masters: rule.and_then(|rule| match rule.line() {
            decide::Line::Coordinated => None,
            decide::Line::Zen { minimum_master_nodes } => Some(minimum_master_nodes),
        }),
        has_security: distribution.has_security,
        certificates: settings.certificates.clone(),
        set: settings.set.clone(),
    }
}

/// Variables that would take the node away from the files that the launcher writes for it.
fn env_problems(distribution: Option<&Distribution>, settings: &LaunchSettings) -> Vec<Problem> {
    let owned = |name: &str| {
        distribution.is_some_and(|d| ["PATH_CONF", "TMPDIR"].iter().any(|own| d.line.variable(own) == name))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Resolver, Sources, launch};

    fn home(dir: &Path, jar: &str) -> String {
        for part in ["config", "lib", "jdk/bin"] {
            std::fs::create_dir_all(dir.join(part)).expect("a directory");
        }
        std::fs::write(dir.join("lib").join(jar), "").expect("a jar");
        std::fs::write(dir.join("jdk/bin/java"), "").expect("a java");
        dir.display().to_string()
    }

    fn plan(jar: &str, file: &str) -> Result<Plan, Failure> {
        let dir = tempfile::tempdir().expect("a directory");
        let home = home(dir.path(), jar);
        let flags = [
            ("home", home.as_str()),
            ("address", "10.0.0.1"),
            ("name", "a"),
            ("user", "12:34"),
        ];
        // Only root may name another user.
        let flags = &flags[..if crate::launcher::user::is_root() { 4 } else { 3 }];
        let java = format!("{home}/jdk");
        let environment = [
            ("PATH", "/bin"),
            ("JAVA_HOME", java.as_str()),
            ("ETCDCTL_USER", "root"),
            ("JAVA_TOOL_OPTIONS", "-x"),
            ("ETCDCTL_PASSWORD", "secret"),
        ];
        let sources = Sources::from_parts(flags, &environment, file).expect("sources");
        let mut resolver = Resolver::new(&sources);
        let settings = launch(&mut resolver);
        resolver.finish()?;
        Plan::new(settings.expect("settings"))
    }

    fn program(plan: &Plan) -> Program {
        let Node::Process(unpacked) = &plan.node;
        plan.program(unpacked)
    }

    #[test]
    fn the_node_gets_a_clean_environment_and_what_was_said() {
        let file = "heap = \"1g\"\n[env]\nES_JAVA_OPTS = \"-Da=b\"\nX = \"y\"\n";
        let environment = plan("elasticsearch-9.5.3.jar", file)
            .map(|plan| program(&plan).environment)
            .expect("a plan");
        let get = |name: &str| environment.get(name).map(String::as_str);
        assert_eq!(get("ES_JAVA_OPTS"), Some("-Xms1g -Xmx1g -Da=b"));
        assert_eq!(
            (get("PATH"), get("LANG"), get("X")),
            (Some("/bin"), Some("C.UTF-8"), Some("y"))
        );
        assert_eq!((get("JAVA_TOOL_OPTIONS"), get("ETCDCTL_PASSWORD")), (None, None));
        let heap = plan("opensearch-3.6.0.jar", "heap = \"512m\"")
            .map(|plan| program(&plan).environment)
            .expect("a plan");
        assert_eq!(
            heap.get("OPENSEARCH_JAVA_OPTS").map(String::as_str),
            Some("-Xms512m -Xmx512m")
        );
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let file = "[env]\nES_PATH_CONF = \"/x\"\nJAVA_HOME = \"/nonexistent\"\n[set]\n\"cluster.name\" = \"x\"\n";
        let failure = plan("elasticsearch-6.8.23.jar", file).expect_err("wrong");
        let all: Vec<&str> = failure.problems.iter().map(|problem| problem.what.as_str()).collect();
        for part in [
            "/nonexistent",
            "--expected-masters",
            "--set cluster.name",
            "--env ES_PATH_CONF",
        ] {
            assert!(all.iter().any(|what| what.contains(part)), "{part} in {all:?}");
        }
        assert_eq!((failure.exit, all.len()), (Exit::Config, 4));
    }

    #[test]
    fn the_quorum_is_set_on_the_lines_that_want_one() {
        let six = plan("elasticsearch-6.8.23.jar", "expected-masters = 3").expect("a plan");
        assert_eq!(six.setup.minimum_masters, Some(2));
        assert_eq!(
            plan("elasticsearch-9.5.3.jar", "")
                .expect("a plan")
                .setup
                .minimum_masters,
            None
        );
    }
}
