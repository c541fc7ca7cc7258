//! Random schemas, random data and random expressions over the whole vocabulary: learned in any partitions, applied to
//! all rows at once and to each alone, and run by ONNX Runtime and TensorFlow where these can express them.
//!
//! The vocabulary is that of the generated page: the example of each function and operator is taken with other columns
//! and features in the place of its own, of any type that checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use dataflow::Batches;
use engine::LocalEngine;
use export::{check_onnx, check_saved_model, onnx, saved_model};
use graph::{Graph, Op, Shape, ValueType};
use serde_json::{Value, json};
use transform::{Config, InputFeature, InputKind};

use super::agree::{apply, difference, is_same};
use super::random_graphs::is_inexact;
use super::{Case, cell, run};
use crate::onnx::onnx_runtime::{self, Job};
use crate::onnx::random_graphs::Random;

const NUM_SCHEMAS: u64 = 10;
const NUM_ROWS: usize = 50;
const NUM_TRIES: usize = 60;

/// The columns of the examples, by what may stand in their place.
const NUMBERS: [&str; 7] = [
    "fare",
    "tips",
    "trip_miles",
    "pickup_latitude",
    "pickup_longitude",
    "dropoff_latitude",
    "trip_start_hour",
];
const TEXTS: [&str; 2] = ["company", "payment_type"];

/// Returns the example of each function and operator.
fn examples() -> Vec<String> {
    let page = include_str!("../../../../../docs/expressions.md");
    let mut examples = Vec::new();
    let lines: Vec<&str> = page.lines().collect();
    for pair in lines.windows(2) {
        if pair[1].starts_with("    -> ") {
            examples.push(pair[0].trim().to_owned());
        }
    }
    for line in lines.iter().filter(|line| line.starts_with("| `") && line.contains("` -> `")) {
        let front = line.split("` -> `").next().unwrap();
        examples.push(front.rsplit("| `").next().unwrap().replace("\\|", "|"));
    }
    examples
}

/// Returns columns with values as they come from outside, and with what is missing in them.
fn rows(random: &mut Random) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for place in 0..4 + random.below(5) {
        // A list of a `tf.Example` has no missing values within, and may itself be missing.
        let is_list = random.below(4) == 0;
        let missing = if is_list { 0 } else { [0, 2, 5, 1][random.below(4)] };
        let mut lengths = Vec::new();
        for _ in 0..NUM_ROWS {
            lengths.push(if is_list { random.below(4) } else { 1 });
        }
        let num_items = if is_list { lengths.iter().sum() } else { NUM_ROWS };
        let is_there = |random: &mut Random| missing == 0 || random.below(missing + 1) > 0;
        let few = random.below(2) == 0;
        let items: ArrayRef = match place % 3 {
            0 => {
                let mut value = || {
                    let special = [f32::NAN, f32::INFINITY, -0.0, f32::MAX];
                    let value = match random.below(if few { 6 } else { 30 }) {
                        0 => special[random.below(4)],
                        1..=3 => random.below(9) as f32 - 4.0,
                        _ => random.below(2_000_000) as f32 / 1e3 - 1e3,
                    };
                    is_there(random).then_some(value)
                };
                Arc::new((0..num_items).map(|_| value()).collect::<Float32Array>())
            }
            1 => {
                let mut value = || {
                    let value = match random.below(12) {
                        0 => [i64::MAX, i64::MIN, 1_700_000_000][random.below(3)],
                        _ => i64::try_from(random.below(if few { 5 } else { 3000 })).unwrap() - 2,
                    };
                    is_there(random).then_some(value)
                };
                Arc::new((0..num_items).map(|_| value()).collect::<Int64Array>())
            }
            _ => {
                let words = [
                    "",
                    "Blue Cab",
                    "ä Ünï",
                    " x ",
                    "12.5",
                    "taxi",
                    "🚕",
                    "2024-02-29T12:00:00Z",
                    "a,b",
                ];
                let mut value = || {
                    let word = words[random.below(if few { 4 } else { words.len() })].to_owned();
                    let text = if random.below(40) == 0 { "long ".repeat(2000) } else { word };
                    is_there(random).then_some(text)
                };
                Arc::new((0..num_items).map(|_| value()).collect::<StringArray>())
            }
        };
        let column: ArrayRef = if is_list {
            let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
            let nulls: NullBuffer = (0..NUM_ROWS).map(|_| random.below(8) > 0).collect();
            Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), items, Some(nulls)))
        } else {
            items
        };
        columns.push((format!("c{place}"), column));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

