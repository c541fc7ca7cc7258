//! Everything that can be exported, in ONNX Runtime: integers, texts, booleans and what is missing have to be equal, and
//! floats to 1e-5.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch, StringArray};
use export::{Support, check_onnx, onnx_support};
use graph::{FloatOp, Graph, IntOp, Op, Shape, ValueType};
use serde_json::{Value, json};

use crate::agree::{apply, is_same};
use crate::onnx::onnx_runtime::{self, Job};
use crate::random_graphs::{RandomGraph, TYPES, every_operation, random_graph, with_long_text};
use crate::tensorflow::cell;

const NUM_GRAPHS: u64 = 20;
const NUM_OPS: usize = 40;
const NUM_ROWS: usize = 30;

fn is_supported(graph: &Graph) -> bool {
    check_onnx(graph).is_ok()
}

/// Returns how many graphs to test, and the seed of the first.
#[expect(clippy::disallowed_methods, reason = "how long to test is told this way")]
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let start = number("CUPOLA_SKEW_SEED", 0);
    start..start + number("CUPOLA_SKEW_GRAPHS", NUM_GRAPHS)
}

#[test]
fn onnx_runtime_gives_what_the_evaluator_does() {
    let Some(python) = onnx_runtime::python() else { return };
    let cases: Vec<RandomGraph> = seeds()
        .map(|seed| {
            let RandomGraph { graph, rows } =
                random_graph(seed, NUM_OPS, NUM_ROWS, false, is_supported);
            let rows = match seed % 10 {
                3 => with_long_text(&rows),
                7 => rows.slice(0, 0),
                _ => without_refused_numbers(&rows),
            };
            RandomGraph { graph, rows }
        })
        .collect();
    let jobs: Vec<Job> = cases.iter().map(|case| Job::new(&case.graph, &case.rows)).collect();
    let results = onnx_runtime::run(&python, &jobs);
    assert_eq!(results.len(), cases.len());
    let mut failures = Vec::new();
    for ((seed, case), result) in seeds().zip(&cases).zip(&results) {
        let difference = onnx_difference(&case.graph, &case.rows, result);
        failures.extend(difference.map(|difference| format!("seed {seed}: {difference}")));
    }
    let num_failures = failures.len();
    failures.truncate(10);
    assert!(failures.is_empty(), "{num_failures} graphs:\n{}", failures.join("\n"));
}

/// Takes out texts that ONNX Runtime says it cannot read ([`export::onnx_support`]): numbers of many digits that are beyond
/// the range of floats.
fn without_refused_numbers(rows: &RecordBatch) -> RecordBatch {
    let is_refused = |text: &str| {
        let number = text.trim().parse::<f64>();
        number.is_ok_and(|v| v.is_subnormal() || v.is_infinite() && text.len() > 20)
    };
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let column: ArrayRef = match column.as_string_opt::<i32>() {
            Some(texts) => Arc::new(StringArray::from_iter(
                texts.iter().map(|text| text.filter(|text| !is_refused(text))),
            )),
            None => ArrayRef::clone(column),
        };
        (field.name().clone(), column)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

/// Returns every list of one to three types.
fn lists_of_types() -> Vec<Vec<ValueType>> {
    let longer = |lists: &[Vec<ValueType>]| -> Vec<Vec<ValueType>> {
        let with = |list: &Vec<ValueType>| TYPES.map(|of| [list.as_slice(), &[of]].concat());
        lists.iter().flat_map(with).collect()
    };
    let one = longer(&[vec![]]);
    let two = longer(&one);
    let three = longer(&two);
    [one, two, three].concat()
}

/// What is said to be supported is tested, of whatever types.
#[test]
fn every_operation_gives_the_same_in_onnx_runtime() {
    let RandomGraph { graph, rows } = every_operation(1, NUM_ROWS, false, is_supported);
    let type_of = |id: &graph::NodeId| graph.nodes()[id.index()].value_type;
    let shown = |op: &Op, types: &[ValueType]| format!("{} of {types:?}", op.name());
    let tested: BTreeSet<String> = graph
        .nodes()
        .iter()
        .map(|node| shown(&node.op, &node.operands.iter().map(type_of).collect::<Vec<_>>()))
        .collect();
    let casts = TYPES.map(|to| Op::Cast { to });
    let others = [Op::LambertW, Op::Atan2, Op::IsFinite, Op::IsInfinite];
    let ops = Op::PLAIN.iter().cloned().chain(FloatOp::ALL.map(Op::Float));
    let ops = ops.chain(IntOp::ALL.map(Op::Int)).chain(casts).chain(others);
    for op in ops {
        for types in lists_of_types() {
            let is_claimed = op.result_type(&types).is_ok()
                && !matches!(onnx_support(&op, &types), Support::None(_));
            let shown = shown(&op, &types);
            assert!(!is_claimed || tested.contains(&shown), "{shown} is not among {tested:#?}");
        }
    }
    let Some(python) = onnx_runtime::python() else { return };
    apply(&graph, &rows);
    let results = onnx_runtime::run(&python, &[Job::new(&graph, &rows)]);
    let difference = onnx_difference(&graph, &rows, &results[0]);
    assert!(difference.is_none(), "{}", difference.unwrap());
}

/// Returns where what ONNX Runtime made differs from what the evaluator makes.
pub(crate) fn onnx_difference(graph: &Graph, rows: &RecordBatch, result: &Value) -> Option<String> {
    if let Some(error) = result.get("error") {
        return Some(error.to_string());
    }
    let expected = graph.apply(rows).unwrap();
    for way in ["batch", "single"] {
        for (output, column) in graph.outputs().iter().zip(expected.columns()) {
            let name = &output.name;
            let tensor = |suffix: &str| result[way].get(format!("{name}{suffix}"));
            for row in 0..rows.num_rows() {
                let is_present = tensor(".present").is_none_or(|present| present[row] == true);
                let found = match &tensor("").unwrap()[row] {
                    _ if !is_present => Value::Null,
                    Value::Array(values) => {
                        values.iter().map(|value| plain(value, output.value_type)).collect()
                    }
                    // A vector of one is written as its value.
                    value if output.shape != Shape::One => json!([plain(value, output.value_type)]),
                    value => plain(value, output.value_type),
                };
                let expected = cell(column, row);
                if !is_same(&expected, &found) {
                    return Some(format!(
                        "{way}, row {row}, `{name}`: expected {expected}, found {found}"
                    ));
                }
            }
        }
    }
    None
}

/// Returns a value as the evaluator's are shown; floats come as their bits.
fn plain(value: &Value, value_type: ValueType) -> Value {
    if value_type != ValueType::Float {
        return value.clone();
    }
    let bits = u32::try_from(value.as_u64().unwrap()).unwrap();
    cell(&Float32Array::from(vec![f32::from_bits(bits)]), 0)
}
