//! The weights that training begins with.

use model::network::{Network, Weights};

use crate::random::{Random, Stream};

/// The range of a new embedding's values: small, so that a rare category starts out as if missing.
const EMBEDDING_LIMIT: f32 = 0.05;

/// Returns the first weights of a network: uniform, of variance 2 / inputs for layers that end in rectified
/// linear units and 1 / inputs for the last; biases and wide weights are zero.
///
/// # Source
///
/// He, Zhang, Ren and Sun, *Delving Deep into Rectifiers* (2015), section 2.2, with a uniform distribution.
pub(crate) fn initial_weights(network: &Network, seed: u64) -> Weights {
    let mut random = Random::new(seed, Stream::Weights);
    let mut weights = Weights::zeros(network);
    for value in &mut weights.embeddings {
        *value = random.within(EMBEDDING_LIMIT);
    }
    let sizes: Vec<_> = network.layer_sizes().collect();
    for tower in network.towers() {
        if network.towers().len() == 1 && tower.layers().len() == 1 {
            // A linear model: the loss is convex, and zero favours nothing.
            continue;
        }
        for place in tower.layers() {
            let gain = if place + 1 == tower.layers().end { 3.0 } else { 6.0 };
            #[expect(clippy::cast_precision_loss, reason = "widths are at most 65536")]
            let limit = (gain / sizes[place].0.max(1) as f32).sqrt();
            for value in &mut weights.layers[place].weight {
                *value = random.within(limit);
            }
        }
    }
    weights
}
