//! What may have befallen a sample on its way: random, and the same again for a seed.

use serde_json::{Map, Value, json};

/// Numbers at which readers stumble, as texts.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "65535",
    "65536",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-0.0",
    "1e308",
    "1e999",
    "0x10",
    "007",
];
/// Pieces that mean something to somebody.
const PIECES: [&[u8]; 22] = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b"\"",
    b"'",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b":",
    b",",
    b"#",
    b"/",
    b"_na_",
    b"null",
    b"[[[[[[[[",
    "\u{2028}\u{1f600}".as_bytes(),
];

/// A generator of damage (splitmix64).
#[derive(Debug)]
pub(super) struct Damage(u64);

impl Damage {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end.max(1) as u64).expect("small")
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// One of the samples, damaged in one to four ways.
    pub(super) fn of(&mut self, samples: &[Vec<u8>], largest: usize) -> Vec<u8> {
        let mut bytes = samples[self.below(samples.len())].clone();
        for _ in 0..=self.below(4) {
            let other = &samples[self.below(samples.len())];
            match self.below(3) {
                0 => self.structure(&mut bytes, other),
                1 => self.lines(&mut bytes),
                _ => self.bytes(&mut bytes, other),
            }
        }
        bytes.truncate(largest);
        bytes
    }

    fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 16 };
        from..(from + self.below(most + 1)).min(length)
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        match self.below(7) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => bytes.truncate(at),
            2 => {
                let span = self.span(bytes.len());
                bytes.drain(span);
            }
            3 => {
                let span = self.span(bytes.len());
                let again = bytes[span].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let span = self.span(other.len());
                bytes.splice(at..at, other[span].iter().copied());
            }
            5 => {
                let piece = self.pick(&PIECES);
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => self.number(bytes, at),
        }
    }

    /// The first number after `at` becomes another one.
    fn number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let Some(from) = bytes[at..].iter().position(u8::is_ascii_digit).map(|from| at + from) else {
            return;
        };
        let length = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.pick(&NUMBERS);
        bytes.splice(from..from + length, number.bytes());
    }

    fn lines(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let (a, b) = (self.below(lines.len()), self.below(lines.len()));
        match self.below(4) {
            0 => drop(lines.remove(a)),
            1 => lines.insert(b, lines[a]),
            2 => lines.swap(a, b),
            _ => {
                let words: Vec<&[u8]> = lines[a].split(|byte| *byte == b' ').collect();
                lines[a] = words[self.below(words.len())];
            }
        }
        *bytes = lines.join(&b'\n');
    }

    /// JSON as JSON; what is none stays.
    fn structure(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else {
            return;
        };
        let donor = serde_json::from_slice(other).unwrap_or(Value::Null);
        self.value(&mut value, &donor, 0);
        *bytes = serde_json::to_vec(&value).expect("JSON");
    }

    fn value(&mut self, value: &mut Value, donor: &Value, depth: usize) {
        let deeper = depth < 8 && self.below(4) > 0;
        match value {
            Value::Object(fields) if deeper && !fields.is_empty() => self.fields(fields, donor, depth),
            Value::Array(items) if deeper && !items.is_empty() => {
                let at = self.below(items.len());
                match self.below(4) {
                    0 => drop(items.remove(at)),
                    1 => items.push(items[at].clone()),
                    _ => self.value(&mut items[at], donor, depth + 1),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                *value = self.other(value, donor);
            }
        }
    }

    fn fields(&mut self, fields: &mut Map<String, Value>, donor: &Value, depth: usize) {
        let name = fields.keys().nth(self.below(fields.len())).expect("a field").clone();
        match self.below(6) {
            0 => drop(fields.remove(&name)),
            1 => {
                let taken = fields.remove(&name).expect("there");
                fields.insert(name.to_uppercase(), taken);
            }
            2 => drop(fields.insert("unknown to all".to_owned(), donor.clone())),
            _ => self.value(fields.get_mut(&name).expect("there"), donor, depth + 1),
        }
    }

    fn other(&mut self, value: &Value, donor: &Value) -> Value {
        match self.below(11) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(""),
            3 => json!([]),
            4 => json!({}),
            5 => json!([value]),
            6 => json!({ "": value }),
            7 => donor.clone(),
            8 => json!("x".repeat(1 << self.below(12))),
            9 => json!(format!("{value}\u{0}\n\u{1f600}")),
            _ => {
                let number = self.pick(&NUMBERS);
                serde_json::from_str(number).unwrap_or_else(|_| json!(number))
            }
        }
    }
}
