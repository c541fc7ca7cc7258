//! Any bytes as examples: columns or an error, and columns written again are read again.
//!
//! The first byte says which payload; the rest is cut at `0xfe 0xed` into records.

#![no_main]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use dataset::{ExampleDecoder, ExampleEncoder, MissingFeature, Payload, TfExampleError};
use libfuzzer_sys::fuzz_target;

fn list(data_type: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(data_type, true)))
}

fn schema(payload: Payload) -> Arc<Schema> {
    let mut fields = vec![
        ("a", DataType::Int64),
        ("b", DataType::Float32),
        ("c", DataType::Utf8),
        ("d", DataType::Binary),
        ("e", list(DataType::Int64)),
        ("f", list(DataType::Float32)),
        ("g", list(DataType::Utf8)),
        ("h", list(DataType::Binary)),
        ("", DataType::Null),
    ];
    if payload == Payload::TfSequenceExample {
        fields.push(("i", list(list(DataType::Int64))));
        fields.push(("j", list(list(DataType::Binary))));
        fields.push(("k", list(list(DataType::Utf8))));
    }
    let fields = fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let payload = if first % 2 == 0 { Payload::TfExample } else { Payload::TfSequenceExample };
    let schema = schema(payload);
    let mut decoder =
        ExampleDecoder::new(payload, Arc::clone(&schema)).expect("the types are supported");
    let mut records = Vec::new();
    let mut rest = rest;
    loop {
        let cut = rest.windows(2).position(|pair| pair == [0xfe, 0xed]);
        let record = &rest[..cut.unwrap_or(rest.len())];
        if decoder.push(record).is_ok() {
            records.push(record);
        }
        assert_eq!(decoder.num_rows(), records.len());
        match cut {
            Some(cut) => rest = &rest[cut + 2..],
            None => break,
        }
    }
    let Ok(batch) = decoder.finish() else {
        assert_eq!(decoder.num_rows(), 0);
        return;
    };
    let encoder = ExampleEncoder::new(payload, MissingFeature::Omitted, &schema)
        .expect("what is read can be written");
    encoder
        .encode(&batch, |record| {
            decoder.push(record).expect("what was written can be read");
            Ok::<_, TfExampleError>(())
        })
        .expect("what was read can be written");
    let again = decoder.finish().expect("what was written can be read");
    // As text, since NaN is not equal to itself.
    assert_eq!(format!("{batch:?}"), format!("{again:?}"));
});
