//! Which data is the data before.

use std::collections::BTreeMap;

use artifact::{Artifact, Component, Kind, PropertyValue};
use components::{ExamplesWindow, LATEST_EXAMPLES, LATEST_STATISTICS};
use serde_json::Value;
use tempfile::TempDir;

use crate::ledger::Artifacts;
use crate::scene::artifact;

fn data(dir: &TempDir, type_name: &str, id: i64, digest: &str, span: i64) -> Artifact {
    let uri = dir.path().join(id.to_string());
    std::fs::create_dir_all(&uri).unwrap();
    let mut found = artifact(id, type_name, uri);
    found.custom_properties.insert(Artifact::DIGEST.to_owned(), digest.into());
    found.properties.insert("span".to_owned(), PropertyValue::Int(span));
    found
}

/// Returns the number of the artifact that a resolver finds.
fn resolve(component: &dyn Component, current: &Artifact, ledger: &Artifacts) -> Option<i64> {
    let Kind::Resolver(resolver) = component.kind() else { panic!() };
    let (input, output) = (component.inputs()[0].key, component.outputs()[0].key);
    let inputs = BTreeMap::from([(input.to_owned(), vec![current.clone()])]);
    let found = resolver.resolve(&Value::Null, "taxi", &inputs, ledger).unwrap();
    found[output].first().map(|artifact| artifact.id.0)
}

#[test]
fn the_newest_other_data_of_the_same_node_is_found() {
    let dir = tempfile::tempdir().unwrap();
    for (component, type_name) in [
        (&LATEST_STATISTICS as &dyn Component, "ExampleStatistics"),
        (&LATEST_EXAMPLES, "Examples"),
    ] {
        let make = |id, digest| data(&dir, type_name, id, digest, 0);
        let ledger = |artifacts: Vec<Artifact>| {
            let ledger = Artifacts::new(artifacts);
            let ledger = ledger.made_by(1, "gen").made_by(2, "gen").made_by(9, "gen");
            ledger.made_by(3, "other_gen").made_by(8, "gen")
        };
        let current = make(9, "d");
        assert_eq!(resolve(component, &current, &ledger(vec![])), None);
        assert_eq!(resolve(component, &current, &ledger(vec![current.clone()])), None);
        let all = vec![current.clone(), make(8, "d"), make(3, "c"), make(2, "b"), make(1, "a")];
        assert_eq!(resolve(component, &current, &ledger(all.clone())), Some(2));
        // Data that was seen before, and is seen again after other data.
        assert_eq!(resolve(component, &make(1, "a"), &ledger(all.clone())), Some(9));
        // Data whose folder is gone.
        std::fs::remove_dir(&all[3].uri).unwrap();
        assert_eq!(resolve(component, &current, &ledger(all)), Some(1));
    }
}

#[test]
fn a_window_has_the_newest_examples_of_each_span() {
    let dir = tempfile::tempdir().unwrap();
    let make = |id, span| data(&dir, "Examples", id, &id.to_string(), span);
    // Span 3 was made twice, span 4 by another node, span 6 comes later.
    let all =
        vec![make(7, 6), make(6, 5), make(5, 4), make(4, 3), make(3, 3), make(2, 2), make(1, 1)];
    let mut ledger = Artifacts::new(all.clone());
    for id in [1, 2, 3, 4, 6, 7] {
        ledger = ledger.made_by(id, "gen");
    }
    let ledger = ledger.made_by(5, "other_gen");
    let Kind::Resolver(resolver) = ExamplesWindow.kind() else { panic!() };
    let window = |spans: u32| {
        let inputs = BTreeMap::from([("examples".to_owned(), vec![all[1].clone()])]);
        let config = serde_json::json!({ "spans": spans });
        let found = resolver.resolve(&config, "taxi", &inputs, &ledger).unwrap();
        found["examples_window"].iter().map(|artifact| artifact.id.0).collect::<Vec<_>>()
    };
    assert_eq!(window(1), [6]);
    assert_eq!(window(3), [2, 4, 6]);
    assert_eq!(window(9), [1, 2, 4, 6]);
}

#[test]
fn a_later_span_is_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let make = |id, span| data(&dir, "ExampleStatistics", id, &id.to_string(), span);
    let all = vec![make(5, 2), make(4, 1), make(3, 7), make(2, 4), make(1, 5)];
    let find = |id: i64| {
        let current = all.iter().find(|artifact| artifact.id.0 == id).unwrap();
        resolve(&LATEST_STATISTICS, current, &Artifacts::new(all.clone()))
    };
    assert_eq!(find(2), Some(5), "span 4 comes after span 2");
    assert_eq!(find(3), Some(1), "span 7 comes after span 5");
    assert_eq!(find(4), None, "nothing comes before span 1");
}
