//! Any bytes on a connection; see [`fuzz::served::http`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::served::http(input));
