use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float32Type, Int64Type, SchemaRef};
use base::{BoxError, Classify, ErrorKind};
use dataflow::{BatchIter, Batches};
use model::{FeatureKind, Predictor};

use super::*;
use crate::check::{Available, Count, ValueKind, check};
use crate::random::{Random, Stream};

fn features() -> Vec<FeatureSpec> {
    [
        ("x", FeatureKind::Numeric),
        ("y", FeatureKind::Numeric),
        ("kind", FeatureKind::Categorical { num_buckets: 5 }),
    ]
    .map(|(name, kind)| FeatureSpec { name: name.to_owned(), kind })
    .to_vec()
}

fn config(options: &str) -> Config {
    let model = "[model.wide_and_deep]\nlabel = \"label\"\nhidden = [16, 8]\n";
    toml::from_str(&format!("{options}\n{model}")).unwrap()
}

/// Examples that no linear model separates: the label is whether x and y have one sign, except that kind 4
/// turns it round.
fn batch(num_rows: usize, seed: u64) -> RecordBatch {
    let mut random = Random::new(seed, Stream::Weights);
    let (mut x, mut y, mut kind, mut label) = (vec![], vec![], vec![], vec![]);
    for row in 0..num_rows {
        x.push(random.within(1.5));
        y.push(random.within(1.5));
        kind.push(row as i64 % 5);
        label.push(i64::from((x[row] * y[row] > 0.0) != (kind[row] == 4)));
    }
    let columns: [(&str, ArrayRef); 4] = [
        ("x", Arc::new(Float32Array::from(x))),
        ("y", Arc::new(Float32Array::from(y))),
        ("kind", Arc::new(Int64Array::from(kind))),
        ("label", Arc::new(Int64Array::from(label))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn source(batch: &RecordBatch, partition_rows: usize) -> Batches {
    let starts = (0..batch.num_rows()).step_by(partition_rows);
    let parts = starts.map(|at| batch.slice(at, partition_rows.min(batch.num_rows() - at)));
    Batches::new(batch.schema(), parts.collect())
}

fn go(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn plan_of(features: &[FeatureSpec], task: Task) -> Plan {
    Plan { features: features.to_vec(), task }
}

/// Trains a model of one number.
fn train(
    config: &Config,
    features: &[FeatureSpec],
    train: &Batches,
    eval: &Batches,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    let task = match config.model.task() {
        crate::TaskConfig::Regression => Task::Regression,
        _ => Task::BinaryClassification,
    };
    let (train, eval) = (Arc::new(train.clone()), Arc::new(eval.clone()));
    super::train(config, &plan_of(features, task), train, eval, Options::default(), observer)
}

/// Trains on 2,000 examples and evaluates on 500 others.
fn run(config: &Config) -> Result<Trained, TrainError> {
    let (train_batch, eval_batch) = (batch(2000, 1), batch(500, 2));
    train(config, &features(), &source(&train_batch, 300), &source(&eval_batch, 300), &mut go)
}

/// The share of pairs of a positive and a negative example that are in the right order.
fn auc(model: &Model, examples: &RecordBatch) -> f64 {
    let predictions = model.predict(examples).unwrap();
    let scores = predictions.column(0).as_primitive::<Float32Type>().values();
    let labels = examples.column_by_name("label").unwrap().as_primitive::<Int64Type>().values();
    let of = |wanted: i64| {
        scores
            .iter()
            .zip(labels)
            .filter(move |(_, label)| **label == wanted)
            .map(|(score, _)| *score)
    };
    let right = of(1).map(|p| of(0).filter(|n| p > *n).count()).sum::<usize>();
    right as f64 / (of(1).count() * of(0).count()) as f64
}

fn saved(model: &Model) -> String {
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path()).unwrap();
    base::digest_tree(dir.path()).unwrap().to_string()
}

#[test]
fn the_loss_falls_and_the_model_separates() {
    let trained =
        run(&config("num_steps = 800\nlearning_rate = 0.01\neval_every_steps = 200")).unwrap();
    let steps: Vec<u64> = trained.history.iter().map(|point| point.step).collect();
    assert_eq!(steps, [200, 400, 600, 800]);
    let (first, last) = (trained.history[0], trained.history[3]);
    assert!(last.train_loss < 0.5 * first.train_loss, "{:?}", trained.history);
    assert!(last.eval_loss < first.eval_loss, "{:?}", trained.history);
    assert!(auc(&trained.model, &batch(500, 3)) > 0.95);
    assert_eq!((trained.steps, trained.best_step, trained.stopped_early), (800, 800, false));
    assert_eq!((trained.num_examples, trained.num_eval_examples), (2000, 500));
}

#[test]
fn a_linear_regression_finds_the_line() {
    let config: Config = toml::from_str(
        "num_steps = 3000\nlearning_rate = 0.01\n[model.linear]\nlabel = \"label\"\ntask = \"regression\"",
    )
    .unwrap();
    let mut examples = batch(1000, 1);
    let x = examples.column(0).as_primitive::<Float32Type>();
    let y = examples.column(1).as_primitive::<Float32Type>();
    let label = x.values().iter().zip(y.values()).map(|(x, y)| 3.0 * x - 2.0 * y + 0.5);
    let label: ArrayRef = Arc::new(Float32Array::from_iter_values(label));
    let columns = ["x", "y"].map(|name| (name, Arc::clone(examples.column_by_name(name).unwrap())));
    examples = RecordBatch::try_from_iter(columns.into_iter().chain([("label", label)])).unwrap();
    let examples = source(&examples, 1000);
    let trained = train(&config, &features()[..2], &examples, &examples, &mut go).unwrap();
    let layer = &trained.model.weights().layers[0];
    // Noiseless, so that what is left is how far Adam's last steps still swing.
    for (found, wanted) in layer.weight.iter().chain(&layer.bias).zip([3.0, -2.0, 0.5]) {
        assert!((found - wanted).abs() < 0.02, "{layer:?}");
    }
}

#[test]
fn a_step_moves_what_the_batch_uses_and_nothing_else() {
    let architecture =
        Architecture::WideAndDeep { hidden: vec![16], embedding_dimensions: vec![2] };
    let network = Network::new(&features(), &architecture, 1).unwrap();
    let before = initial_weights(&network, 0);
    let config = config("");
    let mut trainable = Trainable::new(&network, before.clone(), &config.optimizer, None, 1);
    let batch = batch(2, 1); // kinds 0 and 1
    let rows = Encoder::new(&network).encode(&batch).unwrap();
    let table = Table::of(rows, vec![0.0, 1.0]);
    let loss = Loss::new(&config, Task::BinaryClassification, &[]);
    for _ in 0..3 {
        trainable.accumulate(&loss, &table);
        trainable.step(0.01);
    }
    let after = &trainable.weights;
    for id in 0..5 {
        assert_eq!(after.wide[id] != before.wide[id], id < 2, "{id}");
        let range = id * 2..id * 2 + 2;
        assert_eq!(after.embeddings[range.clone()] != before.embeddings[range], id < 2, "{id}");
    }
    // Adam's first steps are about as long as the learning rate, up or down the slope.
    assert!((after.wide[0] + 0.03).abs() < 1e-3 && (after.wide[1] - 0.03).abs() < 1e-3);
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_thread() {
    let options = "num_steps = 60\nseed = 7";
    let alone = saved(&run(&config(options)).unwrap().model);
    let beside: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| saved(&run(&config(options)).unwrap().model))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(beside, [alone.as_str(); 4]);
    assert_ne!(saved(&run(&config("num_steps = 60\nseed = 8")).unwrap().model), alone);
}

#[test]
fn early_stopping_keeps_the_lowest_point() {
    // A learning rate that overfits 60 examples of pure noise at once.
    let mut noise = batch(60, 1);
    let flipped: ArrayRef = Arc::new(Int64Array::from_iter_values((0..60).map(|i| i * 7 % 11 % 2)));
    noise = with_column(&noise, 3, flipped);
    let config = config(
        "num_steps = 5000\nbatch_size = 20\nlearning_rate = 0.01\neval_every_steps = 10\nearly_stopping = { patience = 4 }",
    );
    let eval = batch(200, 2);
    let trained =
        train(&config, &features(), &source(&noise, 60), &source(&eval, 200), &mut go).unwrap();
    assert!(trained.stopped_early && trained.steps < 5000);
    let lowest = trained
        .history
        .iter()
        .min_by(|a, b| a.eval_loss.unwrap().total_cmp(&b.eval_loss.unwrap()))
        .unwrap();
    assert_eq!(trained.best_step, lowest.step);
    assert_eq!(trained.steps, lowest.step + 40);

    // The model is the one that a training up to that point ends with.
    let mut shorter = config.clone();
    shorter.early_stopping = None;
    shorter.num_steps = Some(lowest.step);
    let shorter =
        train(&shorter, &features(), &source(&noise, 60), &source(&eval, 200), &mut go).unwrap();
    assert_eq!(shorter.model.weights(), trained.model.weights());
    assert_eq!(shorter.history.last().unwrap().eval_loss, lowest.eval_loss);
}

#[test]
fn examples_without_a_label_are_skipped_and_counted() {
    let full = batch(300, 1);
    let labels = full.column(3).as_primitive::<Int64Type>();
    let with_holes: Int64Array =
        (0..300).map(|row| (row % 3 > 0).then(|| labels.value(row))).collect();
    let holes = with_column(&full, 3, Arc::new(with_holes));
    let kept: arrow::array::BooleanArray = (0..300).map(|row| Some(row % 3 > 0)).collect();
    let dense = arrow::compute::filter_record_batch(&full, &kept).unwrap();
    let config = config("epochs = 2\nbatch_size = 16");
    let [holes, dense] = [holes, dense].map(|batch| {
        let source = source(&batch, 1000);
        train(&config, &features(), &source, &source, &mut go).unwrap()
    });
    assert_eq!((holes.num_examples, holes.num_missing_labels), (200, 100));
    assert_eq!((holes.num_eval_examples, holes.num_eval_missing_labels), (200, 100));
    assert_eq!(holes.steps, 26);
    assert_eq!(saved(&holes.model), saved(&dense.model));
}

/// Counts the partitions that are opened, and holds an id per row in `x`.
struct Counted(Batches, AtomicUsize);

impl Source for Counted {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
    fn num_partitions(&self) -> usize {
        self.0.num_partitions()
    }
    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(partition, columns)
    }
}

#[test]
fn every_epoch_sees_every_example_once_in_a_new_order() {
    let network = Arc::new(Network::new(&features(), &Architecture::Linear, 1).unwrap());
    let encoder = Arc::new(Encoder::new(&network));
    let config = config("");
    for (num_rows, partition_rows, buffer_rows, batch_size) in [
        (1, 1, 10, 3),
        (10, 3, 100, 4),
        (97, 10, 1000, 97),
        (97, 10, 25, 8),
        (97, 97, 25, 8),
        (97, 1, 30, 200),
        (64, 16, 1, 5),
        (100, 7, 99, 10),
    ] {
        let mut examples = batch(num_rows, 1);
        let numbers = Float32Array::from_iter_values((0..num_rows).map(|row| row as f32));
        examples = with_column(&examples, 0, Arc::new(numbers));
        let source = Arc::new(Counted(source(&examples, partition_rows), AtomicUsize::new(0)));
        let split = Split {
            name: "train",
            source: Arc::clone(&source) as Arc<dyn Source + Send>,
            network: Arc::clone(&network),
            encoder: Arc::clone(&encoder),
            about: About::of(&config),
            task: Task::BinaryClassification,
        };
        let row_bytes = Table::of(encoder.encode(&examples.slice(0, 1)).unwrap(), vec![0.0]);
        let bytes = buffer_rows * row_bytes.num_bytes();
        let scan = split.scan(bytes).unwrap();
        assert_eq!(scan.num_examples, num_rows as u64);
        let fits = scan.table.is_some();
        assert_eq!(fits, num_rows <= buffer_rows);
        let partitions = source.num_partitions();
        assert_eq!(source.1.load(Ordering::Relaxed), partitions);

        let mut stream = ExampleStream::new(&split, scan, 3, batch_size, bytes).unwrap();
        let mut seen: Vec<usize> = Vec::new();
        while seen.len() < 4 * num_rows {
            let table = stream.next_batch().unwrap();
            let left = num_rows - seen.len() % num_rows;
            assert_eq!(table.len(), batch_size.min(left));
            seen.extend(table.rows.numeric().chunks(2).map(|row| row[0] as usize));
        }
        let mut epochs = seen.chunks(num_rows).take(4);
        let everything: Vec<usize> = (0..num_rows).collect();
        let mut orders = Vec::new();
        for epoch in &mut epochs {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, everything);
            orders.push(epoch.to_vec());
        }
        orders.sort();
        orders.dedup();
        assert!(num_rows == 1 || orders.len() == 4, "an order came twice");
        if fits {
            assert_eq!(source.1.load(Ordering::Relaxed), partitions, "decoded more than once");
        }
    }
}

#[test]
fn a_split_beyond_the_buffer_trains_as_well() {
    let (examples, eval) = (batch(2000, 1), batch(500, 2));
    let config = config("num_steps = 800\nlearning_rate = 0.01");
    let trained = train_with_buffer(
        &config,
        &plan_of(&features(), Task::BinaryClassification),
        Arc::new(source(&examples, 130)),
        Arc::new(source(&eval, 130)),
        Options::default(),
        &mut go,
        300 * 16,
    )
    .unwrap();
    assert!(auc(&trained.model, &batch(500, 3)) > 0.95);

    // Streamed or decoded once, the evaluation is the same: partitions add up to the whole.
    let model = &trained.model;
    let split = Split {
        name: "eval",
        source: Arc::new(source(&eval, 130)),
        network: Arc::new(model.network().clone()),
        encoder: Arc::new(Encoder::new(model.network())),
        about: About::of(&config),
        task: Task::BinaryClassification,
    };
    let loss = Loss::new(&config, Task::BinaryClassification, &[]);
    let mean = |buffer_bytes| {
        let scan = split.scan(buffer_bytes).unwrap();
        let mut sum = LossSum::default();
        let network = model.network();
        split
            .for_each(&scan, buffer_bytes, &mut |table| {
                sum.add(loss.sum(&logits(network, model.weights(), &table.rows), table));
            })
            .unwrap();
        (sum.mean(), scan.table.is_some())
    };
    let (streamed, whole) = (mean(300 * 16), mean(usize::MAX));
    assert_eq!((streamed.1, whole.1), (false, true));
    assert_eq!(Some(streamed.0), trained.history.last().unwrap().eval_loss);
    // Double-precision sums of single-precision logits, cut at other places.
    assert!((streamed.0 - whole.0).abs() < 1e-6, "{} and {}", streamed.0, whole.0);
}

/// Returns the message and kind of a training that fails.
fn failure(
    config: &Config,
    train_batch: &RecordBatch,
    eval_batch: &RecordBatch,
) -> (String, ErrorKind) {
    let (one, other) = (source(train_batch, 100), source(eval_batch, 100));
    let error = train(config, &features(), &one, &other, &mut go).unwrap_err();
    let kind = error.kind();
    (BoxError::from(error).to_string(), kind)
}

fn with_column(batch: &RecordBatch, index: usize, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().enumerate().map(|(i, field)| {
        let kept = Arc::clone(batch.column(i));
        (field.name().clone(), if i == index { Arc::clone(&column) } else { kept })
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn data_that_cannot_be_trained_with_is_named() {
    let good = batch(50, 1);
    let empty = good.slice(0, 0);
    let check = |config: &str, train: &RecordBatch, eval: &RecordBatch, expected: &str| {
        let (message, kind) = failure(&self::config(config), train, eval);
        assert_eq!(message, expected);
        assert!(matches!(kind, ErrorKind::Data | ErrorKind::NotFound));
    };
    check("", &empty, &good, "split `train` has no examples with a label (0 without)");
    let unlabelled = with_column(&good, 3, Arc::new(Int64Array::from(vec![None; 50])));
    check("", &unlabelled, &good, "split `train` has no examples with a label (50 without)");
    check(
        "early_stopping = {}",
        &good,
        &empty,
        "split `eval` has no examples with a label, and early stopping needs its loss",
    );
    let twos = with_column(&good, 3, Arc::new(Int64Array::from(vec![2; 50])));
    check("", &good, &twos, "split `eval`: label `label` is 2, expected 0 or 1");
    let infinite = with_column(&good, 1, Arc::new(Float32Array::from(vec![f32::NEG_INFINITY; 50])));
    check("", &infinite, &good, "split `train`: feature `y` has an infinite value");
    let text: Vec<_> = (0..50).map(|i| i.to_string()).collect();
    let text = with_column(&good, 0, Arc::new(arrow::array::StringArray::from(text)));
    check("", &good, &text, "split `eval`: column `x` is Utf8, expected a number");
    let narrow = good.project(&[0, 1, 3]).unwrap();
    check("", &narrow, &good, "split `train`: no column `kind` among the transformed features");
}

#[test]
fn a_training_that_diverges_names_step_and_suspect() {
    let good = batch(50, 1);
    let (message, kind) = failure(&config("learning_rate = 1e30\nnum_steps = 50"), &good, &good);
    assert!(
        message.starts_with("the loss or its gradient is not a finite number by step "),
        "{message}"
    );
    assert!(message.contains("; the learning rate is 1"), "{message}");
    assert_eq!(kind, ErrorKind::Data);

    let huge = with_column(&good, 1, Arc::new(Float32Array::from(vec![3e38; 50])));
    let (message, _) = failure(&config(""), &huge, &good);
    assert!(message.ends_with("; feature `y` has values as large as 3e38"), "{message}");
}

#[test]
fn without_evaluation_examples_the_last_weights_are_kept() {
    let good = batch(50, 1);
    let (train_source, eval_source) = (source(&good, 50), source(&good.slice(0, 0), 50));
    let config = config("num_steps = 10");
    let trained = train(&config, &features(), &train_source, &eval_source, &mut go).unwrap();
    assert_eq!(trained.history.len(), 1);
    assert_eq!(trained.history[0].eval_loss, None);
}

#[test]
fn the_observer_sees_every_step_and_can_end_the_training() {
    let good = batch(50, 1);
    let source = source(&good, 50);
    let mut seen = Vec::new();
    let error = train(
        &config("num_steps = 100\neval_every_steps = 4"),
        &features(),
        &source,
        &source,
        &mut |progress| {
            assert_eq!((progress.num_steps, progress.loss.is_finite()), (100, true));
            seen.push((progress.step, progress.eval_loss.is_some()));
            if progress.step == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    )
    .unwrap_err();
    assert!(matches!(error, TrainError::Cancelled));
    assert_eq!(seen, [(1, false), (2, false), (3, false), (4, true), (5, false)]);
}

#[test]
fn whichever_of_steps_and_epochs_comes_first_ends_the_training() {
    let cases =
        [("", 3000), ("epochs = 3", 48), ("epochs = 3\nnum_steps = 40", 40), ("num_steps = 9", 9)];
    for (options, expected) in cases {
        assert_eq!(num_steps(&config(options), 1000), expected, "{options}");
    }
}

fn available() -> Vec<Available> {
    let feature = |name: &str, kind, num_buckets| Available {
        name: name.to_owned(),
        kind,
        count: Count::One,
        num_buckets,
    };
    vec![
        feature("x", ValueKind::Float, None),
        feature("kind", ValueKind::Int, Some(5)),
        feature("company", ValueKind::Bytes, None),
        feature("big_tipper", ValueKind::Int, None),
    ]
}

/// Returns the problems of a configuration as lines, for the label `label`.
fn problems(label: &str, options: &str) -> Vec<String> {
    let model = format!("[model.linear]\nlabel = \"{label}\"");
    let config = toml::from_str(&format!("{options}\n{model}")).unwrap();
    let line = |problem: crate::Problem| {
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}: {}{hint}", problem.key, problem.message)
    };
    check(&config, &available()).into_iter().map(line).collect()
}

#[test]
fn problems_are_found_before_anything_runs() {
    assert_eq!(problems("big_tipper", "features = [\"x\", \"kind\"]"), [""; 0]);
    assert_eq!(
        problems("big_tiper", "features = [\"x\"]"),
        [
            "model.linear.label: no transformed feature `big_tiper`, expected one of `x`, `kind`, `company`, `big_tipper` (did you mean `big_tipper`?)"
        ]
    );
    assert_eq!(
        problems("big_tipper", ""),
        [
            "features: `company` has text, expected numbers (make ids of it with `vocabulary` or `hash_strings`, or list the `features` to read without it)"
        ]
    );
    assert_eq!(
        problems(
            "company",
            "features = [\"x\", \"x\", \"company\", \"kinds\"]\nbatch_size = 0\nlearning_rate = nan"
        ),
        [
            "batch_size: 0, expected between 1 and 1048576",
            "learning_rate: NaN, expected a finite number above 0",
            "model.linear.label: `company` has text, expected numbers 0 and 1 (make it a comparison, such as `tips > fare * 0.2`)",
            "features: `x` comes twice",
            "features: `company` is the label, expected features to predict it from",
            "features: no transformed feature `kinds`, expected one of `x`, `kind`, `company`, `big_tipper` (did you mean `kind`?)",
        ]
    );
}

#[test]
fn integers_with_buckets_are_categories_and_other_numbers_quantities() {
    let config: Config =
        toml::from_str("features = [\"kind\", \"x\"]\n[model.linear]\nlabel = \"big_tipper\"")
            .unwrap();
    let specs = crate::plan(&config, &available()).unwrap().features;
    let kinds: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.kind)).collect();
    let kind = FeatureKind::Categorical { num_buckets: 5 };
    assert_eq!(kinds, [("x", FeatureKind::Numeric), ("kind", kind)]);
}

#[test]
fn an_option_that_does_not_exist_is_refused() {
    for text in [
        "batchsize = 3\n[model.linear]\nlabel = \"l\"",
        "[model.linear]\nlabel = \"l\"\nhidden = [3]",
    ] {
        assert!(toml::from_str::<Config>(text).unwrap_err().to_string().contains("unknown field"));
    }
}

#[test]
fn a_trained_model_survives_the_disk_bit_for_bit() {
    let trained = run(&config("num_steps = 30")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    trained.model.save(dir.path()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    let loaded = Model::load(dir.path()).unwrap();
    let examples = batch(100, 4);
    assert_eq!(loaded.predict(&examples).unwrap(), trained.model.predict(&examples).unwrap());
}
