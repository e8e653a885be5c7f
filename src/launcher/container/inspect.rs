//! What `inspect` of the container engines says, read into what the launcher wants to know. Pure; the only place that knows the form.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::launcher::runtime::Ending;

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) standing: Standing,
    pub(super) labels: BTreeMap<String, String>,
}

/// Where a container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was created and never started.
    Created,
    /// It runs, as this process of the host.
    Runs {
        /// None while the engine itself does not know.
        pid: Option<u32>,
    },
    /// It has ended.
    Ended {
        /// How.
        ending: Ending,
        /// Whether the kernel ended it for want of memory.
        out_of_memory: bool,
    },
}

/// An image that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageRecord {
    pub(super) id: String,
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    id: String,
    #[serde(default)]
    state: RawState,
    config: Option<RawConfig>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawState {
    status: String,
    running: bool,
    #[serde(rename = "OOMKilled")]
    out_of_memory: bool,
    pid: u32,
    exit_code: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawConfig {
    labels: Option<BTreeMap<String, String>>,
}

/// The container of an answer; none when it is no such answer.
pub(super) fn container(answer: &[u8]) -> Option<Container> {
    let raw = first(answer)?;
    let RawState {
        status,
        running,
        out_of_memory,
        pid,
        exit_code,
    } = raw.state;
    let standing = match status.as_str() {
        "created" | "configured" | "initialized" => Standing::Created,
        "exited" | "dead" | "stopped" | "removing" if !running => Standing::Ended {
            ending: u8::try_from(exit_code).map_or(Ending::Unknown, Ending::Code),
            out_of_memory,
        },
        // Paused, restarting, stopping, and what later engines may think of: there is a process.
        _ => Standing::Runs {
            pid: Some(pid).filter(|pid| *pid != 0),
        },
    };
    Some(Container {
        id: raw.id,
        standing,
        labels: raw.config.and_then(|config| config.labels).unwrap_or_default(),
    })
}

/// The image of an answer; none when it is no such answer.
pub(super) fn image(answer: &[u8]) -> Option<ImageRecord> {
    let raw = first(answer)?;
    Some(ImageRecord {
        id: raw.id,
        labels: raw.config.and_then(|config| config.labels).unwrap_or_default(),
    })
}

fn first(answer: &[u8]) -> Option<Raw> {
    serde_json::from_slice::<Vec<Raw>>(answer).ok()?.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(state: &str) -> Standing {
        let answer = format!(r#"[{{"Id":"c1","State":{state},"Config":{{"Labels":{{"a":"b"}}}}}}]"#);
        container(answer.as_bytes()).expect("a container").standing
    }

    /// As Docker 20.10 and Podman 4.3 say it, with what does not matter left out.
    #[test]
    fn both_engines_states_are_understood() {
        let ended = |code, out_of_memory| Standing::Ended {
            ending: Ending::Code(code),
            out_of_memory,
        };
        for (state, expected) in [
            (
                r#"{"Status":"running","Running":true,"Paused":false,"OOMKilled":false,"Pid":1067,"ExitCode":0,"Error":""}"#,
                Standing::Runs { pid: Some(1067) },
            ),
            (
                r#"{"Status":"paused","Running":true,"Pid":7}"#,
                Standing::Runs { pid: Some(7) },
            ),
            (
                r#"{"Status":"paused","Running":false,"Pid":7}"#,
                Standing::Runs { pid: Some(7) },
            ),
            (
                r#"{"Status":"stopping","Running":false,"Pid":0}"#,
                Standing::Runs { pid: None },
            ),
            (
                r#"{"Status":"exited","Running":false,"OOMKilled":true,"Pid":0,"ExitCode":137}"#,
                ended(137, true),
            ),
            (
                r#"{"Status":"stopped","Running":false,"ExitCode":143}"#,
                ended(143, false),
            ),
            (
                r#"{"Status":"created","Running":false,"ExitCode":127,"Error":"exec: x"}"#,
                Standing::Created,
            ),
            (r#"{"Status":"configured","Running":false}"#, Standing::Created),
            (
                r#"{"Status":"exited","Running":false,"ExitCode":-1}"#,
                Standing::Ended {
                    ending: Ending::Unknown,
                    out_of_memory: false,
                },
            ),
        ] {
            assert_eq!(standing(state), expected, "{state}");
        }
    }

    #[test]
    fn labels_may_be_missing_and_nonsense_is_none() {
        for config in ["null", r#"{"Labels":null}"#, "{}"] {
            let answer = format!(r#"[{{"Id":"i","Config":{config}}}]"#);
            let found = image(answer.as_bytes()).expect("an image");
            assert_eq!((found.id.as_str(), found.labels.len()), ("i", 0));
        }
        for answer in ["", "[]", "{}", "[{}]", "null"] {
            assert!(
                container(answer.as_bytes()).is_none() && image(answer.as_bytes()).is_none(),
                "{answer}"
            );
        }
    }

    #[test]
    fn no_damaged_answer_of_an_engine_panics() {
        crate::fuzz::fuzz("inspect", |bytes| {
            let _ = (container(bytes), image(bytes));
        });
    }
}
