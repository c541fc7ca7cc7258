//! Which output an input takes.

use insta::assert_snapshot;
use pipeline::Pipeline;

use crate::scene::{PIPELINE, Scene};

/// Returns `node.input <- node.output` for each wire.
fn wires(pipeline: &Pipeline) -> String {
    let nodes = pipeline.nodes();
    let wires = nodes.iter().flat_map(|node| {
        node.inputs().iter().map(move |(key, wire)| {
            format!("{}.{key} <- {}.{}", node.id(), nodes[wire.node].id(), wire.output)
        })
    });
    wires.collect::<Vec<_>>().join("\n")
}

/// Returns the wires, or the mistakes, of the pipeline with something added.
fn with(more: &str) -> String {
    let scene = Scene::new();
    scene.write("pipeline.toml", &format!("{PIPELINE}{more}"));
    match scene.load(&[]) {
        Ok(pipeline) => wires(&pipeline),
        Err(_) => scene.mistakes(&[]),
    }
}

#[test]
fn inputs_are_wired_by_type_and_a_default_provider_is_added() {
    assert_snapshot!(with(""), @r#"
    judge.examples <- source.examples
    counter.examples <- source.examples
    learner.examples <- source.examples
    learner.statistics <- counter.statistics
    latest_model.model <- learner.model
    comparer.baseline_model <- latest_model.baseline_model
    comparer.model <- learner.model
    "#);
    let scene = Scene::new();
    let pipeline = scene.load(&[]).unwrap();
    let implicit: Vec<&str> =
        pipeline.nodes().iter().filter(|node| node.is_implicit()).map(|node| node.id()).collect();
    assert_eq!(implicit, ["latest_model"]);
    // The judge is a gate over what all the others are made from.
    let names =
        |gates: &[usize]| gates.iter().map(|&gate| pipeline.nodes()[gate].id()).collect::<Vec<_>>();
    for node in pipeline.nodes() {
        let expected =
            if ["source", "judge"].contains(&node.id()) { vec![] } else { vec!["judge"] };
        assert_eq!(names(node.gates()), expected, "{}", node.id());
    }
}

#[test]
fn several_providers_are_told_apart_by_what_they_read() {
    assert_snapshot!(
        with(
            "inputs.model = \"learner.model\"\n[nodes.again]\ncomponent = \"Comparer\"\ninputs.model = \"learner.model\"\n\
             [nodes.other]\ncomponent = \"Learner\"\nmodel = { linear = { label = \"fare\" } }\n\
             [nodes.third]\ncomponent = \"Comparer\"\ninputs.model = \"other.model\"\n"
        ),
        @r#"
        judge.examples <- source.examples
        counter.examples <- source.examples
        learner.examples <- source.examples
        learner.statistics <- counter.statistics
        latest_model.model <- learner.model
        comparer.baseline_model <- latest_model.baseline_model
        comparer.model <- learner.model
        again.baseline_model <- latest_model.baseline_model
        again.model <- learner.model
        other.examples <- source.examples
        other.statistics <- counter.statistics
        latest_model_third.model <- other.model
        third.baseline_model <- latest_model_third.baseline_model
        third.model <- other.model
        "#
    );
}

#[test]
fn where_types_leave_a_choice_it_has_to_be_made() {
    assert_snapshot!(with("[nodes.source_b]\ncomponent = \"Source\"\nfile = \"data.csv\"\n"), @r#"
    error: pipeline.toml:8:8: node `counter`: its input `examples` could be `source.examples` or `source_b.examples`
      hint: say which, such as `inputs.examples = "source.examples"`
    error: pipeline.toml:10:8: node `judge`: its input `examples` could be `source.examples` or `source_b.examples`
      hint: say which, such as `inputs.examples = "source.examples"`
    error: pipeline.toml:14:8: node `learner`: its input `examples` could be `source.examples` or `source_b.examples`
      hint: say which, such as `inputs.examples = "source.examples"`
    "#);
}

#[test]
fn mistakes_in_what_is_written() {
    let said: Vec<String> = [
        "model = \"source.examples\"",
        "model = \"sorce.examples\"",
        "model = \"learner\"",
        "model = \"learner.modle\"",
        "modle = \"learner.model\"",
        "model = 1",
    ]
    .iter()
    .map(|input| with(&format!("inputs.{input}\n")))
    .collect();
    assert_snapshot!(said.join("\n"), @r#"
    error: pipeline.toml:19:16: `nodes.comparer.inputs.model`: expected an output of type Model, `source.examples` is of type Examples
      hint: `learner.model` is one
    error: pipeline.toml:19:16: `nodes.comparer.inputs.model`: there is no node `sorce`
      hint: did you mean `source`?
    error: pipeline.toml:19:16: `nodes.comparer.inputs.model`: expected "node.output", found "learner"
      hint: did you mean `learner.model`?
    error: pipeline.toml:19:16: `nodes.comparer.inputs.model`: node `learner` has no output `modle`
      hint: did you mean `learner.model`?
    error: pipeline.toml:19:8: unknown input `nodes.comparer.inputs.modle`
      hint: did you mean `model`?
    error: pipeline.toml:19:16: `nodes.comparer.inputs.model`: expected a string, found the whole number 1
    "#);
}

#[test]
fn circles_are_found() {
    assert_snapshot!(with("inputs.model = \"latest_model.baseline_model\"\n[nodes.latest_model]\ninputs.model = \"latest_model.baseline_model\"\n"), @"error: pipeline.toml:21:16: `nodes.latest_model.inputs.model`: a node cannot read its own output");
    assert_snapshot!(
        with(
            "inputs.baseline_model = \"a.baseline_model\"\n[nodes.a]\ncomponent = \"LatestModel\"\n\
             inputs.model = \"b.baseline_model\"\n[nodes.b]\ncomponent = \"LatestModel\"\ninputs.model = \"a.baseline_model\"\n"
        ),
        @"error: pipeline.toml:20:8: these nodes wait for one another: `a` -> `b` -> `a`"
    );
}

#[test]
fn what_is_missing_is_named_with_what_makes_it() {
    let scene = Scene::new();
    scene.write("pipeline.toml", "[pipeline]\nname = 'x'\n[nodes.comparer]\n[nodes.counter]\n");
    assert_snapshot!(scene.mistakes(&[]), @r#"
    error: pipeline.toml:3:8: node `comparer`: no other node has the Model that its input `model` needs
      hint: add `[nodes.learner]`
    error: pipeline.toml:4:8: node `counter`: no other node has the Examples that its input `examples` needs
      hint: add `[nodes.source]`
    "#);
}
