//! Every snippet of `docs/training.md` with a built-in model trains it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use train::{Available, Config, Options};

use crate::scene::{available, examples, go, source};

/// What the page calls the features of the scene.
const NAMES: [(&str, &str); 11] = [
    ("x", "trip_miles"),
    ("y", "fare"),
    ("kind", "company"),
    ("words", "tags"),
    ("vector", "position"),
    ("binary", "big_tipper"),
    ("class", "payment"),
    ("many", "interests"),
    ("amount", "tip"),
    ("weight", "importance"),
    ("query", "search"),
];

fn renamed(name: &str) -> &str {
    NAMES.iter().find(|(from, _)| *from == name).map_or(name, |(_, to)| to)
}

fn rename(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| renamed(field.name()).to_owned());
    RecordBatch::try_from_iter(names.zip(batch.columns().iter().cloned())).unwrap()
}

#[test]
fn every_snippet_trains_a_model() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/training.md");
    let page = std::fs::read_to_string(page).unwrap();
    let snippets = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let available: Vec<Available> = available()
        .into_iter()
        .map(|feature| Available { name: renamed(&feature.name).to_owned(), ..feature })
        .collect();
    let (train, eval) = (rename(&examples(1500, 1)), rename(&examples(500, 2)));
    let (train, eval) = (source(&train), source(&eval));
    let mut num_trained = 0;
    for snippet in snippets {
        let pipeline: toml::Table = snippet.parse().unwrap();
        let Some(trainer) = pipeline["nodes"].get("trainer") else { continue };
        if trainer.get("model").is_none() {
            continue; // A program's; those run where pipelines do.
        }
        // What the component and the runner read.
        let own: BTreeMap<String, toml::Value> = trainer
            .as_table()
            .unwrap()
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "inputs" | "splits" | "component"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let config: Config = toml::Value::try_from(own).unwrap().try_into().unwrap();
        let plan = train::plan(&config, &available).unwrap();
        let (one, other) = (Arc::clone(&train), Arc::clone(&eval));
        let trained =
            train::train(&config, &plan, one, other, Options::default(), &mut go).unwrap();
        let mut losses = trained.history.iter().filter_map(|point| point.eval_loss);
        // A list of ten examples that says nothing has 2.3.
        assert!(losses.next_back().unwrap() < 2.2, "{snippet}");
        num_trained += 1;
    }
    assert!(num_trained >= 8, "{num_trained} snippets");
}
