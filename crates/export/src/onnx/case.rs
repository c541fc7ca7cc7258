//! Texts in lower and upper case, by Unicode's rules as the standard library has them.

use std::sync::LazyLock;

use formats::onnx::tensor_proto::DataType;

use super::chars::{self, SHORT, branch, for_texts, width};
use super::column::Column;
use super::emit::{Attribute, Emitter, Tensor};
use super::logic::label;
use super::numbers::as_int;

/// The only character whose lower case depends on those around it.
const SIGMA: &str = "Σ";

/// What that is at the end of a word.
const FINAL_SIGMA: &str = "ς";

/// A character that has a case.
const CASED: i64 = 2;

/// A character that does not matter to where a word ends.
const IGNORED: i64 = 1;

/// The characters that have a case or do not matter, with which of it.
static CLASSES: LazyLock<Vec<(String, i64)>> = LazyLock::new(|| {
    let ends_word = |text: String| text.to_lowercase().ends_with(FINAL_SIGMA);
    let class = |c: char| {
        if ends_word(format!("{c}{SIGMA}")) {
            Some(CASED)
        } else if ends_word(format!("A{c}{SIGMA}")) {
            Some(IGNORED)
        } else {
            None
        }
    };
    ('\0'..=char::MAX).filter_map(|c| Some((c.to_string(), class(c)?))).collect()
});

/// The characters that are not their own upper case, with that.
static UPPER: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| others(|c| c.to_uppercase().to_string()));

/// The characters that are not their own lower case, with that.
static LOWER: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| others(|c| c.to_lowercase().to_string()));

fn others(other: impl Fn(char) -> String) -> Vec<(String, String)> {
    let all = ('\0'..=char::MAX).map(|c| (c.to_string(), other(c)));
    all.filter(|(c, other)| c != other).collect()
}

/// Lowers a text with each character in upper case.
pub(super) fn upper(e: &mut Emitter, operand: &Column) -> Column {
    let values = for_texts(e, &[&operand.values], SHORT, DataType::String, &|e, texts| {
        let characters = chars::split(e, &texts[0]);
        let mapped = mapped(e, &characters, &UPPER);
        chars::join(e, &mapped)
    });
    Column::like(values, operand)
}

/// Lowers a text with each character in lower case.
pub(super) fn lower(e: &mut Emitter, operand: &Column) -> Column {
    let values = for_texts(e, &[&operand.values], SHORT, DataType::String, &|e, texts| {
        let characters = chars::split(e, &texts[0]);
        let mapped = mapped(e, &characters, &LOWER);
        let sigma = e.text(SIGMA);
        let is_sigma = e.op("Equal", &[&characters, &sigma]);
        let are_sigma = e.cast(&is_sigma, DataType::Int64);
        let any = e.with("ReduceMax", &[&are_sigma], vec![("keepdims", Attribute::Int(0))]);
        let any = e.cast(&any, DataType::Bool);
        let lower = branch(
            e,
            &any,
            DataType::String,
            |e| {
                let ends_word = ends_word(e, &characters);
                let is_final = e.op("And", &[&is_sigma, &ends_word]);
                let final_sigma = e.text(FINAL_SIGMA);
                e.choose(&is_final, &final_sigma, &mapped)
            },
            |e| e.op("Identity", &[&mapped]),
        );
        chars::join(e, &lower)
    });
    Column::like(values, operand)
}

/// Replaces some characters.
fn mapped(e: &mut Emitter, characters: &Tensor, others: &[(String, String)]) -> Tensor {
    let keys = others.iter().map(|(key, _)| key.as_str()).collect();
    let places = (1..=as_int(others.len())).collect();
    let place = label(e, characters, keys, places, 0);
    let all: Vec<&str> =
        [""].into_iter().chain(others.iter().map(|(_, other)| other.as_str())).collect();
    let table = e.texts(&all);
    let other = e.with("Gather", &[&table, &place], vec![("axis", Attribute::Int(0))]);
    let zero = e.int(0);
    let is_other = e.op("Greater", &[&place, &zero]);
    e.choose(&is_other, &other, characters)
}

/// Tells of each character that has a case whether it ends a word: whether the nearest before it that matters has a case,
/// and the nearest behind it has none.
fn ends_word(e: &mut Emitter, characters: &Tensor) -> Tensor {
    let keys = CLASSES.iter().map(|(key, _)| key.as_str()).collect();
    let values = CLASSES.iter().map(|(_, class)| *class).collect();
    let class = label(e, characters, keys, values, 0);
    let (one, ignored, cased) = (e.int(1), e.int(IGNORED), e.int(CASED));
    let is_ignored = e.op("Equal", &[&class, &ignored]);
    let matters = e.op("Not", &[&is_ignored]);
    let matters = e.cast(&matters, DataType::Int64);
    let axis = e.longs(&[1], &[]);
    let number = e.op("CumSum", &[&matters, &axis]);

    // The classes of those that matter by their number from 1; one more is behind the last, and the others go beyond.
    let first = vec![("start", Attribute::Int(0)), ("end", Attribute::Int(1))];
    let num_rows = e.with("Shape", &[characters], first);
    let three = e.list(&[3]);
    let num_columns = width(e, characters);
    let num_columns = e.op("Add", &[&num_columns, &three]);
    let shape = e.with("Concat", &[&num_rows, &num_columns], vec![("axis", Attribute::Int(0))]);
    let zero = e.int(0);
    let none = e.op("Expand", &[&zero, &shape]);
    let beyond = e.op("Sub", &[&num_columns, &one]);
    let place = e.choose(&is_ignored, &beyond, &number);
    let along = || vec![("axis", Attribute::Int(1))];
    let classes = e.with("ScatterElements", &[&none, &place, &class], along());
    let before = e.op("Sub", &[&number, &matters]);
    let behind = e.op("Add", &[&number, &one]);
    let before = e.with("GatherElements", &[&classes, &before], along());
    let behind = e.with("GatherElements", &[&classes, &behind], along());
    let follows_cased = e.op("Equal", &[&before, &cased]);
    let precedes_cased = e.op("Equal", &[&behind, &cased]);
    let is_last = e.op("Not", &[&precedes_cased]);
    e.op("And", &[&follows_cased, &is_last])
}
