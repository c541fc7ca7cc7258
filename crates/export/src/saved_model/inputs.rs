//! Raw features as they come in: serialized `tf.Example`s, or tensors.

use std::collections::BTreeMap;

use formats::tensorflow::attr_value::{ListValue, Value as Attr};
use formats::tensorflow::{DataType, TensorInfo};
use graph::{GraphInput, Shape, ValueType};

use super::lower::{Lists, Presence, Value, computed_type, zero};
use super::writer::{GraphWriter, Tensor, shape_of};
use super::{EXAMPLES, length_name, present_name, tensor};

const INT: DataType = DataType::DtInt64;

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

    let (many, one): (Vec<&GraphInput>, Vec<&GraphInput>) =
        features.iter().partition(|feature| feature.shape.is_many());
    let (num_one, num_many) = (one.len(), many.len());
    let [keys_of_one, keys_of_many] = [&one, &many].map(|features| {
        let keys: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
        writer.constant(tensor::texts(&keys))
    });
    let nothing = writer.constant(tensor::texts(&[]));
    let [types_of_one, types_of_many] =
        [&one, &many].map(|features| features.iter().map(|f| example_type(f)).collect::<Vec<_>>());
    let node = writer.node("ParseExampleV2").input(&examples).input(&nothing).input(&keys_of_one);
    let node = node.input(&nothing).input(&keys_of_many).int("num_sparse", tensor::len(&one));
    let node = node.data_types("sparse_types", &types_of_one).data_types("Tdense", &[]);
    let node = node.data_types("ragged_value_types", &types_of_many);
    let node = node.data_types("ragged_split_types", &vec![INT; num_many]);
    let node = node.attr("dense_shapes", Attr::List(ListValue::default()));
    let ints = |number| std::iter::repeat_n(INT, number);
    let outputs: Vec<DataType> = ints(num_one)
        .chain(types_of_one)
        .chain(ints(num_one))
        .chain(types_of_many)
        .chain(ints(num_many))
        .collect();
    let parsed = node.outputs(&outputs);

    let num_rows = writer.size(&examples);
    let one_column = writer.constant(tensor::int(1));
    let dense = writer.node("Pack").input(&num_rows).input(&one_column).int("N", 2).int("axis", 0);
    let dense = dense.data_type("T", INT).output(INT);
    let given = (num_many > 0).then(|| Given::new(writer, &examples));

    let mut values = Vec::with_capacity(features.len());
    let (mut next_one, mut next_many) = (0, 0);
    for feature in features {
        if let Some(given) = given.as_ref().filter(|_| feature.shape.is_many()) {
            let found = checked(writer, &parsed[3 * num_one + next_many]);
            let splits = parsed[3 * num_one + num_many + next_many].clone();
            next_many += 1;
            let tensor = computed(writer, &found, feature.value_type);
            let present = given.has(writer, &feature.name);
            values.push(list(writer, feature, tensor, splits, Presence::Where(present)));
            continue;
        }
        let (indices, found) = (&parsed[next_one], &parsed[num_one + next_one]);
        next_one += 1;
        let found = &checked(writer, found);
        let yes = writer.constant(tensor::bool(true));
        let present = spread(writer, indices, &yes, &dense);
        let value = spread(writer, indices, found, &dense);
        let tensor = computed(writer, &value, feature.value_type);
        values.push(Value::one(tensor, Presence::Where(present)));
    }
    Inputs { signature, values, shape }
}

/// Returns the type of a feature in a `tf.Example`, which has integers for truth values.
fn example_type(feature: &GraphInput) -> DataType {
    match feature.value_type {
        ValueType::Bool => INT,
        other => feature_type(other),
    }
}

/// A `tf.Example` of one feature without a name and without a kind.
const ONE_FEATURE: &str = "\n\x04\n\x02\n\0";

/// Which features examples have. A parser of examples does not tell a list without values from none at all, so that
/// the messages are taken apart once more.
struct Given {
    /// The names of features, shape `[rows, …]`.
    keys: Tensor,
    /// Whether each is there, in the same shape: a feature that is not of any kind is not.
    is_some: Tensor,
}

impl Given {
    fn new(writer: &mut GraphWriter, examples: &Tensor) -> Self {
        // What has no example or no feature at all cannot be taken apart: behind all others is one that has.
        let one = writer.constant(tensor::texts(&[ONE_FEATURE]));
        let examples = writer.concat(&[examples, &one]);
        let mut decode = |bytes: &Tensor, message: &str, fields: &[&str]| {
            let types = vec![DataType::DtString; fields.len()];
            let node = writer.node("DecodeProtoV2").input(bytes).bytes("message_type", message);
            let node = node.texts("field_names", fields).data_types("output_types", &types);
            let mut outputs = vec![DataType::DtInt32];
            outputs.extend(types);
            node.outputs(&outputs)
        };
        let features = decode(&examples, "tensorflow.Example", &["features"]);
        let entries = decode(&features[1], "tensorflow.Features", &["feature"]);
        let fields = ["key", "value"];
        let fields = decode(&entries[1], "tensorflow.Features.FeatureEntry", &fields);
        let nothing = writer.constant(tensor::text(""));
        let is_some = writer.compare("NotEqual", &fields[2], &nothing);
        Self { keys: fields[1].clone(), is_some }
    }

