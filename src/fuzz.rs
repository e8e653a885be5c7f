//! Feeds readers of foreign text with real samples that were damaged: bytes, lines, and values of JSON and TOML.
//!
//! The samples lie under `tests/corpus/<target>/`, one a file. Each target runs for a bounded time, a second unless `QUORATE_TEST_FUZZ` says how
//! many; `QUORATE_TEST_SEED` begins with one seed. What makes a reader panic is shortened and printed.

mod damage;

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use damage::Damage;
use tokio::time::Instant;

/// The most that a sample may grow to.
const LARGEST: usize = 64 * 1024;

/// A number that a person gave.
#[expect(clippy::disallowed_methods, reason = "settings of a test, not of the program")]
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is `{text}`, expected a number")))
}

/// The samples of `target`, sorted by name.
fn samples(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
        .iter()
        .map(|file| std::fs::read(file).expect("readable"))
        .collect()
}

/// Gives the samples of `target` to `reader` as they are, which asserts what it likes, and then damaged ones for the time there is.
#[track_caller]
pub(crate) fn fuzz(target: &str, reader: impl Fn(&[u8])) {
    let samples = samples(target);
    for sample in &samples {
        reader(sample);
    }
    let seed = setting("QUORATE_TEST_SEED").unwrap_or_else(|| {
        let mut seed = [0_u8; 8];
        getrandom::fill(&mut seed).expect("random");
        u64::from_le_bytes(seed)
    });
    let end = Instant::now() + Duration::from_secs(setting("QUORATE_TEST_FUZZ").unwrap_or(1));
    let mut damage = Damage::new(seed);
    let mut tried = 0_u64;
    while Instant::now() < end {
        let bytes = damage.of(&samples, LARGEST);
        tried += 1;
        if fails(&reader, &bytes) {
            let shortest = shortest(&reader, bytes);
            panic!(
                "`{target}` fails on `{}` (QUORATE_TEST_SEED={seed}, try {tried})",
                shortest.escape_ascii()
            );
        }
    }
    let told = format!("{tried} damaged samples of {target}, QUORATE_TEST_SEED={seed}\n");
    std::io::stderr().write_all(told.as_bytes()).expect("written");
}

fn fails(reader: impl Fn(&[u8]), bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| reader(bytes))).is_err()
}

/// Leaves away what is not needed for the failure.
fn shortest(reader: impl Fn(&[u8]), mut bytes: Vec<u8>) -> Vec<u8> {
    let mut chunk = bytes.len();
    while chunk > 0 {
        let mut from = 0;
        while from < bytes.len() {
            let mut shorter = bytes.clone();
            shorter.drain(from..(from + chunk).min(bytes.len()));
            if fails(&reader, &shorter) {
                bytes = shorter;
            } else {
                from += chunk;
            }
        }
        chunk /= 2;
    }
    bytes
}

#[test]
#[should_panic(expected = "fails on `\\xff`")]
fn what_makes_a_reader_fail_is_found_and_shortened() {
    fuzz("seeds", |bytes| assert!(!bytes.contains(&0xff), "no text"));
}
