//! One look at a time: a reload that is asked for while another is worked on comes after it.

use std::future::pending;

use tokio::task::JoinSet;

use super::{Found, Reload};

/// The reloads of one daemon.
#[derive(Debug)]
pub struct Looking {
    /// What can be reloaded.
    pub reload: Reload,
    looks: JoinSet<Result<Found, String>>,
    again: bool,
}

impl Looking {
    /// Nobody asked yet.
    pub fn new(reload: Reload) -> Self {
        Self {
            reload,
            looks: JoinSet::new(),
            again: false,
        }
    }

    /// Somebody asks for a reload.
    pub fn ask(&mut self) {
        if self.looks.is_empty() {
            self.looks.spawn(self.reload.clone().look());
        } else {
            self.again = true;
        }
    }

    /// What was found, or why it cannot run; never when nobody asked. Cancel safety: nothing is lost.
    pub async fn next(&mut self) -> Result<Found, String> {
        match self.looks.join_next().await {
            Some(looked) => looked.unwrap_or_else(|error| Err(error.to_string())),
            None => pending().await,
        }
    }

    /// What was found is dealt with. Whether that was all; if not, the next look has begun.
    pub fn is_over(&mut self) -> bool {
        let again = std::mem::take(&mut self.again);
        if again {
            self.ask();
        }
        !again
    }
}
