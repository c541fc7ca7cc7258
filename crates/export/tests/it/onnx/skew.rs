//! Random graphs over everything that can be exported, in both runtimes.
//!
//! Integers, texts, booleans and what is missing have to be equal; floats, too, unless a function is behind them that
//! every library rounds in its own way: these to 1e-5.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use export::{Support, onnx, onnx_support};
use graph::{Graph, Op};
use serde_json::Value;

use crate::onnx::onnx_runtime::{self, Job};
use crate::onnx::random_graphs::{Case, Precision, Question, generate};

/// How far floats may be apart that are not exact, relative to their size.
const TOLERANCE: f32 = 1e-5;

fn takes(question: &Question<'_>) -> bool {
    match onnx_support(question.op, question.types) {
        Support::Full => true,
        Support::Partial(_) => question.are_literals[1],
        Support::None(_) => false,
    }
}

/// Returns how many graphs to test, and the seed of the first.
#[expect(clippy::disallowed_methods, reason = "how long to test is told this way")]
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let start = number("CUPOLA_SKEW_SEED", 0);
    start..start + number("CUPOLA_SKEW_GRAPHS", 40)
}

#[test]
fn onnx_runtime_gives_what_the_evaluator_does() {
    let Some(python) = onnx_runtime::python() else { return };
    let seeds: Vec<u64> = seeds().collect();
    let mut failures = Vec::new();
    for seeds in seeds.chunks(100) {
        let cases: Vec<Case> = seeds.iter().map(|seed| generate(*seed, &takes)).collect();
        let jobs: Vec<Job> = cases
            .iter()
            .map(|case| Job {
                file: onnx(&case.graph, None).unwrap(),
                rows: case.rows.clone(),
                inputs: case.graph.inputs().iter().map(|input| input.name.clone()).collect(),
            })
            .collect();
        let results = onnx_runtime::run(&python, &jobs);
        assert_eq!(results.len(), cases.len());
        for ((seed, case), result) in seeds.iter().zip(&cases).zip(&results) {
            if let Some(failure) = compare(case, result) {
                failures.push(format!("seed {seed}: {failure}"));
            }
        }
    }
    let num_failures = failures.len();
    failures.truncate(10);
    assert!(failures.is_empty(), "{num_failures} graphs:\n{}", failures.join("\n"));
}

/// Returns the first place where two runtimes differ.
pub(crate) fn compare(case: &Case, result: &Value) -> Option<String> {
    if let Some(error) = result.get("error") {
        return Some(format!("{error}\n{:#?}", case.graph.nodes()));
    }
    let expected = case.graph.apply(&case.rows).unwrap();
    for row in 0..case.rows.num_rows() {
        let one = case.graph.apply(&case.rows.slice(row, 1)).unwrap();
        assert_eq!(format!("{one:?}"), format!("{:?}", expected.slice(row, 1)), "one row alone");
    }
    for way in ["batch", "single"] {
        for (place, output) in case.graph.outputs().iter().enumerate() {
            let difference = differs(case, &expected, &result[way], place);
            if let Some(difference) = difference {
                let node = &case.graph.nodes()[case.graph.output_nodes()[place].index()];
                return Some(format!("{way}: {}: {node:?}: {difference}", output.name));
            }
        }
    }
    None
}

fn differs(case: &Case, expected: &RecordBatch, tensors: &Value, place: usize) -> Option<String> {
    let column = expected.column(place);
    let name = &case.graph.outputs()[place].name;
    let values = tensors[name].as_array().unwrap_or_else(|| panic!("no output {name}"));
    if values.len() != column.len() {
        return Some(format!("{} rows of {}", values.len(), column.len()));
    }
    let present = tensors.get(format!("{name}.present"));
    (0..column.len()).find_map(|row| {
        let is_present = present.is_none_or(|present| present[row] == Value::Bool(true));
        if is_present != column.is_valid(row) {
            return Some(format!(
                "row {row}: present is {is_present}; {}",
                shown(case, expected, place, row)
            ));
        }
        let differs = is_present && !equals(case, expected, place, row, &values[row]);
        differs.then(|| {
            format!(
                "row {row}: found {}; {}",
                show(column, &values[row]),
                shown(case, expected, place, row)
            )
        })
    })
}

