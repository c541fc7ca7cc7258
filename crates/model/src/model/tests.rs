use std::fs;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray,
};
use arrow::datatypes::Float32Type;
use base::{Classify, ErrorKind};
use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::network::default_embedding_dimension;
use crate::{FeatureKind, FeatureSpec, LOGIT};

fn features() -> Vec<FeatureSpec> {
    [
        ("miles", FeatureKind::Numeric),
        ("company", FeatureKind::Categorical { num_buckets: 3 }),
        ("fare", FeatureKind::Numeric),
        ("hour", FeatureKind::Categorical { num_buckets: 24 }),
    ]
    .map(|(name, kind)| FeatureSpec { name: name.to_owned(), kind })
    .to_vec()
}

/// A model whose weights are all different and of both signs.
fn model(task: Task, architecture: Architecture, inputs: Vec<FeatureSpec>) -> Model {
    let network = Network::new(&inputs, &architecture, task.width()).unwrap();
    let mut weights = Weights::zeros(&network);
    let layers = weights.layers.iter_mut().flat_map(|l| l.weight.iter_mut().chain(&mut l.bias));
    let all = weights.wide.iter_mut().chain(&mut weights.embeddings).chain(layers);
    for (i, value) in all.enumerate() {
        *value = (i as f32 * 0.7).sin() * 0.5;
    }
    Model::new(Signature::new(inputs, "label".to_owned(), task), architecture, weights).unwrap()
}

fn deep() -> Architecture {
    Architecture::WideAndDeep { hidden: vec![8, 5], embedding_dimensions: vec![2, 4] }
}

fn wide_and_deep() -> Model {
    model(Task::BinaryClassification, deep(), features())
}

