//! The Java and its options: the version, and the heap that the options add up to.

use std::path::Path;

use super::Check;
use crate::launcher::{
    java::{self, Java, JavaSource},
    plan::{Plan, Unpacked},
    product::{self, Collector},
};

const GIB: u64 = 1 << 30;
/// From here on Java needs twice the room for every reference.
const COMPRESSED: u64 = 32 * GIB;
/// Options that the node's own start check refuses, and why.
const REFUSED: &[(&str, &str)] = &[
    ("-XX:+UseSerialGC", "the serial collector stops the node for too long"),
    (
        "-XX:OnError=",
        "a command at a crash cannot be run under the node's system call filter",
    ),
    (
        "-XX:OnOutOfMemoryError=",
        "a command when memory is out cannot be run under the node's system call filter",
    ),
];

pub(super) fn version(plan: &Plan, java: &Java) -> Check {
    const NAME: &str = "java";
    let line = plan.line;
    let place = format!("{} (from {})", java.home.display(), java.from);
    match java.major {
        // What a distribution brings fits it.
        _ if java.from == JavaSource::Bundled => Check::ok(NAME, place),
        Some(major) if line.java.contains(major) => Check::ok(NAME, format!("Java {major} in {place}")),
        Some(major) => Check::fail(
            NAME,
            format!(
                "Java {major} in {place} does not fit {} {}",
                line.product.title(),
                plan.version
            ),
            format!("give it {}: `--env {}=DIR`", line.java, line.java_variable),
        ),
        None => Check::warn(
            NAME,
            format!("{place} does not say which version it is"),
            format!("{} wants {}", line.label, line.java),
        ),
    }
}

/// Every option that the node's Java is started with.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// In their order: a later one wins.
    all: Vec<String>,
    /// One that the Java does not start with, and what stands in the way of leaving it out.
    dropped: Option<String>,
}

/// What the options say about the heap, in bytes; none: the node's own choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heap {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

impl Options {
    /// Those of the distribution, and what was given for the node.
    pub(super) fn of(plan: &Plan, unpacked: &Unpacked) -> Self {
        let config = unpacked.distribution.config();
        let mut options = Self::default();
        options.read(&config.join("jvm.options"), unpacked.java.major);
        let more = std::fs::read_dir(config.join("jvm.options.d"))
            .into_iter()
            .flatten()
            .flatten();
        let mut more: Vec<_> = more.map(|entry| entry.path()).collect();
        more.retain(|path| path.extension().is_some_and(|end| end == "options"));
        more.sort();
        for path in more {
            options.read(&path, unpacked.java.major);
        }
        let environment = plan.program(unpacked).environment;
        if let product::Heap::Variable(name) = plan.line.script.heap
            && let Some(heap) = environment.get(name)
        {
            options.all.extend([format!("-Xms{heap}"), format!("-Xmx{heap}")]);
        }
        if let Some(said) = environment.get(&plan.line.variable("JAVA_OPTS")) {
            options.all.extend(said.split_whitespace().map(str::to_owned));
        }
        if let (Collector::Script(file), Some(java)) = (plan.line.script.collector, unpacked.java.major) {
            let script = std::fs::read_to_string(unpacked.distribution.home.join(file)).unwrap_or_default();
            options.dropped = dropped(&script, java)
                .map(|option| format!("Java {java} does not know the option `{option}`, and {file} insists on it"));
        }
        options
    }

    fn read(&mut self, path: &Path, java: Option<u32>) {
        // One that cannot be read is the business of `home`.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        self.all
            .extend(text.lines().filter_map(|line| applies(line, java)).map(str::to_owned));
    }

    pub(super) fn heap(&self) -> Heap {
        let last = |names: [&str; 2]| {
            let size = |option: &String| names.iter().find_map(|name| bytes(option.strip_prefix(name)?));
            self.all.iter().rev().find_map(size)
        };
        Heap {
            min: last(["-Xms", "-XX:InitialHeapSize="]),
            max: last(["-Xmx", "-XX:MaxHeapSize="]),
        }
    }

