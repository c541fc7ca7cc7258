//! Graphs, with or without a model behind them, as TensorFlow SavedModels.
//!
//! A folder that TensorFlow and TensorFlow Serving load: `saved_model.pb`, a graph of plain operations with all
//! constants and weights inside, and the vocabularies in `assets/`, one token a line. Its signatures:
//!
//! - `serving_default` takes `examples`, serialized `tf.Example`s of shape `[rows]`; what one does not have is missing.
//! - `transform_features` takes the same and gives the transformed features, model or not.
//! - `raw_features` takes one tensor of shape `[rows, 1]` for each raw feature, none of them missing.
//! - `raw_features_with_missing` takes for each raw feature `NAME` another tensor `NAME.present` beside it, which is
//!   false where there is no value.
//!
//! Outputs have the shape `[rows, 1]` (predictions of several numbers `[rows, width]`): the model's, or the features, FLOAT in 32 bits. Beside a feature `NAME` that may
//! be missing there is `NAME.present`; where that is false, the feature is 0, the empty text, or false.
//!
//! A feature with many values has the shape `[rows, values]`: as many as its vectors have, or as many as the longest of
//! its lists, filled up with zeros. Beside lists there is `NAME.length`, of shape `[rows, 1]`; beside a transformed feature
//! whose single values may be missing there is `NAME.value.present`, of the feature's shape.
//!
//! TensorFlow's threads take subnormal floats, those below 1.2e-38 in 32 bits, for 0; nothing can be done about that
//! here.

mod folder;
mod inputs;
mod lower;
mod network;
mod ragged;
mod reading;
mod support;
mod tensor;
mod trees;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use formats::tensorflow::meta_graph_def::MetaInfoDef;
use formats::tensorflow::{
    AssetFileDef, DataType, MetaGraphDef, SavedModel, SignatureDef, TensorInfo,
};
use graph::{Graph, GraphOutput, Shape};
use model::Model;

use crate::{ExportError, Target};
use inputs::Inputs;
use lower::{Lists, Presence, Value};
use writer::{GraphWriter, Tensor, unknown_shape};

pub use support::saved_model_support;

const EXAMPLES: &str = "examples";
const PREDICT: &str = "tensorflow/serving/predict";
const INIT: &str = "__saved_model_init_op";

/// Returns the name of what tells whether a feature is there.
fn present_name(feature: &str) -> String {
    format!("{feature}.present")
}

/// Returns the name of what tells how many values a row of a feature has.
fn length_name(feature: &str) -> String {
    format!("{feature}.length")
}

/// Returns the name of what tells which values of a row of a feature are there.
fn value_present_name(feature: &str) -> String {
    format!("{feature}.value.present")
}

/// Writes a graph, or a graph and the model that reads its features, as a TensorFlow SavedModel.
///
/// With a model only the features that it reads are made, so that nothing else has to be there. Integers and texts
/// are those of [`Graph::apply`], floats within 1e-5. The same graph and model give the same bytes. `dir` must not be
/// there yet, and is there only when it is whole.
///
/// # Errors
///
/// [`ExportError::Unsupported`] when a feature that is needed cannot be expressed, [`ExportError::MissingFeature`] and
/// [`ExportError::FeatureType`] when the model reads what the graph does not make, [`ExportError::Name`] when two
/// tensors of a signature would have one name, [`ExportError::TooLarge`], and [`ExportError::Io`].
pub fn saved_model(graph: &Graph, model: Option<&Model>, dir: &Path) -> Result<(), ExportError> {
    let projected = model.map(|model| project(graph, model)).transpose()?;
    let graph = projected.as_ref().unwrap_or(graph);
    check_names(graph)?;
    let files = folder::asset_files(graph);
    let meta_graph = meta_graph(graph, model, &files)?;
    let saved_model = SavedModel { saved_model_schema_version: 1, meta_graphs: vec![meta_graph] };
    folder::publish(&saved_model, graph, &files, dir)
}

/// Tells whether a graph can be written as a SavedModel, and writes nothing.
///
/// # Errors
///
/// [`ExportError::Unsupported`] and [`ExportError::Name`].
pub fn check_saved_model(graph: &Graph) -> Result<(), ExportError> {
    check_names(graph)?;
    meta_graph(graph, None, &folder::asset_files(graph)).map(|_| ())
}

/// Returns the graph of the features that a model reads.
fn project(graph: &Graph, model: &Model) -> Result<Graph, ExportError> {
    let inputs = &model.signature().inputs;
    for input in inputs {
        let Some(output) = graph.outputs().iter().find(|output| output.name == input.name) else {
            return Err(ExportError::MissingFeature { feature: input.name.clone() });
        };
        reading::check(input, output)?;
    }
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    Ok(graph.project(&names).expect("all are outputs of the graph"))
}

