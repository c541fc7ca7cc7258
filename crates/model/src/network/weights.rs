//! The numbers that training finds.

use crate::network::Network;

/// All weights of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// One weight per category and output, feature after feature; shape `[num_buckets, num_outputs]` each.
    pub wide: Vec<f32>,
    /// One embedding per category, feature after feature; shape `[num_buckets, dimension]` each.
    pub embeddings: Vec<f32>,
    /// The dense layers, first to last, tower after tower.
    pub layers: Vec<Layer>,
}

/// One dense layer: `output = input * weight + bias`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Shape `[inputs, outputs]`, row by row.
    pub weight: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

impl Weights {
    /// Returns weights that are all zero.
    pub fn zeros(network: &Network) -> Self {
        Self {
            wide: vec![0.0; network.num_wide()],
            embeddings: vec![0.0; network.num_embedding()],
            layers: network
                .layer_sizes()
                .map(|(inputs, outputs)| Layer {
                    weight: vec![0.0; inputs * outputs],
                    bias: vec![0.0; outputs],
                })
                .collect(),
        }
    }

    /// Returns whether these weights have the sizes of a network.
    pub fn fits(&self, network: &Network) -> bool {
        self.wide.len() == network.num_wide()
            && self.embeddings.len() == network.num_embedding()
            && self.layers.len() == network.layer_sizes().count()
            && self.layers.iter().zip(network.layer_sizes()).all(|(layer, (inputs, outputs))| {
                layer.weight.len() == inputs * outputs && layer.bias.len() == outputs
            })
    }

    /// Returns all weights as slices, in an order that depends on the network alone.
    pub fn slices(&self) -> impl Iterator<Item = &[f32]> {
        let layers = self.layers.iter().flat_map(|layer| [&layer.weight[..], &layer.bias[..]]);
        [&self.wide[..], &self.embeddings[..]].into_iter().chain(layers)
    }

    /// Returns all weights as slices, in the order of [`Weights::slices`].
    pub fn slices_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let layers = self.layers.iter_mut();
        let layers = layers.flat_map(|layer| [&mut layer.weight[..], &mut layer.bias[..]]);
        [&mut self.wide[..], &mut self.embeddings[..]].into_iter().chain(layers)
    }

    /// Returns whether every weight is a finite number.
    pub fn is_finite(&self) -> bool {
        self.slices().flatten().all(|value| value.is_finite())
    }
}