    /// Whether the node checks itself as strictly on a loopback address as on any other.
    pub(super) fn enforce(&self) -> bool {
        let strict = |option: &String| option.starts_with("-D") && option.ends_with(".enforce.bootstrap.checks=true");
        self.all.iter().any(strict)
    }

    /// Options that the node refuses.
    pub(super) fn check(&self) -> Check {
        const NAME: &str = "java-options";
        let refused = |option: &String| {
            REFUSED
                .iter()
                .find(|(start, _)| option.starts_with(start))
                .map(|(_, why)| (option.clone(), *why))
        };
        if let Some(why) = &self.dropped {
            let hint = "give the node a Java of its time, or take the option out of that file";
            return Check::fail(NAME, why.clone(), hint);
        }
        match self.all.iter().find_map(refused) {
            Some((option, why)) => Check::fail(
                NAME,
                format!("the node refuses the Java option `{option}`: {why}"),
                "take it out of the distribution's `config/jvm.options`, or of `--env`",
            ),
            None => Check::ok(NAME, "none that the node refuses"),
        }
    }
}

/// An option in a shell script that this Java does not start with.
fn dropped(script: &str, java: u32) -> Option<&str> {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(|line| line.split([' ', '"', '\'']));
    words.find(|word| java::refuses(java, word))
}

/// The option on a line of a `jvm.options` file, if it is one for this Java: `8-13:-XX:+UseG1GC`, `14-:-X`, `8:-X` or `-X`.
fn applies(line: &str, java: Option<u32>) -> Option<&str> {
    let line = line.trim();
    if line.starts_with('-') {
        return Some(line);
    }
    let (range, option) = line.split_once(':')?;
    let option = Some(option).filter(|option| option.starts_with('-'))?;
    let (from, to) = match range.split_once('-') {
        None => (range.parse().ok()?, range.parse().ok()?),
        Some((from, "")) => (from.parse().ok()?, u32::MAX),
        Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
    };
    java.is_none_or(|java| (from..=to).contains(&java)).then_some(option)
}

/// `512m`, `4g`, `1048576`.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let unit = |end: char| match end {
        'k' => Some(10),
        'm' => Some(20),
        'g' => Some(30),
        't' => Some(40),
        _ => None,
    };
    let shift = lower.chars().last().and_then(unit);
    let number = lower.strip_suffix(['k', 'm', 'g', 't']).unwrap_or(&lower);
    number.parse::<u64>().ok()?.checked_mul(1 << shift.unwrap_or(0))
}

/// A number of bytes for people.
pub(super) fn shown(bytes: u64) -> String {
    let mib = bytes >> 20;
    let tenths = |unit: u64| format!("{}.{}", mib / unit, mib % unit * 10 / unit);
    match mib {
        0..1024 => format!("{mib} MiB"),
        1024..1_048_576 => format!("{} GiB", tenths(1024)),
        _ => format!("{} TiB", tenths(1_048_576)),
    }
}

