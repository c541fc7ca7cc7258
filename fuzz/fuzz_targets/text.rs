//! Any text as a schema, statistics or anomalies: a message or an error, and a message printed is read again.
//!
//! The first byte says which message.

#![no_main]

use formats::metadata::{Anomalies, DatasetFeatureStatisticsList, Schema};
use formats::{Message, Name, text};
use libfuzzer_sys::fuzz_target;

fn check<M: Message + Name + Default + std::fmt::Debug>(input: &str) {
    let Ok(message) = text::parse::<M>(input) else { return };
    let printed = text::print(&message);
    let again: M = text::parse(&printed).expect("what is printed can be read");
    // As text, since NaN is not equal to itself.
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let Ok(rest) = std::str::from_utf8(rest) else { return };
    match first % 3 {
        0 => check::<Schema>(rest),
        1 => check::<DatasetFeatureStatisticsList>(rest),
        _ => check::<Anomalies>(rest),
    }
});
