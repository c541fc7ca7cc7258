//! A language model in memory: logits, losses of a text's tokens, and the cache that generation goes on from.

use std::path::Path;

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::attention::{Heads, attend};
use crate::matrix::linear;
use crate::vector::{exp, max, sum_of, vectorized};
use crate::{
    Activations, LanguageError, Likelihood, Network, Shape, WeightType, rms_norm, serialize,
};

/// Rows of logits that are there at a time when texts are scored.
const ROWS: usize = 128;

/// A language model: sizes and weights.
#[derive(Clone, Debug)]
pub struct LanguageModel {
    network: Network,
    weights: Vec<f32>,
}

/// The keys and values of the tokens so far, so that the next one costs one row.
#[derive(Clone, Debug)]
pub struct KvCache {
    /// Of each block, `[tokens, kv_width]`.
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    len: usize,
}

impl KvCache {
    /// Returns how many tokens are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether no token is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// How well a token was foreseen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenLoss {
    /// The negative logarithm of its probability, in nats.
    pub loss: f32,
    /// Whether it was the likeliest.
    pub is_likeliest: bool,
}

impl LanguageModel {
    /// Returns a model of some weights.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Shape`] when the sizes do not make a network, or the weights are not as many.
    pub fn new(shape: Shape, weights: Vec<f32>) -> Result<Self, LanguageError> {
        let positions = shape.max_positions;
        let network = Network::new(shape, positions)?;
        if weights.len() != network.layout.len() {
            return Err(LanguageError::Shape {
                what: format!("{} weights", weights.len()),
                expected: network.layout.len().to_string(),
            });
        }
        Ok(Self { network, weights })
    }