/// A heap that grows stops the node while it does; the node itself refuses it where it checks itself.
pub(super) fn heap(heap: Heap, enforced: bool) -> Check {
    const NAME: &str = "heap";
    let say = |size: Option<u64>| size.map_or_else(|| "Java's own choice".to_owned(), shown);
    let grade = if enforced { Check::fail } else { Check::warn };
    match heap {
        Heap { min: None, max: None } => Check::ok(NAME, "the node's own choice"),
        Heap { min, max } if min != max => grade(
            NAME,
            format!(
                "the heap begins with {} and may grow to {}, the node wants both to be the same",
                say(min),
                say(max)
            ),
            "give one size for both: `--heap 4g`".to_owned(),
        ),
        Heap { max: Some(max), .. } if max >= COMPRESSED => Check::warn(
            NAME,
            format!(
                "{}: from 32 GiB on Java keeps larger references, and less fits in",
                shown(max)
            ),
            "stay below, e.g. `--heap 31g`, and leave the rest of the memory to the system's file cache",
        ),
        Heap { max, .. } => Check::ok(NAME, say(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::preflight::Grade;

    fn options(file: &str, java: Option<u32>, said: &str) -> Options {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("jvm.options");
        std::fs::write(&path, file).expect("written");
        let mut options = Options::default();
        options.read(&path, java);
        options.all.extend(said.split_whitespace().map(str::to_owned));
        options
    }

    #[test]
    fn the_last_word_on_the_heap_wins_and_lines_for_other_javas_do_not_count() {
        const MIB: u64 = 1 << 20;
        let file = "# -Xms9g\n-Xms1g\n-Xmx1g\n8-10:-Xmx3g\n11-:-Dx=y\n17:-Xms2g\nnonsense\n";
        for (java, said, min, max) in [
            (Some(11), "", Some(GIB), Some(GIB)),
            (Some(17), "", Some(2 * GIB), Some(GIB)),
            (Some(11), "-Xms512m -Xmx524288k", Some(512 * MIB), Some(512 * MIB)),
            (Some(11), "-XX:MaxHeapSize=1048576", Some(GIB), Some(MIB)),
            (Some(11), "-Xmxlots", Some(GIB), Some(GIB)),
        ] {
            assert_eq!(options(file, java, said).heap(), Heap { min, max }, "{java:?} {said}");
        }
        assert_eq!(options("", None, "").heap(), Heap { min: None, max: None });
    }

    #[test]
    fn an_option_that_the_java_does_not_know_is_found_in_the_script() {
        let script = "# -XX:+UseParNewGC\nJAVA_OPTS=\"$JAVA_OPTS -XX:+UseConcMarkSweepGC\"\n";
        assert_eq!(dropped(script, 11), None);
        assert_eq!(dropped(script, 17), Some("-XX:+UseConcMarkSweepGC"));
    }

    #[test]
    fn a_heap_that_grows_is_refused_where_the_node_refuses_it() {
        let of = |min, max, enforced| heap(Heap { min, max }, enforced).result;
        assert_eq!(of(Some(GIB), Some(GIB), true), Grade::Ok);
        assert_eq!(of(None, None, true), Grade::Ok);
        assert_eq!(of(None, Some(GIB), true), Grade::Fail);
        assert_eq!(of(Some(GIB), Some(2 * GIB), false), Grade::Warn);
        assert_eq!(of(Some(COMPRESSED), Some(COMPRESSED), true), Grade::Warn);
        let grows = heap(
            Heap {
                min: None,
                max: Some(GIB),
            },
            true,
        );
        assert_eq!(
            grows.what,
            "the heap begins with Java's own choice and may grow to 1.0 GiB, the node wants both to be the same"
        );
    }

    #[test]
    fn options_that_the_node_refuses_are_found() {
        for (said, expected) in [
            ("-XX:+UseG1GC", Grade::Ok),
            ("-XX:+UseSerialGC", Grade::Fail),
            ("-XX:OnOutOfMemoryError=reboot", Grade::Fail),
        ] {
            assert_eq!(options("", None, said).check().result, expected, "{said}");
        }
        assert!(options("-Des.enforce.bootstrap.checks=true", None, "").enforce());
        assert!(!options("-Des.enforce.bootstrap.checks=false", None, "").enforce());
    }

    #[test]
    fn sizes_are_shown_in_the_unit_that_fits() {
        for (bytes, text) in [(5 << 20, "5 MiB"), (GIB * 3 / 2, "1.5 GiB"), (1 << 41, "2.0 TiB")] {
            assert_eq!(shown(bytes), text);
        }
    }

    #[test]
    fn no_damaged_file_of_options_panics() {
        crate::fuzz::fuzz("java", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = dropped(&text, 17);
            for line in text.lines() {
                let _ = (applies(line, Some(17)), applies(line, None), super::bytes(line));
            }
        });
    }
}
