//! Every kind of model with every kind of head: what training predicts from the features that it learned from is what the
//! servable, ONNX Runtime and TensorFlow predict from raw features.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Float32Type, Int64Type};
use dataflow::{Batches, Source};
use engine::LocalEngine;
use export::{OnnxModel, onnx, saved_model};
use graph::{Graph, Shape, ValueType};
use model::{Model, Predictor};
use serde_json::{Value, json};
use servable::Servable;
use train::{Available, Count, Options, ValueKind};
use transform::{Config, InputFeature, InputKind};

use super::{Case, run};
use crate::onnx::onnx_runtime::{self, Job, wide};
use crate::random_graphs::Draw;

const NUM_TRAIN: usize = 400;
const NUM_ROWS: usize = 90;

/// Features of every kind that a model reads, and labels for every head.
const FEATURES: [(&str, &str); 16] = [
    ("fare", "scale_to_z_score(fare)"),
    ("miles", "ln(miles + 1)"),
    ("is_night", "hour < 6"),
    ("hour", "bucketize(hour, 4)"),
    ("company", "vocabulary(company, num_oov_buckets => 1)"),
    ("payment", "vocabulary(payment, top_k => 2)"),
    ("place", "list(coalesce(fare, 0) / 50, coalesce(miles, 1))"),
    ("names", "vocabulary(list(coalesce(company, 'none'), coalesce(payment, 'none')))"),
    ("words", "vocabulary(split(tags, ' '))"),
    ("parts", "list_pad(prices, 3, 0.5)"),
    ("query", "coalesce(hour, 24)"),
    ("is_big", "tips > fare * 0.2"),
    ("class", "bucketize(tips, 3)"),
    (
        "several",
        "list(coalesce(tips > 2, false), coalesce(fare > 20, false), coalesce(hour > 12, false))",
    ),
    ("tips", "tips"),
    ("relevance", "bucketize(tips, 4)"),
];

/// What all runtimes express, what trees read of that, and what is lists of any length on its way.
const ALL: [&str; 8] =
    ["fare", "miles", "is_night", "hour", "company", "payment", "place", "names"];
const FOR_TREES: [&str; 7] = ["fare", "miles", "is_night", "hour", "company", "payment", "place"];
const LISTS: [&str; 5] = ["fare", "company", "names", "words", "parts"];
const LISTS_FOR_TREES: [&str; 3] = ["fare", "company", "parts"];

const HEADS: [(&str, &str); 5] = [
    ("binary_classification", "is_big"),
    ("multi_class_classification", "class"),
    ("multi_label_classification", "several"),
    ("regression", "tips"),
    ("ranking", "relevance"),
];

