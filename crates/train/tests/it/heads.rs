//! Every task with every model: it learns, is the same again, and predicts alone what it predicts among many.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::datatypes::Float32Type;
use base::Classify;
use model::{Model, Predictor};
use train::Options;

use crate::scene::{FEATURES, available, config, examples, run, run_with, saved, with_column};

/// A task: its label, its options, and the metric with the value that a good model reaches.
const TASKS: [(&str, &str, &str, &str, f64); 6] = [
    ("binary_classification", "binary", "", "auc", 0.9),
    ("multi_class_classification", "class", "", "accuracy", 0.7),
    ("multi_label_classification", "many", "", "accuracy", 0.85),
    ("regression", "amount", "", "root_mean_squared_error", 0.6),
    ("ranking", "relevance", "ranking = { query = \"query\" }\n", "ndcg", 0.85),
    (
        "ranking",
        "relevance",
        "ranking = { query = \"session\", loss = \"listwise\" }\n",
        "ndcg",
        0.85,
    ),
];

const MODELS: [(&str, &str); 3] = [
    ("deep", "hidden = [24, 12]"),
    ("wide_and_deep", "hidden = [24, 12]"),
    ("two_tower", "query_features = [\"x\", \"kind\"]\nhidden = [24]\ndimension = 8"),
];

fn text(model: &str, options: &str, task: usize, more: &str) -> String {
    let (task, label, of_task, metric, _) = TASKS[task];
    format!(
        "{FEATURES}{of_task}{more}learning_rate = 0.01\nearly_stopping = {{ metric = \"{metric}\", patience = 50 }}\n\
         [model.{model}]\nlabel = \"{label}\"\ntask = \"{task}\"\n{options}"
    )
}

#[test]
fn every_model_learns_every_task() {
    for (model, options) in MODELS {
        for (task, (name, _, _, metric, good)) in TASKS.iter().enumerate() {
            if model == "two_tower" && (task == 1 || task == 2) {
                continue;
            }
            let text = text(model, options, task, "num_steps = 900\neval_every_steps = 150\n");
            let trained = run(&text).unwrap();
            let mut best = trained.history.iter().filter(|point| point.step == trained.best_step);
            let value = best.next_back().unwrap().eval_metric.unwrap();
            let is_good = match *metric {
                "root_mean_squared_error" => value < *good,
                _ => value > *good,
            };
            assert!(is_good, "{model} {name}: {metric} {value}, expected {good}");
        }
    }
}

/// Predictions of a model: one row alone, after the disk, and what the training's own forward pass gave.
pub(crate) fn check_predictions(model: &Model, batch: &RecordBatch) {
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path()).unwrap();
    let loaded = Model::load(dir.path()).unwrap();
    let many = model.predict(batch).unwrap();
    assert_eq!(loaded.predict(batch).unwrap(), many);
    let numbers = |column: &ArrayRef| match column.as_fixed_size_list_opt() {
        Some(lists) => lists.values().as_primitive::<Float32Type>().values().to_vec(),
        None => column.as_primitive::<Float32Type>().values().to_vec(),
    };
    for row in (0..batch.num_rows()).step_by(7) {
        let one = loaded.predict(&batch.slice(row, 1)).unwrap();
        for (one, many) in one.columns().iter().zip(many.columns()) {
            for (one, many) in numbers(one).iter().zip(numbers(&many.slice(row, 1))) {
                // The matrix product adds its terms in another order for one row than for many.
                assert!((one - many).abs() <= 1e-5 * (1.0 + many.abs()), "{one} and {many}");
            }
        }
    }
}

#[test]
fn models_predict_one_row_as_many_and_after_the_disk() {
    for (model, options) in MODELS.into_iter().chain([("linear", "")]) {
        for task in 0..TASKS.len() {
            if model == "two_tower" && (task == 1 || task == 2) {
                continue;
            }
            let text = text(model, options, task, "num_steps = 30\n");
            let trained = run(&text).unwrap();
            check_predictions(&trained.model, &examples(200, 5));
            assert_eq!(saved(&trained), saved(&run(&text).unwrap()), "{model} {task}");
        }
    }
}

