//! A list and the file that shows it. Shell around [`SeedList`] and [`SeedFile`], for the launcher and for `quorate seeds --output`.

use std::future::pending;

use tokio::time::{Instant, sleep_until};

use super::{
    dials::Dials,
    file::{SeedEffect, SeedEvent, SeedFile},
    list::{Effect, Event, SeedList},
};

/// The list, the file, and the questions under way.
#[derive(Debug)]
pub struct Keeper {
    list: SeedList,
    file: SeedFile,
    dials: Dials,
    /// When the list wants to be asked again.
    list_wake: Option<Instant>,
    /// When the file does.
    file_wake: Option<Instant>,
}

/// What happened; goes to [`Keeper::take`].
#[derive(Debug)]
pub enum Heard {
    /// To the list.
    List(Event),
    /// The file's time has come.
    FileWoke,
}

impl From<Event> for Heard {
    fn from(event: Event) -> Self {
        Self::List(event)
    }
}

impl Keeper {
    /// Of a file that holds `seeds`, for the node at `me`, if for one.
    pub fn holding(me: Option<String>, seeds: Vec<String>) -> Self {
        Self {
            list: SeedList::holding(me, seeds.clone()),
            file: SeedFile::holding(seeds),
            dials: Dials::default(),
            list_wake: None,
            file_wake: None,
        }
    }

    /// Who is in the list, and why.
    pub fn list(&self) -> &SeedList {
        &self.list
    }

    /// What stands in the file.
    pub fn seeds(&self) -> &[String] {
        self.file.seeds()
    }

    /// What comes next by itself. Cancel safety: nothing is lost.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            () = at(self.file_wake) => Heard::FileWoke,
            () = at(self.list_wake) => Heard::List(Event::Woke),
            event = self.dials.next() => Heard::List(event),
        }
    }

    /// Takes it in; `write` replaces the file, and says whether it could.
    pub fn take(&mut self, heard: impl Into<Heard>, write: impl FnMut(&[String]) -> bool) {
        match heard.into() {
            Heard::List(event) => {
                self.list_wake = None;
                for effect in self.list.step(Instant::now(), event) {
                    match effect {
                        Effect::Probe(host) => self.dials.dial(host),
                        Effect::WakeAt(at) => self.list_wake = Some(at),
                    }
                }
                self.show(SeedEvent::Seen(self.list.hosts()), write);
            }
            Heard::FileWoke => {
                self.file_wake = None;
                self.show(SeedEvent::Woke, write);
            }
        }
    }

    fn show(&mut self, event: SeedEvent, mut write: impl FnMut(&[String]) -> bool) {
        let mut effects = self.file.step(Instant::now(), event);
        while let Some(effect) = effects.pop() {
            match effect {
                SeedEffect::WakeAt(at) => self.file_wake = Some(at),
                SeedEffect::Write { seeds, before } => {
                    if !write(&seeds) {
                        effects.extend(self.file.step(Instant::now(), SeedEvent::WriteFailed { still: before }));
                    }
                }
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
