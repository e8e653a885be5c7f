//! What the start scripts of the distributions want to be told, and how. Pure data.

/// How the start script of a line is told what the launcher has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartScript {
    /// Where the node finds its settings.
    pub config: ConfigDir,
    /// How much heap it gets.
    pub heap: Heap,
    /// The variable that names the file of Java options, where the script looks for it in the home alone.
    pub options_file: Option<&'static str>,
    /// Whether its Java has to be told of the directory for temporary files by an option.
    pub tmp_by_option: bool,
    /// Where the options of the garbage collector stand, some of which a newer Java refuses.
    pub collector: Collector,
}

/// How the config directory is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigDir {
    /// By the variable `ES_PATH_CONF` or the like.
    Variable,
    /// By an argument that begins so.
    Argument(&'static str),
}

/// How the heap is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heap {
    /// By Java options.
    Options,
    /// By a variable; the script adds options of its own, which would win.
    Variable(&'static str),
}

/// Where the options of the garbage collector stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collector {
    /// In `jvm.options`, of which the node gets a copy.
    OptionsFile,
    /// In the script, unless this variable holds others.
    Variable(&'static str),
    /// In this file that the script reads, whatever anybody says.
    Script(&'static str),
}

/// Elasticsearch from 6.5, OpenSearch.
pub(super) const MODERN: StartScript = StartScript {
    config: ConfigDir::Variable,
    heap: Heap::Options,
    options_file: None,
    tmp_by_option: false,
    collector: Collector::OptionsFile,
};

/// Elasticsearch 6.0 and 6.1 leave temporary files to Java; an option more does no harm to those that do not.
pub(super) const ELASTICSEARCH_6: StartScript = StartScript {
    tmp_by_option: true,
    ..MODERN
};

/// Elasticsearch 5.
pub(super) const ELASTICSEARCH_5: StartScript = StartScript {
    config: ConfigDir::Argument("-Epath.conf="),
    options_file: Some("ES_JVM_OPTIONS"),
    ..ELASTICSEARCH_6
};

/// Elasticsearch 2.
pub(super) const ELASTICSEARCH_2: StartScript = StartScript {
    config: ConfigDir::Argument("-Des.path.conf="),
    heap: Heap::Variable("ES_HEAP_SIZE"),
    options_file: None,
    collector: Collector::Variable("ES_GC_OPTS"),
    ..ELASTICSEARCH_5
};

/// Elasticsearch 1.
pub(super) const ELASTICSEARCH_1: StartScript = StartScript {
    collector: Collector::Script("bin/elasticsearch.in.sh"),
    ..ELASTICSEARCH_2
};