#[test]
fn an_example_of_weight_0_does_not_count() {
    let train = examples(900, 1);
    let noise = Int64Array::from_iter_values((0..900).map(|row| i64::from(row % 2 == 0)));
    // Every third example has weight 0; whatever their labels are, the model is the same.
    let labels = train
        .column_by_name("binary")
        .unwrap()
        .as_primitive::<arrow::datatypes::Int64Type>()
        .clone();
    let spoiled = Int64Array::from_iter_values(
        (0..900).map(|row| if row % 3 == 0 { noise.value(row) } else { labels.value(row) }),
    );
    let spoiled = with_column(&train, "binary", Arc::new(spoiled));
    let text = "features = [\"x\", \"y\"]\nexample_weight = \"weight\"\nnum_steps = 50\n[model.linear]\nlabel = \"binary\"";
    let eval = examples(300, 2);
    let [one, other] =
        [&train, &spoiled].map(|train| run_with(text, train, &eval, Options::default()).unwrap());
    assert_eq!(saved(&one), saved(&other));
    let without = text.replace("example_weight = \"weight\"\n", "");
    let [one, other] = [&train, &spoiled]
        .map(|train| run_with(&without, train, &eval, Options::default()).unwrap());
    assert_ne!(saved(&one), saved(&other));
}

/// Rare positives: with weights of classes the mean prediction is near a half, without near their share.
#[test]
fn class_weights_balance_rare_classes() {
    let train = examples(2000, 1);
    let rare = Int64Array::from_iter_values((0..2000).map(|row| i64::from(row % 20 == 0)));
    let train = with_column(&train, "binary", Arc::new(rare));
    let mean = |weights: &str| {
        let text = format!(
            "features = [\"y\"]\n{weights}num_steps = 800\nlearning_rate = 0.02\n[model.linear]\nlabel = \"binary\""
        );
        let trained = run_with(&text, &train, &train, Options::default()).unwrap();
        let predictions = trained.model.predict(&train).unwrap();
        let predictions = predictions.column(0).as_primitive::<Float32Type>().values();
        predictions.iter().map(|value| f64::from(*value)).sum::<f64>() / 2000.0
    };
    assert!((mean("") - 0.05).abs() < 0.02);
    assert!((mean("class_weights = \"balanced\"\n") - 0.5).abs() < 0.05);
    assert!((mean("class_weights = [1.0, 19.0]\n") - 0.5).abs() < 0.05);
}

#[test]
fn a_base_model_is_gone_on_from() {
    let text =
        |steps: u64| text("wide_and_deep", "hidden = [8]", 0, &format!("num_steps = {steps}\n"));
    let first = run(&text(300)).unwrap();
    let (train, eval) = (examples(3000, 1), examples(1000, 2));
    let options = Options { base_model: Some(&first.model), ..Options::default() };
    let warm = run_with(&text(1), &train, &eval, options).unwrap();
    let cold = run(&text(1)).unwrap();
    let loss = |trained: &train::Trained| trained.history.last().unwrap().eval_loss.unwrap();
    assert!(loss(&warm) < loss(&first) + 0.01 && loss(&cold) > loss(&first) + 0.1);

    let check = |text: &str, expected: &str| {
        let error = run_with(text, &train, &eval, options).unwrap_err();
        assert_eq!(error.to_string(), format!("the base model does not fit: {expected}"));
        assert_eq!(error.kind(), base::ErrorKind::Data);
    };
    check(&text(1).replace("[8]", "[9]"), "it has other layers");
    check(&text(1).replace("\"y\", ", ""), "it reads other features, or in another order");
    check(&text(1).replace("\"x\"", "\"x\", \"amount\""), "it does not read feature `amount`");
    let regression = self::text("wide_and_deep", "hidden = [8]", 3, "num_steps = 1\n");
    check(
        &regression,
        "it predicts binary_classification of width 1, expected regression of width 1",
    );

    // A vocabulary that has grown has no rows in the tables.
    let config = config(&text(1));
    let mut available = available();
    available[2].num_buckets = Some(15);
    let plan = train::plan(&config, &available).unwrap();
    let (train, eval) = (crate::scene::source(&train), crate::scene::source(&eval));
    let error =
        train::train(&config, &plan, train, eval, options, &mut crate::scene::go).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the base model does not fit: it has 12 categories of `kind`, expected 15"
    );
}

