//! Connects to transport ports, to see whether anybody is there. Says nothing, keeps nothing; decides nothing.

use std::{io, time::Duration};

use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::list::{Event, Reply};

/// A node in the same network accepts within a millisecond; one that is far or busy, or whose first packet is lost, within this.
const DEADLINE: Duration = Duration::from_secs(2);

/// The questions under way; the list bounds their number.
#[derive(Debug, Default)]
pub(super) struct Dials(JoinSet<Event>);

impl Dials {
    /// Connects to `host`, an address with its port.
    pub(super) fn dial(&mut self, host: String) {
        self.0.spawn(async move {
            let reply = match timeout(DEADLINE, TcpStream::connect(&host)).await {
                Ok(Ok(_)) => Reply::Answers,
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Reply::Refused,
                Ok(Err(_)) | Err(_) => Reply::Silent,
            };
            Event::Probed { host, reply }
        });
    }

    /// The next answer; never while nobody is asked. Cancel safety: nothing is lost.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            match self.0.join_next().await {
                Some(Ok(event)) => return event,
                // Nobody ends these tasks, and in a release a panic ends the process.
                Some(Err(_)) => {}
                None => return std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_listens_answers_and_whoever_does_not_refuses() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let mut dials = Dials::default();
        for (listening, reply) in [(Some(listener), Reply::Answers), (None, Reply::Refused)] {
            dials.dial(host.clone());
            assert_eq!(
                dials.next().await,
                Event::Probed {
                    host: host.clone(),
                    reply
                }
            );
            drop(listening);
        }
    }
}
