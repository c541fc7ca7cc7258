//! Every kind of model with every kind of head, over the server: raw features in JSON in, and out what training predicts
//! from the features that it learned from.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use dataflow::{Batches, Source};
use graph::{Boundaries, Graph, GraphBuilder, ListOp, NodeType, Op, Shape, ValueType, Vocabulary};
use model::{FeatureKind, FeatureSpec, Predictor, Task};
use serde_json::{Value, json};
use servable::Servable;
use serve::ModelConfig;
use train::{Options, Plan};

use crate::scene::Scene;

const NUM_ROWS: usize = 240;
/// The rows that the server is asked for.
const NUM_ASKED: usize = 40;

/// Returns features of every kind that models read, and labels for every head.
fn graph() -> Graph {
    let mut b = GraphBuilder::new();
    let fare = b.input("fare", ValueType::Float).unwrap();
    let hour = b.input("hour", ValueType::Int).unwrap();
    let company = b.input("company", ValueType::String).unwrap();
    let tags = b.input("tags", NodeType::list(ValueType::String)).unwrap();
    let prices = b.input("prices", NodeType::list(ValueType::Float)).unwrap();
    let scaled = b.scale_to_z_score(fare, 20.0, 100.0).unwrap();
    b.output("fare", scaled).unwrap();
    let boundaries = Boundaries::new(vec![6.0, 12.0, 18.0]).unwrap();
    let bucket = b.node(Op::Bucketize(boundaries), &[hour]).unwrap();
    b.output("hour", bucket).unwrap();
    let tokens = Vocabulary::new(["Blue", "ä Taxi", "airport", "rain"]).unwrap();
    let vocabulary = b.vocabulary("tokens", tokens).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 1, default_value: -1 };
    let id = b.node(lookup.clone(), &[company]).unwrap();
    b.output("company", id).unwrap();
    let ids = b.node(lookup, &[tags]).unwrap();
    b.output("tags", ids).unwrap();
    let pad = ListOp::Pad { length: 3, value: graph::Literal::Float(0.5) };
    let padded = b.node(Op::OfList(pad), &[prices]).unwrap();
    b.output("prices", padded).unwrap();
    for (name, limit) in [("binary", 18.0), ("high", 30.0)] {
        let limit = b.literal(limit).unwrap();
        let is_more = b.node(Op::Greater, &[fare, limit]).unwrap();
        b.output(name, is_more).unwrap();
    }
    let several = ["binary", "high"].map(|name| {
        let limit = b.literal(if name == "high" { 30.0 } else { 18.0 }).unwrap();
        let is_more = b.node(Op::Greater, &[fare, limit]).unwrap();
        let no = b.literal(false).unwrap();
        b.node(Op::Coalesce, &[is_more, no]).unwrap()
    });
    let several = b.node(Op::OfList(ListOp::Make), &several).unwrap();
    b.output("several", several).unwrap();
    b.output("amount", fare).unwrap();
    b.output("query", hour).unwrap();
    b.build()
}

/// Returns trips as the server types them, with what is missing and what no vocabulary has.
fn trips() -> RecordBatch {
    let mut state = 7_u64;
    let mut below = |end: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let words = ["Blue", "ä Taxi", "", "airport", "rain", "never heard of"];
    let (mut fare, mut hour, mut company) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tags, mut prices) = (Vec::new(), Vec::new());
    for row in 0..NUM_ROWS {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let number = |n: u64| n as f32 / 64.0;
        fare.push((below(9) > 0).then(|| number(below(3000))));
        // Examples of one query follow each other.
        hour.push(Some(i64::try_from(row / 10).unwrap()));
        company.push((below(7) > 0).then(|| words[usize::try_from(below(6)).unwrap()]));
        let some = (0..below(4)).map(|_| words[usize::try_from(below(6)).unwrap()]);
        let some: Vec<&str> = some.collect();
        tags.push((below(7) > 0).then_some(some));
        let some: Vec<_> = (0..below(5)).map(|_| Some(number(below(200)))).collect();
        prices.push((below(7) > 0).then_some(some));
    }
    let mut lists = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for row in tags {
        row.iter().flatten().for_each(|word| lists.values().append_value(word));
        lists.append(row.is_some());
    }
    let columns: [(&str, ArrayRef); 5] = [
        ("fare", Arc::new(Float32Array::from(fare))),
        ("hour", Arc::new(Int64Array::from(hour))),
        ("company", Arc::new(StringArray::from(company))),
        ("tags", Arc::new(lists.finish())),
        ("prices", Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(prices))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn plan(model: &str, task: Task) -> Plan {
    let is_tree = model == "boosted_trees";
    let all = [
        ("fare", FeatureKind::Numeric),
        ("hour", FeatureKind::Categorical { num_buckets: 4 }),
        ("company", FeatureKind::Categorical { num_buckets: 6 }),
        ("tags", FeatureKind::Categories { num_buckets: 6, combiner: model::Combiner::Mean }),
        ("prices", FeatureKind::Vector { width: 3 }),
    ];
    let read = all.into_iter().filter(|(name, _)| !(is_tree && *name == "tags"));
    let spec = |(name, kind): (&str, FeatureKind)| FeatureSpec { name: name.to_owned(), kind };
    Plan { features: read.map(spec).collect(), task }
}

fn config(model: &str, task: &str, label: &str) -> train::Config {
    let mut own = json!({ "label": label, "task": task });
    match model {
        "two_tower" => own["query_features"] = json!(["fare", "company"]),
        "boosted_trees" => own["num_trees"] = json!(8),
        "linear" => {}
        _ => own["hidden"] = json!([8, 4]),
    }
    let mut config = json!({ "model": { model: own } });
    // Trees are not grown in steps.
    if model != "boosted_trees" {
        config["num_steps"] = json!(30);
        config["learning_rate"] = json!(0.05);
    }
    if task == "ranking" {
        config["ranking"] = json!({ "query": "query" });
    }
    serde_json::from_value(config).unwrap()
}

/// Returns a value as a client writes it.
fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Float32 => json!(column.as_primitive::<Float32Type>().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            (0..values.len()).map(|place| cell(&values, place)).collect()
        }
        other => panic!("{other}"),
    }
}

