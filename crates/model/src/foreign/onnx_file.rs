//! An ONNX file whose inputs are features.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema};
use onnx::{Element, OnnxFile, OnnxModel, Port, Runtime, Values};

use crate::foreign::{Binding, ForeignError};
use crate::{OutputSpec, PREDICTION, Task};

/// An ONNX model with its inputs bound to features.
pub(super) struct BoundOnnx {
    file: OnnxFile,
    /// Each input with the features that it is, in the model's order.
    inputs: Vec<(Port, Vec<String>)>,
    prediction: String,
    task: Task,
    runtime: Runtime,
    /// The model, planned for how many values the features have; that shows when the first examples come.
    planned: Mutex<Option<(Vec<usize>, Arc<OnnxModel>)>>,
}

impl BoundOnnx {
    pub(super) fn load(files: &Path, binding: &Binding, task: Task) -> Result<Self, ForeignError> {
        let file = OnnxFile::read(&files.join(&binding.file))?;
        let listed =
            |ports: &[Port]| ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ");
        let mut inputs = Vec::new();
        for port in file.inputs() {
            let Some((_, features)) = binding.inputs.iter().find(|(name, _)| *name == port.name)
            else {
                return Err(ForeignError::Inputs {
                    ports: listed(file.inputs()),
                    features: String::new(),
                    reason: format!("`{}` is not in the description beside it", port.name),
                });
            };
            inputs.push((port.clone(), features.clone()));
        }
        if file.outputs().iter().all(|port| port.name != binding.prediction) {
            return Err(ForeignError::Outputs {
                ports: listed(file.outputs()),
                reason: format!("`{}` is none of them", binding.prediction),
            });
        }
        let bound = Self {
            prediction: binding.prediction.clone(),
            inputs,
            task,
            runtime: Runtime::from_env()?,
            planned: Mutex::new(None),
            file,
        };
        // Where all sizes are known, what cannot be run is known before anybody asks.
        let widths: Option<Vec<usize>> = bound
            .inputs
            .iter()
            .map(|(port, features)| port.width().or((features.len() == 1).then_some(1)))
            .collect();
        if let Some(widths) = widths {
            bound.model(&widths)?;
        }
        Ok(bound)
    }

    /// Returns the model for inputs of these widths.
    fn model(&self, widths: &[usize]) -> Result<Arc<OnnxModel>, ForeignError> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, model)) = planned.as_ref().filter(|(known, _)| known == widths) {
            return Ok(Arc::clone(model));
        }
        let model = OnnxModel::new(&self.file, widths, &[&self.prediction], &self.runtime)?;
        let model = Arc::new(model);
        *planned = Some((widths.to_vec(), Arc::clone(&model)));
        Ok(model)
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, ForeignError> {
        let num_rows = examples.num_rows();
        let mut widths = Vec::new();
        let mut inputs = Vec::new();
        for (port, features) in &self.inputs {
            let (values, width) = input_values(port, features, examples)?;
            inputs.push(values);
            widths.push(width);
        }
        let mut outputs = self.model(&widths)?.run(&inputs, num_rows)?;
        let (mut values, found) = outputs.swap_remove(0);
        let width = self.task.width();
        if self.task == Task::BinaryClassification && found == 2 {
            // The probabilities of 0 and of 1.
            values = values.chunks_exact(2).map(|pair| pair[1]).collect();
        } else if found != width && num_rows > 0 {
            return Err(ForeignError::Outputs {
                ports: format!("`{}`", self.prediction),
                reason: format!(
                    "it has {found} values in each row, the prediction of {} has {width}",
                    self.task
                ),
            });
        }
        let output = OutputSpec { name: PREDICTION.to_owned(), width };
        let values: ArrayRef = Arc::new(Float32Array::from(values));
        let column: ArrayRef = match output.data_type() {
            DataType::FixedSizeList(item, size) => {
                Arc::new(FixedSizeListArray::try_new(item, size, values, None)?)
            }
            _ => values,
        };
        let field = Field::new(PREDICTION, output.data_type(), false);
        Ok(RecordBatch::try_new(Schema::new(vec![field]).into(), vec![column])?)
    }
}