fn batch(columns: [(&str, ArrayRef); 4]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn examples(num_rows: usize) -> RecordBatch {
    let float = |scale: f32| {
        Arc::new(Float32Array::from_iter_values((0..num_rows).map(|i| (i as f32 * scale).cos())))
    };
    let ids = |n: i64| Arc::new(Int64Array::from_iter_values((0..num_rows as i64).map(|i| i % n)));
    batch([("miles", float(0.3)), ("company", ids(3)), ("fare", float(1.1)), ("hour", ids(24))])
}

fn predictions(model: &Model, examples: &RecordBatch) -> Vec<f32> {
    model.predict(examples).unwrap().column(0).as_primitive::<Float32Type>().values().to_vec()
}

#[test]
fn a_linear_model_is_the_sum_of_its_weights() {
    let inputs = features();
    let signature = Signature::new(inputs, "label".to_owned(), Task::Regression);
    let network = Network::new(&signature.inputs, &Architecture::Linear, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    weights.layers[0].weight = vec![2.0, -1.0]; // miles, fare
    weights.layers[0].bias = vec![0.5];
    weights.wide[1] = 10.0; // company 1
    weights.wide[3 + 23] = 100.0; // hour 23
    let model = Model::new(signature, Architecture::Linear, weights).unwrap();
    let examples = batch([
        ("miles", Arc::new(Float32Array::from(vec![1.0, 3.0]))),
        ("company", Arc::new(Int64Array::from(vec![1, 2]))),
        ("fare", Arc::new(Float32Array::from(vec![4.0, 0.25]))),
        ("hour", Arc::new(Int64Array::from(vec![23, 0]))),
    ]);
    assert_eq!(predictions(&model, &examples), [108.5, 6.25]);
}

#[test]
fn the_deep_part_is_layers_of_rectified_units() {
    let signature = Signature::new(features(), "label".to_owned(), Task::BinaryClassification);
    let architecture =
        Architecture::WideAndDeep { hidden: vec![2], embedding_dimensions: vec![1, 1] };
    let network = Network::new(&signature.inputs, &architecture, 1).unwrap();
    let mut weights = Weights::zeros(&network);
    weights.embeddings[2] = 3.0; // company 2
    weights.wide[2] = 0.25;
    // Inputs: miles, fare, company's embedding, hour's embedding; two units.
    weights.layers[0].weight = vec![1.0, -1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0];
    weights.layers[0].bias = vec![0.5, 0.5];
    weights.layers[1].weight = vec![2.0, 7.0];
    weights.layers[1].bias = vec![-1.0];
    let model = Model::new(signature, architecture, weights).unwrap();
    let examples = batch([
        ("miles", Arc::new(Float32Array::from(vec![1.0]))),
        ("company", Arc::new(Int64Array::from(vec![2]))),
        ("fare", Arc::new(Float32Array::from(vec![9.0]))),
        ("hour", Arc::new(Int64Array::from(vec![5]))),
    ]);
    // First unit: 1 + 3 + 0.5; second: -1 - 3 + 0.5, cut off at 0.
    let batch = model.predict(&examples).unwrap();
    let logit = batch.column_by_name(LOGIT).unwrap().as_primitive::<Float32Type>().value(0);
    let probability = batch.column(0).as_primitive::<Float32Type>().value(0);
    assert_eq!(logit, 2.0 * 4.5 - 1.0 + 0.25);
    assert_eq!(probability, 1.0 / (1.0 + (-8.25_f32).exp()));
}

#[test]
fn missing_values_count_as_zero_and_unknown_categories_as_nothing() {
    let model = wide_and_deep();
    let miles = [None, Some(f32::NAN), Some(0.0), Some(0.0), Some(0.0), Some(0.0)];
    let company = [Some(1), Some(1), Some(1), None, Some(-1), Some(3)];
    let n = miles.len();
    let examples = batch([
        ("miles", Arc::new(Float32Array::from(miles.to_vec()))),
        ("company", Arc::new(Int64Array::from(company.to_vec()))),
        ("fare", Arc::new(Float32Array::from(vec![0.3; n]))),
        ("hour", Arc::new(Int64Array::from(vec![7; n]))),
    ]);
    let logits = predictions(&model, &examples);
    assert_eq!([logits[0], logits[1]], [logits[2]; 2]);
    assert_eq!([logits[3], logits[4]], [logits[5]; 2]);
    assert_ne!(logits[2], logits[3]);

    let mut without = model.weights().clone();
    without.wide[1] = 0.0;
    without.embeddings[2..4].fill(0.0);
    let without =
        Model::new(model.signature().clone(), model.architecture().clone(), without).unwrap();
    assert_eq!(predictions(&without, &examples)[2], logits[3]);
}

#[test]
fn columns_come_in_any_order_and_any_numeric_type() {
    let model = wide_and_deep();
    let expected = predictions(&model, &examples(2));
    let wanted = examples(2);
    let miles = wanted.column(0).as_primitive::<Float32Type>();
    let other = RecordBatch::try_from_iter([
        ("hour", Arc::clone(wanted.column(3))),
        ("note", Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef),
        ("company", Arc::new(BooleanArray::from(vec![false, true]))),
        (
            "miles",
            Arc::new(Float64Array::from_iter_values(miles.values().iter().map(|&v| v.into()))),
        ),
        ("fare", Arc::clone(wanted.column(2))),
    ])
    .unwrap();
    assert_eq!(predictions(&model, &other), expected);
}

#[test]
fn one_example_at_a_time_gives_what_many_give() {
    let model = wide_and_deep();
    let examples = examples(1500);
    let many = predictions(&model, &examples);
    for row in [0, 1, 700, 1024, 1499] {
        let one = predictions(&model, &examples.slice(row, 1))[0];
        // The matrix product adds its terms in another order for one row than for many.
        assert!((one - many[row]).abs() <= 1e-6, "{row}: {one} and {}", many[row]);
    }
    assert!(predictions(&model, &examples.slice(0, 0)).is_empty());
}

#[test]
fn a_column_that_is_not_there_or_not_a_number_is_named() {
    let model = wide_and_deep();
    let check = |examples: &RecordBatch| {
        let error = model.predict(examples).unwrap_err();
        (error.to_string(), error.kind())
    };
    assert_eq!(
        check(&examples(2).project(&[0, 1, 3]).unwrap()),
        ("no column `fare` among the transformed features".to_owned(), ErrorKind::NotFound)
    );
    let text = Arc::new(StringArray::from(vec!["a"]));
    let examples = batch([
        ("miles", Arc::new(Float32Array::from(vec![1.0]))),
        ("company", text),
        ("fare", Arc::new(Float32Array::from(vec![9.0]))),
        ("hour", Arc::new(Int64Array::from(vec![5]))),
    ]);
    assert_eq!(
        check(&examples),
        ("column `company` is Utf8, expected an integer id".to_owned(), ErrorKind::Data)
    );
}

#[test]
fn a_loaded_model_is_the_saved_one_bit_for_bit() {
    let only_categories = vec![features()[1].clone()];
    let models = [
        wide_and_deep(),
        model(Task::Regression, Architecture::Linear, features()),
        model(Task::BinaryClassification, Architecture::Linear, only_categories),
        model(Task::MultiClassClassification { num_classes: 3 }, deep(), features()),
        model(Task::MultiLabelClassification { num_labels: 4 }, deep(), features()),
        model(Task::Ranking, deep(), features()),
    ];
    for model in models {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        model.save(&one).unwrap();
        let loaded = Model::load(&one).unwrap();
        loaded.save(&other).unwrap();
        assert_eq!(base::digest_tree(&one).unwrap(), base::digest_tree(&other).unwrap());
        assert_eq!(loaded.signature(), model.signature());
        assert_eq!(loaded.weights(), model.weights());
        let examples = examples(300);
        assert_eq!(loaded.predict(&examples).unwrap(), model.predict(&examples).unwrap());
    }
}

/// Version 1 had no widths; `testdata/v1` was written by the code of that time, with what it predicted.
#[test]
fn models_of_version_1_still_predict_the_same() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v1");
    let model = Model::load(&dir).unwrap();
    assert_eq!(model.signature(), wide_and_deep().signature());
    let expected = fs::read_to_string(dir.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let batch = model.predict(&examples(5)).unwrap();
    for name in [crate::PREDICTION, LOGIT] {
        let found = batch.column_by_name(name).unwrap().as_primitive::<Float32Type>();
        for (found, expected) in found.values().iter().zip(expected[name].as_array().unwrap()) {
            let expected = expected.as_f64().unwrap();
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} and {expected}");
        }
    }
}

#[test]
fn several_outputs_are_lists_of_one_width() {
    let task = Task::MultiClassClassification { num_classes: 3 };
    let batch = model(task, deep(), features()).predict(&examples(40)).unwrap();
    let fields: Vec<_> = task.outputs().iter().map(|output| output.data_type()).collect();
    let schema = batch.schema();
    assert_eq!(schema.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>(), fields);
    let logits = batch.column_by_name(LOGIT).unwrap().as_fixed_size_list();
    let probabilities = batch.column(0).as_fixed_size_list();
    for row in 0..batch.num_rows() {
        let of = |list: &FixedSizeListArray| {
            list.value(row).as_primitive::<Float32Type>().values().to_vec()
        };
        let (logits, probabilities) = (of(logits), of(probabilities));
        assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        for class in 1..3 {
            let ratio = (probabilities[class] / probabilities[0]).ln();
            assert!((ratio - (logits[class] - logits[0])).abs() < 1e-5);
        }
    }

    // One output of several is what a model of that output alone gives.
    let several =
        model(Task::MultiLabelClassification { num_labels: 2 }, Architecture::Linear, features());
    let mut weights = Weights::zeros(
        model(Task::BinaryClassification, Architecture::Linear, features()).network(),
    );
    let second = |values: &[f32]| values.iter().skip(1).step_by(2).copied().collect::<Vec<_>>();
    weights.wide = second(&several.weights().wide);
    weights.layers[0].weight = second(&several.weights().layers[0].weight);
    weights.layers[0].bias = second(&several.weights().layers[0].bias);
    let signature = Signature::new(features(), "label".to_owned(), Task::BinaryClassification);
    let one = Model::new(signature, Architecture::Linear, weights).unwrap();
    let lists = several.predict(&examples(9)).unwrap();
    let lists = lists.column(0).as_fixed_size_list();
    for (row, expected) in predictions(&one, &examples(9)).into_iter().enumerate() {
        let found = lists.value(row).as_primitive::<Float32Type>().value(1);
        assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
    }
}

#[test]
fn probabilities_do_not_overflow() {
    assert_eq!(softmax(&[1000.0, 0.0, -1000.0, -1000.0], 2), [1.0, 0.0, 0.5, 0.5]);
}

type Spoil<'a> = &'a dyn Fn(&Path);

/// Saves a model, lets `spoil` change the files, and returns what loading says, the folder left out.
fn load_spoiled(spoil: impl Fn(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    wide_and_deep().save(dir.path()).unwrap();
    spoil(dir.path());
    let error = Model::load(dir.path()).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Bug);
    BoxError::from(error).to_string().replace(&dir.path().display().to_string(), "model")
}

fn replace(dir: &Path, old: &str, new: &str) {
    let path = dir.join("model.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(path, text.replacen(old, new, 1)).unwrap();
}

#[test]
fn a_spoiled_model_is_a_clear_error() {
    let cases: [(Spoil<'_>, &str); 9] = [
        (&|dir| fs::remove_file(dir.join("model.json")).unwrap(), "cannot read model/model.json: "),
        (
            &|dir| fs::remove_file(dir.join("weights.safetensors")).unwrap(),
            "cannot read model/weights.safetensors: ",
        ),
        (
            &|dir| fs::write(dir.join("model.json"), "{").unwrap(),
            "model/model.json: not a model description: ",
        ),
        (
            &|dir| replace(dir, "\"version\": 2", "\"version\": 7"),
            "model/model.json: format version 7, expected at most 2",
        ),
        (
            &|dir| replace(dir, "\"num_buckets\": 24", "\"num_buckets\": 2000000"),
            "model/weights.safetensors: tensor `wide.hour` is F32 of shape [24], expected F32 of shape [2000000]",
        ),
        (
            &|dir| replace(dir, "\"num_buckets\": 24", "\"num_buckets\": 18446744073709551615"),
            "model description: the tables have more than 2^31 weights",
        ),
        (
            &|dir| replace(dir, "\"hour\"", "\"day\""),
            "model/weights.safetensors: no tensor `wide.day`, expected one of shape [24]",
        ),
        (
            &|dir| replace(dir, "\"logit\"", "\"logits\""),
            "model description: its outputs are not those of its task",
        ),
        (
            &|dir| {
                let path = dir.join("weights.safetensors");
                let bytes = fs::read(&path).unwrap();
                let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
                let zeros = [0; 8];
                let extra = TensorView::new(Dtype::F32, vec![2], &zeros).unwrap();
                let tensors = file.tensors().into_iter().chain([("extra".to_owned(), extra)]);
                fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
            },
            "model/weights.safetensors: unknown tensor `extra`",
        ),
    ];
    for (spoil, expected) in cases {
        let message = load_spoiled(spoil);
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
}

#[test]
fn no_cut_of_the_files_loads_or_panics() {
    let dir = tempfile::tempdir().unwrap();
    wide_and_deep().save(dir.path()).unwrap();
    for name in ["model.json", "weights.safetensors"] {
        let path = dir.path().join(name);
        let bytes = fs::read(&path).unwrap();
        // The last byte of the description is its line end.
        for len in (0..bytes.len() - 1).step_by(7) {
            fs::write(&path, &bytes[..len]).unwrap();
            let error = Model::load(dir.path()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{name} cut to {len}: {error}");
        }
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn no_flipped_byte_of_the_header_panics() {
    let dir = tempfile::tempdir().unwrap();
    wide_and_deep().save(dir.path()).unwrap();
    let path = dir.path().join("weights.safetensors");
    let bytes = fs::read(&path).unwrap();
    for place in 0..600 {
        let mut spoiled = bytes.clone();
        spoiled[place] ^= 0x11;
        fs::write(&path, &spoiled).unwrap();
        if let Err(error) = Model::load(dir.path()) {
            assert_eq!(error.kind(), ErrorKind::Data, "{place}");
        }
    }
}

#[test]
fn networks_that_make_no_sense_are_refused() {
    let twice = vec![features()[0].clone(), features()[0].clone()];
    let wide =
        |hidden, embedding_dimensions| Architecture::WideAndDeep { hidden, embedding_dimensions };
    for (inputs, architecture) in [
        (Vec::new(), Architecture::Linear),
        (twice, Architecture::Linear),
        (features(), wide(vec![0], vec![1, 1])),
        (features(), wide(vec![5], vec![1])),
        (features(), wide(vec![5], vec![usize::MAX, usize::MAX])),
    ] {
        let error = Network::new(&inputs, &architecture, 1).unwrap_err();
        assert!(matches!(error, ModelError::Inconsistent { .. }));
    }
}

#[test]
fn embeddings_grow_with_the_fourth_root_of_the_categories() {
    let sizes = [0, 1, 2, 5, 24, 1000, 5000, 1_000_000];
    assert_eq!(sizes.map(default_embedding_dimension), [0, 1, 2, 3, 5, 12, 16, 16]);
}
