//! `docs/evaluation.md` names every metric; `UPDATE=1` writes it anew.

use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evaluation.md");

const INTRODUCTION: &str = r#"# Evaluation

What `cupola eval` and the pipeline's Evaluator measure. The first reads files that have labels and predictions as
columns, whoever made them:

    cupola eval --predictions 'scored-*.parquet' --label y --prediction p --baseline p_before \
        --slice country --slice country,hour --metric auc --metric 'recall@0.3' \
        --threshold 'auc>=0.7' --bootstrap --html report.html

It exits with 1 when a threshold does not hold. `--config FILE` takes the keys of the Evaluator (docs/pipeline.md) as
TOML. Vectors of predictions are columns of lists.

## Names of metrics

| written | is |
| --- | --- |
| `precision` | at `classification_threshold`, 0.5 unless told otherwise |
| `precision@0.3` | at that threshold; `ndcg@10` looks at ten ranks, `precision_at_recall@0.9` at that recall |
| `auc@200` | at 200 thresholds, Keras's default; without it at 10,000, as TensorFlow Model Analysis |
| `auc_minoring`, `auc_majoring` | Keras's `summation_method`; likewise behind `auc_precision_recall` |
| `recall[2]` | of class 2 against all others |
| `f1_score[macro]` | the mean over classes, by `class_weights` where they are given |
| `f1_score[weighted]` | the mean over classes, by how often they are labels |
| `precision[micro]` | of all pairs of example and class together |
| `precision[micro,top=3]` | where only the three likeliest classes of an example are predicted positive |
| `recall[k=2]` | of the second likeliest class of each example, whichever that is |
| `mean(fare)` | the mean of a feature of numbers |
| `fairness_indicators` | ten rates at the thresholds 0.1 to 0.9 |

A metric of a class counts a prediction as positive when it is greater than the threshold, as TensorFlow Model Analysis
does; `accuracy` and `log_loss` of several classes, without brackets, look at the likeliest class and at the label's own.
A denominator of zero gives NaN, and so does a mean over classes of which one is NaN.

## Slices, intervals, thresholds

- A slice is a combination of values of features; an example whose feature has several values is in several slices.
  `{ features = ["hour"], values = { company = "Flash Cab" } }` are the hours of one company.
- `confidence_intervals`: the jackknife leaves out one of 20 parts after the other, the Poisson bootstrap draws every
  example Poisson(1) times into each of 20 replicates (rankings: every query). Who is where is drawn by the place in the
  data and a seed, so that a run can be repeated to the last bit. The interval is Student's, with 19 degrees of freedom,
  around the mean of the replicates. Where the metric of one replicate is not defined there is no interval. In replicates
  of curves, a bucket of predictions keeps the mean that it has in all examples.
- `thresholds` bound the value, the change against the baseline, or the relative change. NaN holds no bound; a relative
  change against 0 does not hold; a metric or a slice that was not computed does not hold; without a baseline, changes do
  not bind. `against = { country = "US" }` bounds the difference of slices to that one.
- `confusion_thresholds = [0.3, 0.5]`: tables at these thresholds, for several classes of the label by the likeliest class,
  for several labels of what is right and wrong about each label among the examples that have another one; they are in
  `evaluation.json` and drawn in the page. Without it there is one of classes without a threshold, and one of up to 20
  labels at `classification_threshold`.
- `samples` shows examples to look at, of each slice, by the values of a feature such as an id. They are drawn by their
  weight, each at most once, and by their places in the data and a seed, so that a run draws the same again:

      [[nodes.evaluator.samples]]          # in the file of `cupola eval --config`: [[samples]]
      feature = "trip_id"
      of = "false_positives"               # "false_negatives", "true_positives", "true_negatives"; "all" without it
      size = 20                            # threshold = 0.3 and class = 2 as they are needed

- Memory is bounded: 10,000 slices for each cross of features, 4 million cells of predictions (1.3 million with 20
  replicates), 20 million documents to rank. A cross that has more is left out, and named.

## Explanations

Which features a model's predictions come from: of one row, of all, and by slice.

    cupola explain --model serving/taxi --input data/trips.csv --slice company          # Shapley values
    cupola explain --model serving/taxi --input data/trips.csv --method lime --row 17   # why this row

- `shapley` (Kernel SHAP, as the `shap` package): what each feature adds to the mean prediction of background rows; exact
  where few features differ from these, or where the model adds up functions of single features.
- `lime` (as `LimeTabularExplainer` of the `lime` package): a linear model of the predictions near a row. Numbers are
  cut at the quartiles of the background (`--no-discretize`: in standard deviations), all else is drawn as often as the
  background has it; a missing value is a category of its own. `--num-features`, `--kernel-width`, `--categorical`,
  `--select forward` (or `lasso-path`).
- Where the rows have what the label is made of, also by how much the loss rises when a feature is shuffled.

The Evaluator does so when it is asked, writes `explanations.json`, and shows them in its page:

    [nodes.evaluator.explanations]
    method = "shapley"       # or "lime"
    rows = 20                # that are explained, of at most max_examples = 5000 that are read

## Metrics

Those in bold are computed for the task unless `metrics` says otherwise; of several classes also `precision`, `recall`
and `f1_score`, as `[macro,top=1]`, and of several labels as `[macro]`, with `f1_score[micro]`.

"#;

#[test]
fn the_page_names_every_metric() {
    let page = format!("{INTRODUCTION}{}", evaluate::metric_table());
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    if std::env::var("UPDATE").is_ok() {
        fs::write(PAGE, &page).unwrap();
    }
    let stored = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(stored == page, "docs/evaluation.md is not up to date; run the tests with UPDATE=1");
}