/// Returns trips; `is_odd` ones have what training has not seen.
fn trips(seed: u64, num_rows: usize, is_odd: bool) -> RecordBatch {
    let mut random = Draw::new(seed);
    let companies = ["Blue Cab", "Flash", "ä Taxi", "", "Sun"];
    let payments = ["Cash", "Card", "Mobile"];
    let words = ["late", "airport", "ünd", "long", "rain", ""];
    let (mut fare, mut miles, mut tips) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hour, mut company, mut payment, mut tags) = (vec![], vec![], vec![], vec![]);
    let mut prices = Vec::new();
    for row in 0..num_rows {
        let is_odd = is_odd && row % 4 == 0;
        let is_there = |random: &mut Draw| random.below(if is_odd { 3 } else { 12 }) > 0;
        let number = |random: &mut Draw, most: usize| random.below(most * 1000) as f32 / 1000.0;
        let paid = match random.below(if is_odd { 4 } else { 40 }) {
            0 if is_odd => [f32::NAN, -0.0, 1e6][random.below(3)],
            _ => number(&mut random, 50),
        };
        fare.push(is_there(&mut random).then_some(paid));
        miles.push(is_there(&mut random).then(|| number(&mut random, 20)));
        let hour_of_row = i64::try_from(random.below(24)).unwrap();
        let unseen = if is_odd { 9000 } else { 0 };
        hour.push(is_there(&mut random).then_some(hour_of_row + unseen));
        let name = match is_odd && random.below(3) == 0 {
            true => ["never heard of".to_owned(), "x".repeat(10_000)][random.below(2)].clone(),
            false => companies[random.below(companies.len())].to_owned(),
        };
        company.push(is_there(&mut random).then_some(name));
        payment.push(is_there(&mut random).then(|| payments[random.below(3)].to_owned()));
        let text: Vec<_> = (0..random.below(5)).map(|_| words[random.below(words.len())]).collect();
        tags.push(is_there(&mut random).then(|| text.join(" ")));
        let some: Vec<_> = (0..random.below(5)).map(|_| Some(number(&mut random, 3))).collect();
        prices.push(is_there(&mut random).then_some(some));
        let hint = if hour_of_row > 12 { 4.0 } else { 0.5 };
        tips.push(Some(hint + if paid.is_finite() { paid.min(60.0) / 20.0 } else { 0.0 }));
    }
    let columns: [(&str, ArrayRef); 8] = [
        ("fare", Arc::new(Float32Array::from(fare))),
        ("miles", Arc::new(Float32Array::from(miles))),
        ("hour", Arc::new(Int64Array::from(hour))),
        ("company", Arc::new(StringArray::from(company))),
        ("payment", Arc::new(StringArray::from(payment))),
        ("tags", Arc::new(StringArray::from(tags))),
        ("prices", Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(prices))),
        ("tips", Arc::new(Float32Array::from(tips))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Learns the features from trips.
fn learn(rows: &RecordBatch) -> Graph {
    let config = Config {
        features: FEATURES.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        ..Config::default()
    };
    let input = |name: &str, kind, shape| InputFeature {
        name: name.to_owned(),
        feature_type: Some(kind),
        shape,
        note: None,
    };
    let inputs = [
        input("fare", InputKind::Float, Shape::One),
        input("miles", InputKind::Float, Shape::One),
        input("hour", InputKind::Int, Shape::One),
        input("company", InputKind::String, Shape::One),
        input("payment", InputKind::String, Shape::One),
        input("tags", InputKind::String, Shape::One),
        input("prices", InputKind::Float, Shape::List),
        input("tips", InputKind::Float, Shape::One),
    ];
    let source = Batches::new(rows.schema(), vec![rows.clone()]);
    let engine = LocalEngine::with_all_cores(Arc::default());
    transform::analyze(&config, &inputs, &source, &engine).unwrap()
}

/// Returns what a trainer is told of the features.
fn available(graph: &Graph) -> Vec<Available> {
    let outputs = graph.outputs().iter();
    outputs
        .map(|output| Available {
            name: output.name.clone(),
            kind: match output.value_type {
                ValueType::Int | ValueType::Bool => ValueKind::Int,
                ValueType::Float => ValueKind::Float,
                ValueType::String => ValueKind::Bytes,
            },
            count: match output.shape {
                Shape::One => Count::One,
                Shape::List => Count::List,
                Shape::Vector(length) => Count::Vector(length as usize),
            },
            num_buckets: output.num_buckets.and_then(|n| usize::try_from(n).ok()),
        })
        .collect()
}

/// A model to train: its kind and head, and what it reads.
struct Kind {
    name: String,
    config: train::Config,
    has_lists: bool,
}

/// Returns every kind of model with every head that it has, on features that all runtimes express; and on lists one head
/// of each.
fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for model in ["linear", "deep", "wide_and_deep", "two_tower", "boosted_trees"] {
        for (place, (task, label)) in HEADS.into_iter().enumerate() {
            if model == "two_tower" && task.starts_with("multi_") {
                continue;
            }
            for has_lists in [false, true] {
                if has_lists && !["deep", "wide_and_deep", "boosted_trees"].contains(&model) {
                    continue;
                }
                if has_lists && place % 2 == 1 {
                    continue;
                }
                kinds.push(kind(model, task, label, has_lists));
            }
        }
    }
    kinds
}