/// Refuses features whose names are those of what tells whether another is there.
fn check_names(graph: &Graph) -> Result<(), ExportError> {
    let inputs = graph.inputs().iter().map(|input| input.name.as_str());
    let outputs = graph.outputs().iter().map(|output| output.name.as_str());
    for names in [inputs.collect::<BTreeSet<_>>(), outputs.collect()] {
        let beside =
            |name: &&str| [present_name(name), length_name(name), value_present_name(name)];
        let name = names.iter().flat_map(beside).find(|name| names.contains(name.as_str()));
        if let Some(name) = name {
            return Err(ExportError::Name { name, target: Target::SavedModel });
        }
    }
    Ok(())
}

fn meta_graph(
    graph: &Graph,
    model: Option<&Model>,
    files: &[Option<String>],
) -> Result<MetaGraphDef, ExportError> {
    let mut writer = GraphWriter::default();
    writer.begin_scope("vocabularies");
    let mut tables = Tables::default();
    for (place, file) in files.iter().enumerate() {
        tables.add(&mut writer, place, file.as_deref());
    }
    let init = tables.finish(&mut writer);

    let mut signatures = BTreeMap::new();
    writer.begin_scope("examples");
    let inputs = inputs::from_examples(&mut writer, graph.inputs());
    let (features, predictions) = outputs(&mut writer, graph, model, &inputs, &tables.handles)?;
    let signature = |inputs: &Inputs, outputs: &BTreeMap<String, TensorInfo>| SignatureDef {
        inputs: inputs.signature.clone(),
        outputs: outputs.clone(),
        method_name: PREDICT.to_owned(),
    };
    let main = predictions.as_ref().unwrap_or(&features);
    signatures.insert("serving_default".to_owned(), signature(&inputs, main));
    signatures.insert("transform_features".to_owned(), signature(&inputs, &features));
    for (name, has_masks) in [("raw_features", false), ("raw_features_with_missing", true)] {
        writer.begin_scope(name);
        let inputs = inputs::from_tensors(&mut writer, graph.inputs(), name, has_masks);
        // Without a raw feature nothing tells how many rows there are.
        let Some(inputs) = inputs else { continue };
        let (features, predictions) = outputs(&mut writer, graph, model, &inputs, &tables.handles)?;
        let main = predictions.as_ref().unwrap_or(&features);
        signatures.insert(name.to_owned(), signature(&inputs, main));
    }
    if let Some(init) = init {
        let info = TensorInfo {
            name: init,
            dtype: DataType::DtInvalid.into(),
            tensor_shape: Some(unknown_shape()),
        };
        let outputs = BTreeMap::from([(INIT.to_owned(), info)]);
        let signature = SignatureDef { outputs, ..SignatureDef::default() };
        signatures.insert(INIT.to_owned(), signature);
    }

    let meta_info = MetaInfoDef {
        tags: vec!["serve".to_owned()],
        stripped_default_attrs: true,
        ..MetaInfoDef::default()
    };
    Ok(MetaGraphDef {
        meta_info_def: Some(meta_info),
        graph_def: Some(writer.finish()),
        signature_def: signatures,
        asset_file_def: tables.assets,
    })
}

type Outputs = BTreeMap<String, TensorInfo>;

/// Adds the graph and the model behind some inputs; returns the features and the predictions.
fn outputs(
    writer: &mut GraphWriter,
    graph: &Graph,
    model: Option<&Model>,
    inputs: &Inputs,
    tables: &[Option<Tensor>],
) -> Result<(Outputs, Option<Outputs>), ExportError> {
    let values = lower::lower(writer, graph, &inputs.values, &inputs.shape, tables)?;
    let mut features = Outputs::new();
    for (output, value) in graph.outputs().iter().zip(&values) {
        match &value.lists {
            None => add_feature(writer, &mut features, &output.name, value, &inputs.shape),
            Some(lists) => add_lists(writer, &mut features, output, value, lists, &inputs.shape),
        }
    }
    let Some(model) = model else { return Ok((features, None)) };
    let feature = |name: &str| {
        let place = graph.outputs().iter().position(|output| output.name == name);
        let place = place.expect("the graph makes what the model reads");
        (values[place].clone(), graph.outputs()[place].shape)
    };
    let predictions = network::predict(writer, model, &feature, &inputs.shape);
    let named = model.signature().outputs.iter().zip(predictions);
    let predictions = named.map(|(output, prediction)| {
        let info = match output.width {
            1 => column(writer, &prediction),
            width => prediction.info(&[-1, i64::try_from(width).expect("memory is smaller")]),
        };
        (output.name.clone(), info)
    });
    Ok((features, Some(predictions.collect())))
}

