use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::wire::{WireError, WireProblem};

/// The messages as the protobuf compiler would make them: the naive decoder to compare with.
mod peer {
    use std::collections::BTreeMap;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct SequenceExample {
        #[prost(message, tag = "1")]
        pub(super) context: Option<Features>,
        #[prost(message, tag = "2")]
        pub(super) feature_lists: Option<FeatureLists>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Features {
        #[prost(btree_map = "string, message", tag = "1")]
        pub(super) feature: BTreeMap<String, Feature>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct FeatureLists {
        #[prost(btree_map = "string, message", tag = "1")]
        pub(super) feature_list: BTreeMap<String, FeatureList>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct FeatureList {
        #[prost(message, repeated, tag = "1")]
        pub(super) feature: Vec<Feature>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Feature {
        #[prost(oneof = "Kind", tags = "1, 2, 3")]
        pub(super) kind: Option<Kind>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Kind {
        #[prost(message, tag = "1")]
        Bytes(BytesList),
        #[prost(message, tag = "2")]
        Floats(FloatList),
        #[prost(message, tag = "3")]
        Ints(Int64List),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct BytesList {
        #[prost(bytes = "vec", repeated, tag = "1")]
        pub(super) value: Vec<Vec<u8>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct FloatList {
        #[prost(float, repeated, tag = "1")]
        pub(super) value: Vec<f32>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Int64List {
        #[prost(int64, repeated, tag = "1")]
        pub(super) value: Vec<i64>,
    }
}

/// Values with floats as their bits, so that NaN equals itself.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    Missing,
    Bytes(Vec<Vec<u8>>),
    Floats(Vec<u32>),
    Ints(Vec<i64>),
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    context: BTreeMap<String, Values>,
    lists: BTreeMap<String, Vec<Values>>,
}

fn values(feature: Feature<'_>) -> Result<Values, WireError> {
    Ok(match feature {
        Feature::Missing => Values::Missing,
        Feature::Bytes(list) => {
            let mut values = Vec::new();
            list.for_each(|value| values.push(value.to_vec()))?;
            Values::Bytes(values)
        }
        Feature::Floats(list) => {
            let (mut one_by_one, mut values) = (Vec::new(), Vec::new());
            list.for_each(|value| one_by_one.push(value.to_bits()))?;
            list.append_to(&mut values)?;
            assert_eq!(values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), one_by_one);
            Values::Floats(one_by_one)
        }
        Feature::Ints(list) => {
            let mut values = Vec::new();
            list.for_each(|value| values.push(value))?;
            Values::Ints(values)
        }
    })
}

fn text(name: &[u8]) -> Result<String, WireError> {
    String::from_utf8(name.to_vec())
        .map_err(|_| WireError { offset: 0, problem: WireProblem::NameNotUtf8 })
}

impl ExampleVisitor for Seen {
    type Error = WireError;

    fn feature(&mut self, name: &[u8], feature: FeatureReader<'_>) -> Result<(), WireError> {
        self.context.insert(text(name)?, feature.read(values)?);
        Ok(())
    }

    fn feature_list(&mut self, name: &[u8], steps: StepsReader<'_>) -> Result<(), WireError> {
        let mut list = Vec::new();
        steps.for_each(|feature| {
            list.push(values(feature)?);
            Ok::<_, WireError>(())
        })?;
        self.lists.insert(text(name)?, list);
        Ok(())
    }
}

fn peer_values(feature: &peer::Feature) -> Values {
    match &feature.kind {
        None => Values::Missing,
        Some(peer::Kind::Bytes(list)) => Values::Bytes(list.value.clone()),
        Some(peer::Kind::Floats(list)) => {
            Values::Floats(list.value.iter().map(|v| v.to_bits()).collect())
        }
        Some(peer::Kind::Ints(list)) => Values::Ints(list.value.clone()),
    }
}

fn peer_seen(example: &peer::SequenceExample) -> Seen {
    let context = example.context.iter().flat_map(|features| &features.feature);
    let lists = example.feature_lists.iter().flat_map(|lists| &lists.feature_list);
    Seen {
        context: context.map(|(name, f)| (name.clone(), peer_values(f))).collect(),
        lists: lists
            .map(|(name, list)| (name.clone(), list.feature.iter().map(peer_values).collect()))
            .collect(),
    }
}

fn read(record: &[u8]) -> Result<Seen, WireError> {
    let mut seen = Seen::default();
    visit_sequence_example(record, &mut seen)?;
    Ok(seen)
}

/// Both decoders take the record and see the same, or neither takes it.
fn check_like_the_peer(record: &[u8]) {
    match (read(record), peer::SequenceExample::decode(record)) {
        (Ok(seen), Ok(message)) => assert_eq!(seen, peer_seen(&message), "{record:x?}"),
        (Err(error), Err(_)) => assert!(error.offset <= record.len(), "{error} of {record:x?}"),
        (seen, message) => panic!("{seen:?}\nbut the peer says {message:?}\n{record:x?}"),
    }
    let mut seen = Seen::default();
    if let Ok(()) = visit_example(record, &mut seen) {
        assert!(seen.lists.is_empty());
    }
}

fn encode_values(values: &Values) -> Vec<u8> {
    let mut feature = Vec::new();
    match values {
        Values::Missing => {}
        Values::Bytes(values) => put_bytes(&mut feature, values.iter().map(Vec::as_slice)),
        Values::Floats(values) => {
            let values: Vec<f32> = values.iter().map(|&bits| f32::from_bits(bits)).collect();
            put_floats(&mut feature, &values);
        }
        Values::Ints(values) => put_ints(&mut feature, values),
    }
    feature
}

fn encode(seen: &Seen) -> Vec<u8> {
    let (mut context, mut lists, mut record) = (Vec::new(), Vec::new(), Vec::new());
    for (name, values) in &seen.context {
        put_named(&mut context, name, &encode_values(values));
    }
    for (name, steps) in &seen.lists {
        let mut list = Vec::new();
        steps.iter().for_each(|values| put_step(&mut list, &encode_values(values)));
        put_named(&mut lists, name, &list);
    }
    put_sequence_example(&mut record, &context, &lists);
    record
}

fn any_values() -> impl Strategy<Value = Values> {
    let bytes = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4);
    prop_oneof![
        Just(Values::Missing),
        bytes.prop_map(Values::Bytes),
        prop::collection::vec(any::<u32>(), 0..40).prop_map(Values::Floats),
        prop::collection::vec(any::<i64>(), 0..40).prop_map(Values::Ints),
        prop::collection::vec(0i64..300, 0..3).prop_map(Values::Ints),
    ]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let name = || prop_oneof!["[a-c]{0,2}", any::<String>()];
    let context = prop::collection::btree_map(name(), any_values(), 0..6);
    let lists =
        prop::collection::btree_map(name(), prop::collection::vec(any_values(), 0..4), 0..3);
    (context, lists).prop_map(|(context, lists)| Seen { context, lists })
}

/// Pieces of messages that are often right one within the other: every rule of merging is met.
fn any_pieces() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..9),
        Just(b"a".to_vec()),
        any::<[u8; 4]>().prop_map(|b| [&[0x0d], &b[..]].concat()),
        (0u64..1 << 40).prop_map(|value| {
            let mut bytes = vec![0x08];
            crate::wire::put_varint(&mut bytes, value);
            bytes
        }),
        Just(vec![0x2b, 0x08, 0x01, 0x2c]),
        Just(vec![0x31, 1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        let field = (1u8..4, inner).prop_map(|(field, bytes)| {
            let mut out = Vec::new();
            crate::wire::put_delimited(&mut out, field, &bytes);
            out
        });
        prop::collection::vec(field, 0..5).prop_map(|fields| fields.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_was_written_comes_back(seen in any_seen()) {
        let record = encode(&seen);
        prop_assert_eq!(read(&record).unwrap(), seen.clone());
        let message = peer::SequenceExample::decode(record.as_slice()).unwrap();
        prop_assert_eq!(peer_seen(&message), seen);
        check_like_the_peer(&message.encode_to_vec());
    }

    #[test]
    fn odd_messages_mean_what_the_peer_says(pieces in any_pieces()) {
        check_like_the_peer(&pieces);
    }

    #[test]
    fn changed_bytes_mean_what_the_peer_says(
        seen in any_seen(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut record = encode(&seen);
        for (index, byte) in &changes {
            let index = index.index(record.len());
            record[index] = *byte;
        }
        if is_cut {
            record.truncate(cut.index(record.len() + 1));
        }
        check_like_the_peer(&record);
    }

    #[test]
    fn two_records_one_behind_the_other_are_one(a in any_seen(), b in any_seen()) {
        let mut record = encode(&a);
        record.extend(encode(&b));
        check_like_the_peer(&record);
        let mut both = a;
        both.context.extend(b.context);
        both.lists.extend(b.lists);
        prop_assert_eq!(read(&record).unwrap(), both);
    }
}

/// Many more changed records than the property test has time for, the same ones every time.
#[test]
fn many_changed_records_mean_what_the_peer_says() {
    let seen = Seen {
        context: BTreeMap::from([
            ("fare".to_owned(), Values::Floats(vec![12.5f32.to_bits()])),
            ("company".to_owned(), Values::Bytes(vec![b"Blue Cab".to_vec(), Vec::new()])),
            ("tips".to_owned(), Values::Missing),
            ("hours".to_owned(), Values::Ints(vec![0, 23, -1, 300])),
        ]),
        lists: BTreeMap::from([(
            "steps".to_owned(),
            vec![Values::Ints(vec![5]), Values::Missing, Values::Ints(vec![])],
        )]),
    };
    let record = encode(&seen);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..40_000 {
        let mut changed = record.clone();
        for _ in 0..=random(3) {
            let at = random(changed.len());
            match random(4) {
                0 => changed[at] = u8::try_from(random(256)).unwrap(),
                1 => changed[at] ^= 1 << random(8),
                2 => drop(changed.remove(at)),
                _ => {
                    changed.insert(at, [0x08, 0x0a, 0x0d, 0x12, 0x1a, 0x0b, 0x0c, 0xff][random(8)])
                }
            }
        }
        check_like_the_peer(&changed);
    }
}

#[test]
fn every_single_changed_byte_means_what_the_peer_says() {
    let mut feature = Vec::new();
    put_ints(&mut feature, &[1, 300]);
    let (mut features, mut record) = (Vec::new(), Vec::new());
    put_named(&mut features, "ab", &feature);
    put_named(&mut features, "c", &[]);
    put_example(&mut record, &features);
    for index in 0..record.len() {
        for byte in 0..=255 {
            let mut changed = record.clone();
            changed[index] = byte;
            check_like_the_peer(&changed);
        }
        check_like_the_peer(&record[..index]);
    }
}

/// The four things that must stay apart, as Python's TensorFlow writes them.
#[test]
fn missing_empty_and_zero_are_different() {
    let check = |values: Values, expected: &[u8]| {
        assert_eq!(encode_values(&values), expected, "{values:?}");
    };
    check(Values::Missing, b"");
    check(Values::Bytes(vec![]), b"\x0a\x00");
    check(Values::Bytes(vec![vec![]]), b"\x0a\x02\x0a\x00");
    check(Values::Floats(vec![]), b"\x12\x00");
    check(Values::Floats(vec![0]), b"\x12\x06\x0a\x04\0\0\0\0");
    check(Values::Ints(vec![]), b"\x1a\x00");
    check(Values::Ints(vec![0]), b"\x1a\x03\x0a\x01\x00");
}

/// Entries without key or value, names that are not text, wrong wire types, the value before the key, two
/// kinds, two missing bytes of a float.
#[test]
fn odd_entries_mean_what_the_peer_says() {
    for record in [
        &b"\x0a\x02\x0a\x00"[..],
        b"\x0a\x04\x0a\x02\x12\x00",
        b"\x0a\x04\x0a\x02\x0a\x00",
        b"\x0a\x06\x0a\x04\x0a\x02\xff\xfe",
        b"\x08\x01",
        b"\x0a\x0b\x0a\x09\x12\x04\x1a\x02\x08\x01\x0a\x01a",
        b"\x0a\x0f\x0a\x0d\x0a\x01a\x12\x08\x12\x02\x0a\x00\x1a\x02\x08\x01",
        b"\x0a\x0d\x0a\x0b\x0a\x01a\x12\x06\x12\x04\x0a\x02\x00\x00",
    ] {
        check_like_the_peer(record);
    }
}

#[test]
fn the_canonical_form_is_sorted_packed_and_says_the_same() {
    let mut plain = Vec::new();
    let mut features = Vec::new();
    let feature = |values: &[i64]| {
        let mut bytes = Vec::new();
        put_ints(&mut bytes, values);
        bytes
    };
    put_named(&mut features, "b", &feature(&[1, 300]));
    put_named(&mut features, "a", &feature(&[7]));
    put_named(&mut features, "b", &feature(&[]));
    put_named(&mut features, "none", &[]);
    put_example(&mut plain, &features);
    // An unknown field, and unpacked values.
    plain.extend([0x50, 1]);
    let mut more = Vec::new();
    put_named(&mut more, "c", &[0x1a, 4, 0x08, 5, 0x08, 6]);
    put_example(&mut plain, &more);

    let mut expected = Vec::new();
    features.clear();
    put_named(&mut features, "a", &feature(&[7]));
    put_named(&mut features, "b", &feature(&[]));
    put_named(&mut features, "c", &feature(&[5, 6]));
    put_named(&mut features, "none", &[]);
    put_example(&mut expected, &features);
    assert_eq!(canonical_example(&plain).unwrap(), expected);
    assert_eq!(canonical_example(&expected).unwrap(), expected);
    assert_eq!(canonical_example(&[]).unwrap(), []);
    assert_eq!(canonical_example(&[0x0a, 0]).unwrap(), [0x0a, 0]);
    assert!(canonical_example(&plain[..plain.len() - 3]).is_err());

    let mut sequence = Vec::new();
    let mut steps = Vec::new();
    put_step(&mut steps, &feature(&[1]));
    put_step(&mut steps, &[]);
    let (mut lists, mut context) = (Vec::new(), Vec::new());
    put_named(&mut lists, "z", &steps);
    put_named(&mut lists, "y", &[]);
    put_named(&mut context, "a", &feature(&[1]));
    put_sequence_example(&mut sequence, &context, &lists);
    let canonical = canonical_sequence_example(&sequence).unwrap();
    assert_ne!(canonical, sequence);
    let read = |bytes: &[u8]| peer::SequenceExample::decode(bytes).unwrap();
    assert_eq!(read(&canonical), read(&sequence));
    assert_eq!(canonical_sequence_example(&canonical).unwrap(), canonical);
}

#[test]
fn records_with_feature_lists_are_sequences() {
    let mut feature = Vec::new();
    put_ints(&mut feature, &[1]);
    let (mut context, mut lists, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    put_named(&mut context, "a", &feature);
    let mut example = Vec::new();
    put_example(&mut example, &context);
    assert!(!has_feature_lists(&example));
    put_step(&mut steps, &feature);
    put_named(&mut lists, "b", &steps);
    let mut sequence = Vec::new();
    put_sequence_example(&mut sequence, &context, &lists);
    assert!(has_feature_lists(&sequence));
    // Cut off within the context, and no record at all.
    assert!(!has_feature_lists(&sequence[..4]));
    assert!(
        !has_feature_lists(b"")
            && !has_feature_lists(b"\xff\xff")
            && !has_feature_lists(b"\x10\x01")
    );
}
