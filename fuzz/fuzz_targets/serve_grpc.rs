//! Any bytes as the message of a gRPC call; see [`fuzz::served::grpc`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::served::grpc(input));