    /// Tells of each example whether it has a feature.
    fn has(&self, writer: &mut GraphWriter, name: &str) -> Tensor {
        let name = writer.constant(tensor::text(name));
        let is_it = writer.compare("Equal", &self.keys, &name);
        let is_it = writer.and(&is_it, &self.is_some);
        let axes = writer.constant(tensor::int32s(&[1, 2, 3]));
        let any = writer.node("Any").input(&is_it).input(&axes);
        let any = any.data_type("Tidx", axes.data_type()).output(DataType::DtBool);
        writer.slice(&any, 0, -1)
    }
}

/// Returns the values of a feature with many for each row; vectors have to be of their length.
fn list(
    writer: &mut GraphWriter,
    feature: &GraphInput,
    tensor: Tensor,
    mut splits: Tensor,
    present: Presence,
) -> Value {
    if let Shape::Vector(length) = feature.shape {
        let expected = writer.constant(tensor::int(length.into()));
        let zero = writer.constant(tensor::int(0));
        let expected = match &present {
            Presence::Where(mask) => writer.select(mask, &expected, &zero),
            _ => expected,
        };
        let lengths = writer.lengths(&splits);
        let fits = writer.compare("Equal", &lengths, &expected);
        let message = format!("feature {}: expected {length} values", feature.name);
        splits = writer.checked(&splits, &fits, &message);
    }
    Value { tensor, present: Presence::Always, lists: Some(Lists { splits, present }) }
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

/// Takes one tensor for each feature: of shape `[rows, 1]`, or `[rows, values]` with another of how many of the values
/// count where a row has many. With `has_masks` another of `DT_BOOL` tells which rows are there. Without features there
/// is nothing to tell the number of rows, and `None`.
pub(super) fn from_tensors(
    writer: &mut GraphWriter,
    features: &[GraphInput],
    scope: &str,
    has_masks: bool,
) -> Option<Inputs> {
    let mut signature = BTreeMap::new();
    let mut shape = None;
    let mut values = Vec::with_capacity(features.len());
    for (place, feature) in features.iter().enumerate() {
        let mut take = |writer: &mut GraphWriter, what: &str, name: String, data_type, width| {
            let tensor =
                placeholder(writer, format!("{scope}/{what}_{place}"), data_type, &[-1, width]);
            signature.insert(name, tensor.info(&[-1, width]));
            tensor
        };
        let width = match feature.shape {
            Shape::One => 1,
            Shape::List => -1,
            Shape::Vector(length) => length.into(),
        };
        let data_type = feature_type(feature.value_type);
        let given = take(writer, "input", feature.name.clone(), data_type, width);
        let rows = match &shape {
            None => {
                let rows = num_rows(writer, &given);
                shape.insert(rows).clone()
            }
            Some(rows) => rows.clone(),
        };
        let present = has_masks.then(|| {
            let mask = take(writer, "present", present_name(&feature.name), DataType::DtBool, 1);
            writer.flat(&mask)
        });
        let present = present.map_or(Presence::Always, Presence::Where);
        if feature.shape.is_many() {
            let lengths = match feature.shape {
                Shape::Vector(length) => {
                    let length = writer.constant(tensor::int(length.into()));
                    writer.broadcast(&length, &rows)
                }
                _ => {
                    let lengths = take(writer, "length", length_name(&feature.name), INT, 1);
                    writer.flat(&lengths)
                }
            };
            values.push(rows_of_table(writer, feature, &given, lengths, present));
            continue;
        }
        let mut given = writer.flat(&given);
        if let Presence::Where(mask) = &present {
            let zero = zero(writer, data_type);
            given = writer.select(mask, &given, &zero);
        }
        let given = checked(writer, &given);
        let tensor = computed(writer, &given, feature.value_type);
        values.push(Value::one(tensor, present));
    }
    Some(Inputs { signature, values, shape: shape? })
}

/// Returns the number of rows of a table, as the shape of one value per row.
fn num_rows(writer: &mut GraphWriter, table: &Tensor) -> Tensor {
    let shape = writer.shape(table);
    let first = writer.constant(tensor::int32s(&[0]));
    writer.gather(&shape, &first)
}

/// Returns the first values of each row of a table, as many as its length says.
fn rows_of_table(
    writer: &mut GraphWriter,
    feature: &GraphInput,
    table: &Tensor,
    lengths: Tensor,
    present: Presence,
) -> Value {
    let zero = writer.constant(tensor::int(0));
    let lengths = match &present {
        Presence::Where(mask) => writer.select(mask, &lengths, &zero),
        _ => lengths,
    };
    let shape = writer.shape(table);
    let shape = writer.cast(&shape, INT);
    let second = writer.constant(tensor::int32(1));
    let width = writer.gather(&shape, &second);
    let is_above = writer.compare("GreaterEqual", &lengths, &zero);
    let is_below = writer.compare("LessEqual", &lengths, &width);
    let fits = writer.and(&is_above, &is_below);
    let message = format!("feature {}: a length that its row does not have", feature.name);
    let lengths = writer.checked(&lengths, &fits, &message);
    let rows = writer.size(&lengths);
    let rows = writer.range(&rows);
    let starts = writer.binary("Mul", &rows, &width);
    let (places, splits) = writer.ranges(&starts, &lengths);
    let flat = writer.flat(table);
    let given = writer.gather(&flat, &places);
    let given = checked(writer, &given);
    let tensor = computed(writer, &given, feature.value_type);
    Value { tensor, present: Presence::Always, lists: Some(Lists { splits, present }) }
}
