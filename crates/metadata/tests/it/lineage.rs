//! Lineage over a ledger.

use artifact::{ArtifactId, ExecutionState, Ledger, NewExecution, Properties, types};
use metadata::{Direction, Lineage, SqliteLedger, lineage};

use crate::scene::{
    EXAMPLE_GEN, RESOLVER, TRAINER, TRANSFORM, by_key, complete, examples, execution, output,
};

struct Made {
    ledger: SqliteLedger,
    _dir: tempfile::TempDir,
    examples: ArtifactId,
    graph: ArtifactId,
    transformed: ArtifactId,
    model: ArtifactId,
}

/// Examples, a transform with two outputs, a trainer that reads all three, and another that failed.
fn made() -> Made {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&dir.path().join("metadata.sqlite")).unwrap();
    let (_, examples) =
        complete(&ledger, &execution("example_gen", EXAMPLE_GEN, by_key([]), 1), examples("/e"));
    let new = execution("transform", TRANSFORM, by_key([("examples", vec![examples])]), 2);
    let id = ledger.begin_execution(&new).unwrap();
    let outputs = [
        output("transform_graph", types::TRANSFORM_GRAPH, "/g"),
        output("transformed_examples", types::EXAMPLES, "/t"),
    ];
    let outputs = ledger.complete_execution(id, &outputs, &Properties::new(), 3).unwrap();
    let (graph, transformed) = (outputs[0].id, outputs[1].id);
    let inputs = by_key([("examples", vec![transformed]), ("transform_graph", vec![graph])]);
    let new = execution("trainer", TRAINER, inputs, 4);
    let failed = ledger.begin_execution(&new).unwrap();
    ledger.abandon_execution(failed, ExecutionState::Failed, "no", 5).unwrap();
    let (_, model) = complete(&ledger, &new, output("model", types::MODEL, "/m"));
    Made { ledger, _dir: dir, examples, graph, transformed, model }
}

/// Returns the nodes gone through, the artifacts reached, the number of events, and whether there is more.
fn shown(lineage: &Lineage) -> String {
    let nodes: Vec<_> = lineage.executions.values().map(|e| e.node.as_str()).collect();
    let artifacts: Vec<_> = lineage.artifacts.keys().map(ToString::to_string).collect();
    let more = if lineage.is_truncated { ", and more" } else { "" };
    format!("{} | {} | {} events{more}", nodes.join(" "), artifacts.join(" "), lineage.events.len())
}

#[test]
fn lineage_goes_up_and_down_and_stops_at_the_last_hop() {
    let Made { ledger, examples, graph, transformed, model, .. } = made();
    assert_eq!([examples.0, graph.0, transformed.0, model.0], [1, 2, 3, 4]);
    let walk = |start, direction, hops| shown(&lineage(&ledger, start, direction, hops).unwrap());
    assert_eq!(
        walk(model, Direction::Up, 20),
        "example_gen transform trainer | 1 2 3 4 | 7 events"
    );
    assert_eq!(walk(model, Direction::Up, 1), "trainer | 2 3 4 | 3 events, and more");
    assert_eq!(walk(model, Direction::Up, 0), " | 4 | 0 events, and more");
    assert_eq!(walk(model, Direction::Down, 20), " | 4 | 0 events");
    assert_eq!(walk(examples, Direction::Down, 20), "transform trainer | 1 2 3 4 | 6 events");
    assert_eq!(walk(examples, Direction::Down, 1), "transform | 1 2 3 | 3 events, and more");
    // The transformed examples are a sibling of the graph and no part of its lineage.
    assert_eq!(
        walk(graph, Direction::Both, 20),
        "example_gen transform trainer | 1 2 4 | 5 events"
    );
    let error = lineage(&ledger, ArtifactId(99), Direction::Both, 1).unwrap_err();
    assert!(error.to_string().contains("no artifact `99`"), "{error}");
}

#[test]
fn neighbours_are_found_with_their_keys() {
    let Made { ledger, graph, transformed, model, .. } = made();
    let lineage = lineage(&ledger, model, Direction::Up, 20).unwrap();
    let trainer = lineage.writers(model).next().unwrap();
    assert_eq!((trainer.node.as_str(), lineage.writers(model).count()), ("trainer", 1));
    let inputs: Vec<_> = lineage.inputs(trainer.id).map(|(key, a)| (key, a.id)).collect();
    assert_eq!(inputs, [("examples", transformed), ("transform_graph", graph)]);
    let outputs: Vec<_> = lineage.outputs(trainer.id).map(|(key, a)| (key, a.id)).collect();
    assert_eq!(outputs, [("model", model)]);
    assert!(lineage.readers(graph).map(|e| e.id).eq([trainer.id]));
}

#[test]
fn a_cached_execution_leads_on_only_where_nothing_else_does() {
    let Made { ledger, examples, graph, transformed, model, .. } = made();
    let outputs = by_key([("model", vec![model])]);
    let inputs =
        |graph| by_key([("examples", vec![transformed]), ("transform_graph", vec![graph])]);
    // The same inputs again: the trainer itself leads to the model.
    for now_ms in [10, 20] {
        let new = execution("trainer", TRAINER, inputs(graph), now_ms);
        ledger.record_cached(&new, &outputs, &Properties::new()).unwrap();
    }
    let down = lineage(&ledger, graph, Direction::Down, 20).unwrap();
    assert_eq!(shown(&down), "trainer | 2 4 | 2 events");
    assert_eq!(down.executions.values().next().unwrap().state, ExecutionState::Complete);

    // A graph made anew with the same content: only the cached executions know that the model belongs to it.
    let new = execution("transform", TRANSFORM, by_key([("examples", vec![examples])]), 30);
    let (_, anew) =
        complete(&ledger, &new, output("transform_graph", types::TRANSFORM_GRAPH, "/g2"));
    for now_ms in [40, 50] {
        let new = execution("trainer", TRAINER, inputs(anew), now_ms);
        ledger.record_cached(&new, &outputs, &Properties::new()).unwrap();
    }
    let down = lineage(&ledger, anew, Direction::Down, 20).unwrap();
    assert_eq!(shown(&down), "trainer | 4 5 | 2 events");
    // The model was made from the first graph.
    let up = lineage(&ledger, model, Direction::Up, 20).unwrap();
    assert!(!up.artifacts.contains_key(&anew));

    // A resolver found the model by looking at another; the one is not made from the other.
    let resolver = NewExecution {
        cache_key: None,
        ..execution("latest", RESOLVER, by_key([("model", vec![examples])]), 60)
    };
    ledger
        .record_cached(&resolver, &by_key([("baseline_model", vec![model])]), &Properties::new())
        .unwrap();
    let down = lineage(&ledger, examples, Direction::Down, 20).unwrap();
    assert!(down.executions.values().all(|e| e.node != "latest"));
}
