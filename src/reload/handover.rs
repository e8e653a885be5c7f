//! What one program passes on to the next one in the same process.
//!
//! The two may be of different versions: what cannot be understood counts as not said, and the open files are taken in any case,
//! because a lock that nobody knows of would lock out its own process.

use std::{
    collections::BTreeMap,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    config::{HANDOVER, Kept, Sources},
    host,
};

/// As it crosses over.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Letter {
    /// Numbers of open files, by what they are.
    files: BTreeMap<String, RawFd>,
    #[serde(default)]
    kept: serde_json::Value,
    #[serde(default)]
    state: serde_json::Value,
}

/// What the program before this one has passed on.
#[derive(Debug)]
pub struct Handover {
    files: BTreeMap<String, OwnedFd>,
    /// The values of settings that wait for a restart.
    pub kept: Kept,
    state: serde_json::Value,
}

impl Letter {
    pub(super) fn new(files: &[(&str, BorrowedFd<'_>)], kept: Kept, state: serde_json::Value) -> Self {
        let number = |&(name, file): &(&str, BorrowedFd<'_>)| (name.to_owned(), file.as_raw_fd());
        Self {
            files: files.iter().map(number).collect(),
            // Maps with text keys: there is no way to fail.
            kept: serde_json::to_value(kept).unwrap_or_default(),
            state,
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Handover {
    /// What was passed on to this process; none at a start of the usual kind. To be asked once.
    pub fn receive(sources: &Sources) -> Option<Self> {
        let bytes = host::letter(sources.variable(HANDOVER)?)?;
        let letter: Letter = understood(serde_json::from_slice(&bytes))?;
        let file = |(name, number)| Some((name, host::inherited(number)?));
        Some(Self {
            files: letter.files.into_iter().filter_map(file).collect(),
            kept: understood(serde_json::from_value(letter.kept)).unwrap_or_default(),
            state: letter.state,
        })
    }

    /// An open file. Whatever is not taken is closed.
    pub fn take(&mut self, name: &str) -> Option<OwnedFd> {
        self.files.remove(name)
    }

    /// Where the program before this one stood, if this one understands it.
    pub fn state<T: DeserializeOwned>(&self) -> Option<T> {
        understood(serde_json::from_value(self.state.clone()))
    }
}

fn understood<T>(read: serde_json::Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::warn!(%error, "what the last run passed on is not understood"))
        .ok()
}
