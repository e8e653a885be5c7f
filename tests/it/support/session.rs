//! A session that a page shows: commands in fenced blocks of `sh`, each followed, where it says something, by a block of `text` with what
//! is seen. It is read out of the page and run, so that neither can differ from what happens.
//!
//! A line of what is seen is one line of the output, in any order; `…` stands for anything, and blanks for any number of them.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// One block of commands, and what is seen then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) commands: String,
    pub(crate) seen: Vec<String>,
}

/// The steps of a page.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match (kind, steps.last_mut()) {
            ("sh", _) => steps.push(Step {
                commands: block.join("\n"),
                seen: Vec::new(),
            }),
            ("text", Some(step)) => step.seen.extend(block.into_iter().map(str::to_owned)),
            _ => {}
        }
    }
    steps
}

/// Whether `line` is what `pattern` shows.
fn shows(pattern: &str, line: &str) -> bool {
    let normal = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = normal(line);
    let pattern: Vec<String> = pattern.split('…').map(normal).collect();
    let [first, middle @ .., last] = pattern.as_slice() else {
        return pattern.concat() == line;
    };
    let Some(mut rest) = line.strip_prefix(first.as_str()) else {
        return false;
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part.as_str()) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last.as_str())
}

/// Lines of `seen` that no line of `output` shows; each line of the output shows one of them.
fn missing<'a>(seen: &'a [String], output: &str) -> Vec<&'a String> {
    let mut lines: Vec<&str> = output.lines().collect();
    let mut unseen = Vec::new();
    for pattern in seen {
        match lines.iter().position(|line| shows(pattern, line)) {
            Some(at) => drop(lines.swap_remove(at)),
            None => unseen.push(pattern),
        }
    }
    unseen
}

/// Where and with what a session is typed.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) dir: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
}

impl Shell {
    /// Runs commands one after the other until one fails, at most eight minutes; how the last ended, and all that was said.
    #[expect(clippy::disallowed_methods, reason = "what a person types in a shell")]
    pub(crate) fn run(&self, commands: &str) -> (bool, String) {
        let mut command = Command::new("timeout");
        command.args(["480", "bash", "-c", &format!("exec 2>&1\nset -e\n{commands}")]);
        command.current_dir(&self.dir).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.stdin(Stdio::null()).output().expect("bash");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    }

    /// Goes through a step: its commands succeed, and what is seen is what the page shows.
    pub(crate) fn go(&self, step: &Step) {
        let (succeeded, said) = self.run(&step.commands);
        assert!(succeeded, "{}\n{said}", step.commands);
        let missing = missing(&step.seen, &said);
        assert!(
            missing.is_empty(),
            "{}\nshows no {missing:#?} but\n{said}",
            step.commands
        );
    }
}

#[test]
fn a_page_is_read_as_steps_with_what_is_seen() {
    let page =
        "# A\n\n```sh\nfirst\nsecond\n```\n\ntext\n\n```text\nx\ny\n```\n\n```toml\na = 1\n```\n\n```sh\nthird\n```\n";
    let step = |commands: &str, seen: &[&str]| Step {
        commands: commands.to_owned(),
        seen: seen.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(steps(page), [step("first\nsecond", &["x", "y"]), step("third", &[])]);
}

#[test]
fn a_line_that_is_shown_is_seen_once_and_as_it_is() {
    let missing = |seen: &str, output: &str| {
        let seen: Vec<String> = seen.lines().map(str::to_owned).collect();
        missing(&seen, output).len()
    };
    assert_eq!(missing("a … b", "  a   1   b\n"), 0);
    assert_eq!(missing("a b", "b a\na  b"), 0);
    assert_eq!(missing("a", "a b"), 1);
    assert_eq!(missing("a …", "b a 1"), 1);
    assert_eq!(missing("… a", "1 a b"), 1);
    assert_eq!(missing("a\na", "a\n"), 1);
    assert_eq!(missing("{\"x\":1,…}", "{\"x\":1,\"y\":{}}"), 0);
    assert_eq!(missing("{\"x\":1,…}", "{\"x\":2,\"y\":{}}"), 1);
}
