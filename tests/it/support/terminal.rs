//! A terminal that a program writes its screens to.

use std::{fs::File, io::Read, time::Duration};

/// A terminal, as far as the demo can tell.
pub(crate) struct Terminal {
    side: File,
    seen: String,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, unlockpt};
        let side = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&side).and_then(|()| unlockpt(&side)).expect("a terminal");
        let size = rustix::termios::Winsize {
            ws_row: 60,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&side, size).expect("a size");
        rustix::io::ioctl_fionbio(&side, true).expect("not blocking");
        Self {
            side: side.into(),
            seen: String::new(),
        }
    }

    pub(crate) fn other_side(&self) -> File {
        let name = rustix::pty::ptsname(&self.side, Vec::new()).expect("a name");
        let name = name.into_string().expect("a path");
        File::options().read(true).write(true).open(name).expect("a terminal")
    }

    /// Waits until the newest screen satisfies `look`.
    pub(crate) async fn until(&mut self, what: &str, max: Duration, look: impl Fn(&str) -> bool) -> String {
        let start = tokio::time::Instant::now();
        loop {
            let mut bytes = [0; 4096];
            while let Ok(length) = self.side.read(&mut bytes)
                && length > 0
            {
                self.seen
                    .extend(bytes.iter().take(length).map(|byte| char::from(*byte)));
            }
            let newest = self.seen.rfind("\x1b[H").unwrap_or(0);
            let screen = self.seen[newest..].replace("\x1b[K", "").replace('\r', "");
            if look(&screen) {
                return screen;
            }
            self.seen.drain(..newest);
            assert!(
                start.elapsed() < max,
                "not within {max:?}: {what}; the screen is\n{screen}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
