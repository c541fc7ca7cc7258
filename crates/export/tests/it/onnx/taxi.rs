//! Features of the taxi data in ONNX Runtime, against those that tf.Transform 1.16.0 made.
//!
//! The graph is put together from what tf.Transform's own full pass found (its vocabularies, moments and quantiles).

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use graph::{Boundaries, Graph, GraphBuilder, Literal, NodeId, Op, ValueType, Vocabulary};
use model::{Architecture, FeatureKind, FeatureSpec, Task};
use serde_json::Value;

use crate::onnx::onnx_runtime::{self, Job};
use crate::onnx::servables;
use crate::random_graphs::column;

const NUM_ROWS: usize = 400;

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn shared() -> Option<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if shared.join("golden/tft").is_dir() && shared.join("data/chicago_taxi.csv").is_file() {
        return Some(shared.to_path_buf());
    }
    println!("skipped: {} is not there", shared.display());
    None
}

/// Reads some columns of a CSV without quotes.
fn read(path: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let places: Vec<usize> = columns
        .iter()
        .map(|wanted| header.iter().position(|name| name == wanted).unwrap())
        .collect();
    lines
        .take(NUM_ROWS)
        .map(|row| places.iter().map(|place| row[*place].to_owned()).collect())
        .collect()
}

/// Returns raw features; empty cells are missing.
fn rows(shared: &Path) -> RecordBatch {
    let types = [
        ("fare", ValueType::Float),
        ("company", ValueType::String),
        ("payment_type", ValueType::String),
    ];
    let cells = read(&shared.join("data/chicago_taxi.csv"), &types.map(|(name, _)| name));
    let columns = types.iter().enumerate().map(|(place, (name, value_type))| {
        let value = |cell: &String| match value_type {
            _ if cell.is_empty() => Literal::Null(*value_type),
            // As tf.Transform had them.
            ValueType::Float => Literal::Float(f64::from(cell.parse::<f32>().unwrap())),
            _ => Literal::String(cell.clone()),
        };
        (*name, column(*value_type, cells.iter().map(|row| value(&row[place])).collect()))
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

fn graph(shared: &Path) -> Graph {
    let tft = shared.join("golden/tft");
    let analysis = fs::read_to_string(tft.join("analysis.json")).unwrap();
    let analysis: Value = serde_json::from_str(&analysis).unwrap();
    let number = |name: &str| analysis[name].as_f64().unwrap();
    let mut builder = GraphBuilder::new();
    let fare = filled(&mut builder, "fare", ValueType::Float, Literal::Float(0.0));
    let scaled = builder.scale_to_z_score(fare, number("mean_fare"), number("var_fare")).unwrap();
    let range = (number("min_fare"), number("max_fare"));
    let unit = builder.scale_by_min_max(fare, range, (0.0, 1.0)).unwrap();
    let quantiles = analysis["quantiles_fare_10"].as_array().unwrap();
    let quantiles = quantiles.iter().map(|value| value.as_f64().unwrap()).collect();
    let bucket = Op::Bucketize(Boundaries::new(quantiles).unwrap());
    let bucket = builder.node(bucket, &[fare]).unwrap();
    let mut outputs = vec![
        ("z_fare".to_owned(), scaled),
        ("s01_fare".to_owned(), unit),
        ("b10_fare".to_owned(), bucket),
    ];
    for name in ["company", "payment_type"] {
        let text = filled(&mut builder, name, ValueType::String, Literal::String(String::new()));
        let hash = builder.node(Op::Hash { num_buckets: 100 }, &[text]).unwrap();
        outputs.push((format!("h100_{name}"), hash));
        for (prefix, file) in [("v", format!("vocab_{name}")), ("v3", format!("vocab_{name}_top3"))]
        {
            let Ok(tokens) = fs::read_to_string(tft.join(format!("{file}.txt"))) else { continue };
            let tokens = Vocabulary::new(tokens.lines()).unwrap();
            let vocabulary = builder.vocabulary(&file, tokens).unwrap();
            let lookup = Op::Lookup { vocabulary, num_oov_buckets: 10, default_value: -1 };
            let id = builder.node(lookup, &[text]).unwrap();
            outputs.push((format!("{prefix}_{name}"), id));
        }
        if name == "company" {
            let op = Op::KeyedHash { num_buckets: 100, key: [123, 456] };
            outputs.push(("hkey100_company".to_owned(), builder.node(op, &[text]).unwrap()));
        }
    }
    for (name, node) in outputs {
        builder.output(&name, node).unwrap();
    }
    builder.build()
}

fn filled(
    builder: &mut GraphBuilder,
    name: &str,
    value_type: ValueType,
    default: Literal,
) -> NodeId {
    let input = builder.input(name, value_type).unwrap();
    let default = builder.literal(default).unwrap();
    builder.node(Op::Coalesce, &[input, default]).unwrap()
}

#[test]
fn onnx_runtime_makes_the_features_of_tf_transform() {
    let (Some(python), Some(shared)) = (onnx_runtime::python(), shared()) else { return };
    let (graph, rows) = (graph(&shared), rows(&shared));
    let result = onnx_runtime::run(&python, &[Job::new(&graph, &rows)]).swap_remove(0);
    assert!(result.get("error").is_none(), "{result}");
    let names: Vec<&str> = graph.outputs().iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names.len(), 9);
    let golden = read(&shared.join("golden/tft/transformed_first3000.csv"), &names);
    for (place, output) in graph.outputs().iter().enumerate() {
        let name = &output.name;
        assert!(
            result["batch"].get(format!("{name}.present")).is_none(),
            "{name} is never missing"
        );
        for way in ["batch", "single"] {
            let found = result[way][name].as_array().unwrap();
            assert_eq!(found.len(), golden.len());
            for (row, (found, expected)) in found.iter().zip(&golden).enumerate() {
                let expected: f64 = expected[place].parse().unwrap();
                let found = match output.value_type {
                    ValueType::Float => {
                        f64::from(f32::from_bits(u32::try_from(found.as_u64().unwrap()).unwrap()))
                    }
                    _ => found.as_i64().unwrap() as f64,
                };
                let tolerance = match output.value_type {
                    ValueType::Float => 1e-5 * expected.abs().max(1.0),
                    _ => 0.0,
                };
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{name} {way} row {row}: found {found}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn a_model_over_the_taxi_features_predicts_the_same() {
    let Some(shared) = shared() else { return };
    let graph = graph(&shared);
    let inputs: Vec<FeatureSpec> = graph
        .outputs()
        .iter()
        .map(|output| FeatureSpec {
            name: output.name.clone(),
            kind: match output.num_buckets {
                Some(num_buckets) => {
                    FeatureKind::Categorical { num_buckets: usize::try_from(num_buckets).unwrap() }
                }
                None => FeatureKind::Numeric,
            },
        })
        .collect();
    let num_categorical = inputs.iter().filter(|input| input.kind != FeatureKind::Numeric).count();
    let architecture = Architecture::WideAndDeep {
        hidden: vec![16, 8],
        embedding_dimensions: vec![4; num_categorical],
    };
    let model = servables::model(Task::BinaryClassification, architecture, inputs);
    servables::check(&graph, &[model], &rows(&shared));
}
