use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::datatypes::{Float32Type, Int64Type};
use dataflow::Batches;
use model::network::{Encoder, logits};
use model::{Architecture, Combiner, FeatureKind, FeatureSpec, Task};

use super::*;
use crate::Config;
use crate::examples::{About, Split};
use crate::init::initial_weights;
use crate::random::{Random, Stream};

fn features() -> Vec<FeatureSpec> {
    [
        ("x", FeatureKind::Numeric),
        ("kind", FeatureKind::Categorical { num_buckets: 5 }),
        ("vector", FeatureKind::Vector { width: 3 }),
        ("mean", FeatureKind::Categories { num_buckets: 4, combiner: Combiner::Mean }),
        ("sum", FeatureKind::Categories { num_buckets: 6, combiner: Combiner::Sum }),
    ]
    .map(|(name, kind)| FeatureSpec { name: name.to_owned(), kind })
    .to_vec()
}

/// Examples with what every task needs; lists of none, one and several categories, some not there.
fn batch(num_rows: usize) -> RecordBatch {
    let mut random = Random::new(3, Stream::Weights);
    let mut below = |end| random.below(end) as i64;
    let lists = |end: usize, below: &mut dyn FnMut(usize) -> i64| {
        let lists = (0..num_rows).map(|_| {
            let len = below(4);
            (len < 3).then(|| (0..len).map(|_| Some(below(end + 1))).collect::<Vec<_>>())
        });
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists.collect::<Vec<_>>()))
            as ArrayRef
    };
    let vector = |width: usize, value: &mut dyn FnMut() -> f32| {
        let vectors: Vec<_> = (0..num_rows)
            .map(|_| Some((0..width).map(|_| Some(value())).collect::<Vec<_>>()))
            .collect();
        let width = i32::try_from(width).unwrap();
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, width))
            as ArrayRef
    };
    let ints = |end: usize, below: &mut dyn FnMut(usize) -> i64| {
        Arc::new(Int64Array::from_iter_values((0..num_rows).map(|_| below(end)))) as ArrayRef
    };
    let (mean, sum) = (lists(4, &mut below), lists(6, &mut below));
    let (kind, binary) = (ints(6, &mut below), ints(2, &mut below));
    let (class, query) = (ints(3, &mut below), ints(6, &mut below));
    let labels = vector(2, &mut || below(2) as f32);
    let mut value = || below(2001) as f32 / 1000.0 - 1.0;
    let values = |value: &mut dyn FnMut() -> f32| {
        Arc::new(Float32Array::from_iter_values((0..num_rows).map(|_| value()))) as ArrayRef
    };
    let (x, amount, vector) = (values(&mut value), values(&mut value), vector(3, &mut value));
    let weight = values(&mut || value().abs());
    RecordBatch::try_from_iter([
        ("x", x),
        ("kind", kind),
        ("vector", vector),
        ("mean", mean),
        ("sum", sum),
        ("binary", binary),
        ("class", class),
        ("labels", labels),
        ("amount", amount),
        ("query", query),
        ("weight", weight),
    ])
    .unwrap()
}

/// A task, with the label and the options that it is trained with.
const TASKS: [(Task, &str, &str); 6] = [
    (Task::BinaryClassification, "binary", "class_weights = [0.5, 2.0]"),
    (Task::MultiClassClassification { num_classes: 3 }, "class", "class_weights = \"balanced\""),
    (Task::MultiLabelClassification { num_labels: 2 }, "labels", ""),
    (Task::Regression, "amount", "example_weight = \"weight\""),
    (Task::Ranking, "class", "ranking = { query = \"query\" }\nexample_weight = \"weight\""),
    (Task::Ranking, "class", "ranking = { query = \"query\", loss = \"listwise\" }"),
];

fn config(task: Task, label: &str, options: &str) -> Config {
    let text = format!("{options}\n[model.linear]\nlabel = \"{label}\"\ntask = \"{task}\"");
    toml::from_str(&text).unwrap()
}