/// Adds a feature to the outputs of a signature, and what tells whether it is there.
fn add_feature(
    writer: &mut GraphWriter,
    outputs: &mut Outputs,
    name: &str,
    value: &Value,
    shape: &Tensor,
) {
    let mut tensor = value.tensor.clone();
    if tensor.data_type() == DataType::DtDouble {
        tensor = writer.cast(&tensor, DataType::DtFloat);
    }
    let zero = lower::zero(writer, tensor.data_type());
    let mask = match &value.present {
        Presence::Always => None,
        Presence::Never => Some(writer.constant(tensor::bool(false))),
        Presence::Where(mask) => Some(mask.clone()),
    };
    if let Some(mask) = mask {
        tensor = writer.select(&mask, &tensor, &zero);
        let mask = writer.broadcast(&mask, shape);
        outputs.insert(present_name(name), column(writer, &mask));
    }
    let tensor = writer.broadcast(&tensor, shape);
    outputs.insert(name.to_owned(), column(writer, &tensor));
}

/// Adds a feature with many values to the outputs of a signature, and what tells which of them are there.
fn add_lists(
    writer: &mut GraphWriter,
    outputs: &mut Outputs,
    output: &GraphOutput,
    value: &Value,
    lists: &Lists,
    shape: &Tensor,
) {
    let name = &output.name;
    let width = match output.shape {
        Shape::Vector(length) => length.into(),
        _ => -1,
    };
    let mut tensor = value.tensor.clone();
    if tensor.data_type() == DataType::DtDouble {
        tensor = writer.cast(&tensor, DataType::DtFloat);
    }
    if !matches!(value.present, Presence::Always) {
        let mask = match &value.present {
            Presence::Where(mask) => mask.clone(),
            _ => writer.constant(tensor::bool(false)),
        };
        let zero = lower::zero(writer, tensor.data_type());
        let items = writer.shape(&tensor);
        let mask = writer.broadcast(&mask, &items);
        tensor = writer.select(&mask, &tensor, &zero);
        let mask = writer.table(&mask, &lists.splits, width);
        outputs.insert(value_present_name(name), mask.info(&[-1, width]));
    }
    if !matches!(lists.present, Presence::Always) {
        let mask = match &lists.present {
            Presence::Where(mask) => mask.clone(),
            _ => writer.constant(tensor::bool(false)),
        };
        let mask = writer.broadcast(&mask, shape);
        outputs.insert(present_name(name), column(writer, &mask));
    }
    if width < 0 {
        let lengths = writer.lengths(&lists.splits);
        outputs.insert(length_name(name), column(writer, &lengths));
    }
    let table = writer.table(&tensor, &lists.splits, width);
    outputs.insert(name.clone(), table.info(&[-1, width]));
}

/// Returns one value per row as an output.
fn column(writer: &mut GraphWriter, tensor: &Tensor) -> TensorInfo {
    let shape = writer.constant(tensor::int32s(&[-1, 1]));
    writer.reshape(tensor, &shape).info(&[-1, 1])
}

/// The tables of a graph's vocabularies, and the files that they are read from.
#[derive(Default)]
struct Tables {
    handles: Vec<Option<Tensor>>,
    assets: Vec<AssetFileDef>,
    initializers: Vec<String>,
}

impl Tables {
    fn add(&mut self, writer: &mut GraphWriter, place: usize, file: Option<&str>) {
        let Some(file) = file else { return self.handles.push(None) };
        let name = format!("vocabularies/table_{place}");
        let table = writer.node("HashTableV2").named(name.clone()).bytes("shared_name", name);
        let table = table.data_type("key_dtype", DataType::DtString);
        let table = table.data_type("value_dtype", DataType::DtInt64);
        let table = table.output(DataType::DtResource);
        let path = writer.constant(tensor::text(&format!("assets/{file}")));
        // The whole line is the token, and its number the id.
        let node = writer.node("InitializeTableFromTextFileV2").input(&table).input(&path);
        let node = node.int("key_index", -2).int("value_index", -1).int("vocab_size", -1);
        self.initializers.push(node.bytes("delimiter", "\t").done());
        let tensor_info = Some(path.info(&[]));
        self.assets.push(AssetFileDef { tensor_info, filename: file.to_owned() });
        self.handles.push(Some(table));
    }

    /// Adds what reads all tables, and returns its name if there is one.
    fn finish(&mut self, writer: &mut GraphWriter) -> Option<String> {
        if self.initializers.is_empty() {
            return None;
        }
        let mut node = writer.node("NoOp").named("initialize".to_owned());
        for initializer in &self.initializers {
            node = node.after(initializer);
        }
        Some(node.done())
    }
}

#[cfg(test)]
mod tests;
