//! Gets an image from its registry, and says how it goes. The engine's own credentials open private registries.

use std::{
    io::{BufRead, BufReader, PipeReader},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{arguments, program::Program, refusal::Refusal};

/// How often a person is told how it goes.
const TELL: Duration = Duration::from_secs(5);

/// What has been heard of a pull. Pure.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    /// Layers that were named.
    layers: Vec<String>,
    /// Those of them that are here.
    done: usize,
}

impl Progress {
    /// Takes in a line: Docker names each layer and what becomes of it, Podman names each as it begins to copy it.
    fn hear(&mut self, line: &str) {
        let known = |layers: &[String], layer: &str| layers.iter().any(|known| known == layer);
        if let Some((layer, state)) = line.split_once(": ") {
            match state {
                "Pulling fs layer" | "Already exists" if !known(&self.layers, layer) => {
                    self.layers.push(layer.to_owned());
                }
                _ => {}
            }
            self.done += usize::from(matches!(state, "Pull complete" | "Already exists"));
        } else if let Some(blob) = line.strip_prefix("Copying blob ")
            && !known(&self.layers, blob)
        {
            self.layers.push(blob.to_owned());
        }
    }

    fn sentence(&self, image: &str, took: Duration) -> String {
        let layers = match (self.layers.len(), self.done) {
            (0, _) => String::new(),
            (all, 0) => format!(", {all} layers"),
            (all, done) => format!(", {done} of {all} layers"),
        };
        format!("pulling the image {image} for {} s{layers}", took.as_secs())
    }
}

/// Gets `image`, and tells every now and then.
pub(super) async fn pull(program: &Program, image: &str, mut tell: impl FnMut(&str)) -> Result<(), Refusal> {
    let begun = Instant::now();
    let failed = |error: &std::io::Error| Refusal::of_error(program.cli, error);
    let (mut child, output, errors) = program.piped(&arguments::pull(image)).map_err(|error| failed(&error))?;
    let (sender, mut lines) = mpsc::unbounded_channel();
    read_lines(output, sender.clone());
    read_lines(errors, sender);
    let (mut progress, mut said) = (Progress::default(), String::new());
    let mut clock = interval(TELL);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => {
                    progress.hear(&line);
                    said.push_str(&line);
                    said.push('\n');
                }
                None => break,
            },
            _ = clock.tick() => tell(&progress.sentence(image, begun.elapsed())),
        }
    }
    let status = child.wait().await.map_err(|error| failed(&error))?;
    if status.success() {
        tracing::info!(image, took = ?begun.elapsed(), "image pulled");
        return Ok(());
    }
    Err(Refusal::of_text(program.cli, &said))
}

fn read_lines(pipe: PipeReader, sender: mpsc::UnboundedSender<String>) {
    std::thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        for line in lines {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_progress_is_understood() {
        let docker = "9: Pulling from es\na1: Pulling fs layer\nb2: Already exists\na1: Verifying Checksum\na1: Download complete\n\
            c3: Pulling fs layer\na1: Pull complete\nDigest: sha256:0\nStatus: Downloaded newer image for es:9";
        let podman = "Trying to pull reg/es:9...\nGetting image source signatures\nCopying blob sha256:a1\nCopying blob sha256:b2\n\
            Copying blob sha256:a1\nCopying config sha256:c\nWriting manifest to image destination";
        for (text, expected) in [
            (docker, "pulling the image es:9 for 7 s, 2 of 3 layers"),
            (podman, "pulling the image es:9 for 7 s, 2 layers"),
            ("", "pulling the image es:9 for 7 s"),
        ] {
            let mut progress = Progress::default();
            text.lines().for_each(|line| progress.hear(line));
            assert_eq!(progress.sentence("es:9", Duration::from_secs(7)), expected);
        }
    }
}
