//! `quorate seeds --output FILE`: keeps a file true, by the rules of the launcher's own seed file, and runs a command after a change.

use std::{io, path::Path};

use tokio::time::{Instant, sleep_until};

use super::{Form, complain, hook::Hook};
use crate::{
    commands::live::{Live, News},
    exit::{Exit, Failure},
    host::{self, Notifier},
    launcher::seeds::file::{SeedEffect, SeedEvent, SeedFile},
    output,
};

/// Never returns unless the file cannot be written at all, or etcd says no for good.
pub(super) async fn keep(path: &Path, form: Form, hook: Option<Hook>, live: Live) -> Result<Exit, Failure> {
    let held = host::read_optional(path)
        .map_err(|error| broken(path, &error))?
        .unwrap_or_default();
    let held = form.parse(&String::from_utf8_lossy(&held));
    let keeper = Keeper {
        path,
        form,
        shown: held.clone(),
        file: SeedFile::holding(held),
        wake: None,
        was_written: false,
        has_list: false,
        hook,
        notifier: Notifier::new(),
    };
    keeper.run(live).await
}

struct Keeper<'a> {
    path: &'a Path,
    form: Form,
    file: SeedFile,
    /// What the file holds.
    shown: Vec<String>,
    wake: Option<Instant>,
    was_written: bool,
    /// Whether etcd has told what there is.
    has_list: bool,
    hook: Option<Hook>,
    notifier: Notifier,
}

enum Heard {
    Seeds(SeedEvent),
    Away(String),
    HookEnded,
}

impl Keeper<'_> {
    async fn run(mut self, mut live: Live) -> Result<Exit, Failure> {
        loop {
            match self.listen(&mut live).await? {
                Heard::Away(cause) => output::note(&format!("etcd is away, the file stays as it is: {cause}")),
                Heard::Seeds(event) => self.seeds(event)?,
                Heard::HookEnded => {}
            }
            self.notifier.status(&self.sentence());
        }
    }

    /// Only receives. Cancel safety: every branch can be asked again.
    async fn listen(&mut self, live: &mut Live) -> Result<Heard, Failure> {
        tokio::select! {
            () = alarm(self.wake) => Ok(Heard::Seeds(SeedEvent::Woke)),
            () = ended(self.hook.as_mut()) => Ok(Heard::HookEnded),
            news = live.next() => Ok(match news? {
                News::Changed => {
                    complain(live.view());
                    Heard::Seeds(SeedEvent::Seen(live.view().seed_hosts(None)))
                }
                News::Away { cause } => Heard::Away(cause),
            }),
        }
    }

    fn seeds(&mut self, event: SeedEvent) -> Result<(), Failure> {
        self.wake = None;
        let mut changed = false;
        let mut effects = self.file.step(Instant::now(), event);
        while let Some(effect) = effects.pop() {
            match effect {
                SeedEffect::WakeAt(at) => self.wake = Some(at),
                SeedEffect::Write { seeds, before } => {
                    match host::write_atomic(self.path, self.form.render(&seeds).as_bytes(), 0o644) {
                        Ok(()) => {
                            changed = true;
                            self.was_written = true;
                            self.shown = seeds;
                        }
                        // A path that was wrong from the start is a mistake of the command line.
                        Err(error) if !self.was_written => return Err(broken(self.path, &error)),
                        Err(error) => {
                            output::note(&broken(self.path, &error).to_string());
                            let failed = SeedEvent::WriteFailed { still: before };
                            effects.extend(self.file.step(Instant::now(), failed));
                        }
                    }
                }
            }
        }
        // Nobody knows whether an earlier run got as far as its command: the first list counts as a change.
        if changed || !self.has_list {
            self.has_list = true;
            self.notifier.ready();
            if let Some(hook) = &mut self.hook {
                hook.changed(&self.shown);
            }
        }
        Ok(())
    }

    fn sentence(&self) -> String {
        let hook = self.hook.as_ref().and_then(Hook::last);
        let hook = hook.map_or_else(String::new, |result| format!("; {result}"));
        format!("{} holds {} seeds{hook}", self.path.display(), self.shown.len())
    }
}

fn broken(path: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot keep {}: {error}", path.display());
    Failure::with_hint(Exit::Failed, what, "check its path and modes")
}

async fn alarm(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn ended(hook: Option<&mut Hook>) {
    match hook {
        Some(hook) => hook.ended().await,
        None => std::future::pending().await,
    }
}
