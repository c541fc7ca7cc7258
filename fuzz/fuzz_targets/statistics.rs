//! Any bytes as a message on the wire (statistics, a schema, anomalies): a message or an error; written again, on
//! the wire or as text, it is read again.
//!
//! The first byte says which message.

#![no_main]

use formats::metadata::{Anomalies, DatasetFeatureStatisticsList, Schema};
use formats::{Message, Name, text};
use libfuzzer_sys::fuzz_target;

fn check<M: Message + Name + Default + std::fmt::Debug>(input: &[u8]) {
    let Ok(message) = M::decode(input) else { return };
    // As text, since NaN is not equal to itself.
    let expected = format!("{message:?}");
    let again = M::decode(message.encode_to_vec().as_slice()).expect("what is written can be read");
    assert_eq!(expected, format!("{again:?}"));
    let again: M = text::parse(&text::print(&message)).expect("what is printed can be read");
    assert_eq!(expected, format!("{again:?}"));
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    match first % 3 {
        0 => check::<DatasetFeatureStatisticsList>(rest),
        1 => check::<Schema>(rest),
        _ => check::<Anomalies>(rest),
    }
});