/// Returns the numbers of a row of an output.
fn numbers(column: &ArrayRef, row: usize) -> Vec<f32> {
    let values = match column.as_fixed_size_list_opt() {
        Some(lists) => lists.value(row),
        None => column.slice(row, 1),
    };
    values.as_primitive::<Float32Type>().values().to_vec()
}

/// Returns the numbers of an answer: one, a list of one, or a list.
fn answered(value: &Value) -> Vec<f32> {
    let number = |value: &Value| value.to_string().parse().unwrap();
    match value {
        Value::Array(values) => values.iter().map(number).collect(),
        value => vec![number(value)],
    }
}

#[test]
fn every_kind_of_model_answers_what_training_predicts() {
    let (graph, rows) = (graph(), trips());
    assert!(graph.outputs().iter().all(|output| output.shape != Shape::Vector(1)));
    let features = graph.apply(&rows).unwrap();
    let source: Arc<dyn Source + Send> =
        Arc::new(Batches::new(features.schema(), vec![features.clone()]));
    let heads = [
        ("binary_classification", "binary", Task::BinaryClassification),
        ("multi_class_classification", "hour", Task::MultiClassClassification { num_classes: 4 }),
        ("multi_label_classification", "several", Task::MultiLabelClassification { num_labels: 2 }),
        ("regression", "amount", Task::Regression),
        ("ranking", "high", Task::Ranking),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut expected = BTreeMap::new();
    for model in ["linear", "deep", "wide_and_deep", "two_tower", "boosted_trees"] {
        for (task_name, label, task) in heads {
            if model == "two_tower" && task.width() > 1 {
                continue;
            }
            let name = format!("{model}_{task_name}");
            let mut plan = plan(model, task);
            plan.features.retain(|feature| feature.name != label);
            let config = config(model, task_name, label);
            let mut go = |_| ControlFlow::Continue(());
            let trained = train::train(
                &config,
                &plan,
                Arc::clone(&source),
                Arc::clone(&source),
                Options::default(),
                &mut go,
            )
            .unwrap_or_else(|error| panic!("{name}: {error}"));
            expected.insert(name.clone(), trained.model.predict(&features).unwrap());
            let made = tempfile::tempdir().unwrap();
            Servable::save(made.path(), &graph, &trained.model).unwrap();
            push::push(made.path(), &dir.path().join(&name), 1).unwrap();
        }
    }
    let scene = Scene::of(dir, |dir, config| {
        let model = |name: &String| ModelConfig::new(name, dir.join(name));
        config.models = expected.keys().map(model).collect();
    });
    let asked: Vec<Value> = (0..NUM_ASKED)
        .map(|row| {
            let schema = rows.schema();
            let fields = schema.fields().iter().zip(rows.columns());
            fields.map(|(field, column)| (field.name().clone(), cell(column, row))).collect()
        })
        .collect();
    let mut client = scene.client();
    for (name, expected) in &expected {
        // A row has the raw features of its model and no others.
        let servable = Servable::load(&scene.dir.path().join(name).join("1")).unwrap();
        let reads = |feature: &str| servable.raw_inputs().iter().any(|input| input.name == feature);
        let rows: Vec<Value> = asked
            .iter()
            .map(|row| {
                let row = row.as_object().unwrap().iter().filter(|(feature, _)| reads(feature));
                row.map(|(feature, value)| (feature.clone(), value.clone())).collect()
            })
            .collect();
        let ask = |client: &mut crate::client::Client, rows: &[Value]| {
            let body = json!({ "instances": rows }).to_string();
            let answer = client.post(&format!("/v1/models/{name}:predict"), &body);
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            answer.json()["predictions"].as_array().unwrap().clone()
        };
        let at_once = ask(&mut client, &rows);
        for (row, raw) in rows.iter().enumerate() {
            let alone = ask(&mut client, std::slice::from_ref(raw)).remove(0);
            for answer in [&at_once[row], &alone] {
                for (field, column) in expected.schema().fields().iter().zip(expected.columns()) {
                    // The only output is answered without its name.
                    let found = answer.get(field.name()).unwrap_or(answer);
                    let (found, expected) = (answered(found), numbers(column, row));
                    let is_close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * a.abs().max(1.0);
                    assert!(
                        found.len() == expected.len() && expected.iter().zip(&found).all(is_close),
                        "{name}, `{}` of row {row}: {found:?}, expected {expected:?}",
                        field.name()
                    );
                }
            }
        }
    }
}
