//! Raw features as they come in: serialized `tf.Example`s, or tensors.

use std::collections::BTreeMap;

use formats::tensorflow::attr_value::Value as Attr;
use formats::tensorflow::{DataType, TensorInfo};
use graph::{GraphInput, ValueType};

use super::lower::{Presence, Value, computed_type, zero};
use super::writer::{GraphWriter, Tensor, shape_of};
use super::{EXAMPLES, present_name, tensor};

/// The raw features of one signature.
pub(super) struct Inputs {
    /// What the signature takes.
    pub(super) signature: BTreeMap<String, TensorInfo>,
    /// The values of the raw features, in order.
    pub(super) values: Vec<Value>,
    /// The number of rows, as the shape of one value per row.
    pub(super) shape: Tensor,
}

/// Returns the type of a raw feature outside of the graph: floats have 32 bits, as features have.
fn feature_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Float => DataType::DtFloat,
        other => computed_type(other),
    }
}

fn placeholder(
    writer: &mut GraphWriter,
    name: String,
    data_type: DataType,
    shape: &[i64],
) -> Tensor {
    let node = writer.node("Placeholder").named(name).data_type("dtype", data_type);
    node.attr("shape", Attr::Shape(shape_of(shape))).output(data_type)
}

/// Reads features from serialized `tf.Example`s. What an example does not have is missing; more than one value of a
/// feature is an error, as are values of another type.
pub(super) fn from_examples(writer: &mut GraphWriter, features: &[GraphInput]) -> Inputs {
    let examples = placeholder(writer, "examples/serialized".to_owned(), DataType::DtString, &[-1]);
    let shape = writer.shape(&examples);
    let signature = BTreeMap::from([(EXAMPLES.to_owned(), examples.info(&[-1]))]);
    if features.is_empty() {
        return Inputs { signature, values: Vec::new(), shape };
    }

    let keys: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    let keys = writer.constant(tensor::texts(&keys));
    let nothing = writer.constant(tensor::texts(&[]));
    // `tf.Example` has integers for truth values.
    let types: Vec<DataType> = features
        .iter()
        .map(|feature| match feature.value_type {
            ValueType::Bool => DataType::DtInt64,
            other => feature_type(other),
        })
        .collect();
    let num = features.len();
    let node = writer.node("ParseExampleV2").input(&examples).input(&nothing).input(&keys);
    let node = node.input(&nothing).input(&nothing).int("num_sparse", tensor::len(features));
    let node = node.data_types("sparse_types", &types).data_types("Tdense", &[]);
    let node = node.data_types("ragged_value_types", &[]).data_types("ragged_split_types", &[]);
    let node = node.attr("dense_shapes", Attr::List(Default::default()));
    let indices = std::iter::repeat_n(DataType::DtInt64, num);
    let outputs: Vec<DataType> =
        indices.clone().chain(types.iter().copied()).chain(indices).collect();
    let parsed = node.outputs(&outputs);

    let num_rows = writer.node("Size").input(&examples).data_type("T", DataType::DtString);
    let num_rows = num_rows.data_type("out_type", DataType::DtInt64).output(DataType::DtInt64);
    let one = writer.constant(tensor::int(1));
    let dense = writer.node("Pack").input(&num_rows).input(&one).int("N", 2).int("axis", 0);
    let dense = dense.data_type("T", DataType::DtInt64).output(DataType::DtInt64);

    let mut values = Vec::with_capacity(num);
    for (place, feature) in features.iter().enumerate() {
        let (indices, found) = (&parsed[place], &parsed[num + place]);
        let found = &checked(writer, found);
        let yes = writer.constant(tensor::bool(true));
        let present = spread(writer, indices, &yes, &dense);
        let value = spread(writer, indices, found, &dense);
        let tensor = computed(writer, &value, feature.value_type);
        values.push(Value { tensor, present: Presence::Where(present) });
    }
    Inputs { signature, values, shape }
}

/// Puts values where they belong; a second one in a row is out of range, which is an error.
fn spread(writer: &mut GraphWriter, indices: &Tensor, values: &Tensor, shape: &Tensor) -> Tensor {
    let zero = zero(writer, values.data_type());
    let node = writer.node("SparseToDense").input(indices).input(shape).input(values).input(&zero);
    let node = node.bool("validate_indices", true).data_type("T", values.data_type());
    let column = node.data_type("Tindices", DataType::DtInt64).output(values.data_type());
    let flat = writer.constant(tensor::int32s(&[-1]));
    writer.reshape(&column, &flat)
}

/// Takes texts that are UTF-8, and fails for others, as the graph does.
fn checked(writer: &mut GraphWriter, values: &Tensor) -> Tensor {
    if values.data_type() != DataType::DtString {
        return values.clone();
    }
    let node = writer.node("UnicodeTranscode").input(values).bytes("input_encoding", "UTF-8");
    node.bytes("output_encoding", "UTF-8").bytes("errors", "strict").output(DataType::DtString)
}

/// Brings values to the type in which they are computed.
fn computed(writer: &mut GraphWriter, values: &Tensor, value_type: ValueType) -> Tensor {
    let is_integer = values.data_type() == DataType::DtInt64;
    match value_type {
        ValueType::Bool if is_integer => {
            let zero = writer.constant(tensor::int(0));
            writer.compare("NotEqual", values, &zero)
        }
        other => writer.cast(values, computed_type(other)),
    }
}

/// Takes one tensor of shape `[rows, 1]` for each feature, and with `has_masks` another of `DT_BOOL` that tells which
/// values are there. Without features there is nothing to tell the number of rows, and `None`.
pub(super) fn from_tensors(
    writer: &mut GraphWriter,
    features: &[GraphInput],
    scope: &str,
    has_masks: bool,
) -> Option<Inputs> {
    let mut signature = BTreeMap::new();
    let flat = writer.constant(tensor::int32s(&[-1]));
    let mut values = Vec::with_capacity(features.len());
    for (place, feature) in features.iter().enumerate() {
        let data_type = feature_type(feature.value_type);
        let given = placeholder(writer, format!("{scope}/input_{place}"), data_type, &[-1, 1]);
        signature.insert(feature.name.clone(), given.info(&[-1, 1]));
        let mut given = writer.reshape(&given, &flat);
        let present = if has_masks {
            let name = format!("{scope}/present_{place}");
            let mask = placeholder(writer, name, DataType::DtBool, &[-1, 1]);
            signature.insert(present_name(&feature.name), mask.info(&[-1, 1]));
            let mask = writer.reshape(&mask, &flat);
            let zero = zero(writer, data_type);
            given = writer.select(&mask, &given, &zero);
            Presence::Where(mask)
        } else {
            Presence::Always
        };
        let given = checked(writer, &given);
        let tensor = computed(writer, &given, feature.value_type);
        values.push(Value { tensor, present });
    }
    let shape = writer.shape(&values.first()?.tensor);
    Some(Inputs { signature, values, shape })
}