fn architectures(task: Task) -> Vec<Architecture> {
    let (hidden, embedding_dimensions) = (vec![4, 3], vec![2, 3, 2]);
    let (h, e) = (hidden.clone(), embedding_dimensions.clone());
    let mut all = vec![
        Architecture::Linear,
        Architecture::Deep { hidden: h, embedding_dimensions: e },
        Architecture::WideAndDeep {
            hidden: hidden.clone(),
            embedding_dimensions: embedding_dimensions.clone(),
        },
    ];
    if task.width() == 1 {
        let query = vec!["kind".to_owned(), "vector".to_owned()];
        all.push(Architecture::TwoTower {
            query,
            hidden: vec![3],
            dimension: 2,
            embedding_dimensions,
        });
    }
    all
}

/// Returns the examples of a batch.
fn table(config: &Config, network: &Network, task: Task, batch: &RecordBatch) -> (Table, Vec<f64>) {
    let source = Arc::new(Batches::new(batch.schema(), vec![batch.clone()]));
    let (encoder, network) = (Arc::new(Encoder::new(network)), Arc::new(network.clone()));
    let about = About::of(config);
    let split = Split { name: "train", source, network, encoder, about, task };
    let scan = split.scan(usize::MAX).unwrap();
    (scan.table.unwrap(), scan.classes)
}

/// Returns weights of which all matter: larger tables than training begins with, and biases, because a unit that gets
/// nothing but zeros would sit right on its kink.
fn weights(network: &Network) -> Weights {
    let mut weights = initial_weights(network, 1);
    let mut random = Random::keyed(5, Stream::Weights, 1, 0);
    weights.slices_mut().flatten().for_each(|w| *w += random.within(0.7));
    weights
}

#[test]
fn gradients_are_finite_differences() {
    for (task, label, options) in TASKS {
        for architecture in architectures(task) {
            let network = Network::new(&features(), &architecture, task.width()).unwrap();
            let config = config(task, label, options);
            let (table, classes) = table(&config, &network, task, &batch(40));
            let loss = Loss::new(&config, task, &classes);
            let weights = weights(&network);
            let mut trainable =
                Trainable::new(&network, weights.clone(), &config.optimizer, None, 1);
            let sum = trainable.accumulate(&loss, &table);
            let mean = |weights: &Weights| {
                loss.sum(&logits(&network, weights, &table.rows), &table).mean()
            };
            assert!((mean(&weights) - sum.mean()).abs() < 1e-12);
            let (mut num_checked, mut num_kinks) = (0, 0);
            let exact: Vec<f32> = trainable.gradient().slices().flatten().copied().collect();
            for (place, exact) in exact.into_iter().enumerate() {
                let quotient = |step: f32| {
                    let moved = |by: f32| {
                        let mut weights = weights.clone();
                        *weights.slices_mut().flatten().nth(place).unwrap() += by;
                        mean(&weights)
                    };
                    (moved(step) - moved(-step)) / (2.0 * f64::from(step))
                };
                let (numeric, near) = (quotient(2e-3), quotient(1e-3));
                // Single-precision logits are off by 1e-7, which the quotient makes 1e-4.
                let tolerance = 6e-4 + 0.01 * numeric.abs();
                num_checked += 1;
                if (numeric - near).abs() > tolerance / 4.0 {
                    // Within the step some rectified unit of some example switches.
                    num_kinks += 1;
                    continue;
                }
                let exact = f64::from(exact) / sum.weight;
                assert!(
                    (near - exact).abs() < tolerance,
                    "{task} {architecture:?} {place}: {near} and {exact}"
                );
            }
            assert!(num_kinks * 5 <= num_checked, "{num_kinks} kinks of {num_checked}");
        }
    }
}

