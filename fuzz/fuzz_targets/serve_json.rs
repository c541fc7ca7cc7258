//! Any bytes as the body of a REST request; see [`fuzz::served::json`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::served::json(input));
