//! Times a training of the taxi pipeline's shape over made-up examples: 10,000 rows, 3 numbers, 12 categorical features of
//! 7 to 1,010 categories, at batch 64, hidden layers of 100, 70, 50 and 25, Adam.
//!
//! `cargo run --release -p train --example train_speed [STEPS [FILE]]` prints the steps a second, all of them but the first
//! ones and the evaluation at the end, and the losses. The examples go to the file, if one is named, for others that train
//! on the same: numbers as 32-bit floats, then ids, then labels as 32-bit integers, column by column.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float32Type, Int64Type};
use dataflow::Batches;
use model::{FeatureKind, FeatureSpec, Task};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use train::{Config, Options, Plan};

const CATEGORIES: [i64; 12] = [12, 24, 7, 10, 10, 10, 10, 78, 78, 10, 1010, 600];
const NUM_NUMERIC: usize = 3;
const WARM_UP: u64 = 200;

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn main() {
    let mut args = std::env::args().skip(1);
    let num_steps: u64 = args.next().and_then(|steps| steps.parse().ok()).unwrap_or(3000);
    let (train, eval) = (examples(10_000, 1), examples(5_000, 2));
    if let Some(path) = args.next() {
        std::fs::File::create(&path)
            .and_then(|mut file| file.write_all(&as_bytes(&train)))
            .expect("the file can be written");
    }
    let numeric = (0..NUM_NUMERIC).map(|i| (format!("n{i}"), FeatureKind::Numeric));
    let categorical = CATEGORIES.iter().enumerate().map(|(i, &n)| {
        let num_buckets = usize::try_from(n).expect("it is positive");
        (format!("c{i}"), FeatureKind::Categorical { num_buckets })
    });
    let features =
        numeric.chain(categorical).map(|(name, kind)| FeatureSpec { name, kind }).collect();
    let plan = Plan { features, task: Task::BinaryClassification };
    let model = serde_json::json!({ "model": { "wide_and_deep": { "label": "label" } } });
    let mut config: Config = serde_json::from_value(model).expect("the configuration is whole");
    config.num_steps = Some(WARM_UP + num_steps);
    // All of it at the end, behind the last step.
    config.eval_every_steps = WARM_UP + num_steps;
    let (mut begin, mut end) = (Instant::now(), Instant::now());
    let [train, eval] =
        [train, eval].map(|batch| Arc::new(Batches::new(batch.schema(), vec![batch])));
    let observer = &mut |progress: train::Progress| {
        if progress.step == WARM_UP {
            begin = Instant::now();
        }
        if progress.step + 1 == progress.num_steps {
            end = Instant::now();
        }
        ControlFlow::Continue(())
    };
    let trained = train::train(&config, &plan, train, eval, Options::default(), observer)
        .expect("the examples have all columns");
    let rate = (num_steps - 1) as f64 / (end - begin).as_secs_f64();
    let last = trained.history.last().expect("there is the last point");
    println!("{rate} {} {}", last.train_loss, last.eval_loss.unwrap_or(f64::NAN));
}

/// Returns the columns one behind the other.
#[expect(clippy::cast_possible_truncation, reason = "ids and labels are small")]
fn as_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    for column in batch.columns() {
        if let Some(values) = column.as_primitive_opt::<Float32Type>() {
            bytes.extend(values.values().iter().flat_map(|value| value.to_le_bytes()));
        } else {
            let ids = column.as_primitive::<Int64Type>().values().iter();
            bytes.extend(ids.flat_map(|id| (*id as i32).to_le_bytes()));
        }
    }
    bytes
}

fn examples(num_rows: usize, seed: u64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let mut numeric = vec![Vec::new(); NUM_NUMERIC];
    let mut ids = vec![Vec::new(); CATEGORIES.len()];
    let mut labels = Vec::new();
    for _ in 0..num_rows {
        let mut logit = -1.0;
        for (i, column) in numeric.iter_mut().enumerate() {
            let value = 4.0 * unit() - 2.0;
            logit += if i == 0 { value } else { (2.0 * value).sin() };
            #[expect(clippy::cast_possible_truncation, reason = "features are single precision")]
            column.push(value as f32);
        }
        for (column, &n) in ids.iter_mut().zip(&CATEGORIES) {
            // Few categories are frequent and many rare.
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "few")]
            let id = (n as f64 * unit().powi(3)) as i64;
            logit += f64::from(u8::from(id % 3 == 0)) * 0.5;
            column.push(id.min(n - 1));
        }
        labels.push(i64::from(unit() < 1.0 / (1.0 + (-logit).exp())));
    }
    let numeric = numeric
        .into_iter()
        .enumerate()
        .map(|(i, values)| (format!("n{i}"), Arc::new(Float32Array::from(values)) as ArrayRef));
    let ids = ids
        .into_iter()
        .enumerate()
        .map(|(i, values)| (format!("c{i}"), Arc::new(Int64Array::from(values)) as ArrayRef));
    let label = ("label".to_owned(), Arc::new(Int64Array::from(labels)) as ArrayRef);
    RecordBatch::try_from_iter(numeric.chain(ids).chain([label]))
        .expect("all columns have one length")
}