/// Several thousand examples: more than one chunk, so that threads share them out.
#[test]
fn the_number_of_threads_does_not_show() {
    let task = Task::BinaryClassification;
    let config = config(task, "binary", "");
    for architecture in architectures(task) {
        let network = Network::new(&features(), &architecture, 1).unwrap();
        let (table, _) = table(&config, &network, task, &batch(3000));
        let loss = Loss::new(&config, task, &[]);
        let after = [1, 2, 7].map(|num_threads| {
            let weights = weights(&network);
            let mut trainable =
                Trainable::new(&network, weights, &config.optimizer, Some(0.1), num_threads);
            for _ in 0..3 {
                trainable.accumulate(&loss, &table);
                trainable.step(0.01);
            }
            trainable.weights
        });
        assert!(after[0] == after[1] && after[0] == after[2], "{architecture:?}");
    }
}

#[test]
fn two_halves_accumulated_are_one_whole() {
    let task = Task::Regression;
    let config = config(task, "amount", "example_weight = \"weight\"");
    let network = Network::new(&features(), &architectures(task)[2], 1).unwrap();
    let all = batch(60);
    let loss = Loss::new(&config, task, &[]);
    let run = |parts: &[RecordBatch]| {
        let weights = weights(&network);
        let mut trainable = Trainable::new(&network, weights, &config.optimizer, None, 1);
        for part in parts {
            trainable.accumulate(&loss, &table(&config, &network, task, part).0);
        }
        trainable.step(0.01);
        trainable.weights
    };
    let (whole, halves) =
        (run(std::slice::from_ref(&all)), run(&[all.slice(0, 23), all.slice(23, 37)]));
    for (one, other) in whole.slices().flatten().zip(halves.slices().flatten()) {
        // The same terms in another order.
        assert!((one - other).abs() < 1e-4, "{one} and {other}");
    }
}

#[test]
fn a_gradient_longer_than_the_norm_is_cut_to_it() {
    let task = Task::Regression;
    let sgd = "[optimizer.sgd]\nmomentum = 0.0\n";
    let config = config(task, "amount", sgd);
    let network = Network::new(&features(), &Architecture::Linear, 1).unwrap();
    let (table, _) = table(&config, &network, task, &batch(60));
    let loss = Loss::new(&config, task, &[]);
    let moved = |clip_norm: Option<f64>| {
        let before = weights(&network);
        let mut trainable =
            Trainable::new(&network, before.clone(), &config.optimizer, clip_norm, 1);
        trainable.accumulate(&loss, &table);
        trainable.step(1.0);
        let after = trainable.weights;
        let moves = after.slices().flatten().zip(before.slices().flatten());
        moves.map(|(after, before)| f64::from(after - before).powi(2)).sum::<f64>().sqrt()
    };
    let free = moved(None);
    assert!(free > 0.5, "{free}");
    assert!((moved(Some(0.25)) - 0.25).abs() < 1e-4);
    assert!((moved(Some(free * 2.0)) - free).abs() < 1e-6);
}