#[test]
fn data_that_cannot_be_trained_with_is_named() {
    let good = examples(200, 1);
    let with = |name: &str, column: ArrayRef| with_column(&good, name, column);
    let check = |text: &str, train: &RecordBatch, expected: &str| {
        let error = run_with(text, train, &good, Options::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), base::ErrorKind::Data);
    };
    let linear = |options: &str, task: usize| {
        let (task, label, of_task, _, _) = TASKS[task];
        format!(
            "features = [\"x\"]\n{of_task}{options}num_steps = 2\n[model.linear]\nlabel = \"{label}\"\ntask = \"{task}\""
        )
    };
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; 200]));
    check(
        &linear("", 0),
        &with("binary", Arc::clone(&ones)),
        "split `train`: label `binary` is 1 for all 200 examples, expected several classes",
    );
    check(
        &linear("", 1),
        &with("class", Arc::new(Int64Array::from_iter_values(0..200))),
        "split `train`: label `class` is 3, expected a whole number from 0 to below the number of classes, 3",
    );
    let short: Vec<_> = (0..200).map(|_| Some(vec![Some(1.0), Some(0.0)])).collect();
    check(
        &linear("", 2),
        &with(
            "many",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(short, 2)),
        ),
        "split `train`",
    );
    check(
        &linear("", 4),
        &with("relevance", Arc::new(Float32Array::from(vec![1.0; 200]))),
        "split `train`: no query has examples with different labels `relevance`, expected some to put in order",
    );
    check(
        &linear("", 4),
        &with("query", Arc::new(StringArray::from(vec![None::<&str>; 200]))),
        "split `train`: query `query` is missing from an example, expected an integer or a text",
    );
    check(
        &linear("example_weight = \"weight\"\n", 0),
        &with("weight", Arc::new(Float32Array::from(vec![-1.0; 200]))),
        "split `train`: example weight `weight` is -1, expected a finite number of at least 0",
    );
    let holes = Int64Array::from_iter((0..200).map(|row| (row != 41).then_some(row % 2)));
    check(
        &linear("missing_labels = \"error\"\n", 0),
        &with("binary", Arc::new(holes.clone())),
        "split `train`: example 42 has no label `binary` (counted from 1)",
    );
    let trained =
        run_with(&linear("", 0), &with("binary", Arc::new(holes)), &good, Options::default());
    assert_eq!(trained.unwrap().num_missing_labels, 1);
    // A label of which one item is missing is missing.
    let vectors: Vec<_> = (0..200)
        .map(|row| Some(vec![(row != 3).then_some(1.0), Some(f32::from(row % 2 == 0)), Some(0.0)]))
        .collect();
    let many: ArrayRef =
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, 3));
    assert_eq!(many.null_count(), 0);
    let trained = run_with(&linear("", 2), &with("many", many), &good, Options::default()).unwrap();
    assert_eq!((trained.num_examples, trained.num_missing_labels), (199, 1));
}

#[test]
fn problems_of_tasks_and_features_are_found_before_anything_runs() {
    let problems = |text: &str| {
        let problems = train::check(&config(text), &available());
        problems.into_iter().map(|p| format!("{}: {}", p.key, p.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        problems("features = [\"x\"]\n[model.linear]\nlabel = \"relevance\"\ntask = \"ranking\""),
        [
            "ranking: a ranking needs the feature that its queries have in common, expected `ranking = { query = … }`"
        ]
    );
    assert_eq!(
        problems("features = [\"words\"]\n[model.boosted_trees]\nlabel = \"binary\""),
        [
            "features: `words` has lists of integers, expected at most one category per example for trees"
        ]
    );
    assert_eq!(
        problems("features = [\"x\"]\nbatch_size = 3\n[model.boosted_trees]\nlabel = \"binary\""),
        ["batch_size: trees are not grown in steps over batches, so it says nothing to them"]
    );
    assert_eq!(
        problems(
            "features = [\"x\", \"y\"]\n[model.two_tower]\nlabel = \"binary\"\ntask = \"binary_classification\"\nquery_features = [\"x\", \"y\"]"
        ),
        [
            "model.two_tower.query_features: expected some features of the query, each once, and others of the item"
        ]
    );
    assert_eq!(
        problems(
            "features = [\"x\"]\nclass_weights = [1.0]\nearly_stopping = { metric = \"ndcg\" }\n[model.linear]\nlabel = \"binary\""
        ),
        [
            "early_stopping.metric: `ndcg` is not measured for this task, expected another metric",
            "class_weights: 1 numbers, expected one per class, 2",
        ]
    );
    assert_eq!(
        problems(
            "features = [\"x\"]\n[model.linear]\nlabel = \"vector\"\ntask = \"multi_class_classification\""
        ),
        ["model.linear.label: `vector` has lists of floating-point numbers, expected ids from 0"]
    );
}