    /// Reads `config.json` and `model.safetensors` (or the files that `model.safetensors.index.json` names): weights
    /// in single precision, bfloat16 or half precision.
    ///
    /// # Errors
    ///
    /// [`LanguageError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, LanguageError> {
        serialize::load(dir)
    }

    /// Writes `config.json` and `model.safetensors` below a folder, which is made if need be.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Io`] when the disk refuses.
    pub fn save(&self, dir: &Path, weights: WeightType) -> Result<(), LanguageError> {
        serialize::save(self, dir, weights)
    }

    /// Tells whether a folder holds a language model, by its files' names.
    pub fn is_in(dir: &Path) -> bool {
        let weights = [serialize::WEIGHTS_FILE, serialize::INDEX_FILE];
        dir.join(crate::config::CONFIG_FILE).is_file()
            && weights.iter().any(|file| dir.join(file).is_file())
    }

    /// Returns the sizes.
    pub fn shape(&self) -> &Shape {
        &self.network.shape
    }

    /// Returns the network without its weights.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the weights, in the order of the layout.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Returns an empty cache.
    pub fn cache(&self) -> KvCache {
        let layers = self.shape().num_layers;
        KvCache { keys: vec![Vec::new(); layers], values: vec![Vec::new(); layers], len: 0 }
    }

    /// Returns the logits of what follows each token, `[tokens, vocab_size]`.
    ///
    /// # Errors
    ///
    /// [`LanguageError`] for a token that the model does not know, or more than it has positions for.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, LanguageError> {
        let hidden = self.hidden(&mut self.cache(), tokens)?;
        let (d, vocab) = (self.shape().hidden_size, self.shape().vocab_size);
        let mut logits = vec![0.0; tokens.len() * vocab];
        if !tokens.is_empty() {
            linear(&hidden, self.head(), d, vocab, &mut logits);
        }
        Ok(logits)
    }

    /// Takes tokens in, and returns the logits of what follows the last one, `[vocab_size]`.
    ///
    /// # Errors
    ///
    /// [`LanguageError`] for no tokens, one that the model does not know, or more than it has positions for; the
    /// cache is then as it was.
    pub fn extend(&self, cache: &mut KvCache, tokens: &[u32]) -> Result<Vec<f32>, LanguageError> {
        if tokens.is_empty() {
            return Err(LanguageError::EmptyPrompt);
        }
        let hidden = self.hidden(cache, tokens)?;
        let (d, vocab) = (self.shape().hidden_size, self.shape().vocab_size);
        let mut logits = vec![0.0; vocab];
        linear(&hidden[hidden.len() - d..], self.head(), d, vocab, &mut logits);
        Ok(logits)
    }

    /// Returns how well each token but the first was foreseen from those before it.
    ///
    /// Memory for logits is that of a few rows, whatever the length.
    ///
    /// # Errors
    ///
    /// [`LanguageError`] for a token that the model does not know, or more than it has positions for.
    pub fn losses(&self, tokens: &[u32]) -> Result<Vec<TokenLoss>, LanguageError> {
        let Some(inputs) = tokens.len().checked_sub(1).map(|end| &tokens[..end]) else {
            return Ok(Vec::new());
        };
        let hidden = self.hidden(&mut self.cache(), inputs)?;
        self.check(0, &tokens[inputs.len()..])?;
        let (d, vocab) = (self.shape().hidden_size, self.shape().vocab_size);
        let mut losses = vec![TokenLoss { loss: 0.0, is_likeliest: false }; inputs.len()];
        let mut logits = Vec::new();
        let pieces =
            losses.chunks_mut(ROWS).zip(hidden.chunks(ROWS * d)).zip(tokens[1..].chunks(ROWS));
        for ((losses, hidden), targets) in pieces {
            logits.resize(losses.len() * vocab, 0.0);
            linear(hidden, self.head(), d, vocab, &mut logits);
            let rows = losses.par_chunks_mut(1).zip(logits.par_chunks_mut(vocab)).enumerate();
            rows.for_each(|(n, (loss, row))| loss[0] = token_loss(row, targets[n] as usize));
        }
        Ok(losses)
    }

    /// Returns how likely each token but the first was after those before it, and the `num_top` likeliest ones there.
    ///
    /// Memory for logits is that of a few rows, whatever the length.
    ///
    /// # Errors
    ///
    /// As [`losses`](Self::losses).
    pub fn likelihoods(
        &self,
        tokens: &[u32],
        num_top: usize,
    ) -> Result<Vec<Likelihood>, LanguageError> {
        let Some(inputs) = tokens.len().checked_sub(1).map(|end| &tokens[..end]) else {
            return Ok(Vec::new());
        };
        let hidden = self.hidden(&mut self.cache(), inputs)?;
        self.check(0, &tokens[inputs.len()..])?;
        let (d, vocab) = (self.shape().hidden_size, self.shape().vocab_size);
        let (mut found, mut logits) = (Vec::with_capacity(inputs.len()), Vec::new());
        for (hidden, targets) in hidden.chunks(ROWS * d).zip(tokens[1..].chunks(ROWS)) {
            logits.resize(targets.len() * vocab, 0.0);
            linear(hidden, self.head(), d, vocab, &mut logits);
            let rows = logits.chunks(vocab).zip(targets);
            found.extend(rows.map(|(row, target)| Likelihood::of(row, *target, num_top)));
        }
        Ok(found)
    }

    fn head(&self) -> &[f32] {
        &self.weights[self.network.layout.head()]
    }

    pub(crate) fn check(&self, before: usize, tokens: &[u32]) -> Result<(), LanguageError> {
        let vocab_size = self.shape().vocab_size;
        if let Some(&token) = tokens.iter().find(|token| **token as usize >= vocab_size) {
            return Err(LanguageError::UnknownToken { token, vocab_size });
        }
        let (found, limit) =
            (before.saturating_add(tokens.len()), self.network.rotation.positions());
        if found > limit {
            return Err(LanguageError::TooLong { found, limit });
        }
        Ok(())
    }

    /// Returns the normed outputs of the last block for new tokens, whose keys and values go into the cache.
    fn hidden(&self, cache: &mut KvCache, tokens: &[u32]) -> Result<Vec<f32>, LanguageError> {
        self.check(cache.len, tokens)?;
        let shape = self.shape();
        let (d, q, kv, stride) =
            (shape.hidden_size, shape.query_width(), shape.kv_width(), shape.qkv_width());
        let (first, rows) = (cache.len, tokens.len());
        let mut x = vec![0.0; rows * d];
        self.network.embed(&self.weights, tokens, &mut x);
        let mut out = vec![0.0; rows * d];
        let mut kept = Activations::default();
        let mut scratch = Vec::new();
        for n in 0..shape.num_layers {
            let (keys, values) = (&mut cache.keys[n], &mut cache.values[n]);
            let weights = self.network.block_weights(&self.weights, n);
            self.network.block(
                &weights,
                &x,
                &mut kept,
                &mut out,
                &mut |qkv, attended, log_sums| {
                    let heads = shape.num_heads + shape.num_kv_heads;
                    self.network.rotation.apply(qkv, stride, heads, first);
                    for row in qkv.chunks_exact(stride) {
                        keys.extend_from_slice(&row[q..q + kv]);
                        values.extend_from_slice(&row[q + kv..]);
                    }
                    for head in 0..shape.num_heads {
                        let kv_head = head * shape.num_kv_heads / shape.num_heads;
                        let (at, kv_at) = (head * shape.head_dim, kv_head * shape.head_dim);
                        let heads = Heads {
                            queries: &qkv[at..],
                            query_stride: stride,
                            num_queries: rows,
                            keys: &keys[kv_at..],
                            values: &values[kv_at..],
                            key_stride: kv,
                            num_keys: first + rows,
                            width: shape.head_dim,
                        };
                        let sums = &mut log_sums[head * rows..(head + 1) * rows];
                        attend(&heads, &mut attended[at..], q, sums, &mut scratch);
                    }
                },
            );
            std::mem::swap(&mut x, &mut out);
        }
        cache.len += rows;
        let mut inverse = vec![0.0; rows];
        let norm = &self.weights[self.network.layout.norm()];
        rms_norm(&x, norm, self.network.eps(), &mut out, &mut inverse);
        Ok(out)
    }
}

/// Returns how well `target` was foreseen by a row of logits.
fn token_loss(row: &[f32], target: usize) -> TokenLoss {
    vectorized(|| {
        let largest = max(row);
        let sum = sum_of(row.len(), |n| exp(row[n] - largest));
        TokenLoss { loss: largest + sum.ln() - row[target], is_likeliest: row[target] >= largest }
    })
}