fn kind(model: &str, task: &str, label: &str, has_lists: bool) -> Kind {
    let mut own = json!({ "label": label, "task": task });
    match model {
        "linear" => {}
        "boosted_trees" => {
            own["num_trees"] = json!(12);
            own["min_examples_per_leaf"] = json!(4);
        }
        "two_tower" => {
            own["query_features"] = json!(["fare", "company"]);
            own["hidden"] = json!([8]);
            own["dimension"] = json!(4);
        }
        _ => own["hidden"] = json!([12, 6]),
    }
    let features: &[&str] = match (model, has_lists) {
        ("boosted_trees", false) => &FOR_TREES,
        ("boosted_trees", true) => &LISTS_FOR_TREES,
        (_, false) => &ALL,
        (_, true) => &LISTS,
    };
    let mut config = json!({
        "model": { model: own },
        "features": features,
        "combiner": if model == "deep" { "sum" } else { "mean" },
    });
    // Trees are not grown in steps.
    if model != "boosted_trees" {
        config["num_steps"] = json!(60);
        config["learning_rate"] = json!(0.05);
    }
    if task == "ranking" {
        config["ranking"] = json!({ "query": "query" });
    }
    let name = format!("{model}, {task}{}", if has_lists { ", lists" } else { "" });
    Kind { name, config: serde_json::from_value(config).unwrap(), has_lists }
}

fn trained(kind: &Kind, graph: &Graph, features: &RecordBatch) -> Model {
    let plan = train::plan(&kind.config, &available(graph));
    let plan = plan.unwrap_or_else(|problems| panic!("{}: {problems:?}", kind.name));
    // Examples of one query follow each other.
    let source: Arc<dyn Source + Send> =
        Arc::new(Batches::new(features.schema(), vec![features.clone()]));
    let mut observer = |_| ControlFlow::Continue(());
    let options = Options::default();
    let trained =
        train::train(&kind.config, &plan, Arc::clone(&source), source, options, &mut observer);
    trained.unwrap_or_else(|error| panic!("{}: {error}", kind.name)).model
}

/// Returns the numbers of each row of an output.
fn numbers(column: &ArrayRef) -> Vec<Vec<f64>> {
    let row = |row: usize| match column.as_fixed_size_list_opt() {
        Some(lists) => lists.value(row),
        None => column.slice(row, 1),
    };
    let floats = |values: ArrayRef| {
        values.as_primitive::<Float32Type>().values().iter().copied().map(f64::from).collect()
    };
    (0..column.len()).map(|place| floats(row(place))).collect()
}

/// Returns a tensor's number as the scripts write it.
fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap(),
    }
}

fn from_bits(value: &Value) -> f64 {
    f32::from_bits(u32::try_from(value.as_u64().unwrap()).unwrap()).into()
}

/// Returns where predictions of another way differ from those of training.
fn difference(
    way: &str,
    expected: &RecordBatch,
    found: &dyn Fn(&str, usize) -> Vec<f64>,
) -> Option<String> {
    for (field, column) in expected.schema().fields().iter().zip(expected.columns()) {
        for (row, expected) in numbers(column).iter().enumerate() {
            let found = found(field.name(), row);
            let is_close = |(a, b): (&f64, &f64)| {
                let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                same || (a - b).abs() <= 1e-5 * a.abs().max(1.0)
            };
            if found.len() != expected.len() || !expected.iter().zip(&found).all(is_close) {
                let name = field.name();
                return Some(format!(
                    "{way}, `{name}` of row {row}: expected {expected:?}, found {found:?}"
                ));
            }
        }
    }
    None
}

/// Returns the examples in the order of their queries.
fn by_query(features: &RecordBatch) -> RecordBatch {
    let queries = features.column_by_name("query").unwrap();
    let queries = queries.as_primitive::<Int64Type>();
    let mut places: Vec<u64> = (0..features.num_rows() as u64).collect();
    places.sort_by_key(|place| {
        let place = usize::try_from(*place).unwrap();
        queries.is_valid(place).then(|| queries.value(place))
    });
    arrow::compute::take_record_batch(features, &arrow::array::UInt64Array::from(places)).unwrap()
}

/// What a kind of model came to.
struct Made {
    kind: Kind,
    /// From the features, as training predicts.
    expected: RecordBatch,
    onnx: Option<OnnxModel>,
}

