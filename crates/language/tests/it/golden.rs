//! What `transformers` computes from the same folder: `LlamaForCausalLM`, from a file made once, and live where
//! `CUPOLA_TORCH_PYTHON` names an interpreter that has it.

use std::path::Path;
use std::process::Command;

use language::{LanguageModel, Shape, WeightType};

use crate::{model, shape, tokens};

const SCRIPT: &str = r#"
import json, sys, torch, transformers
folder, dtype, tokens = sys.argv[1], getattr(torch, sys.argv[2]), json.loads(sys.argv[3])
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
assert type(model).__name__ == "LlamaForCausalLM", type(model)
with torch.no_grad():
    logits = model(torch.tensor([tokens])).logits[0].float()
print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__, "logits": logits.flatten().tolist()}))
"#;

/// Returns the largest difference of two lists of logits, over the largest logit.
fn difference(ours: &[f32], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    let pairs = ours.iter().zip(theirs);
    pairs.fold(0.0, |max: f64, (a, b)| max.max((f64::from(*a) - b).abs())) / scale
}

fn logits(text: &str) -> Vec<f64> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn ask(python: &str, dir: &Path, dtype: &str, tokens: &[u32]) -> String {
    let tokens = serde_json::to_string(tokens).unwrap();
    let args = ["-c", SCRIPT, dir.to_str().unwrap(), dtype, &tokens];
    let output = Command::new(python).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn logits_are_those_of_transformers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/llama/logits.json");
    let dir = tempfile::tempdir().unwrap();
    let ours = model(shape());
    if let (Ok(python), Ok(_)) = (python(), environment("UPDATE")) {
        ours.save(dir.path(), WeightType::F32).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, ask(&python, dir.path(), "float32", &tokens(40))).unwrap();
    }
    let golden = logits(&std::fs::read_to_string(&path).unwrap());
    let difference = difference(&ours.logits(&tokens(40)).unwrap(), &golden);
    assert!(difference < 1e-5, "{difference:e}");
}

fn python() -> Result<String, std::env::VarError> {
    environment("CUPOLA_TORCH_PYTHON")
}

#[expect(clippy::disallowed_methods, reason = "what is tested against is the environment's")]
fn environment(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

#[test]
fn transformers_loads_what_we_save_and_computes_the_same() {
    let Ok(python) = python() else {
        println!("left out: CUPOLA_TORCH_PYTHON names no interpreter with torch and transformers");
        return;
    };
    let own = Shape { tie_embeddings: false, rope_theta: 500_000.0, head_dim: 16, ..shape() };
    for shape in [shape(), own] {
        let dir = tempfile::tempdir().unwrap();
        let ours = model(shape);
        ours.save(dir.path(), WeightType::F32).unwrap();
        let tokens = tokens(150);
        let theirs = logits(&ask(&python, dir.path(), "float32", &tokens));
        let single = difference(&ours.logits(&tokens).unwrap(), &theirs);
        println!("float32: {single:e}");
        assert!(single < 1e-5, "{single:e}");

        // The same folder in bfloat16; both compute in single precision from the same rounded weights.
        ours.save(dir.path(), WeightType::Bf16).unwrap();
        let rounded = LanguageModel::load(dir.path()).unwrap().logits(&tokens).unwrap();
        let half = difference(&rounded, &logits(&ask(&python, dir.path(), "float32", &tokens)));
        println!("bfloat16 weights: {half:e}");
        assert!(half < 1e-5, "{half:e}");
    }
}
