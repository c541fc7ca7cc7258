//! Texts of every length and kind through every function of text.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use graph::{GraphBuilder, Op, Side, TextOp, TrimSide, ValueType};

use crate::onnx::onnx_runtime::{self, Job};
use crate::onnx::skew::onnx_difference;

/// Texts at whose lengths hashes change their ways, in one, two, three and four bytes a character; and all odd cases.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let lengths = (0..35).chain([48, 63, 64, 65, 127, 128, 129, 191, 192, 193, 256, 257, 300]);
    for length in lengths {
        let letters =
            (0..length).map(|i| char::from(b'A' + u8::try_from((i * i + i) % 50).unwrap()));
        texts.push(letters.collect());
    }
    for pattern in ["é", "語", "🚕", "aé語🚕"] {
        texts.extend([1, 2, 4, 5, 8, 13, 16, 21, 33, 70].map(|times| pattern.repeat(times)));
    }
    texts.extend(
        [
            "ΑΣ",
            "Σ",
            "ΑΣΑ",
            "Α Σ",
            "Α.Σ",
            "ΑΣ.",
            "ΑΣ.Β",
            "ΑΣ Β",
            "ὈΔΥΣΣΕΎΣ",
            "ΣΣ",
            "1Σ",
            "Α\u{301}Σ\u{301}",
            "ʰΣ",
            "İI",
            "ǅ",
            "ß",
            "ŉ",
            "ﬁ",
            "ſ",
            "K",
            "\u{10ffff}",
            "\u{d7ff}\u{e000}",
            "\u{0}\u{0}",
            " \t a \n",
            "\u{a0}x\u{a0}",
            "    ",
            "ab",
            "aab",
            "abab",
            "aaaa",
        ]
        .map(str::to_owned),
    );
    texts
}

fn pad(side: Side, fill: &str) -> TextOp {
    TextOp::Pad { side, length: 7, fill: fill.to_owned() }
}

fn split_part(separator: &str, place: i64) -> TextOp {
    TextOp::SplitPart { separator: separator.to_owned(), place: place.try_into().unwrap() }
}

#[test]
fn functions_of_text_are_the_same_for_every_length() {
    let Some(python) = onnx_runtime::python() else { return };
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    let other = builder.input("other", ValueType::String).unwrap();
    let mut nodes = vec![text, other];
    for op in [
        Op::Lower,
        Op::Upper,
        Op::Length,
        Op::Trim(TrimSide::Both),
        Op::Trim(TrimSide::Left),
        Op::Trim(TrimSide::Right),
        Op::Substring { start: 2, length: Some(3) },
        Op::Replace { from: "a".to_owned(), to: "bab".to_owned() },
        Op::Replace { from: "ab".to_owned(), to: String::new() },
        Op::Text(TextOp::Reverse),
        Op::Text(TextOp::Right { length: 3 }),
        Op::Text(TextOp::Repeat { count: 0 }),
        Op::Text(TextOp::Repeat { count: 1 }),
        Op::Text(TextOp::Repeat { count: 13 }),
        Op::Text(pad(Side::Left, "")),
        Op::Text(pad(Side::Left, "ä-")),
        Op::Text(pad(Side::Right, "123")),
        Op::Text(split_part("a", 2)),
        Op::Text(split_part("ab", -2)),
        Op::Text(split_part("", 1)),
        Op::Text(split_part("", 2)),
        Op::Hash { num_buckets: i64::MAX.unsigned_abs() },
        Op::KeyedHash { num_buckets: i64::MAX.unsigned_abs(), key: [1, u64::MAX] },
    ] {
        nodes.push(builder.node(op, &[text]).unwrap());
    }
    for op in [Op::StartsWith, Op::EndsWith, Op::Less, Op::GreaterOrEqual, Op::Equal] {
        nodes.push(builder.node(op, &[text, other]).unwrap());
    }
    for node in &nodes {
        builder.output(&format!("node {}", node.index()), *node).unwrap();
    }
    let graph = builder.build();
    let texts = texts();
    // Its own start, end, next one, or itself.
    let others = texts.iter().enumerate().map(|(place, text)| {
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        match place % 4 {
            0 => text[..middle].to_owned(),
            1 => text[middle..].to_owned(),
            2 => texts[(place + 1) % texts.len()].clone(),
            _ => text.clone(),
        }
    });
    let columns: [(&str, ArrayRef); 2] = [
        ("text", Arc::new(StringArray::from_iter_values(&texts))),
        ("other", Arc::new(StringArray::from_iter_values(others))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let results = onnx_runtime::run(&python, &[Job::new(&graph, &rows)]);
    assert_eq!(onnx_difference(&graph, &rows, &results[0]), None);
}
