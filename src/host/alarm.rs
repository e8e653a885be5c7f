//! A point in time to be woken at, kept by the kernel. Needs a runtime.
//!
//! The runtime's own timers wake up to three times for each wait of some seconds, coarsely first. Whoever does little more than wait
//! pays for that.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::Instant,
};

/// An alarm clock.
#[derive(Debug)]
pub struct Alarm {
    fd: AsyncFd<OwnedFd>,
    /// What the kernel was told.
    set: Option<Instant>,
}

impl Alarm {
    /// One that is not set.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let fd = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(unsafe_code, reason = "tokio has no safe constructor left that is not deprecated")]
        // SAFETY: the `AsyncFd` owns the descriptor, which stays open and the same for as long as it lives.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        let fd = fd.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { fd, set: None })
    }

    /// Waits until then; for ever when there is no such time. Cancel safety: can be asked again, for the same time or another.
    pub async fn until(&mut self, at: Option<Instant>) {
        let Some(at) = at else {
            return std::future::pending().await;
        };
        if self.set != Some(at) {
            // What rang for another time is silenced by this, too.
            if self.set(at).is_err() {
                return tokio::time::sleep_until(at).await;
            }
            self.set = Some(at);
        }
        while Instant::now() < at {
            let Ok(mut rings) = self.fd.readable().await else {
                // The runtime is going down.
                return std::future::pending().await;
            };
            rings.clear_ready();
        }
    }

    fn set(&self, at: Instant) -> io::Result<()> {
        let left = at.saturating_duration_since(Instant::now());
        // Nothing at all would turn it off.
        let left = left.max(Duration::from_nanos(1));
        let time = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec::try_from(left).map_err(io::Error::other)?,
        };
        rustix::time::timerfd_settime(self.fd.as_fd(), TimerfdTimerFlags::empty(), &time)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_at_the_time_that_was_asked_for_last() {
        let mut alarm = Alarm::new().expect("an alarm");
        let begun = Instant::now();
        let soon = begun + Duration::from_millis(20);
        for at in [begun, soon, soon, soon + Duration::from_millis(1)] {
            alarm.until(Some(at)).await;
            assert!(Instant::now() >= at);
        }
        // A later time in between, given up before it came; then one that is sooner.
        let (never, sooner) = (
            begun + Duration::from_hours(1),
            Instant::now() + Duration::from_millis(5),
        );
        tokio::select! {
            biased;
            () = alarm.until(Some(never)) => panic!("too early"),
            () = std::future::ready(()) => {}
        }
        alarm.until(Some(sooner)).await;
        assert!(Instant::now() >= sooner);
    }

    #[tokio::test]
    async fn without_a_time_it_never_rings() {
        let mut alarm = Alarm::new().expect("an alarm");
        alarm.until(Some(Instant::now())).await;
        tokio::select! {
            biased;
            () = alarm.until(None) => panic!("it rang"),
            () = tokio::task::yield_now() => {}
        }
    }
}
