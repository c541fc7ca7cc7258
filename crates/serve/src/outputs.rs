//! What a model answered, as protocols write it.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Schema};
use model::{PREDICTION, Task};

use crate::failure::{Code, Failure};

/// One output: `values.len() / width` rows of `width` floats.
pub(crate) struct Output<'a> {
    pub(crate) name: &'a str,
    pub(crate) values: &'a [f32],
    pub(crate) width: usize,
}

impl<'a> Output<'a> {
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

/// Name and width of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputInfo {
    pub(crate) name: String,
    pub(crate) width: usize,
}

/// Returns what the columns of a model's answers are.
pub(crate) fn infos(schema: &Schema) -> Result<Vec<OutputInfo>, Failure> {
    let info = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        let width = width(field.data_type()).ok_or_else(|| other_type(field.data_type()))?;
        Ok(OutputInfo { name: field.name().clone(), width })
    };
    schema.fields().iter().map(info).collect()
}

fn width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Float32 => Some(1),
        DataType::FixedSizeList(item, width) if *item.data_type() == DataType::Float32 => {
            usize::try_from(*width).ok()
        }
        _ => None,
    }
}

#[cold]
fn other_type(found: &DataType) -> Failure {
    Failure::new(
        Code::Internal,
        format!("the model answered with a column of {found}, expected floats of 32 bits"),
    )
}

/// Returns the outputs of an answer, in the model's order.
pub(crate) fn outputs(batch: &RecordBatch) -> Result<Vec<Output<'_>>, Failure> {
    let schema = batch.schema_ref();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .map(|(field, column)| {
            let name = field.name().as_str();
            let other = || other_type(column.data_type());
            match column.data_type() {
                DataType::Float32 => {
                    let values = column.as_primitive::<Float32Type>().values();
                    Ok(Output { name, values, width: 1 })
                }
                _ => {
                    let width = width(column.data_type()).ok_or_else(other)?;
                    let lists = column.as_fixed_size_list();
                    let values = lists.values().as_primitive::<Float32Type>().values();
                    let start = lists.offset() * width;
                    let values = values.get(start..start + column.len() * width);
                    // The values of a slice are sliced already where the offset is gone.
                    let values =
                        values.unwrap_or(lists.values().as_primitive::<Float32Type>().values());
                    Ok(Output { name, values, width })
                }
            }
        })
        .collect()
}

/// Returns whether predictions of a task are scores of classes.
pub(crate) fn classifies(task: Task) -> bool {
    match task {
        Task::BinaryClassification
        | Task::MultiClassClassification { .. }
        | Task::MultiLabelClassification { .. } => true,
        Task::Regression | Task::Ranking => false,
    }
}

/// Calls `take` with row, label and score of every class of every row.
///
/// Of a binary classifier the classes are `0` and `1`, of others the ids of the labels.
pub(crate) fn classes(
    task: Task,
    batch: &RecordBatch,
    take: &mut dyn FnMut(usize, &str, f32),
) -> Result<(), Failure> {
    let prediction = prediction(batch)?;
    let is_binary = matches!(task, Task::BinaryClassification);
    if !classifies(task) {
        return Err(Failure::invalid(
            "the model does not classify; ask it with `:regress` or `:predict`",
        ));
    }
    for row in 0..batch.num_rows() {
        if is_binary {
            let score = prediction.row(row)[0];
            take(row, "0", 1.0 - score);
            take(row, "1", score);
            continue;
        }
        for (label, score) in prediction.row(row).iter().enumerate() {
            take(row, &label.to_string(), *score);
        }
    }
    Ok(())
}

/// Returns the one number that a model predicts for each row.
pub(crate) fn regressions(batch: &RecordBatch) -> Result<&[f32], Failure> {
    let prediction = prediction(batch)?;
    if prediction.width != 1 {
        return Err(Failure::invalid(
            "the model does not predict one number; ask it with `:classify` or `:predict`",
        ));
    }
    Ok(prediction.values)
}

fn prediction(batch: &RecordBatch) -> Result<Output<'_>, Failure> {
    let prediction = outputs(batch)?.into_iter().find(|output| output.name == PREDICTION);
    prediction.ok_or_else(|| Failure::new(Code::Internal, "the model has no output `prediction`"))
}
