//! Random graphs give the same in TensorFlow.

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use export::{check_saved_model, saved_model};
use graph::Graph;

use crate::saved_model::agree::{apply, difference};
use crate::saved_model::random_graphs::{RandomGraph, random_graph};
use crate::saved_model::tensorflow::{Case, run};

const NUM_GRAPHS: u64 = 16;
const NUM_OPS: usize = 60;
const NUM_ROWS: usize = 40;

/// One million bytes, not all of them ASCII.
fn long_text() -> String {
    "Lange Straße ".repeat(1_000_000 / 14)
}

fn is_supported(graph: &Graph) -> bool {
    check_saved_model(graph).is_ok()
}

/// Puts a long text into the last row of the first column of text.
fn with_long_text(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let column: ArrayRef = match (field.name().as_str(), column.as_any().downcast_ref()) {
            ("input 2", Some(texts)) => {
                let texts: &StringArray = texts;
                let mut texts: Vec<_> = texts.iter().map(|t| t.map(str::to_owned)).collect();
                *texts.last_mut().unwrap() = Some(long_text());
                std::sync::Arc::new(StringArray::from(texts))
            }
            _ => ArrayRef::clone(column),
        };
        (field.name().clone(), column)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

#[test]
fn tensorflow_gives_the_same() {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for this way")]
    let num_graphs = std::env::var("CUPOLA_SKEW_GRAPHS").map_or(NUM_GRAPHS, |n| n.parse().unwrap());
    #[expect(clippy::disallowed_methods, reason = "and other graphs too")]
    let first = std::env::var("CUPOLA_SKEW_SEED").map_or(0, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut graphs = Vec::new();
    let mut cases = Vec::new();
    for seed in first..first + num_graphs {
        let RandomGraph { graph, mut rows } = random_graph(seed, NUM_OPS, NUM_ROWS, is_supported);
        if seed % 5 == 3 {
            rows = with_long_text(&rows);
        }
        let model = dir.path().join(seed.to_string());
        saved_model(&graph, None, &model).unwrap();
        let expected = apply(&graph, &rows);
        let names: Vec<&str> = graph.inputs().iter().map(|input| input.name.as_str()).collect();
        let is_v2 = seed % 4 == 0;
        let row = usize::try_from(seed).unwrap() % NUM_ROWS;
        let one = rows.slice(row, 1);
        for (signature, rows) in [
            ("serving_default", &rows),
            ("raw_features_with_missing", &rows),
            ("transform_features", &one),
        ] {
            cases.push(Case::new(&model, signature, is_v2, rows, &names));
            let expected =
                if rows.num_rows() == 1 { expected.slice(row, 1) } else { expected.clone() };
            graphs.push((seed, graph.clone(), expected));
        }
    }
    let Some(outcomes) = run(&cases) else { return };
    let mut problems = Vec::new();
    for ((seed, graph, expected), (case, outcome)) in graphs.iter().zip(cases.iter().zip(&outcomes))
    {
        let problem = match outcome {
            Ok(found) => difference(graph, expected, found),
            Err(error) => Some(error.clone()),
        };
        problems
            .extend(problem.map(|problem| format!("seed {seed}, {}: {problem}", case.signature)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