fn inputs(rows: &RecordBatch) -> Vec<InputFeature> {
    let schema = rows.schema();
    let input = |field: &Arc<Field>| {
        let (of, shape) = match field.data_type() {
            DataType::List(item) => (item.data_type(), Shape::List),
            other => (other, Shape::One),
        };
        let kind = match of {
            DataType::Int64 => InputKind::Int,
            DataType::Float32 => InputKind::Float,
            _ => InputKind::String,
        };
        InputFeature { name: field.name().clone(), feature_type: Some(kind), shape, note: None }
    };
    schema.fields().iter().map(input).collect()
}

/// Returns whether every library gives the last bit of what a graph computes.
fn is_exact(graph: &Graph) -> bool {
    let rounds = |op: &Op| is_inexact(op) || matches!(op, Op::Divide | Op::Sqrt);
    !graph.nodes().iter().any(|node| rounds(&node.op))
}

/// What may stand in the place of a column of an example.
struct Pool {
    numbers: Vec<String>,
    texts: Vec<String>,
}

impl Pool {
    /// Puts other columns and features in the place of those of an example.
    fn filled(&self, example: &str, random: &mut Random) -> String {
        let mut filled = String::new();
        let mut word = String::new();
        // Within quotes nothing is a name.
        let mut is_quoted = false;
        for c in example.chars().chain([' ']) {
            if !is_quoted && (c.is_alphanumeric() || c == '_') {
                word.push(c);
                continue;
            }
            let pool = if NUMBERS.contains(&word.as_str()) {
                Some(&self.numbers)
            } else if TEXTS.contains(&word.as_str()) {
                Some(&self.texts)
            } else {
                None
            };
            match pool.filter(|pool| !pool.is_empty()) {
                Some(pool) => filled.push_str(&pool[random.below(pool.len())]),
                None => filled.push_str(&word),
            }
            word.clear();
            filled.push(c);
            is_quoted ^= c == '\'';
        }
        filled.trim_end().to_owned()
    }
}

struct Drawn {
    rows: RecordBatch,
    config: Config,
    graph: Graph,
}

fn learn(config: &Config, rows: &RecordBatch, cuts: &[usize], threads: usize) -> Option<Graph> {
    let mut parts = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([rows.num_rows()]) {
        parts.push(rows.slice(start, end - start));
        start = end;
    }
    let engine = LocalEngine::new(threads.try_into().unwrap(), Arc::default());
    let source = Batches::new(rows.schema(), parts);
    transform::analyze(config, &inputs(rows), &source, &engine).ok()
}

fn draw(seed: u64, examples: &[String]) -> Drawn {
    let mut random = Random::new(seed ^ 0x5eed);
    let rows = rows(&mut random);
    let mut pool = Pool { numbers: Vec::new(), texts: Vec::new() };
    for input in inputs(&rows) {
        let texts = input.feature_type == Some(InputKind::String);
        if texts { &mut pool.texts } else { &mut pool.numbers }.push(input.name);
    }
    let mut config = Config {
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../tokenizer/testdata").into(),
        ..Config::default()
    };
    config.features.insert("f".to_owned(), "1".to_owned());
    let mut graph = learn(&config, &rows, &[], 1).unwrap();
    for place in 0..NUM_TRIES {
        let name = format!("f{place}");
        let example = &examples[random.below(examples.len())];
        let mut with = config.clone();
        with.features.insert(name.clone(), pool.filled(example, &mut random));
        // What does not check, and lists whose lengths do not fit, are tried with other columns another time.
        let Some(learned) = learn(&with, &rows, &[], 1) else { continue };
        if learned.apply(&rows).is_err() {
            continue;
        }
        let feature = learned.project(&[&name]).unwrap();
        let output = &feature.outputs()[0];
        if is_exact(&feature) {
            match output.value_type {
                ValueType::Int | ValueType::Float => pool.numbers.push(name),
                ValueType::String => pool.texts.push(name),
                ValueType::Bool => {}
            }
        }
        (config, graph) = (with, learned);
    }
    Drawn { rows, config, graph }
}

