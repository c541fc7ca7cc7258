//! Random schemas, random data and random expressions over the whole vocabulary: learned in any partitions, applied to
//! all rows at once and to each alone, and run by ONNX Runtime and TensorFlow where these can express them.
//!
//! The vocabulary is that of the generated page: the example of each function and operator is taken with other columns
//! and features in the place of its own, of any type that checks.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use dataflow::Batches;
use engine::LocalEngine;
use export::{check_onnx, check_saved_model, saved_model};
use graph::{Graph, Op, Shape, ValueType};
use transform::{Config, InputFeature, InputKind};

use super::{Case, run};
use crate::agree::{apply, difference};
use crate::onnx::onnx_runtime::{self, Job};
use crate::onnx::skew::onnx_difference;
use crate::random_graphs::{Draw, is_inexact};

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
fn rows(random: &mut Draw) -> RecordBatch {
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
        let is_there = |random: &mut Draw| missing == 0 || random.below(missing + 1) > 0;
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
    fn filled(&self, example: &str, random: &mut Draw) -> String {
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
    let mut random = Draw::new(seed ^ 0x5eed);
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
    for place in 0..NUM_TRIES {
        let name = format!("f{place}");
        let example = &examples[random.below(examples.len())];
        let text = pool.filled(example, &mut random);
        // Of the others only what it needs is learned with it.
        let alone = Config {
            helpers: config.features.clone(),
            features: [(name.clone(), text.clone())].into(),
            ..config.clone()
        };
        // What does not check, and lists whose lengths do not fit, are tried with other columns another time.
        let Some(feature) = learn(&alone, &rows, &[], 1) else { continue };
        if feature.apply(&rows).is_err() {
            continue;
        }
        if is_exact(&feature) {
            match feature.outputs()[0].value_type {
                ValueType::Int | ValueType::Float => pool.numbers.push(name.clone()),
                ValueType::String => pool.texts.push(name.clone()),
                ValueType::Bool => {}
            }
        }
        config.features.insert(name, text);
    }
    let graph = learn(&config, &rows, &[], 1).unwrap();
    Drawn { rows, config, graph }
}

/// Returns the features that a runtime can express.
fn expressible(graph: &Graph, can: impl Fn(&Graph) -> bool) -> Option<Graph> {
    let names = graph.outputs().iter().map(|output| output.name.as_str());
    let names: Vec<&str> = names.filter(|name| can(&graph.project(&[name]).unwrap())).collect();
    (!names.is_empty()).then(|| graph.project(&names).unwrap())
}

/// Schemas that are drawn before other runtimes start, which takes them seconds.
const AT_ONCE: usize = 10;

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
    let seeds: Vec<u64> = (first..first + number("CUPOLA_SKEW_SCHEMAS", NUM_SCHEMAS)).collect();
    let examples = examples();
    assert!(examples.len() > 150, "{}", examples.len());
    let mut used = BTreeSet::new();
    let mut problems = Vec::new();
    for seeds in seeds.chunks(AT_ONCE) {
        let found = differences(seeds, &examples, &mut used);
        told(&format!("seeds {seeds:?}: {} problems", found.len()));
        found.iter().for_each(|problem| told(problem));
        problems.extend(found);
    }
    assert!(used.len() > 60, "{used:?}");
    let num_problems = problems.len();
    problems.truncate(4);
    assert!(problems.is_empty(), "{num_problems} problems:\n{}", problems.join("\n\n"));
}

#[expect(clippy::print_stdout, reason = "a long run says where it is")]
fn told(text: &str) {
    println!("{text}");
}

/// Returns where the evaluator and other runtimes disagree about some schemas, and notes the operations that were used.
fn differences(seeds: &[u64], examples: &[String], used: &mut BTreeSet<String>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let (mut cases, mut of_cases, mut jobs, mut of_jobs) = (vec![], vec![], vec![], vec![]);
    for &seed in seeds {
        let Drawn { rows, config, graph } = draw(seed, examples);
        used.extend(graph.nodes().iter().map(|node| node.op.name().to_owned()));
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
            jobs.push(Job::new(&graph, &rows));
            of_jobs.push((seed, shown(&graph), graph, rows.clone()));
        }
        told(&format!("seed {seed}: {} features", graph.outputs().len()));
    }
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
    problems
}
