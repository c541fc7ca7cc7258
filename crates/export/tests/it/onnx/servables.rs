//! A graph and the model behind it as one file: predictions for raw features.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use export::{ExportError, onnx};
use graph::{Boundaries, Graph, GraphBuilder, Literal, Op, ValueType, Vocabulary};
use model::network::{Network, Weights};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Predictor, Signature, Task};

use crate::onnx::onnx_runtime::{self, Job, wide};
use crate::random_graphs::{Draw, column, value};

/// Returns a graph of a feature of each kind, some of which can be missing or NaN; `text` and `other` are no model's.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let seconds = builder.input("seconds", ValueType::Int).unwrap();
    let company = builder.input("company", ValueType::String).unwrap();
    let is_cash = builder.input("is_cash", ValueType::Bool).unwrap();
    let scaled = builder.scale_to_z_score(fare, 1.0, 16.0).unwrap();
    let boundaries = Boundaries::new((0..50).map(|n| f64::from(n) / 5.0 - 5.0).collect()).unwrap();
    let bucket = builder.node(Op::Bucketize(boundaries), &[fare]).unwrap();
    let tokens = Vocabulary::new(["a", "Cash", "ä b"]).unwrap();
    let vocabulary = builder.vocabulary("company", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 0, default_value: -1 };
    let id = builder.node(lookup, &[company]).unwrap();
    builder.output("fare", scaled).unwrap();
    builder.output("seconds", seconds).unwrap();
    builder.output("is_cash", is_cash).unwrap();
    builder.output("bucket", bucket).unwrap();
    builder.output("company", id).unwrap();
    builder.output("text", company).unwrap();
    let as_text = builder.cast(fare, ValueType::String).unwrap();
    builder.output("other", as_text).unwrap();
    builder.build()
}

fn inputs() -> Vec<FeatureSpec> {
    [
        ("fare", FeatureKind::Numeric),
        ("bucket", FeatureKind::Categorical { num_buckets: 51 }),
        // Some ids are too large.
        ("company", FeatureKind::Categorical { num_buckets: 2 }),
        ("is_cash", FeatureKind::Categorical { num_buckets: 2 }),
        ("seconds", FeatureKind::Numeric),
    ]
    .map(|(name, kind)| FeatureSpec { name: name.to_owned(), kind })
    .to_vec()
}

/// Returns a model whose weights are all different and of both signs.
pub(crate) fn model(task: Task, architecture: Architecture, inputs: Vec<FeatureSpec>) -> Model {
    let network = Network::new(&inputs, &architecture, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    let layers = weights.layers.iter_mut().flat_map(|l| l.weight.iter_mut().chain(&mut l.bias));
    let all = weights.wide.iter_mut().chain(&mut weights.embeddings).chain(layers);
    for (place, value) in all.enumerate() {
        *value = (place as f32 * 0.7).sin() * 0.5;
    }
    Model::new(Signature::new(inputs, "tips".to_owned(), task), architecture, weights).unwrap()
}

fn deep(hidden: &[usize], embedding_dimensions: &[usize]) -> Architecture {
    Architecture::WideAndDeep {
        hidden: hidden.to_vec(),
        embedding_dimensions: embedding_dimensions.to_vec(),
    }
}

fn rows(num_rows: usize) -> RecordBatch {
    let mut draw = Draw::new(7);
    let columns = [
        ("fare", ValueType::Float),
        ("seconds", ValueType::Int),
        ("company", ValueType::String),
        ("is_cash", ValueType::Bool),
    ];
    let columns = columns.map(|(name, value_type)| {
        let values: Vec<_> = (0..num_rows)
            .map(|_| match draw.one(value(value_type)) {
                _ if draw.below(5) == 0 => Literal::Null(value_type),
                // A quantity of 19 digits would swamp the others.
                Literal::Int(value) => Literal::Int(value % 100),
                Literal::Float(value) if value.is_finite() => Literal::Float(value % 100.0),
                value => value,
            })
            .collect();
        (name, column(value_type, values))
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Checks that ONNX Runtime predicts what the graph and the model do, one after the other.
pub(crate) fn check(graph: &Graph, models: &[Model], rows: &RecordBatch) {
    let Some(python) = onnx_runtime::python() else { return };
    let parts: Vec<Graph> = models
        .iter()
        .map(|model| {
            let names: Vec<_> =
                model.signature().inputs.iter().map(|input| input.name.as_str()).collect();
            graph.project(&names).unwrap()
        })
        .collect();
    let jobs: Vec<Job> = parts
        .iter()
        .zip(models)
        .map(|(part, model)| Job {
            file: onnx(graph, Some(model)).unwrap(),
            rows: wide(rows),
            inputs: part.inputs().iter().map(|input| input.name.clone()).collect(),
        })
        .collect();
    let results = onnx_runtime::run(&python, &jobs);
    for ((part, model), result) in parts.iter().zip(models).zip(&results) {
        assert!(result.get("error").is_none(), "{result}");
        let expected = model.predict(&part.apply(rows).unwrap()).unwrap();
        for field in expected.schema().fields() {
            let expected = expected.column_by_name(field.name()).unwrap();
            for way in ["batch", "single"] {
                let found = result[way][field.name()].as_array().unwrap();
                assert_eq!(found.len(), expected.len());
                for (row, found) in found.iter().enumerate() {
                    let found = f32::from_bits(u32::try_from(found.as_u64().unwrap()).unwrap());
                    let expected = expected.as_primitive::<Float32Type>().value(row);
                    // Infinite quantities make both infinite, or not a number.
                    #[expect(clippy::float_cmp, reason = "infinities have no difference")]
                    let is_equal = found == expected;
                    let is_close = is_equal
                        || (found.is_nan() && expected.is_nan())
                        || (found - expected).abs() <= 1e-5 * expected.abs().max(1.0);
                    let name = field.name();
                    assert!(is_close, "{name} {way} row {row}: found {found}, expected {expected}");
                }
            }
        }
    }
}

#[test]
fn onnx_runtime_predicts_what_graph_and_model_do() {
    let only = |kept: fn(&FeatureSpec) -> bool| inputs().into_iter().filter(kept).collect();
    let categories: Vec<FeatureSpec> = only(|input| input.kind != FeatureKind::Numeric);
    let quantities: Vec<FeatureSpec> = only(|input| input.kind == FeatureKind::Numeric);
    let models = [
        model(Task::BinaryClassification, deep(&[8, 5], &[3, 0, 2]), inputs()),
        model(Task::BinaryClassification, Architecture::Linear, inputs()),
        model(Task::Regression, deep(&[4], &[1, 1, 1]), categories.clone()),
        model(Task::Regression, Architecture::Linear, categories),
        model(Task::Regression, deep(&[6], &[]), quantities),
    ];
    check(&graph(), &models, &rows(60));
}

#[test]
fn a_model_that_reads_what_the_graph_does_not_make_is_refused() {
    let kind = FeatureKind::Numeric;
    for (feature, kind, expected) in [
        ("hour", kind, "the model reads feature `hour`, which the graph does not make"),
        ("text", kind, "feature `text` is STRING, the model expects a number"),
        (
            "fare",
            FeatureKind::Categorical { num_buckets: 2 },
            "feature `fare` is FLOAT, the model expects an integer id",
        ),
    ] {
        let inputs = vec![FeatureSpec { name: feature.to_owned(), kind }];
        let model = model(Task::Regression, Architecture::Linear, inputs);
        let error: ExportError = onnx(&graph(), Some(&model)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