/// Returns the features that a runtime can express.
fn expressible(graph: &Graph, can: impl Fn(&Graph) -> bool) -> Option<Graph> {
    let names = graph.outputs().iter().map(|output| output.name.as_str());
    let names: Vec<&str> = names.filter(|name| can(&graph.project(&[name]).unwrap())).collect();
    (!names.is_empty()).then(|| graph.project(&names).unwrap())
}

/// Returns the columns as ONNX Runtime is given them.
pub(super) fn wide(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let is_float = column.data_type() == &DataType::Float32;
        let column =
            if is_float { cast(column, &DataType::Float64).unwrap() } else { Arc::clone(column) };
        (field.name().clone(), column)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

/// Returns where what ONNX Runtime made differs from what the evaluator makes.
fn onnx_difference(graph: &Graph, rows: &RecordBatch, result: &Value) -> Option<String> {
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

#[test]
fn random_expressions_over_random_schemas_agree_everywhere() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a longer run, and another one, is asked for this way"
    )]
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let first = number("CUPOLA_SKEW_SEED", 0);
    let seeds = first..first + number("CUPOLA_SKEW_SCHEMAS", NUM_SCHEMAS);
    let examples = examples();
    assert!(examples.len() > 150, "{}", examples.len());
    let dir = tempfile::tempdir().unwrap();
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let (mut cases, mut of_cases, mut jobs, mut of_jobs) = (vec![], vec![], vec![], vec![]);
    for seed in seeds {
        let Drawn { rows, config, graph } = draw(seed, &examples);
        for node in graph.nodes() {
            *used.entry(node.op.name().to_owned()).or_default() += 1;
        }
        // Learned in pieces and by more threads it is the same, but for the last digits of covariances.
        let is_moment = |text: &String| text.contains("pca(") || text.contains("covariance(");
        if !config.features.values().any(is_moment) {
            let again = learn(&config, &rows, &[7, 7, 30], 2).unwrap();
            assert!(again == graph, "seed {seed}: partitions show in {:#?}", config.features);
        }
        let expected = apply(&graph, &rows);
        let shown = |graph: &Graph| {
            let names = graph.outputs().iter().map(|output| output.name.clone());
            names.map(|name| (config.features[&name].clone(), name)).collect::<Vec<_>>()
        };
        if let Some(graph) = expressible(&graph, |graph| check_saved_model(graph).is_ok()) {
            let model = dir.path().join(seed.to_string());
            saved_model(&graph, None, &model).unwrap();
            let names: Vec<&str> = graph.inputs().iter().map(|input| input.name.as_str()).collect();
            let names_of = graph.outputs().iter().map(|output| output.name.clone());
            let places: Vec<usize> =
                names_of.map(|name| expected.schema().index_of(&name).unwrap()).collect();
            let expected = expected.project(&places).unwrap();
            cases.push(Case::new(&model, "serving_default", false, &rows, &names));
            of_cases.push((seed, shown(&graph), graph, expected));
        }
        if let Some(graph) = expressible(&graph, |graph| check_onnx(graph).is_ok()) {
            let inputs = graph.inputs().iter().map(|input| input.name.clone()).collect();
            jobs.push(Job { file: onnx(&graph, None).unwrap(), rows: wide(&rows), inputs });
            of_jobs.push((seed, shown(&graph), graph, rows.clone()));
        }
    }
    assert!(used.len() > 60, "{used:?}");
    let mut problems = Vec::new();
    if let Some(outcomes) = run(&cases) {
        for ((seed, shown, graph, expected), outcome) in of_cases.iter().zip(outcomes) {
            let problem = match outcome {
                Ok(found) => difference(graph, expected, &found),
                Err(error) => Some(error),
            };
            problems
                .extend(problem.map(|text| format!("seed {seed}, TensorFlow: {text}\n{shown:#?}")));
        }
    }
    if let Some(python) = onnx_runtime::python() {
        let results = onnx_runtime::run(&python, &jobs);
        for ((seed, shown, graph, rows), result) in of_jobs.iter().zip(results) {
            let problem = onnx_difference(graph, rows, &result);
            problems.extend(
                problem.map(|text| format!("seed {seed}, ONNX Runtime: {text}\n{shown:#?}")),
            );
        }
    }
    let num_problems = problems.len();
    problems.truncate(4);
    assert!(problems.is_empty(), "{num_problems} schemas:\n{}", problems.join("\n\n"));
}