fn show(column: &ArrayRef, found: &Value) -> String {
    match column.data_type() {
        DataType::Float32 => format!("{:?}", float(found)),
        _ => found.to_string().chars().take(100).collect(),
    }
}

/// Shows what was expected, and from what operands.
fn shown(case: &Case, expected: &RecordBatch, place: usize, row: usize) -> String {
    let cell = |place: usize| {
        let text = format!("{:?}", expected.column(place).slice(row, 1));
        text.replace('\n', " ").chars().take(150).collect::<String>()
    };
    let node = &case.graph.nodes()[case.graph.output_nodes()[place].index()];
    let operands: Vec<_> =
        node.operands.iter().map(|operand| cell(output_of(&case.graph, operand.index()))).collect();
    let steps: Vec<_> = case
        .graph
        .nodes()
        .iter()
        .take(case.graph.output_nodes()[place].index())
        .map(|node| format!("{} of {:?}", node.op.name(), node.operands))
        .collect();
    format!("expected {} of {operands:?}, after {steps:?}", cell(place))
}

/// Returns the output that a node is; all are.
fn output_of(graph: &Graph, node: usize) -> usize {
    graph.output_nodes().iter().position(|output| output.index() == node).unwrap()
}

fn float(value: &Value) -> f32 {
    f32::from_bits(u32::try_from(value.as_u64().unwrap()).unwrap())
}

fn equals(case: &Case, batch: &RecordBatch, place: usize, row: usize, found: &Value) -> bool {
    let column = batch.column(place);
    match column.data_type() {
        DataType::Int64 => found.as_i64() == Some(column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => found.as_bool() == Some(column.as_boolean().value(row)),
        DataType::Utf8 => found.as_str() == Some(column.as_string::<i32>().value(row)),
        _ => {
            let floats =
                |place: usize| batch.column(place).as_primitive::<Float32Type>().value(row);
            let (found, expected) = (float(found), floats(place));
            if found.is_nan() || expected.is_nan() {
                return found.is_nan() && expected.is_nan();
            }
            let precision = &case.precisions[place];
            let scale = match precision {
                Precision::Exact => 0.0,
                Precision::Rounded => expected.abs(),
                Precision::Difference(nodes) => nodes
                    .iter()
                    .map(|node| floats(output_of(&case.graph, node.index())).abs())
                    .fold(expected.abs(), f32::max),
            };
            #[expect(
                clippy::float_cmp,
                reason = "infinities are equal and their difference is not a number"
            )]
            let is_equal = found == expected;
            // Below the normal floats there are no 5 digits.
            is_equal
                || (*precision != Precision::Exact
                    && (found - expected).abs() <= TOLERANCE * scale.max(f32::MIN_POSITIVE))
        }
    }
}

/// Every operation that can be exported comes up, so that nothing is claimed without being tested.
#[test]
fn everything_that_is_supported_is_tested() {
    let (mut supported, mut tested) =
        (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let note = |question: &Question<'_>| {
        let name = match question.op {
            Op::Cast { to } => format!("cast {:?} to {to}", question.types),
            op => op.name().to_owned(),
        };
        (name, takes(question))
    };
    let seen = std::cell::RefCell::new(Vec::new());
    for seed in 0..100 {
        generate(seed, &|question| {
            let (name, is_taken) = note(question);
            seen.borrow_mut().push((
                name,
                is_taken,
                !matches!(onnx_support(question.op, question.types), Support::None(_)),
            ));
            is_taken
        });
    }
    for (name, is_taken, is_supported) in seen.into_inner() {
        if is_supported {
            supported.insert(name.clone());
        }
        if is_taken {
            tested.insert(name);
        }
    }
    assert_eq!(supported, tested);
}
