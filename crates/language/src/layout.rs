//! Where each tensor of a network lies in one flat list of weights.

use std::ops::Range;

use crate::{LanguageError, Shape};

/// One tensor of the flat list. Matrices are `[outputs, inputs]`, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Where its values are.
    pub range: Range<usize>,
    /// How many rows; 1 for a vector.
    pub rows: usize,
    /// How many values in a row.
    pub columns: usize,
    /// The tensors of the file that its rows are, one after the other.
    pub parts: Vec<Part>,
    /// Whether its outputs go into the residual stream.
    pub into_residual: bool,
}

/// Rows of a [`Tensor`] that are a tensor of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name in the file.
    pub name: String,
    /// How many rows.
    pub rows: usize,
}

impl Tensor {
    /// Tells a matrix from the weights of a norm.
    pub fn is_matrix(&self) -> bool {
        self.rows > 1
    }
}

/// Where each tensor lies: the embedding, six for each block, the last norm, and an output layer of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<Tensor>,
    len: usize,
}

pub(crate) const PER_BLOCK: usize = 6;

impl Layout {
    /// Returns the layout of a network.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Shape`] when the sizes do not make a network, or one of more weights than can be counted.
    pub fn new(shape: &Shape) -> Result<Self, LanguageError> {
        shape.check()?;
        let mut layout = Self { tensors: Vec::new(), len: 0 };
        let (d, q, kv, f) =
            (shape.hidden_size, shape.query_width(), shape.kv_width(), shape.intermediate_size);
        layout.add(&[("model.embed_tokens.weight".to_owned(), shape.vocab_size)], d, false)?;
        for n in 0..shape.num_layers {
            let name = |part: &str| format!("model.layers.{n}.{part}.weight");
            layout.add(&[(name("input_layernorm"), 1)], d, false)?;
            let qkv = [
                (name("self_attn.q_proj"), q),
                (name("self_attn.k_proj"), kv),
                (name("self_attn.v_proj"), kv),
            ];
            layout.add(&qkv, d, false)?;
            layout.add(&[(name("self_attn.o_proj"), d)], q, true)?;
            layout.add(&[(name("post_attention_layernorm"), 1)], d, false)?;
            layout.add(&[(name("mlp.gate_proj"), f), (name("mlp.up_proj"), f)], d, false)?;
            layout.add(&[(name("mlp.down_proj"), d)], f, true)?;
        }
        layout.add(&[("model.norm.weight".to_owned(), 1)], d, false)?;
        if !shape.tie_embeddings {
            layout.add(&[("lm_head.weight".to_owned(), shape.vocab_size)], d, false)?;
        }
        Ok(layout)
    }

    fn add(
        &mut self,
        parts: &[(String, usize)],
        columns: usize,
        into_residual: bool,
    ) -> Result<(), LanguageError> {
        let rows: usize = parts.iter().map(|(_, rows)| rows).sum();
        let end = rows.checked_mul(columns).and_then(|size| self.len.checked_add(size));
        let end = end.filter(|end| *end < isize::MAX as usize / 16).ok_or_else(|| {
            LanguageError::Shape {
                what: "a network of more weights than memory could hold".to_owned(),
                expected: "smaller sizes".to_owned(),
            }
        })?;
        self.tensors.push(Tensor {
            range: self.len..end,
            rows,
            columns,
            parts: parts
                .iter()
                .map(|(name, rows)| Part { name: name.clone(), rows: *rows })
                .collect(),
            into_residual,
        });
        self.len = end;
        Ok(())
    }

    /// Returns how many weights there are.
    #[expect(clippy::len_without_is_empty, reason = "no network is without weights")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns the tensors in their order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Returns where the embedding is.
    pub fn embedding(&self) -> Range<usize> {
        self.tensors[0].range.clone()
    }

    /// Returns where the weights of the last norm are.
    pub fn norm(&self) -> Range<usize> {
        self.tensors[1 + PER_BLOCK * self.num_blocks()].range.clone()
    }

    /// Returns where the output layer is: the embedding, if they are tied.
    pub fn head(&self) -> Range<usize> {
        let place = 2 + PER_BLOCK * self.num_blocks();
        self.tensors.get(place).unwrap_or(&self.tensors[0]).range.clone()
    }

    /// Returns where the six tensors of a block are: norm, queries with keys and values, output, norm, gate with
    /// up, down.
    pub fn block(&self, n: usize) -> [Range<usize>; PER_BLOCK] {
        let first = 1 + PER_BLOCK * n;
        std::array::from_fn(|place| self.tensors[first + place].range.clone())
    }

    fn num_blocks(&self) -> usize {
        (self.tensors.len() - 2) / PER_BLOCK
    }
}
