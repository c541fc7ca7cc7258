//! The first weights.

use language::Layout;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Returns the first weights: normal with deviation 0.02, those into the residual stream smaller by its depth, and
/// norms of 1. Each tensor has a stream of its own.
///
/// # Source
///
/// Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), §2.3.
pub(crate) fn initial_weights(layout: &Layout, num_layers: usize, seed: u64) -> Vec<f32> {
    let mut weights = Vec::with_capacity(layout.len());
    #[expect(clippy::cast_precision_loss, reason = "few layers")]
    let deep = 0.02 / (2.0 * num_layers as f64).sqrt();
    for (place, tensor) in layout.tensors().iter().enumerate() {
        if !tensor.is_matrix() {
            weights.resize(tensor.range.end, 1.0);
            continue;
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(place as u64);
        let deviation = if tensor.into_residual { deep } else { 0.02 };
        let mut pair = None;
        weights.extend(tensor.range.clone().map(|_| {
            let normal = match pair.take() {
                Some(second) => second,
                None => {
                    let (first, second) = normals(&mut random);
                    pair = Some(second);
                    first
                }
            };
            #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
            let weight = (normal * deviation) as f32;
            weight
        }));
    }
    weights
}

/// Returns two normal numbers (Box and Muller).
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn normals(random: &mut ChaCha8Rng) -> (f64, f64) {
    let mut unit = || ((random.next_u64() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
    let (radius, angle) = ((-2.0 * unit().ln()).sqrt(), std::f64::consts::TAU * unit());
    (radius * angle.cos(), radius * angle.sin())
}
