//! Graphs with a model behind them, from serialized examples and raw tensors to predictions.

use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, RecordBatch};
use export::{ExportError, saved_model};
use graph::{
    Boundaries, Graph, GraphBuilder, Literal, NodeType, Op, TrimSide, ValueType, Vocabulary,
};
use model::network::{Layer, Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Predictor, Signature, Task};
use serde_json::{Value, json};

use super::{Case, cell, run};
use crate::agree::{difference, is_same};
use crate::random_graphs::{Draw, column, value};

const NUM_ROWS: usize = 300;

/// Returns rows of taxi trips as they are in Chicago's data: numbers, texts, and much that is missing.
fn trips() -> RecordBatch {
    let path =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/chicago_taxi.csv"));
    let text = std::fs::read_to_string(path).unwrap_or_else(|_| made_up());
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.take(NUM_ROWS).collect();
    let columns = TRIP_COLUMNS.map(|(name, value_type)| {
        let place = header.iter().position(|column| *column == name).unwrap();
        let read = |text: &str| match value_type {
            _ if text.is_empty() => Literal::Null(value_type),
            ValueType::Float => Literal::Float(text.parse().unwrap()),
            #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
            ValueType::Int => Literal::Int(text.parse::<f64>().unwrap() as i64),
            _ => Literal::String(text.to_owned()),
        };
        (name, column(value_type, rows.iter().map(|row| read(row[place])).collect()))
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

const TRIP_COLUMNS: [(&str, ValueType); 9] = [
    ("trip_miles", ValueType::Float),
    ("fare", ValueType::Float),
    ("tips", ValueType::Float),
    ("pickup_latitude", ValueType::Float),
    ("trip_seconds", ValueType::Int),
    ("trip_start_hour", ValueType::Int),
    ("pickup_community_area", ValueType::Int),
    ("payment_type", ValueType::String),
    ("company", ValueType::String),
];

/// Returns trips for a machine that does not have the real ones.
fn made_up() -> String {
    let mut draw = Draw::new(7);
    let mut text = TRIP_COLUMNS.map(|(name, _)| name).join(",");
    for _ in 0..NUM_ROWS {
        let cells = TRIP_COLUMNS.map(|(name, value_type)| match (draw.below(4), value_type) {
            (0, _) => String::new(),
            (_, ValueType::Float) => format!("{}", draw.one(-1.0f32..60.0)),
            (_, ValueType::Int) => draw.below(25).to_string(),
            (n, _) => format!("{name} {n}"),
        });
        text.push('\n');
        text.push_str(&cells.join(","));
    }
    text
}

/// Returns the features of `examples/taxi`, with values that an analysis could have learned.
fn taxi_graph() -> Graph {
    let mut b = GraphBuilder::new();
    let filled = |b: &mut GraphBuilder, name: &str, value_type, fill: Literal| {
        let feature = b.input(name, value_type).unwrap();
        let fill = b.literal(fill).unwrap();
        b.node(Op::Coalesce, &[feature, fill]).unwrap()
    };
    let miles = filled(&mut b, "trip_miles", ValueType::Float, 0.0.into());
    let paid = filled(&mut b, "fare", ValueType::Float, 0.0.into());
    let seconds = filled(&mut b, "trip_seconds", ValueType::Int, 0.into());
    let scaled = b.scale_to_z_score(miles, 2.8, 31.0).unwrap();
    b.output("trip_miles", scaled).unwrap();
    let (zero, one) = (b.literal(0.0).unwrap(), b.literal(1.0).unwrap());
    let at_least = b.node(Op::Greatest, &[paid, zero]).unwrap();
    let more = b.node(Op::Add, &[at_least, one]).unwrap();
    let log = b.node(Op::Ln, &[more]).unwrap();
    let scaled = b.scale_to_z_score(log, 2.3, 0.37).unwrap();
    b.output("fare", scaled).unwrap();
    let more = b.node(Op::Add, &[seconds, one]).unwrap();
    let log = b.node(Op::Ln, &[more]).unwrap();
    let scaled = b.scale_to_z_score(log, 5.5, 4.0).unwrap();
    b.output("trip_seconds", scaled).unwrap();
    let (half, most) = (b.literal(0.5).unwrap(), b.literal(20.0).unwrap());
    let more = b.node(Op::Add, &[miles, half]).unwrap();
    let ratio = b.node(Op::Divide, &[paid, more]).unwrap();
    let ratio = b.node(Op::Least, &[ratio, most]).unwrap();
    b.output("fare_per_mile", ratio).unwrap();

    let latitude = filled(&mut b, "pickup_latitude", ValueType::Float, 0.0.into());
    let boundaries = Boundaries::new(vec![41.85, 41.88, 41.89, 41.92]).unwrap();
    let bucket = b.node(Op::Bucketize(boundaries), &[latitude]).unwrap();
    b.output("pickup_latitude", bucket).unwrap();
    let hour = b.input("trip_start_hour", ValueType::Int).unwrap();
    let boundaries = Boundaries::new((1..24).map(f64::from).collect()).unwrap();
    let bucket = b.node(Op::Bucketize(boundaries), &[hour]).unwrap();
    b.output("hour", bucket).unwrap();

    let payment = b.input("payment_type", ValueType::String).unwrap();
    let payment = b.node(Op::Trim(TrimSide::Both), &[payment]).unwrap();
    let payment = b.node(Op::Lower, &[payment]).unwrap();
    let tokens = Vocabulary::new(["cash", "credit card", "unknown"]).unwrap();
    let vocabulary = b.vocabulary("payment_type", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 1, default_value: -1 };
    let id = b.node(lookup, &[payment]).unwrap();
    b.output("payment_type", id).unwrap();
    let company = filled(&mut b, "company", ValueType::String, "none".into());
    let tokens = Vocabulary::new(["Flash Cab", "none", "Taxi Affiliation Services"]).unwrap();
    let vocabulary = b.vocabulary("company", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 10, default_value: -1 };
    let id = b.node(lookup, &[company]).unwrap();
    b.output("company", id).unwrap();
    let area = b.input("pickup_community_area", ValueType::Int).unwrap();
    let area = b.cast(area, ValueType::String).unwrap();
    let id = b.node(Op::Hash { num_buckets: 80 }, &[area]).unwrap();
    b.output("pickup_area", id).unwrap();

    let fifth = b.literal(0.2).unwrap();
    let fare = b.input("fare", ValueType::Float).unwrap();
    let tips = b.input("tips", ValueType::Float).unwrap();
    let much = b.node(Op::Multiply, &[fare, fifth]).unwrap();
    let is_more = b.node(Op::Greater, &[tips, much]).unwrap();
    let label = b.cast(is_more, ValueType::Int).unwrap();
    b.output("big_tipper", label).unwrap();
    b.build()
}

/// Returns a model with weights that are small, and the same each time.
fn model(inputs: Vec<FeatureSpec>, task: Task, architecture: Architecture) -> Model {
    let network = Network::new(&inputs, &architecture, 1).unwrap();
    let mut draw = Draw::new(3);
    let mut some = |n: usize| (0..n).map(|_| draw.one(-0.5f32..0.5)).collect::<Vec<_>>();
    let weights = Weights {
        wide: some(network.num_wide()),
        embeddings: some(network.num_embedding()),
        layers: network
            .layer_sizes()
            .map(|(inputs, outputs)| Layer { weight: some(inputs * outputs), bias: some(outputs) })
            .collect(),
    };
    Model::new(Signature::new(inputs, "big_tipper".to_owned(), task), architecture, weights)
        .unwrap()
}

fn spec(name: &str, num_buckets: usize) -> FeatureSpec {
    let kind = match num_buckets {
        0 => FeatureKind::Numeric,
        num_buckets => FeatureKind::Categorical { num_buckets },
    };
    FeatureSpec { name: name.to_owned(), kind }
}

fn taxi_features() -> Vec<FeatureSpec> {
    [
        ("trip_miles", 0),
        ("company", 13),
        ("fare", 0),
        ("payment_type", 4),
        ("pickup_area", 80),
        ("trip_seconds", 0),
        ("hour", 24),
        ("fare_per_mile", 0),
        ("pickup_latitude", 5),
    ]
    .map(|(name, num_buckets)| spec(name, num_buckets))
    .to_vec()
}

/// Returns a graph that passes raw features on, and rows of any values that they can have.
fn anything() -> (Graph, RecordBatch) {
    let mut draw = Draw::new(11);
    let mut builder = GraphBuilder::new();
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for (name, value_type) in
        [("int", ValueType::Int), ("float", ValueType::Float), ("bool", ValueType::Bool)]
    {
        let node = builder.input(name, value_type).unwrap();
        builder.output(name, node).unwrap();
        let values = (0..NUM_ROWS).map(|row| match row % 5 {
            0 => Literal::Null(value_type),
            _ => draw.one(value(value_type)),
        });
        columns.push((name, column(value_type, values.collect())));
    }
    let small = builder.input("small", ValueType::Int).unwrap();
    builder.output("small", small).unwrap();
    let values = (0..NUM_ROWS).map(|_| Literal::Int(draw.one(-3i64..9)));
    columns.push(("small", column(ValueType::Int, values.collect())));
    let never = builder.literal(Literal::Null(ValueType::Float)).unwrap();
    builder.output("never", never).unwrap();
    let always = builder.literal(1i64).unwrap();
    builder.output("always", always).unwrap();
    (builder.build(), RecordBatch::try_from_iter(columns).unwrap())
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.inputs().iter().map(|input| input.name.as_str()).collect()
}

/// Returns all models that are tested, with the graph before each and rows for it.
fn models() -> Vec<(Graph, RecordBatch, Model)> {
    let wide_and_deep = |num_categorical: usize| Architecture::WideAndDeep {
        hidden: vec![8, 4],
        embedding_dimensions: (0..num_categorical).map(|n| n % 4).collect(),
    };
    let (graph, rows) = (taxi_graph(), trips());
    let (passing, any_rows) = anything();
    let all = vec![spec("float", 0), spec("small", 6), spec("bool", 0), spec("never", 0)];
    let ids = vec![spec("int", 3), spec("small", 4), spec("bool", 1), spec("always", 2)];
    let numbers = vec![spec("bool", 0), spec("int", 0)];
    let binary = Task::BinaryClassification;
    vec![
        (graph.clone(), rows.clone(), model(taxi_features(), binary, wide_and_deep(5))),
        (graph, rows, model(taxi_features(), Task::Regression, Architecture::Linear)),
        (passing.clone(), any_rows.clone(), model(all, Task::Regression, wide_and_deep(1))),
        (passing.clone(), any_rows.clone(), model(ids.clone(), binary, Architecture::Linear)),
        (passing.clone(), any_rows.clone(), model(ids, binary, wide_and_deep(4))),
        (passing, any_rows, model(numbers, Task::Regression, Architecture::Linear)),
    ]
}

/// Returns a graph of two lists that go together, and a vector.
fn lists_graph() -> Graph {
    let mut b = GraphBuilder::new();
    let [prices, counts] =
        ["prices", "counts"].map(|name| b.input(name, NodeType::list(ValueType::Float)).unwrap());
    let costs = b.node(Op::Multiply, &[prices, counts]).unwrap();
    b.output("costs", costs).unwrap();
    let place = b.input("place", NodeType::vector(ValueType::Float, 2)).unwrap();
    b.output("place", place).unwrap();
    b.build()
}

/// Returns examples that are no rows of a graph, each with what the error has to say.
fn refused(dir: &Path, lists: &Path) -> Vec<(Case, &'static str)> {
    let case = |dir: &Path, signature, inputs: Value| Case {
        dir: dir.to_path_buf(),
        signature,
        is_v2: false,
        inputs,
        num_rows: 1,
    };
    let two = json!({ "fare": { "type": "FLOAT", "shape": "list", "values": [[1.0, 2.0]] } });
    let no_text =
        json!({ "company": { "type": "STRING", "shape": "one", "values": [{ "hex": "61ff" }] } });
    let other = json!({ "fare": { "type": "INT", "shape": "one", "values": [1] } });
    let list = |values: &[f64]| json!({ "type": "FLOAT", "shape": "list", "values": [values] });
    let uneven = json!({ "prices": list(&[1.0, 2.0]), "counts": list(&[1.0]) });
    let short = json!({ "place": list(&[1.0]) });
    let (examples, raw) = ("serving_default", "raw_features");
    let column = |values: &[f64]| json!({ "type": "FLOAT", "shape": "one", "values": values });
    let beyond = json!({
        "prices": column(&[1.0]), "prices.length": { "type": "INT", "shape": "one", "values": [2] },
        "counts": column(&[1.0]), "counts.length": { "type": "INT", "shape": "one", "values": [1] },
        "place": { "type": "FLOAT", "shape": "vector", "values": [[1.0, 2.0]] },
    });
    vec![
        (case(dir, examples, two), "out of bounds"),
        (case(dir, examples, no_text), "Invalid formatting"),
        (case(dir, examples, other), "Data types don't match"),
        (case(lists, examples, uneven), "differ in length"),
        (case(lists, examples, short), "feature place: expected 2 values"),
        (case(lists, raw, beyond), "feature prices: a length that its row does not have"),
    ]
}

/// Returns whether two predictions are the same; sums of many 32-bit products may differ in the last digit of the parts.
fn is_near(a: &Value, b: &Value) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    is_same(a, b) || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| near(a, b))
}

#[test]
fn models_predict_the_same_in_tensorflow() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| -> PathBuf { dir.path().join(name) };
    let mut cases = Vec::new();
    let mut expected: Vec<(Graph, RecordBatch, bool)> = Vec::new();
    for (place, (graph, rows, model)) in models().iter().enumerate() {
        let path = folder(&place.to_string());
        saved_model(graph, Some(model), &path).unwrap();
        let wanted: Vec<&str> = model.signature().inputs.iter().map(|i| i.name.as_str()).collect();
        let graph = graph.project(&wanted).unwrap();
        let features = graph.apply(rows).unwrap();
        let predictions = model.predict(&features).unwrap();
        for (number, (signature, ours, is_prediction)) in [
            ("serving_default", &predictions, true),
            ("transform_features", &features, false),
            ("raw_features_with_missing", &predictions, true),
        ]
        .into_iter()
        .enumerate()
        {
            let is_v2 = (place + number) % 2 == 0;
            cases.push(Case::new(&path, signature, is_v2, rows, &names(&graph)));
            expected.push((graph.clone(), ours.clone(), is_prediction));
        }
    }

    // No values are missing, and then nothing says so.
    let path = folder("graph");
    saved_model(&taxi_graph(), None, &path).unwrap();
    let rows = trips();
    let whole = (0..rows.num_rows())
        .find(|row| rows.columns().iter().all(|column| column.is_valid(*row)))
        .unwrap();
    let whole = rows.slice(whole, 1);
    cases.push(Case::new(&path, "raw_features", true, &whole, &names(&taxi_graph())));
    expected.push((taxi_graph(), taxi_graph().apply(&whole).unwrap(), false));
    let num_right = cases.len();
    let lists = folder("lists");
    saved_model(&lists_graph(), None, &lists).unwrap();
    let (refused, reasons): (Vec<_>, Vec<_>) = refused(&path, &lists).into_iter().unzip();
    cases.extend(refused);

    let Some(outcomes) = run(&cases) else { return };
    let (right, wrong) = outcomes.split_at(num_right);
    for ((outcome, case), (graph, ours, is_prediction)) in right.iter().zip(&cases).zip(&expected) {
        let theirs = outcome.as_ref().unwrap_or_else(|error| panic!("{}: {error}", case.signature));
        if !is_prediction {
            assert_eq!(difference(graph, ours, theirs), None, "{}", case.signature);
            continue;
        }
        let schema = ours.schema();
        assert_eq!(theirs.len(), schema.fields().len());
        for (field, column) in schema.fields().iter().zip(ours.columns()) {
            let theirs = &theirs[field.name()];
            assert_eq!(theirs.len(), ours.num_rows());
            for (row, found) in theirs.iter().enumerate() {
                let expected = cell(column, row);
                let name = field.name();
                let [found] = found.as_slice() else { panic!("{name} {row}: {found:?}") };
                assert!(is_near(&expected, found), "{name} {row}: {expected}, found {found}");
            }
        }
    }
    for (outcome, reason) in wrong.iter().zip(reasons) {
        let error = outcome.as_ref().unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_model_of_another_graph_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let (graph, _) = anything();
    let refuse = |input: FeatureSpec| {
        let model = model(vec![input], Task::Regression, Architecture::Linear);
        saved_model(&graph, Some(&model), &path).unwrap_err()
    };
    let error = refuse(spec("other", 0));
    assert!(matches!(&error, ExportError::MissingFeature { feature } if feature == "other"));
    let error = refuse(spec("float", 3));
    assert_eq!(error.to_string(), "feature `float` is FLOAT, the model expects an integer id");
    assert!(!path.exists(), "nothing is left behind");
}
