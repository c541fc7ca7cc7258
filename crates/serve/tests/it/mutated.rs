//! Requests of the fuzz targets' seeds, and what becomes of them when bytes are changed by chance.

use std::fs;
use std::path::Path;

#[allow(
    clippy::allow_attributes,
    unreachable_pub,
    reason = "it is public where the fuzz targets have it"
)]
#[path = "../../../../fuzz/src/served.rs"]
mod served;

/// How many changed ones are made of each seed, unless `CUPOLA_MUTATIONS` says otherwise.
const ROUNDS: usize = 200;

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end.max(1)
    }

    /// Changes, removes, repeats and inserts some bytes.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let place = self.below(bytes.len());
            let end = (place + self.below(24)).min(bytes.len());
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[place] = u8::try_from(self.below(256)).unwrap(),
                1 if !bytes.is_empty() => bytes[place] ^= 1 << self.below(8),
                2 => drop(bytes.drain(place..end)),
                3 => {
                    let piece = bytes[place..end].repeat(1 + self.below(4));
                    bytes.splice(place..place, piece);
                }
                4 => {
                    const WORDS: [&[u8]; 8] = [
                        b"null",
                        b"[",
                        b"{",
                        b"1e999",
                        b"-1",
                        b"\"\\ud800\"",
                        b"\xff\xff\xff\xff",
                        b"\r\n\r\n",
                    ];
                    let word = WORDS[self.below(WORDS.len())];
                    bytes.splice(place..place, word.iter().copied());
                }
                _ => bytes.truncate(end.max(1)),
            }
        }
    }
}

fn mutated(target: &str, ask: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(seeds).unwrap().map(|seed| seed.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let rounds = std::env::var_os("CUPOLA_MUTATIONS");
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.into_string().unwrap().parse().unwrap());
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for path in paths {
        let seed = fs::read(&path).unwrap();
        ask(&seed);
        for _ in 0..rounds {
            let mut changed = seed.clone();
            random.change(&mut changed);
            ask(&changed);
        }
    }
}

#[test]
fn changed_bodies_are_answered() {
    mutated("serve_json", served::json);
}

#[test]
fn changed_connections_are_answered_or_end() {
    mutated("serve_http", served::http);
}

#[test]
fn changed_messages_are_answered() {
    mutated("serve_grpc", served::grpc);
}
