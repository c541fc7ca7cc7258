//! What is written, form by form.

use dataset::{ExampleFiles, ParquetFiles, Payload, TfRecordFiles, discover_schema};
use formats::tfrecord::Compression;
use infer::{Format, InferError, Inference, Keep, Outputs, Sink};

use super::*;

fn columns(names: &[&str]) -> Keep {
    Keep::Columns(names.iter().map(|name| (*name).to_owned()).collect())
}

fn named(pairs: &[(&str, &str)]) -> Outputs {
    Outputs::Named(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
}

fn written(format: Format, keep: &Keep, outputs: &Outputs) -> Result<Vec<u8>, InferError> {
    let (source, half) = (examples(1), Half::new(None));
    let inference = Inference::new(&half, &needed(), &schema_of(&source), keep, outputs)?;
    let mut sink = Sink::new(format, inference.schema(), Vec::new())?;
    dataflow::Engine::map(&engine(1), &source, &inference, &mut |batch| Ok(sink.write(&batch)?))
        .unwrap();
    sink.finish()
}

fn text(format: Format, keep: &Keep, outputs: &Outputs) -> String {
    String::from_utf8(written(format, keep, outputs).unwrap()).unwrap()
}

#[test]
fn text_has_a_line_for_each_example() {
    let csv = text(Format::Csv, &columns(&["name"]), &Outputs::All);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 11);
    assert_eq!(lines[0], "name,prediction,logit");
    assert_eq!(lines[4], "\"n,3\",1.5,NaN");
    assert_eq!(lines[7], "\"n,6\",,");
    let csv = text(Format::Csv, &columns(&[]), &named(&[("prediction", "p")]));
    assert_eq!(csv.lines().nth(7), Some("\"\""));

    let json = text(Format::JsonLines, &Keep::All, &named(&[("logit", "l")]));
    let lines: Vec<&str> = json.lines().collect();
    assert_eq!(lines[3], r#"{"x": 3, "name": "n,3", "l": "NaN"}"#);
    assert_eq!(lines[6], r#"{"x": null, "name": "n,6", "l": null}"#);
}

#[test]
fn files_with_types_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.parquet");
    std::fs::write(&path, written(Format::Parquet, &Keep::All, &Outputs::All).unwrap()).unwrap();
    let files = ParquetFiles::open(&[path]).unwrap();
    let batch = files.read(0, None).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.num_rows(), 10);
    let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["x", "name", "prediction", "logit"]);

    for compression in [Compression::None, Compression::Gzip] {
        let format = Format::TfRecord(compression);
        let path = dir.path().join("p.tfrecord");
        std::fs::write(&path, written(format, &Keep::All, &Outputs::All).unwrap()).unwrap();
        let files = TfRecordFiles::open(&[path]).unwrap();
        let schema = discover_schema(&engine(1), &files, Payload::TfExample).unwrap();
        let files = ExampleFiles::new(files, Payload::TfExample, schema).unwrap();
        let records = files.read(0, None).unwrap().next().unwrap().unwrap();
        let half = records.column_by_name("prediction").unwrap();
        assert_eq!(half, batch.column_by_name("prediction").unwrap());
    }
}

#[test]
fn what_is_not_there_is_said_before_any_work() {
    let said = |keep: &Keep, outputs: &Outputs| {
        written(Format::Csv, keep, outputs).unwrap_err().to_string()
    };
    assert_eq!(
        said(&columns(&["nme"]), &Outputs::All),
        "column `nme` is to be kept but not there, expected one of `x`, `name`"
    );
    assert_eq!(
        said(&Keep::All, &named(&[("score", "score")])),
        "the model has no output `score`, expected one of `prediction`, `logit`"
    );
    assert_eq!(
        said(&Keep::All, &named(&[("prediction", "x")])),
        "two columns of the result would be called `x`"
    );
    let (source, half) = (examples(1), Half::new(None));
    let error = Inference::new(
        &half,
        &["x".to_owned(), "z".to_owned()],
        &schema_of(&source),
        &Keep::All,
        &Outputs::All,
    );
    let error = error.err().unwrap();
    assert_eq!(error.to_string(), "column `z` is missing, the model needs `x`, `z`");
}

#[test]
fn probabilities_of_classes_are_a_column_each_in_csv() {
    let lists = arrow::array::FixedSizeListArray::from_iter_primitive::<
        arrow::datatypes::Float32Type,
        _,
        _,
    >(
        [Some(vec![Some(0.25), Some(0.75)]), None, Some(vec![Some(1.0), Some(0.0)])], 2
    );
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let lists: ArrayRef = Arc::new(lists);
    let columns = [("name", names, true), ("prediction", lists, true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let written = |format, batch: &RecordBatch| {
        let mut sink = Sink::new(format, &batch.schema(), Vec::new())?;
        sink.write(batch)?;
        Ok::<_, InferError>(String::from_utf8(sink.finish()?).unwrap())
    };
    let part = batch.slice(1, 2);
    assert_eq!(
        written(Format::Csv, &part).unwrap(),
        "name,prediction_0,prediction_1\nb,,\nc,1,0\n"
    );
    assert_eq!(
        written(Format::JsonLines, &part).unwrap(),
        "{\"name\": \"b\", \"prediction\": null}\n{\"name\": \"c\", \"prediction\": [1, 0]}\n"
    );
}
