//! Every setting there is, in one table: flag, environment, file key, default and help text all come from here, and so does the
//! settings table in the documentation. What a setting is stands here, the settings stand in `options/table.rs`.

mod table;

pub use table::OPTIONS;

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One text.
    Text,
    /// A comma list; in the file an array of texts.
    List,
    /// `KEY=VALUE`, repeatable; in the environment one a line; in the file a table.
    Pairs,
    /// Texts that may hold commas, repeatable; in the environment one a line; in the file an array.
    Lines,
    /// On or off; as a flag it takes no value.
    Switch,
}

/// When a changed value acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    /// At the next reload of whoever takes the setting.
    AtReload,
    /// When whoever takes it is started anew: it says whose key is kept, or where.
    AtRestart,
    /// When the node is started anew. Before that both daemons keep to the value with which it runs.
    AtNodeStart,
}

impl Acts {
    /// The word in the documentation.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AtReload => "reload",
            Self::AtRestart => "restart",
            Self::AtNodeStart => "node start",
        }
    }
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// The flag without `--`, and the key in the file.
    pub key: &'static str,
    /// What a value looks like.
    pub kind: Kind,
    /// The value's name in help texts.
    pub value: &'static str,
    /// Other variables that are read after `QUORATE_<KEY>` and before the files.
    pub also_env: &'static [&'static str],
    /// Variables that say what the host thinks; read after the files.
    pub host_env: &'static [&'static str],
    /// The value when nobody says anything.
    pub default: Option<&'static str>,
    /// One sentence.
    pub help: &'static str,
    /// The group under which it stands in help and documentation.
    pub group: Group,
    /// Whether the value must never be shown, and may not be given as a flag.
    pub secret: bool,
    /// The file of this name in `$CREDENTIALS_DIRECTORY` is the value when nobody says another one.
    pub credential: Option<&'static str>,
    /// When a changed value acts.
    pub acts: Acts,
}

/// Which commands take a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Where etcd is; everything that talks to it.
    Registry,
    /// Which node this host has; both daemons.
    Node,
    /// How nodes are asked; everything that asks one.
    Access,
    /// The sidecar alone.
    Sidecar,
    /// The launcher alone.
    Launch,
}

impl Group {
    /// All groups in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Registry, Self::Node, Self::Access, Self::Sidecar, Self::Launch];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Registry => "Registry",
            Self::Node => "Node",
            Self::Access => "Access to nodes",
            Self::Sidecar => "Sidecar",
            Self::Launch => "Launcher",
        }
    }
}

impl Opt {
    const fn new(group: Group, key: &'static str, kind: Kind, value: &'static str, help: &'static str) -> Self {
        Self {
            key,
            kind,
            value,
            also_env: &[],
            host_env: &[],
            default: None,
            help,
            group,
            secret: false,
            credential: None,
            acts: match group {
                Group::Registry | Group::Node | Group::Access | Group::Sidecar => Acts::AtReload,
                Group::Launch => Acts::AtNodeStart,
            },
        }
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn also(mut self, variables: &'static [&'static str]) -> Self {
        self.also_env = variables;
        self
    }

    const fn host(mut self, variables: &'static [&'static str]) -> Self {
        self.host_env = variables;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn credential(mut self, name: &'static str) -> Self {
        self.credential = Some(name);
        self
    }

    const fn acts(mut self, acts: Acts) -> Self {
        self.acts = acts;
        self
    }

    /// `QUORATE_<KEY>`.
    pub fn env(&self) -> String {
        format!("QUORATE_{}", self.key.to_uppercase().replace('-', "_"))
    }

    /// All variables in the order in which they are asked.
    pub fn variables(&self) -> Vec<String> {
        let others = self.also_env.iter().chain(self.host_env);
        std::iter::once(self.env())
            .chain(others.map(|name| (*name).to_owned()))
            .collect()
    }
}

/// The setting with this key.
pub fn option(key: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|opt| opt.key == key)
}
