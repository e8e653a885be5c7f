//! `quorate seeds --output FILE`: keeps a file true, by the rules of the launcher's own seed file, and runs a command after a change.

use std::{io, path::Path};

use super::{Form, Host, complain, hook::Hook};
use crate::{
    commands::live::{Live, News},
    exit::{Exit, Failure},
    host::{self, Notifier},
    launcher::seeds::{
        keeper::{self, Keeper},
        list::Event,
        registered,
    },
    output,
};

/// Never returns unless the file cannot be written at all, or etcd says no for good.
pub(super) async fn keep(
    path: &Path,
    form: Form,
    hook: Option<Hook>,
    live: Live,
    this_host: &Host,
) -> Result<Exit, Failure> {
    let held = host::read_optional(path)
        .map_err(|error| broken(path, &error))?
        .unwrap_or_default();
    let held = form.parse(&String::from_utf8_lossy(&held));
    let kept = Kept {
        path,
        form,
        keeper: Keeper::holding(None, held),
        was_written: false,
        fails: false,
        has_list: false,
        hook,
        notifier: Notifier::new(),
        this_host,
    };
    kept.run(live).await
}

struct Kept<'a> {
    path: &'a Path,
    form: Form,
    keeper: Keeper,
    was_written: bool,
    /// Whether the last attempt to write failed, and that was said.
    fails: bool,
    /// Whether there is a list to tell of.
    has_list: bool,
    hook: Option<Hook>,
    notifier: Notifier,
    this_host: &'a Host,
}

enum Heard {
    Seeds(keeper::Heard),
    Away(String),
    HookEnded,
}

impl Kept<'_> {
    async fn run(mut self, mut live: Live) -> Result<Exit, Failure> {
        loop {
            match self.listen(&mut live).await? {
                Heard::Away(cause) => self.away(&cause)?,
                Heard::Seeds(heard) => self.seeds(heard)?,
                Heard::HookEnded => {}
            }
            self.notifier.status(&self.sentence());
        }
    }

    /// Only receives. Cancel safety: every branch can be asked again.
    async fn listen(&mut self, live: &mut Live) -> Result<Heard, Failure> {
        tokio::select! {
            heard = self.keeper.next() => Ok(Heard::Seeds(heard)),
            () = ended(self.hook.as_mut()) => Ok(Heard::HookEnded),
            news = live.next() => Ok(match news? {
                News::Changed => {
                    complain(live.view());
                    Heard::Seeds(Event::Etcd(registered(live.view())).into())
                }
                News::Away { cause } => Heard::Away(cause),
            }),
        }
    }

    /// A file that holds nobody yet gets what this host knows.
    fn away(&mut self, cause: &str) -> Result<(), Failure> {
        output::note(&format!("etcd is away, the file stays as it is: {cause}"));
        self.keeper.take(Event::EtcdAway, |_| false);
        if self.keeper.seeds().is_empty()
            && let Some(seeds) = self.this_host.last_good()
        {
            self.seeds(Event::Remembered(seeds.into_iter().collect()).into())?;
        }
        Ok(())
    }

    fn seeds(&mut self, heard: keeper::Heard) -> Result<(), Failure> {
        let (path, form) = (self.path, self.form);
        let (mut changed, mut failed) = (false, None);
        self.keeper.take(heard, |seeds| {
            match host::write_atomic(path, form.render(seeds).as_bytes(), 0o644) {
                Ok(()) => changed = true,
                Err(error) => failed = Some(error),
            }
            failed.is_none()
        });
        self.was_written |= changed;
        match failed {
            // A path that was wrong from the start is a mistake of the command line.
            Some(error) if !self.was_written => return Err(broken(path, &error)),
            Some(error) if !self.fails => {
                self.fails = true;
                let path = path.display();
                output::note(&format!("cannot keep {path}: {error}; it stays as it is, trying again"));
            }
            Some(_) => {}
            None => self.fails &= !changed,
        }
        // Nobody knows whether an earlier run got as far as its command: the first list counts as a change.
        if changed || !self.has_list {
            self.has_list = true;
            self.notifier.ready();
            if let Some(hook) = &mut self.hook {
                hook.changed(self.keeper.seeds());
            }
        }
        Ok(())
    }

    fn sentence(&self) -> String {
        let hook = self.hook.as_ref().and_then(Hook::last);
        let hook = hook.map_or_else(String::new, |result| format!("; {result}"));
        format!(
            "{} holds {} seeds{hook}",
            self.path.display(),
            self.keeper.seeds().len()
        )
    }
}

fn broken(path: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot keep {}: {error}", path.display());
    Failure::with_hint(Exit::Failed, what, "check its path and modes")
}

async fn ended(hook: Option<&mut Hook>) {
    match hook {
        Some(hook) => hook.ended().await,
        None => std::future::pending().await,
    }
}
