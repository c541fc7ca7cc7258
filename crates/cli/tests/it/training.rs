//! Programs of every task.

use std::fs;

use crate::programs::{node, snippet, with_trainer};
use crate::scene::Scene;

/// A program of several classes: it is told how many, and its model says the first one for sure.
const TRAIN: &str = r#"
field() { sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" "$CUPOLA_FN_ARGS" | head -1 | tr -d '"'; }
serving=$(field serving_model_dir)
echo "$(field task) $(field num_classes)" > said
echo "$(field num_classes)" > "$serving/classes"
cp predict.sh "$serving/"
echo '{"command": ["/bin/sh", "predict.sh"]}' > "$serving/predict.json"
"#;

const PREDICT: &str = r#"echo '{"ready": true}'
classes=$(cat classes)
one="[1$(awk "BEGIN { for (i = 1; i < $classes; i++) printf \",0\" }")]"
while read -r line; do
  id=${line#*:}; id=${id%%,*}
  rows=${line#*\"num_rows\":}; rows=${rows%%,*}
  p=$(awk "BEGIN { for (i = 0; i < $rows; i++) printf \"%s%s\", (i ? \",\" : \"\"), \"$one\" }")
  echo "{\"id\": $id, \"columns\": {\"prediction\": [$p]}}"
done
"#;

#[test]
fn a_program_predicts_one_of_several_classes() {
    let scene = Scene::taxi();
    let trainer = "[nodes.trainer]\ncommand = [\"/bin/sh\", \"train.sh\"]\nlabel = \"payment_type\"\n\
                   task = \"multi_class_classification\"\n";
    let pipeline = with_trainer(trainer)
        .replace("metric = \"auc\"\n", "metric = \"accuracy\"\n")
        .replace("lower_bound = 0.6", "lower_bound = 0.3");
    scene.write("pipeline.toml", &pipeline);
    scene.write("train.sh", TRAIN);
    scene.write("predict.sh", PREDICT);
    let report = scene.run_json(&[], 0);
    let said = fs::read_to_string(scene.path("said")).unwrap();
    let classes: usize =
        said.trim().strip_prefix("multi_class_classification ").unwrap().parse().unwrap();
    assert!(classes > 2, "{said}");
    // The most frequent of the vocabulary comes first.
    assert_eq!(node(&report, "pusher")["state"], "done", "{report}");
    let rows: Vec<String> = fs::read_to_string(scene.path("data/trips.csv"))
        .unwrap()
        .lines()
        .take(3)
        .map(str::to_owned)
        .collect();
    scene.write("rows.csv", &(rows.join("\n") + "\n"));
    let predict = ["predict", "--model", "serving", "--input", "rows.csv"];
    let predicted = scene.cupola(&predict).expect_code(0).stdout;
    assert_eq!(predicted.lines().count(), 3);
    assert!(predicted.lines().nth(1).unwrap().contains('1'), "{predicted}");

    let said = |from: &str, to: &str| {
        scene.replace("pipeline.toml", from, to);
        let said = scene.cupola(&["check"]).expect_code(2).stderr;
        scene.replace("pipeline.toml", to, from);
        said
    };
    let ranking = said("\"multi_class_classification\"", "\"ranking\"");
    assert!(ranking.contains("`query`: missing, expected the transformed feature"), "{ranking}");
    let classes = said("\"multi_class_classification\"", "\"regression\"\nnum_classes = 3");
    assert!(classes.contains("`num_classes`: it is for"), "{classes}");
}

#[test]
fn a_trainer_begins_with_the_newest_blessed_model() {
    let scene = Scene::taxi();
    let pipeline =
        with_trainer(&snippet("warm_start.toml")).replace("lower_bound = 0.6", "lower_bound = 0.3");
    scene.write("pipeline.toml", &pipeline);
    let first = scene.run_json(&[], 0);
    assert_eq!(node(&first, "latest_model")["summary"], "found nothing", "{first}");
    assert_eq!(node(&first, "evaluator")["state"], "done", "{first}");
    let weights = || fs::read(scene.artifact("Model").join("model/weights.safetensors")).unwrap();
    let begun = weights();

    // Nothing changed but what the training begins with.
    let second = scene.run_json(&[], 0);
    assert_eq!(node(&second, "transform")["state"], "cached", "{second}");
    assert_eq!(node(&second, "trainer")["state"], "done", "{second}");
    assert!(weights() != begun);
}
