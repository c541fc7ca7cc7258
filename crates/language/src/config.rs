//! The sizes of a network, and `config.json` of the HuggingFace Llama layout.

use std::fs;
use std::path::Path;

use base::IoError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::LanguageError;

/// The file that describes a model.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// The sizes of a decoder-only transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// How many tokens there are.
    pub vocab_size: usize,
    /// The width of the residual stream.
    pub hidden_size: usize,
    /// The width between the two layers of a feed-forward part.
    pub intermediate_size: usize,
    /// How many blocks.
    pub num_layers: usize,
    /// How many query heads in a block.
    pub num_heads: usize,
    /// How many key and value heads; each serves `num_heads / num_kv_heads` query heads.
    pub num_kv_heads: usize,
    /// The width of a head; even.
    pub head_dim: usize,
    /// Added to the mean square before its root is taken.
    pub rms_norm_eps: f64,
    /// The base of the rotations' wavelengths.
    pub rope_theta: f64,
    /// Whether the output layer is the embedding.
    pub tie_embeddings: bool,
    /// How many positions the model was made for.
    pub max_positions: usize,
    /// The token that starts a text.
    pub bos_token: Option<u32>,
    /// The tokens that end one.
    pub eos_tokens: Vec<u32>,
}

/// How weights are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeightType {
    /// Single precision.
    #[default]
    F32,
    /// The upper half of single precision, rounded to nearest.
    Bf16,
}

impl WeightType {
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
        }
    }
}

impl Shape {
    /// Returns the width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.num_heads * self.head_dim
    }

    /// Returns the width of all key heads together, which is that of the values too.
    pub fn kv_width(&self) -> usize {
        self.num_kv_heads * self.head_dim
    }

    /// Returns the width of queries, keys and values together.
    pub fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.kv_width()
    }

    /// Checks that the sizes make a network.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Shape`], naming the first that does not fit.
    pub fn check(&self) -> Result<(), LanguageError> {
        let wrong = |what: String, expected: &str| {
            Err(LanguageError::Shape { what, expected: expected.to_owned() })
        };
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_layers),
            ("num_attention_heads", self.num_heads),
            ("num_key_value_heads", self.num_kv_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_positions),
        ];
        for (name, size) in sizes {
            // Layers are listed one by one before any weight is read.
            let limit = if name == "num_hidden_layers" { 4096 } else { 1 << 24 };
            if size == 0 || size > limit {
                return wrong(format!("{name} is {size}"), &format!("1 to {limit}"));
            }
        }
        if !self.num_heads.is_multiple_of(self.num_kv_heads) {
            return wrong(
                format!("num_key_value_heads is {}", self.num_kv_heads),
                &format!("a divisor of the {} heads", self.num_heads),
            );
        }
        if !self.head_dim.is_multiple_of(2) {
            return wrong(format!("head_dim is {}", self.head_dim), "an even number");
        }
        if !(self.rms_norm_eps >= 0.0 && self.rms_norm_eps < 1.0) {
            return wrong(format!("rms_norm_eps is {}", self.rms_norm_eps), "0 to below 1");
        }
        if !(self.rope_theta > 1.0 && self.rope_theta.is_finite()) {
            return wrong(format!("rope_theta is {}", self.rope_theta), "a number above 1");
        }
        Ok(())
    }

    /// Returns the multiplications and additions of a training step for one token of a sequence of some length:
    /// 6 for a weight, and the two products of attention.
    pub fn training_flops_per_token(&self, length: usize) -> f64 {
        let layer = self.hidden_size * (2 * self.query_width() + 2 * self.kv_width())
            + 3 * self.hidden_size * self.intermediate_size;
        let weights = self.num_layers * layer + self.vocab_size * self.hidden_size;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let flops = (6 * weights + 12 * self.num_layers * self.query_width() * length) as f64;
        flops
    }

    /// Reads `config.json` of a folder.
    ///
    /// # Errors
    ///
    /// [`LanguageError`] when it cannot be read, or describes a network that is not known here.
    pub fn load(dir: &Path) -> Result<Self, LanguageError> {
        let path = dir.join(CONFIG_FILE);
        let text = fs::read(&path).map_err(IoError::at("read", &path))?;
        let raw: Raw = serde_json::from_slice(&text)
            .map_err(|source| LanguageError::Json { path: path.clone(), source })?;
        let shape = raw.into_shape(&path)?;
        shape.check()?;
        Ok(shape)
    }

    /// Returns `config.json`'s content.
    pub fn to_json(&self, weights: WeightType) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("architectures", json!(["LlamaForCausalLM"]));
        put("attention_bias", json!(false));
        put("attention_dropout", json!(0.0));
        put("bos_token_id", json!(self.bos_token));
        put("dtype", json!(weights.name()));
        put(
            "eos_token_id",
            match self.eos_tokens.as_slice() {
                [] => Value::Null,
                [one] => json!(one),
                many => json!(many),
            },
        );
        put("head_dim", json!(self.head_dim));
        put("hidden_act", json!("silu"));
        put("hidden_size", json!(self.hidden_size));
        put("initializer_range", json!(0.02));
        put("intermediate_size", json!(self.intermediate_size));
        put("max_position_embeddings", json!(self.max_positions));
        put("mlp_bias", json!(false));
        put("model_type", json!("llama"));
        put("num_attention_heads", json!(self.num_heads));
        put("num_hidden_layers", json!(self.num_layers));
        put("num_key_value_heads", json!(self.num_kv_heads));
        put("rms_norm_eps", json!(self.rms_norm_eps));
        put("rope_theta", json!(self.rope_theta));
        put("tie_word_embeddings", json!(self.tie_embeddings));
        put("torch_dtype", json!(weights.name()));
        put("use_cache", json!(true));
        put("vocab_size", json!(self.vocab_size));
        Value::Object(object)
    }
}

