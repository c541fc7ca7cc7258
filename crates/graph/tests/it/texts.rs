//! More operations of texts and numbers at the edges.

use graph::{FloatOp, IntOp, NormalForm, Op, Side, TextOp, TextPairOp, ValueType};

use crate::edges::{each, float, floats, ints, text, texts};

#[test]
fn normal_forms() {
    let values = ["é", "e\u{301}", "ﬁ", "①", "Å", ""];
    let form = |form| text(&Op::Text(TextOp::Normalize(form)), &values);
    assert_eq!(form(NormalForm::Nfc), r#""é" "é" "ﬁ" "①" "Å" "" null"#);
    assert_eq!(
        form(NormalForm::Nfd),
        "\"e\\u{301}\" \"e\\u{301}\" \"ﬁ\" \"①\" \"A\\u{30a}\" \"\" null"
    );
    assert_eq!(form(NormalForm::Nfkc), r#""é" "é" "fi" "1" "Å" "" null"#);
    assert_eq!(
        form(NormalForm::Nfkd),
        "\"e\\u{301}\" \"e\\u{301}\" \"fi\" \"1\" \"A\\u{30a}\" \"\" null"
    );
}

#[test]
fn accents_are_marks_and_letters_stay() {
    let values = ["Crème brûlée", "Ångström", "łódź", "straße", "Việt", "한국", "й"];
    assert_eq!(
        text(&Op::Text(TextOp::StripAccents), &values),
        r#""Creme brulee" "Angstrom" "łodz" "straße" "Viet" "한국" "и" null"#
    );
    // A text of nothing but marks, as long as one may be.
    let marks = format!("a{}", "\u{301}".repeat(500_000));
    assert_eq!(text(&Op::Text(TextOp::StripAccents), &[&marks]), r#""a" null"#);
}

#[test]
fn ends_and_fillings_count_characters() {
    assert_eq!(text(&Op::Text(TextOp::Reverse), &["añ🚕", ""]), r#""🚕ña" "" null"#);
    assert_eq!(
        text(&Op::Text(TextOp::Right { length: 2 }), &["añ🚕", "a", ""]),
        r#""ñ🚕" "a" "" null"#
    );
    assert_eq!(text(&Op::Text(TextOp::Right { length: u64::MAX }), &["añ"]), r#""añ" null"#);
    let pad = |side, length, fill: &str| {
        text(&Op::Text(TextOp::Pad { side, length, fill: fill.to_owned() }), &["ñ🚕", "", "abcd"])
    };
    assert_eq!(pad(Side::Left, 3, "é0"), r#""éñ🚕" "é0é" "abc" null"#);
    assert_eq!(pad(Side::Right, 3, "0"), r#""ñ🚕0" "000" "abc" null"#);
    assert_eq!(pad(Side::Right, 3, ""), r#""ñ🚕" "" "abc" null"#);
    assert_eq!(text(&Op::Text(TextOp::Repeat { count: 2 }), &["ñ", ""]), r#""ññ" "" null"#);
    assert_eq!(text(&Op::Text(TextOp::Repeat { count: u64::MAX }), &[""]), r#""" null"#);
    assert_eq!(text(&Op::Text(TextOp::CodePoint), &["añ", "🚕", ""]), "97 128661 0 null");
}

#[test]
fn texts_that_grow_beyond_a_column_are_an_error() {
    for op in [
        TextOp::Repeat { count: u64::MAX },
        TextOp::Pad { side: Side::Left, length: u64::MAX, fill: "a".to_owned() },
        TextOp::Pad { side: Side::Right, length: 1 << 31, fill: "🚕".to_owned() },
    ] {
        let mut builder = graph::GraphBuilder::new();
        let x = builder.input("x", ValueType::String).unwrap();
        let node = builder.node(Op::Text(op), &[x]).unwrap();
        builder.output("y", node).unwrap();
        let batch = crate::column(ValueType::String, &["a".into()]);
        let batch = arrow::array::RecordBatch::try_from_iter([("x", batch)]).unwrap();
        let error = builder.build().apply(&batch).unwrap_err();
        assert_eq!(error.to_string(), "a text column of more than 2 GiB in one batch");
    }
}

#[test]
fn parts_between_separators() {
    for (separator, place, expected) in [
        (", ", 1, "a"),
        (", ", 3, "ñ"),
        (", ", 4, ""),
        (", ", -1, "ñ"),
        (", ", -4, ""),
        ("", 1, "a, b, ñ"),
        ("", -1, "a, b, ñ"),
        ("x", 1, "a, b, ñ"),
        (", ", i64::MIN, ""),
    ] {
        let separator = separator.to_owned();
        let op = Op::Text(TextOp::SplitPart { separator, place: place.try_into().unwrap() });
        assert_eq!(text(&op, &["a, b, ñ"]), format!("{expected:?} null"), "{op:?}");
    }
}

#[test]
fn pairs_of_texts() {
    let pairs = [("añb", "b"), ("abab", "ab"), ("a", ""), ("", ""), ("a", "ab")];
    assert_eq!(texts(&Op::TextPair(TextPairOp::Position), &pairs), "3 1 1 1 0 null null");
    let pairs = [("kitten", "sitting"), ("", "añ"), ("a🚕b", "ab"), ("", "")];
    assert_eq!(texts(&Op::TextPair(TextPairOp::Levenshtein), &pairs), "3 2 1 0 null null");
    let pairs = [("MARTHA", "MARHTA"), ("DWAYNE", "DUANE"), ("", ""), ("a", ""), ("ab", "ba")];
    assert_eq!(
        texts(&Op::TextPair(TextPairOp::JaroWinkler), &pairs),
        "0.9611111111111111 0.8400000000000001 1.0 0.0 0.0 null null"
    );
    let pairs =
        [("night", "nacht"), ("aaaa", "aa"), ("a", "a"), ("a", "b"), ("", ""), ("ñ🚕", "ñ🚕a")];
    let op = Op::TextPair(TextPairOp::Jaccard { n: 2.try_into().unwrap() });
    assert_eq!(texts(&op, &pairs), "0.14285714285714285 1.0 1.0 0.0 1.0 0.5 null null");
}

#[test]
fn more_functions_of_floats() {
    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;
    let each = |op| float(&Op::Float(op), &[0.0, 1.0, -1.0, -2.0, INF, NAN]);
    assert_eq!(each(FloatOp::Asin), "0.0 1.5707963267948966 -1.5707963267948966 NaN NaN NaN null");
    assert_eq!(each(FloatOp::Atanh), "0.0 inf -inf NaN NaN NaN null");
    assert_eq!(each(FloatOp::Log1p), "0.0 0.6931471805599453 -inf NaN inf NaN null");
    assert_eq!(float(&Op::Float(FloatOp::Log1p), &[1e-20, -2.0]), "1e-20 NaN null");
    assert_eq!(float(&Op::Float(FloatOp::Expm1), &[1e-20, -INF]), "1e-20 -1.0 null");
    assert_eq!(float(&Op::Float(FloatOp::Cbrt), &[-27.0, -0.0]), "-3.0 -0.0 null");
    assert_eq!(
        float(&Op::Float(FloatOp::Trunc), &[1.9, -1.9, -0.5, 1e300]),
        "1.0 -1.0 -0.0 1e300 null"
    );
    assert_eq!(float(&Op::Float(FloatOp::Acosh), &[1.0, 0.5]), "0.0 NaN null");
    assert_eq!(float(&Op::IsFinite, &[1.0, INF, -INF, NAN]), "true false false false null");
    assert_eq!(float(&Op::IsInfinite, &[1.0, INF, -INF, NAN]), "false true true false null");
    let pairs = [(0.0, -1.0), (-0.0, -1.0), (1.0, 0.0), (0.0, 0.0), (NAN, 1.0)];
    assert_eq!(
        floats(&Op::Atan2, &pairs),
        "3.141592653589793 -3.141592653589793 1.5707963267948966 0.0 NaN null null"
    );
}

#[test]
fn whole_numbers() {
    let pairs = [(7, 2), (-7, 2), (7, 0), (i64::MIN, -1)];
    assert_eq!(ints(&Op::Int(IntOp::Quotient), &pairs), "3 -3 null -9223372036854775808 null null");
    let pairs = [(6, 3), (-1, 5)];
    assert_eq!(ints(&Op::Int(IntOp::BitAnd), &pairs), "2 5 null null");
    assert_eq!(ints(&Op::Int(IntOp::BitOr), &pairs), "7 -1 null null");
    assert_eq!(ints(&Op::Int(IntOp::BitXor), &pairs), "5 -6 null null");
    let pairs = [(3, 2), (1, 63), (-8, 1), (1, 64), (1, -1)];
    assert_eq!(
        ints(&Op::Int(IntOp::ShiftLeft), &pairs),
        "12 -9223372036854775808 -16 null null null null"
    );
    assert_eq!(ints(&Op::Int(IntOp::ShiftRight), &pairs), "0 0 -4 null null null null");
}

#[test]
fn places_have_names() {
    let geohash = |precision: u8, places: &[(f64, f64)]| {
        floats(&Op::Geohash { precision: precision.try_into().unwrap() }, places)
    };
    assert_eq!(geohash(11, &[(57.64911, 10.40744)]), r#""u4pruydqqvj" null null"#);
    assert_eq!(geohash(6, &[(41.88, -87.63), (90.0, 180.0)]), r#""dp3wmb" "zzzzzz" null null"#);
    let nowhere = [(90.5, 0.0), (0.0, 181.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)];
    assert_eq!(geohash(1, &nowhere), "null null null null null null");
}

#[test]
fn integers_are_not_floats() {
    let mut builder = graph::GraphBuilder::new();
    let x = builder.input("x", ValueType::Float).unwrap();
    let error = builder.node(Op::Int(IntOp::Quotient), &[x, x]).unwrap_err();
    assert_eq!(error.to_string(), "`quotient` of FLOAT, FLOAT, expected two INTs");
    assert_eq!(each(&Op::Float(FloatOp::Cbrt), ValueType::Int, vec![8]), "2.0 null");
}
