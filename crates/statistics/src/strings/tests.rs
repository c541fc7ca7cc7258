use super::*;
use proptest::prelude::*;

fn count<'a>(max_exact: usize, strings: impl IntoIterator<Item = &'a [u8]>) -> StringCounts {
    let mut counts = StringCounts::<u64>::new(max_exact);
    strings.into_iter().for_each(|bytes| {
        counts.add(bytes, false);
    });
    counts
}

#[test]
fn ties_are_in_descending_order_of_bytes() {
    let counts = count(10, [b"a".as_slice(), b"b", b"", b"c", b"a", b"\xff"]);
    let top: Vec<_> =
        counts.top(4, Ties::GreaterBytes).into_iter().map(|c| (c.bytes, c.count)).collect();
    let expected: [(&[u8], u64); 4] = [(b"a", 2), (b"\xff", 1), (b"c", 1), (b"b", 1)];
    assert_eq!(top, expected);
    assert_eq!(counts.unique(), 5);
}

#[test]
fn long_strings_are_kept_while_counts_are_exact_and_pooled_after() {
    let long = [vec![b'x'; 2000], vec![b'y'; 3000]];
    let mut counts = count(4, long.iter().map(Vec::as_slice));
    assert_eq!(counts.top(1, Ties::GreaterBytes)[0].bytes, long[1]);
    for i in 0..20_u8 {
        counts.add(&[i], false);
        counts.add(b"often", false);
    }
    assert_eq!(counts.unique(), 23);
    assert!(counts.top(9, Ties::GreaterBytes).iter().all(|c| c.bytes.len() <= MAX_LONG));
    assert_eq!(counts.top(1, Ties::GreaterBytes)[0].bytes, b"often");
}

#[test]
fn a_string_that_is_driven_out_again_and_again_is_not_lost() {
    let max_exact = 8;
    let mut counts = StringCounts::<u64>::new(max_exact);
    let mut add = |bytes: &[u8], times: u64| (0..times).for_each(|_| _ = counts.add(bytes, true));
    [b"a", b"b", b"c", b"d"].iter().for_each(|bytes| add(*bytes, 100));
    for round in 0..50_u64 {
        add(b"x", 99);
        (0..4).for_each(|i| add(&(round * 4 + i).to_le_bytes(), 1));
    }
    let bound = (400 + 50 * (99 + 4)) / (max_exact as u64 / 2 + 1);
    let top = counts.top(1, Ties::GreaterBytes)[0];
    assert_eq!(top.bytes, b"x");
    assert!(top.count <= 50 * 99 && top.count >= 50 * 99 - bound, "{top:?}");
}

#[test]
fn pooled_strings_add_up_when_merged() {
    let long = vec![b'x'; MAX_LONG + 1];
    let mut both = StringCounts::<u64>::new(2);
    for _ in 0..2 {
        both.merge(&count(2, [b"a".as_slice(), b"b", b"c", &long, &long]));
    }
    assert_eq!(both.top(1, Ties::GreaterBytes), [Counted { bytes: LARGE_BYTES, count: 4 }]);
    assert_eq!(both.unique(), 4);
}

#[test]
fn what_stays_is_bounded_by_number_and_by_bytes() {
    let mut counts = StringCounts::<u64>::new(10);
    for (bytes, times) in [("aaaa", 5), ("bbbb", 4), ("cccc", 3), ("dddd", 3), ("eeee", 1)] {
        (0..times).for_each(|_| _ = counts.add(bytes.as_bytes(), true));
    }
    let cases =
        [(9, 99, 0), (4, 99, 1), (3, 99, 3), (2, 99, 3), (1, 99, 4), (9, 16, 1), (9, 15, 3)];
    for (max_entries, max_text, expected) in cases {
        assert_eq!(first_count_out(&counts.entries, max_entries, max_text), expected);
    }
}

#[test]
fn text_is_bounded_even_when_strings_are_few() {
    let mut counts = StringCounts::<u64>::new(1000);
    let mut long = vec![b'x'; 1 << 20];
    for i in 0..=u8::try_from(MAX_TEXT >> 20).unwrap() {
        assert_eq!(counts.seen.is_some(), counts.num_pooled > 0);
        long[0] = i;
        counts.add(&long, true);
        counts.add(b"short", true);
    }
    assert!(counts.text.len() < 1000);
    assert_eq!(counts.unique(), 66);
    let top: Vec<_> =
        counts.top(9, Ties::GreaterBytes).iter().map(|c| (c.bytes, c.count)).collect();
    assert_eq!(top, [(b"short".as_slice(), 65), (LARGE_BYTES, 65)]);
}

proptest! {
    #[test]
    fn thinned_counts_are_low_by_at_most_their_bound(
        strings in prop::collection::vec(0_u32..600, 1..3000),
        cut in 0_usize..3000,
    ) {
        let max_exact = 100;
        let text: Vec<String> = strings.iter().map(|s| (s * s / 600).to_string()).collect();
        let (left, right) = text.split_at(cut.min(text.len()));
        let mut counts = count(max_exact, left.iter().map(String::as_bytes));
        counts.merge(&count(max_exact, right.iter().map(String::as_bytes)));
        let mut exact = std::collections::BTreeMap::<&str, u64>::new();
        text.iter().for_each(|s| *exact.entry(s).or_default() += 1);
        prop_assert_eq!(counts.unique(), exact.len() as u64);
        let bound = text.len() as u64 / (max_exact as u64 / 2 + 1);
        for (string, &count) in &exact {
            let found = counts.entries.iter().find(|e| counts.bytes_of(e) == string.as_bytes());
            let found = found.map_or(0, |entry| entry.count);
            prop_assert!(found <= count && count - found <= bound, "{string}: {found} of {count}");
        }
    }
}
