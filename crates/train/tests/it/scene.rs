//! Examples of every kind of feature and label, made of a formula that models can find.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Float32Type, Int64Type};
use dataflow::Batches;
use train::{Available, Config, Count, Options, Plan, Progress, TrainError, Trained, ValueKind};

/// Numbers that are the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) ^ (self.0 >> 51)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns a number between -1 and 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "24 bits fit")]
    pub(crate) fn unit(&mut self) -> f32 {
        (self.below(1 << 24) as f64 / f64::from(1 << 23) - 1.0) as f32
    }
}

/// Examples with the features `x`, `y` (numbers), `kind` (12 categories), `words` (lists of 20 categories), `vector`
/// (3 numbers) and labels for every task. Ten examples are of one `query`.
pub(crate) fn examples(num_rows: usize, seed: u64) -> RecordBatch {
    let mut numbers = Numbers(seed);
    let (mut x, mut y, mut kind) = (Vec::new(), Vec::new(), Vec::new());
    let (mut words, mut vector) = (Vec::new(), Vec::new());
    let (mut class, mut many, mut amount) = (Vec::new(), Vec::new(), Vec::new());
    let (mut binary, mut relevance, mut weight) = (Vec::new(), Vec::new(), Vec::new());
    let (mut query, mut session) = (Vec::new(), Vec::new());
    for row in 0..num_rows {
        let (a, b) = (numbers.unit(), numbers.unit());
        let k = numbers.below(12);
        let list: Vec<i64> =
            (0..numbers.below(4)).map(|_| numbers.below(20).cast_signed()).collect();
        let v = [numbers.unit(), numbers.unit(), numbers.unit()];
        let has = |word: i64| list.contains(&word);
        let sum = 2.0 * a * b
            + if k.is_multiple_of(3) { 0.8 } else { -0.4 }
            + if has(3) { 1.0 } else { 0.0 }
            + v[0];
        binary.push(i64::from(sum > 0.0));
        class.push(if sum < -0.5 {
            0
        } else if sum < 0.7 {
            1
        } else {
            2
        });
        many.push(Some(vec![
            Some(f32::from(a > 0.0)),
            Some(f32::from(k < 5)),
            Some(f32::from(v[1] > 0.2)),
        ]));
        amount.push(sum);
        relevance.push((sum + 1.0).clamp(0.0, 3.0).floor());
        weight.push(f32::from(row % 3 != 0));
        query.push(format!("q{}", row / 10));
        session.push(i64::try_from(row / 10).unwrap());
        x.push((row % 17 != 0).then_some(a));
        y.push(b);
        kind.push((row % 13 != 0).then_some(k.cast_signed()));
        words.push((row % 11 != 0).then(|| list.into_iter().map(Some).collect::<Vec<_>>()));
        vector.push(Some(v.map(Some).to_vec()));
    }
    let columns: [(&str, ArrayRef); 13] = [
        ("x", Arc::new(Float32Array::from(x))),
        ("y", Arc::new(Float32Array::from(y))),
        ("kind", Arc::new(Int64Array::from(kind))),
        ("words", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(words))),
        (
            "vector",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vector, 3)),
        ),
        ("binary", Arc::new(Int64Array::from(binary))),
        ("class", Arc::new(Int64Array::from(class))),
        ("many", Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(many, 3))),
        ("amount", Arc::new(Float32Array::from(amount))),
        ("relevance", Arc::new(Float32Array::from(relevance))),
        ("weight", Arc::new(Float32Array::from(weight))),
        ("query", Arc::new(StringArray::from(query))),
        ("session", Arc::new(Int64Array::from(session))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Returns the features as a transform graph would tell them.
pub(crate) fn available() -> Vec<Available> {
    [
        ("x", ValueKind::Float, Count::One, None),
        ("y", ValueKind::Float, Count::One, None),
        ("kind", ValueKind::Int, Count::One, Some(12)),
        ("words", ValueKind::Int, Count::List, Some(20)),
        ("vector", ValueKind::Float, Count::Vector(3), None),
        ("binary", ValueKind::Int, Count::One, None),
        ("class", ValueKind::Int, Count::One, Some(3)),
        ("many", ValueKind::Float, Count::Vector(3), None),
        ("amount", ValueKind::Float, Count::One, None),
        ("relevance", ValueKind::Float, Count::One, None),
        ("weight", ValueKind::Float, Count::One, None),
        ("query", ValueKind::Bytes, Count::One, None),
        ("session", ValueKind::Int, Count::One, None),
    ]
    .map(|(name, kind, count, num_buckets)| Available {
        name: name.to_owned(),
        kind,
        count,
        num_buckets,
    })
    .to_vec()
}

/// Every feature that tells something.
pub(crate) const FEATURES: &str = "features = [\"x\", \"y\", \"kind\", \"words\", \"vector\"]\n";

pub(crate) fn config(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

pub(crate) fn plan(config: &Config) -> Plan {
    train::plan(config, &available()).unwrap()
}

/// Returns a source of several partitions.
pub(crate) fn source(batch: &RecordBatch) -> Arc<Batches> {
    let starts = (0..batch.num_rows()).step_by(400);
    let parts = starts.map(|at| batch.slice(at, 400.min(batch.num_rows() - at)));
    Arc::new(Batches::new(batch.schema(), parts.collect()))
}

pub(crate) fn go(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Trains on 3,000 examples and measures on 1,000 others.
pub(crate) fn run(text: &str) -> Result<Trained, TrainError> {
    run_with(text, &examples(3000, 1), &examples(1000, 2), Options::default())
}

pub(crate) fn run_with(
    text: &str,
    train: &RecordBatch,
    eval: &RecordBatch,
    options: Options<'_>,
) -> Result<Trained, TrainError> {
    let config = config(text);
    train::train(&config, &plan(&config), source(train), source(eval), options, &mut go)
}

/// Returns the digest of a model on disk.
pub(crate) fn saved(trained: &Trained) -> String {
    let dir = tempfile::tempdir().unwrap();
    trained.model.save(dir.path()).unwrap();
    base::digest_tree(dir.path()).unwrap().to_string()
}

/// Returns a batch with another column in the place of one.
pub(crate) fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, kept)| {
        let column = if field.name() == name { &column } else { kept };
        (field.name().clone(), Arc::clone(column))
    });
    RecordBatch::try_from_iter(columns).unwrap()
}
