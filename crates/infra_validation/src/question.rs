//! Examples as requests, with what they have to be answered with.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type};
use dataset::{ExampleEncoder, MissingFeature, Payload, TfExampleError};
use program::json::write_row;

use crate::InfraError;

/// One example as a request, and what was predicted for it offline.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The raw features as a JSON object.
    pub(crate) row: String,
    /// The same as a serialized `tf.Example`.
    pub(crate) example: Vec<u8>,
    /// Every output of the model with its values.
    pub(crate) expected: Vec<(String, Vec<f32>)>,
}

/// Makes a question of each row: of `examples`, which has just the raw features that the model reads, and of
/// `predictions`, what the model said of them, row by row.
///
/// A missing value is `null` in JSON, and left out of the `tf.Example`.
///
/// # Errors
///
/// [`InfraError::Json`] and [`InfraError::Example`] when a column has a type that cannot be sent, [`InfraError::Output`]
/// when a prediction is no float.
pub fn questions(
    examples: &RecordBatch,
    predictions: &RecordBatch,
) -> Result<Vec<Question>, InfraError> {
    let num_rows = examples.num_rows();
    if predictions.num_rows() != num_rows {
        let predictions = predictions.num_rows();
        return Err(InfraError::Rows { examples: num_rows, predictions });
    }
    let encoder =
        ExampleEncoder::new(Payload::TfExample, MissingFeature::Omitted, examples.schema_ref())
            .map_err(InfraError::Example)?;
    let mut records = Vec::with_capacity(num_rows);
    encoder
        .encode(examples, |record| {
            records.push(record.to_vec());
            Ok::<(), TfExampleError>(())
        })
        .map_err(InfraError::Example)?;
    let mut questions = Vec::with_capacity(num_rows);
    for (row, example) in records.into_iter().enumerate() {
        let json = write_row(examples, row).map_err(InfraError::Json)?;
        let expected = expected(predictions, row)?;
        questions.push(Question { row: json, example, expected });
    }
    Ok(questions)
}

fn expected(predictions: &RecordBatch, row: usize) -> Result<Vec<(String, Vec<f32>)>, InfraError> {
    let schema = predictions.schema_ref();
    let columns = schema.fields().iter().zip(predictions.columns());
    columns
        .map(|(field, column)| {
            let values = match column.data_type() {
                DataType::Float32 => vec![column.as_primitive::<Float32Type>().value(row)],
                DataType::FixedSizeList(item, _) if *item.data_type() == DataType::Float32 => {
                    let values = column.as_fixed_size_list().value(row);
                    values.as_primitive::<Float32Type>().values().to_vec()
                }
                other => {
                    let (output, found) = (field.name().clone(), other.to_string());
                    return Err(InfraError::Output { output, found });
                }
            };
            Ok((field.name().clone(), values))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, StringArray};
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn a_row_is_json_an_example_and_predictions() {
        let examples = RecordBatch::try_from_iter([
            ("fare", Arc::new(Float32Array::from(vec![Some(4.5), None])) as ArrayRef),
            ("company", Arc::new(StringArray::from(vec!["Blue", "\"Red\""]))),
        ])
        .unwrap();
        let item = Arc::new(Field::new("item", DataType::Float32, false));
        let logits = Float32Array::from(vec![1.0, 2.0, 3.0, f32::NAN]);
        let predictions = RecordBatch::try_from_iter([
            ("prediction", Arc::new(Float32Array::from(vec![0.25, 0.75])) as ArrayRef),
            ("logits", Arc::new(FixedSizeListArray::new(item, 2, Arc::new(logits), None))),
        ])
        .unwrap();
        let questions = questions(&examples, &predictions).unwrap();
        assert_eq!(questions[0].row, r#"{"fare":4.5,"company":"Blue"}"#);
        assert_eq!(questions[1].row, r#"{"fare":null,"company":"\"Red\""}"#);
        assert_eq!(questions[0].expected[1], ("logits".to_owned(), vec![1.0, 2.0]));
        assert!(questions[1].expected[1].1[1].is_nan());
        // What is missing is not among the features.
        let has = |question: &Question, name: &[u8]| {
            question.example.windows(name.len()).any(|window| window == name)
        };
        assert!(has(&questions[0], b"fare") && !has(&questions[1], b"fare"));
    }

    #[test]
    fn predictions_that_no_server_gives_are_refused() {
        let examples = RecordBatch::try_from_iter([(
            "fare",
            Arc::new(Float32Array::from(vec![4.5])) as ArrayRef,
        )])
        .unwrap();
        let of = |column: ArrayRef| {
            let predictions = RecordBatch::try_from_iter([("prediction", column)]).unwrap();
            questions(&examples, &predictions).unwrap_err().to_string()
        };
        assert_eq!(
            of(Arc::new(Int64Array::from(vec![1]))),
            "output `prediction` is a column of Int64, expected floats of 32 bits"
        );
        assert_eq!(
            of(Arc::new(Float32Array::from(vec![1.0, 2.0]))),
            "the offline predictions have 2 rows, expected 1 as the examples have"
        );
    }
}
