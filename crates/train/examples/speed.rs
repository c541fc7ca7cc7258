//! Times a training of the taxi pipeline's shape over made-up examples: 10,000 rows, 3 numbers, 12 categorical
//! features of 7 to 1,010 categories, 3,000 steps at batch 64, hidden layers of 100, 70, 50 and 25.
//!
//! `cargo run --release -p train --example speed`

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
use dataflow::Batches;
use model::{FeatureKind, FeatureSpec, Task};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use train::{Options, Plan};

const CATEGORIES: [i64; 12] = [12, 24, 7, 10, 10, 10, 10, 78, 78, 10, 1010, 600];
const NUM_NUMERIC: usize = 3;

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() {
    let (train, eval) = (examples(10_000, 1), examples(5_000, 2));
    let numeric = (0..NUM_NUMERIC).map(|i| (format!("n{i}"), FeatureKind::Numeric));
    let categorical = CATEGORIES.iter().enumerate().map(|(i, &n)| {
        let num_buckets = usize::try_from(n).expect("it is positive");
        (format!("c{i}"), FeatureKind::Categorical { num_buckets })
    });
    let features =
        numeric.chain(categorical).map(|(name, kind)| FeatureSpec { name, kind }).collect();
    let plan = Plan { features, task: Task::BinaryClassification };
    let model = serde_json::json!({ "model": { "wide_and_deep": { "label": "label" } } });
    let config = serde_json::from_value(model).expect("the configuration is whole");
    let start = Instant::now();
    let trained = train::train(&config, &plan, &train, &eval, Options::default(), &mut |_| {
        ControlFlow::Continue(())
    })
    .expect("the examples have all columns");
    let seconds = start.elapsed().as_secs_f64();
    for point in &trained.history {
        println!("{point:?}");
    }
    println!("{} steps in {seconds:.2} s", trained.steps);
}

fn examples(num_rows: usize, seed: u64) -> Batches {
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
    let batch = RecordBatch::try_from_iter(numeric.chain(ids).chain([label]))
        .expect("all columns have one length");
    Batches::new(batch.schema(), vec![batch])
}