/// `config.json` as others write it; keys that do not change the network are passed over.
#[derive(Deserialize)]
struct Raw {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Map<String, Value>>,
    rope_parameters: Option<Map<String, Value>>,
    tie_word_embeddings: Option<bool>,
    max_position_embeddings: Option<usize>,
    hidden_act: Option<String>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    bos_token_id: Option<u32>,
    eos_token_id: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl Raw {
    fn into_shape(self, path: &Path) -> Result<Shape, LanguageError> {
        let wrong = |what: String, expected: &str| LanguageError::Config {
            path: path.to_path_buf(),
            what,
            expected: expected.to_owned(),
        };
        if self.model_type != "llama" {
            return Err(wrong(format!("model_type is {:?}", self.model_type), "\"llama\""));
        }
        let activation = self.hidden_act.as_deref().unwrap_or("silu");
        if activation != "silu" {
            return Err(wrong(format!("hidden_act is {activation:?}"), "\"silu\""));
        }
        if self.attention_bias == Some(true) || self.mlp_bias == Some(true) {
            return Err(wrong("layers have biases".to_owned(), "none"));
        }
        let rope = self.rope_parameters.unwrap_or_default();
        let scaling = self.rope_scaling.unwrap_or_default();
        let kinds = [rope.get("rope_type"), scaling.get("rope_type"), scaling.get("type")];
        if let Some(kind) = kinds.into_iter().flatten().find(|kind| *kind != "default") {
            return Err(wrong(format!("rope_type is {kind}"), "\"default\""));
        }
        let theta = rope.get("rope_theta").and_then(Value::as_f64).or(self.rope_theta);
        let head_dim = match self.head_dim {
            Some(width) => width,
            None => self.hidden_size.checked_div(self.num_attention_heads).unwrap_or(0),
        };
        Ok(Shape {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_layers: self.num_hidden_layers,
            num_heads: self.num_attention_heads,
            num_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            rms_norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            rope_theta: theta.unwrap_or(10_000.0),
            tie_embeddings: self.tie_word_embeddings.unwrap_or(false),
            max_positions: self.max_position_embeddings.unwrap_or(2048),
            bos_token: self.bos_token_id,
            eos_tokens: match self.eos_token_id {
                None => Vec::new(),
                Some(OneOrMany::One(token)) => vec![token],
                Some(OneOrMany::Many(tokens)) => tokens,
            },
        })
    }
}