/// Returns the values of an input, row after row, and how many a row has.
fn input_values(
    port: &Port,
    features: &[String],
    examples: &RecordBatch,
) -> Result<(Values, usize), ForeignError> {
    let mut columns = Vec::new();
    for name in features {
        let Some(column) = examples.column_by_name(name) else {
            return Err(ForeignError::MissingColumn { column: name.clone() });
        };
        columns.push(flat(name, column)?);
    }
    let width = columns.iter().map(|(_, width)| width).sum();
    let num_rows = examples.num_rows();
    let wrong = |name: &str, found: &ArrayRef, expected: &str| ForeignError::ColumnType {
        column: name.to_owned(),
        found: found.data_type().to_string(),
        expected: expected.to_owned(),
    };
    let named = || features.iter().zip(&columns);
    let values = match port.element {
        Element::Float | Element::Double => {
            let mut values = vec![f32::NAN; num_rows * width];
            let mut begin = 0;
            for (name, (column, own)) in named() {
                let column = number(column, &DataType::Float32)
                    .ok_or_else(|| wrong(name, column, "numbers"))?;
                let floats = column.as_primitive::<Float32Type>();
                put(
                    floats.iter().map(|value| value.unwrap_or(f32::NAN)),
                    *own,
                    begin,
                    width,
                    &mut values,
                );
                begin += own;
            }
            Values::Floats(values)
        }
        Element::Int32 | Element::Int64 | Element::Bool => {
            let mut values = vec![-1_i64; num_rows * width];
            let mut begin = 0;
            for (name, (column, own)) in named() {
                let column = number(column, &DataType::Int64)
                    .ok_or_else(|| wrong(name, column, "whole numbers"))?;
                let ints = column.as_primitive::<Int64Type>();
                put(ints.iter().map(|value| value.unwrap_or(-1)), *own, begin, width, &mut values);
                begin += own;
            }
            Values::Ints(values)
        }
        Element::Text => {
            let mut values = vec![String::new(); num_rows * width];
            let mut begin = 0;
            for (name, (column, own)) in named() {
                let text =
                    cast(column, &DataType::Utf8).map_err(|_| wrong(name, column, "text"))?;
                let texts = text.as_string::<i32>();
                let texts = texts.iter().map(|text| text.unwrap_or_default().to_owned());
                put(texts, *own, begin, width, &mut values);
                begin += own;
            }
            Values::Texts(values)
        }
    };
    Ok((values, width))
}

/// Writes a feature's values, `own` in each row, from `begin` on into rows of `width`.
fn put<T>(from: impl Iterator<Item = T>, own: usize, begin: usize, width: usize, to: &mut [T]) {
    for (index, value) in from.enumerate() {
        to[index / own * width + begin + index % own] = value;
    }
}

/// Casts numbers and truth values; a float is no whole number.
fn number(column: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    let from = column.data_type();
    let fits = match to {
        DataType::Int64 => from.is_integer() || *from == DataType::Boolean,
        _ => from.is_numeric() || *from == DataType::Boolean,
    };
    fits.then(|| cast(column, to).ok())?
}

/// Returns a column's values one behind the other, and how many a row has.
fn flat(name: &str, column: &ArrayRef) -> Result<(ArrayRef, usize), ForeignError> {
    match column.data_type() {
        DataType::FixedSizeList(_, size) => {
            let lists = column.as_fixed_size_list();
            let width = usize::try_from(*size).unwrap_or(0);
            if lists.null_count() > 0 || width == 0 {
                return Err(ForeignError::ColumnType {
                    column: name.to_owned(),
                    found: "with missing lists".to_owned(),
                    expected: "a list in each row".to_owned(),
                });
            }
            let values = lists.values().slice(lists.offset() * width, lists.len() * width);
            Ok((values, width))
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let offsets = lists.value_offsets();
            let lengths: Vec<i32> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let width = lengths.first().map_or(1, |length| usize::try_from(*length).unwrap_or(0));
            let differs = lengths.iter().any(|length| usize::try_from(*length) != Ok(width));
            if lists.null_count() > 0 || width == 0 || differs {
                return Err(ForeignError::ColumnType {
                    column: name.to_owned(),
                    found: "lists of several lengths".to_owned(),
                    expected: "lists of one length".to_owned(),
                });
            }
            let first = usize::try_from(offsets[0]).unwrap_or(0);
            Ok((lists.values().slice(first, lists.len() * width), width))
        }
        _ => Ok((ArrayRef::clone(column), 1)),
    }
}