/// One weight by hand: two steps of each optimizer, of the loss `(w - 3)^2` from `w = 1`.
#[test]
fn optimizers_move_as_their_papers_say() {
    let features = vec![FeatureSpec { name: "one".to_owned(), kind: FeatureKind::Numeric }];
    let network = Network::new(&features, &Architecture::Linear, 1).unwrap();
    let ones: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let threes: ArrayRef = Arc::new(Float32Array::from(vec![3.0]));
    let batch = RecordBatch::try_from_iter([("one", ones), ("y", threes)]).unwrap();
    let run = |options: &str| {
        let config = config(Task::Regression, "y", options);
        let (table, _) = table(&config, &network, Task::Regression, &batch);
        let loss = Loss::new(&config, Task::Regression, &[]);
        let mut start = Weights::zeros(&network);
        start.layers[0].weight[0] = 1.0;
        let mut trainable = Trainable::new(&network, start, &config.optimizer, None, 1);
        for _ in 0..2 {
            trainable.accumulate(&loss, &table);
            trainable.step(0.1);
        }
        let layer = &trainable.weights.layers[0];
        [layer.weight[0], layer.bias[0]]
    };
    let check = |found: [f32; 2], expected: [f32; 2]| {
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
    };
    // Gradients -4, then 2 (1.4 + 0.4 - 3) = -2.4, of the weight and of the bias alike.
    check(run("[optimizer.sgd]"), [1.64, 0.64]);
    check(run("[optimizer.sgd]\nmomentum = 0.5"), [1.84, 0.84]);
    // Adam, with gradients -4 and -3.6.
    let mean = (0.9 * 0.4 + 0.1 * 3.6) / (1.0 - 0.81);
    let square: f32 = (0.999 * 0.016 + 0.001 * 3.6 * 3.6) / (1.0 - 0.998_001);
    let step = 0.1 + 0.1 * mean / square.sqrt();
    check(run("[optimizer.adam]"), [1.0 + step, step]);
    // AdamW draws the weight to 0 before each step, not the bias; with gradients -4 and -3.62.
    let mean = (0.9 * 0.4 + 0.1 * 3.62) / (1.0 - 0.81);
    let square: f32 = (0.999 * 0.016 + 0.001 * 3.62 * 3.62) / (1.0 - 0.998_001);
    let step = 0.1 * mean / square.sqrt();
    let weight = (1.0 * 0.99 + 0.1) * 0.99 + step;
    check(run("[optimizer.adam_w]\nweight_decay = 0.1"), [weight, 0.1 + step]);
}

/// The gradients of the dense layers, against those of burn's automatic differentiation of the same layers.
#[test]
fn gradients_are_those_of_another_library() {
    use burn::tensor::activation::relu;
    use burn::tensor::{Device, Tensor, TensorData};

    let task = Task::Regression;
    let config = config(task, "amount", "");
    let network = Network::new(&features(), &architectures(task)[1], 1).unwrap();
    let (table, _) = table(&config, &network, task, &batch(64));
    let loss = Loss::new(&config, task, &[]);
    let weights = weights(&network);
    let mut trainable = Trainable::new(&network, weights.clone(), &config.optimizer, None, 1);
    let sum = trainable.accumulate(&loss, &table);

    let device = Device::flex().autodiff();
    let tensor = |values: &[f32], shape: [usize; 2]| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &device)
    };
    let mut inputs = Inputs::default();
    table.rows.look_up(&network, &weights, 0..64, &mut inputs);
    let layers: Vec<_> = weights
        .layers
        .iter()
        .zip(network.layer_sizes())
        .map(|(layer, (inputs, outputs))| {
            let weight = tensor(&layer.weight, [inputs, outputs]).require_grad();
            (weight, tensor(&layer.bias, [1, outputs]).require_grad())
        })
        .collect();
    let mut output = tensor(&inputs.towers[0], [64, network.towers()[0].input_width()]);
    for (place, (weight, bias)) in layers.iter().enumerate() {
        if place > 0 {
            output = relu(output);
        }
        output = output.matmul(weight.clone()) + bias.clone();
    }
    let error = output - tensor(&table.labels, [64, 1]);
    let total = (error.clone() * error).sum();
    let value = total.clone().inner().into_data().try_into_vec::<f32>().unwrap()[0];
    assert!((f64::from(value) - sum.loss).abs() < 1e-3, "{value} and {}", sum.loss);
    let mut tape = total.backward();
    for ((weight, bias), ours) in layers.iter().zip(&trainable.gradient().layers) {
        for (tensor, ours) in [(weight, &ours.weight), (bias, &ours.bias)] {
            let theirs = tensor.grad_remove(&mut tape).unwrap().into_data();
            for (theirs, ours) in theirs.try_into_vec::<f32>().unwrap().into_iter().zip(ours) {
                assert!((theirs - ours).abs() < 1e-4 * (1.0 + ours.abs()), "{theirs} and {ours}");
            }
        }
    }
}
