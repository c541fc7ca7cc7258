//! Models on disk.

use std::fs;

use language::{LanguageError, LanguageModel, Shape, WeightType};

use crate::{model, shape, tokens};

#[test]
fn what_is_saved_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let tied = model(shape());
    tied.save(dir.path(), WeightType::F32).unwrap();
    assert!(LanguageModel::is_in(dir.path()));
    let loaded = LanguageModel::load(dir.path()).unwrap();
    assert_eq!(loaded.shape(), tied.shape());
    assert!(loaded.weights() == tied.weights());

    let own = model(Shape { tie_embeddings: false, num_kv_heads: 1, ..shape() });
    own.save(dir.path(), WeightType::Bf16).unwrap();
    let loaded = LanguageModel::load(dir.path()).unwrap();
    assert_eq!(loaded.shape(), own.shape());
    for (a, b) in loaded.weights().iter().zip(own.weights()) {
        assert!((a - b).abs() <= b.abs() / 256.0, "{a} {b}");
    }
}

#[test]
fn damaged_files_are_errors_that_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let model = model(shape());
    model.save(dir.path(), WeightType::F32).unwrap();
    let weights = dir.path().join("model.safetensors");
    let whole = fs::read(&weights).unwrap();
    for len in [0, 7, 8, 100, whole.len() - 1] {
        fs::write(&weights, &whole[..len]).unwrap();
        let error = LanguageModel::load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
    fs::write(&weights, &whole).unwrap();

    let config = dir.path().join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        fs::write(&config, text.replace(from, to)).unwrap();
        LanguageModel::load(dir.path()).unwrap_err().to_string()
    };
    let wrong = changed("\"model_type\": \"llama\"", "\"model_type\": \"gpt2\"");
    assert!(wrong.ends_with("model_type is \"gpt2\", expected \"llama\""), "{wrong}");
    let wrong = changed("\"vocab_size\": 61", "\"vocab_size\": 62");
    assert!(wrong.contains("model.embed_tokens.weight` is F32 of shape [61, 32]"), "{wrong}");
    let wrong = changed("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assert!(wrong.contains("no tensor `model.layers.2.input_layernorm.weight`"), "{wrong}");
    let wrong = changed("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 16777216");
    assert_eq!(wrong, "num_hidden_layers is 16777216, expected 1 to 4096");
    let wrong = changed("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3");
    assert!(
        wrong.contains("num_key_value_heads is 3, expected a divisor of the 4 heads"),
        "{wrong}"
    );
    let wrong = changed("\"mlp_bias\": false", "\"mlp_bias\": true");
    assert!(wrong.contains("layers have biases"), "{wrong}");
}

#[test]
fn an_unfinished_number_is_told() {
    let mut weights = model(shape()).weights().to_vec();
    weights[5] = f32::NAN;
    let broken = std::sync::Arc::new(LanguageModel::new(shape(), weights).unwrap());
    let prompt: Vec<u32> = tokens(3).into_iter().chain([0]).collect();
    let mut generation = language::Generation::new(
        broken,
        &prompt,
        language::Sampling::default(),
        language::Limits::default(),
    )
    .unwrap();
    assert!(matches!(generation.next(), Some(Err(LanguageError::NotFinite))));
    assert!(generation.next().is_none());
}
