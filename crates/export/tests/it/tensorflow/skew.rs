//! Random graphs give the same in TensorFlow.

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use export::{check_saved_model, saved_model};
use graph::Graph;

use super::agree::{apply, difference};
use super::random_graphs::{RandomGraph, random_graph};
use super::{Case, run};

const NUM_GRAPHS: u64 = 12;
const NUM_OPS: usize = 40;
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
        // A long text in lists would be many of them.
        let has_lists = seed % 5 != 3;
        let drawn = random_graph(seed, NUM_OPS, NUM_ROWS, has_lists, is_supported);
        let RandomGraph { graph, mut rows } = drawn;
        if !has_lists {
            rows = with_long_text(&rows);
        }
        let model = dir.path().join(seed.to_string());
        saved_model(&graph, None, &model).unwrap();
        let expected = apply(&graph, &rows);
        let names: Vec<&str> = graph.inputs().iter().map(|input| input.name.as_str()).collect();
        let is_v2 = seed % 6 == 0;
        let row = usize::try_from(seed).unwrap() % NUM_ROWS;
        for (signature, from, num_rows) in [
            ("serving_default", 0, NUM_ROWS),
            ("raw_features_with_missing", 0, NUM_ROWS),
            ("transform_features", row, 1),
            ("transform_features", 0, 0),
        ] {
            let rows = rows.slice(from, num_rows);
            cases.push(Case::new(&model, signature, is_v2 && num_rows > 0, &rows, &names));
            graphs.push((seed, graph.clone(), expected.slice(from, num_rows)));
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
