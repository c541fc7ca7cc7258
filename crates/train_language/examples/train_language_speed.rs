//! Times the CPU training of a small transformer on made-up tokens: 4 blocks of width 256 with 8 heads of attention and
//! feed-forward parts of 704, sequences of 256 tokens, 8 in a step, a vocabulary of 8,192, tied; AdamW, clipped.
//!
//! `cargo run --release -p train_language --example train_language_speed [STEPS]` prints the tokens a second of all steps but the first
//! ones, and the last loss. `RAYON_NUM_THREADS` says how many threads.

use std::time::Instant;

use language::Network;
use train_language::{Config, Trainable};

const VOCAB_SIZE: usize = 8192;
const LENGTH: usize = 256;
const BATCH_SIZE: usize = 8;
const WARM_UP: u64 = 3;

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() {
    let num_steps: u64 = std::env::args().nth(1).map_or(20, |steps| steps.parse().unwrap_or(20));
    let model = serde_json::json!({ "transformer": {
        "tokens": "tokens", "vocab_size": VOCAB_SIZE, "sequence_length": LENGTH, "layers": 4, "width": 256,
        "heads": 8, "intermediate": 704,
    } });
    let config = serde_json::json!({
        "model": model, "num_steps": num_steps, "batch_size": BATCH_SIZE, "learning_rate": 1e-3,
    });
    let config: Config = serde_json::from_value(config).expect("the configuration is whole");
    let network = Network::new(config.transformer().shape(VOCAB_SIZE), LENGTH)
        .expect("the sizes make a network");
    let weights = first_weights(&network);
    let mut trainable = Trainable::new(network, weights);
    let factor = 1.0 / (BATCH_SIZE * LENGTH) as f32;
    let mut begin = Instant::now();
    let mut loss = 0.0;
    for step in 1..=WARM_UP + num_steps {
        let tokens = tokens(step);
        loss = trainable.accumulate(&tokens, LENGTH, factor) * f64::from(factor);
        trainable.step(&config, step, config.learning_rate);
        if step == WARM_UP {
            begin = Instant::now();
        }
    }
    let tokens = (BATCH_SIZE * LENGTH) as f64 * num_steps as f64;
    println!("{} {loss}", tokens / begin.elapsed().as_secs_f64());
}

/// Sequences in which the next token follows from the one before, with a little noise.
fn tokens(step: u64) -> Vec<u32> {
    let mut state = step;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let vocab = VOCAB_SIZE as u64;
    let mut tokens = Vec::new();
    for _ in 0..BATCH_SIZE {
        let mut token = next() % vocab;
        for _ in 0..=LENGTH {
            tokens.push(u32::try_from(token).expect("it is below the vocabulary's size"));
            token = if next() % 10 == 0 { next() % vocab } else { (token * 31 + 7) % vocab };
        }
    }
    tokens
}

/// Small weights, those of norms 1.
fn first_weights(network: &Network) -> Vec<f32> {
    let mut state = 1_u64;
    let mut weights = vec![0.0; network.layout.len()];
    for weight in &mut weights {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (state >> 40) as f32 / 16_777_216.0;
        *weight = 0.07 * (unit - 0.5);
    }
    weights[network.layout.norm()].fill(1.0);
    for block in 0..network.shape.num_layers {
        let ranges = network.layout.block(block);
        weights[ranges[0].clone()].fill(1.0);
        weights[ranges[3].clone()].fill(1.0);
    }
    weights
}