/// Trains a model, compares the servable, and exports it.
fn make(kind: Kind, graph: &Graph, train: &RecordBatch, rows: &RecordBatch, dir: &Path) -> Made {
    let model = trained(&kind, graph, train);
    let expected = model.predict(&graph.apply(rows).unwrap()).unwrap();
    let first = numbers(expected.column(0));
    assert!(first.iter().any(|row| *row != first[0]), "{}: all alike", kind.name);

    let servable = dir.join("servable");
    Servable::save(&servable, graph, &model).unwrap();
    let loaded = Servable::load(&servable).unwrap();
    let served = loaded.predict(rows).unwrap();
    assert_eq!(format!("{served:?}"), format!("{expected:?}"), "{}: servable", kind.name);
    for row in 0..rows.num_rows() {
        let alone = loaded.predict(&rows.slice(row, 1)).unwrap();
        let found = |name: &str, _: usize| numbers(alone.column_by_name(name).unwrap()).remove(0);
        let problem = difference("alone", &expected.slice(row, 1), &found);
        assert!(problem.is_none(), "{}: row {row} {}", kind.name, problem.unwrap());
    }
    saved_model(graph, Some(&model), &dir.join("saved_model")).unwrap();
    let onnx = (!kind.has_lists).then(|| onnx(graph, Some(&model)).unwrap());
    Made { kind, expected, onnx }
}

#[test]
fn every_kind_of_model_predicts_everywhere_what_training_does() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a longer run, and another one, is asked for this way"
    )]
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let first = number("CUPOLA_SKEW_SEED", 0);
    for seed in first..first + number("CUPOLA_SKEW_MODELS", 1) {
        let problems = problems(seed);
        assert!(problems.is_empty(), "seed {seed}:\n{}", problems.join("\n"));
    }
}

/// Returns what differs where for the trips of a seed.
fn problems(seed: u64) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let train = trips(2 * seed + 1, NUM_TRAIN, false);
    let graph = learn(&train);
    let features = by_query(&graph.apply(&train).unwrap());
    let rows = trips(2 * seed + 2, NUM_ROWS, true);
    let made: Vec<Made> = kinds()
        .into_iter()
        .enumerate()
        .map(|(place, kind)| {
            let dir = dir.path().join(place.to_string());
            std::fs::create_dir(&dir).unwrap();
            make(kind, &graph, &features, &rows, &dir)
        })
        .collect();
    let inputs_of = |made: &Made| {
        let names: Vec<&str> = match &made.kind.config.features {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => unreachable!("all are named"),
        };
        let graph = graph.project(&names).unwrap();
        graph.inputs().iter().map(|input| input.name.clone()).collect::<Vec<_>>()
    };

    let mut problems = Vec::new();
    let cases: Vec<Case> = made
        .iter()
        .enumerate()
        .flat_map(|(place, made)| {
            let inputs = inputs_of(made);
            let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let path = dir.path().join(place.to_string()).join("saved_model");
            let is_v2 = place % 2 == 0;
            ["serving_default", "raw_features_with_missing"]
                .map(|signature| Case::new(&path, signature, is_v2, &rows, &names))
        })
        .collect();
    for (place, outcome) in run(&cases).into_iter().flatten().enumerate() {
        let (made, signature) = (&made[place / 2], cases[place].signature);
        let problem = match outcome {
            Err(error) => Some(error),
            Ok(tensors) => difference(signature, &made.expected, &|name, row| {
                tensors[name][row].iter().map(number).collect()
            }),
        };
        problems.extend(problem.map(|problem| format!("{}: {problem}", made.kind.name)));
    }

    let exported = made.iter().filter_map(|made| Some((made, made.onnx.clone()?)));
    let (of_jobs, jobs): (Vec<&Made>, Vec<Job>) = exported
        .map(|(made, file)| (made, Job { file, rows: wide(&rows), inputs: inputs_of(made) }))
        .unzip();
    if let Some(python) = onnx_runtime::python() {
        for (made, result) in of_jobs.iter().zip(onnx_runtime::run(&python, &jobs)) {
            if let Some(error) = result.get("error") {
                problems.push(format!("{}: {error}", made.kind.name));
                continue;
            }
            for way in ["batch", "single"] {
                let found = |name: &str, row: usize| match &result[way][name][row] {
                    Value::Array(values) => values.iter().map(from_bits).collect(),
                    value => vec![from_bits(value)],
                };
                let problem = difference(way, &made.expected, &found);
                problems.extend(problem.map(|problem| format!("{}: {problem}", made.kind.name)));
            }
        }
    }
    problems
}
