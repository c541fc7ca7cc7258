//! Files that TensorFlow and TFX wrote.

use std::fs;

use arrow::array::{Array, AsArray, LargeBinaryArray};
use arrow::datatypes::Int64Type;
use dataflow::map;
use sha2::{Digest, Sha256};

use super::*;

/// Returns the folder of shared test data, or `None` with a message.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn files_in(dir: &Path, prefix: &str) -> TfRecordFiles {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix))
        .collect();
    paths.sort();
    TfRecordFiles::open(&paths).unwrap()
}

fn raw_records(files: &TfRecordFiles) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for partition in 0..files.num_partitions() {
        let mut reader = files.records(partition).unwrap();
        while let Some(record) = reader.next_record().unwrap() {
            records.push(record.data.to_vec());
        }
    }
    records
}

/// Which of TFX's default splits, two parts `train` and one part `eval`, a record belongs to: its SHA-256 as a
/// number, modulo three.
fn is_train(record: &[u8]) -> bool {
    let digest = Sha256::digest(record);
    // 256 is 1 modulo 3, so the number is the sum of its bytes.
    digest.iter().map(|&byte| u32::from(byte)).sum::<u32>() % 3 < 2
}

#[test]
fn examples_of_csv_example_gen_come_back_byte_for_byte() {
    let Some(dir) = shared("golden/tfx_taxi/csv_example_gen") else { return };
    let mut num_examples = 0;
    for split in ["train", "eval"] {
        let files = files_in(&dir.join(format!("Split-{split}")), "data_tfrecord");
        assert_eq!(files.num_partitions(), 12);
        let schema = discover_schema(&engine(), &files, Payload::TfExample).unwrap();
        let types: Vec<_> =
            schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
        // One example of the whole has it, and it is in `train`.
        let tract =
            format!("pickup_census_tract {}", if split == "train" { "Int64" } else { "Null" });
        assert_eq!(
            types,
            [
                "company Utf8",
                "dropoff_census_tract Int64",
                "dropoff_community_area Int64",
                "dropoff_latitude Float32",
                "dropoff_longitude Float32",
                "fare Float32",
                "payment_type Utf8",
                tract.as_str(),
                "pickup_community_area Int64",
                "pickup_latitude Float32",
                "pickup_longitude Float32",
                "tips Float32",
                "trip_miles Float32",
                "trip_seconds Int64",
                "trip_start_day Int64",
                "trip_start_hour Int64",
                "trip_start_month Int64",
                "trip_start_timestamp Int64",
            ]
        );
        let expected = raw_records(&files);
        let source = ExampleFiles::new(files, Payload::TfExample, schema).unwrap();
        let stage = EncodeExamples { payload: Payload::TfExample, missing: MissingFeature::Named };
        let mut found = Vec::new();
        map(&engine(), &source, &stage, &mut |batch| {
            let records: &LargeBinaryArray = batch.column(0).as_any().downcast_ref().unwrap();
            found.extend(records.iter().flatten().map(<[u8]>::to_vec));
            Ok(())
        })
        .unwrap();
        assert!(found == expected, "the records of {split} differ");
        assert!(found.iter().all(|record| is_train(record) == (split == "train")));
        num_examples += found.len();
    }
    assert_eq!(num_examples, 15_000);
}

#[test]
fn a_list_of_floats_for_each_image() {
    let Some(dir) = shared("data") else { return };
    let files = files_in(&dir, "mnist.tfrecord");
    let schema = discover_schema(&engine(), &files, Payload::TfExample).unwrap();
    let expected = super::schema(&[
        ("image_class", DataType::Int64),
        ("image_floats", list(DataType::Float32)),
    ]);
    assert_eq!(schema, expected);
    let expected = raw_records(&files);
    let source = ExampleFiles::new(files, Payload::TfExample, schema).unwrap();
    let mut num_examples = 0;
    for batch in read_all(&source).unwrap() {
        let images = batch.column(1).as_list::<i32>();
        assert!((0..batch.num_rows()).all(|row| images.value(row).len() == 784));
        let classes = batch.column(0).as_primitive::<Int64Type>();
        assert!(classes.values().iter().all(|class| (0..10).contains(class)));
        let records = encode(Payload::TfExample, &batch).unwrap();
        assert!(records == expected[num_examples..num_examples + records.len()]);
        num_examples += records.len();
    }
    assert_eq!(num_examples, expected.len());
    assert_eq!(num_examples, 1000);
}

#[test]
fn compressed_samples_come_back_byte_for_byte() {
    let Some(dir) = shared("data") else { return };
    let files = files_in(&dir, "chicago_taxi_sample-");
    assert_eq!(files.num_partitions(), 2);
    let schema = discover_schema(&engine(), &files, Payload::TfExample).unwrap();
    let expected = raw_records(&files);
    assert_eq!(expected.len(), 15_000);
    let encoder = ExampleEncoder::new(Payload::TfExample, MissingFeature::Named, &schema).unwrap();
    let source = ExampleFiles::new(files, Payload::TfExample, schema).unwrap();
    let mut found = Vec::new();
    for batch in read_all(&source).unwrap() {
        let keep = |record: &[u8]| {
            found.push(record.to_vec());
            Ok::<_, TfExampleError>(())
        };
        encoder.encode(&batch, keep).unwrap();
    }
    assert!(found == expected);
}
