//! What others take for the same work: short Python programs that time the work alone, so that the time to start
//! and to import counts for us and not for them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{Usage, run_with_output};
use crate::Failure;

/// One program of a peer; `{file}` is the file that it reads.
pub(super) struct Peer {
    /// What to call it in a table.
    pub(super) name: &'static str,
    program: &'static str,
}

/// DuckDB's summary of all columns of a CSV.
pub(super) const DUCKDB: Peer = Peer {
    name: "DuckDB `SUMMARIZE`",
    program: r#"
import sys, time, duckdb
start = time.perf_counter()
connection = duckdb.connect()
connection.execute("SET threads = 2")
connection.execute("SET enable_progress_bar = false")
rows = connection.execute("SUMMARIZE SELECT * FROM read_csv(?)", [sys.argv[1]]).fetchall()
assert rows
print(time.perf_counter() - start)
"#,
};

/// The description of all columns of a CSV in polars.
pub(super) const POLARS: Peer = Peer {
    name: "polars `describe`",
    program: r#"
import os, sys, time
os.environ["POLARS_MAX_THREADS"] = "2"
import polars
start = time.perf_counter()
table = polars.read_csv(sys.argv[1], infer_schema_length=None).describe()
assert table.height
print(time.perf_counter() - start)
"#,
};

/// TensorFlow Data Validation's statistics of a CSV.
pub(super) const TFDV: Peer = Peer {
    name: "TFDV `generate_statistics_from_csv`",
    program: r#"
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow_data_validation as tfdv
start = time.perf_counter()
statistics = tfdv.generate_statistics_from_csv(sys.argv[1])
assert statistics.datasets[0].num_examples
print(time.perf_counter() - start)
"#,
};

/// TensorFlow Model Analysis's metrics of a table in memory, by the same slices; of the metrics, those that it has.
pub(super) const TFMA: Peer = Peer {
    name: "TFMA `analyze_raw_data`",
    program: r#"
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import pandas
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
names = ("AUC AUCPrecisionRecall BinaryAccuracy Precision Recall F1Score BinaryCrossentropy Calibration MeanLabel "
         "MeanPrediction MeanSquaredError MeanAbsoluteError Specificity FallOut MissRate BalancedAccuracy "
         "MatthewsCorrelationCoefficient").split()
metrics = " ".join(f'metrics {{ class_name: "{name}" }}' for name in names)
metrics += ' metrics { class_name: "PrecisionAtRecall" config: \'"recall": 0.8\' }'
metrics += ' metrics { class_name: "RecallAtPrecision" config: \'"precision": 0.8\' }'
slices = " ".join(f'slicing_specs {{ feature_keys: "{name}" }}' for name in ("country", "hour", "device", "plan"))
config = text_format.Parse(
    'model_specs { label_key: "label" prediction_key: "prediction" } slicing_specs {} '
    + slices + " metrics_specs { " + metrics + " }", tfma.EvalConfig())
table = pandas.read_csv(sys.argv[1])
start = time.perf_counter()
result = tfma.analyze_raw_data(table, config)
assert len(result.slicing_metrics) == 50
print(time.perf_counter() - start)
"#,
};

/// TensorFlow's decoding of `tf.Example`: the processor time of one thread, records in memory, the types known.
///
/// Prints the number of records and the seconds twice: for features that may be missing (`VarLenFeature`, which tells
/// as much as a column with missing values), and for features of one value with a default for those that are missing
/// (`FixedLenFeature`, which tells less).
pub(super) const PARSE_EXAMPLE: Peer = Peer {
    name: "`tf.io.parse_example`",
    program: r#"
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
records = [record.numpy() for record in tf.data.TFRecordDataset(sys.argv[1:])]
types = {"int64_list": (tf.int64, 0), "float_list": (tf.float32, 0.0), "bytes_list": (tf.string, "")}
found = {}
for record in records:
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
        kind = feature.WhichOneof("kind")
        if kind:
            found.setdefault(name, types[kind])
sparse = {name: tf.io.VarLenFeature(kind) for name, (kind, _) in found.items()}
dense = {name: tf.io.FixedLenFeature([], kind, default) for name, (kind, default) in found.items()}
batches = [tf.constant(records[at:at + 8192]) for at in range(0, len(records), 8192)]
for features in [sparse, dense]:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def decode(batch):
        return tf.io.parse_example(batch, features)
    assert len(decode(batches[0])) == len(features)
    start = time.process_time()
    for batch in batches:
        decode(batch)
    print(len(records), time.process_time() - start)
"#,
};

/// tf.Transform over the features of `examples/taxi`, with Beam's DirectRunner: a CSV or files of `tf.Example`s, and a
/// schema, to transformed examples and a transform function.
pub(super) const TFT: Peer = Peer {
    name: "tf.Transform, DirectRunner",
    program: r#"
import os, sys, tempfile, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import logging
logging.disable(logging.WARNING)
import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

source, schema_file, out = sys.argv[1:]
schema = text_format.Parse(open(schema_file).read(), schema_pb2.Schema())

def preprocess(inputs):
    def filled(name, value):
        x = inputs[name]
        x = tf.SparseTensor(x.indices, x.values, [x.dense_shape[0], 1])
        return tf.squeeze(tf.sparse.to_dense(x, value), axis=1)
    miles, paid = filled("trip_miles", 0.0), filled("fare", 0.0)
    seconds = tf.cast(filled("trip_seconds", 0), tf.float32)
    area = filled("pickup_community_area", -1)
    area = tf.where(area < 0, "none", tf.strings.as_string(area))
    tips = filled("tips", 0.0)
    features = {
        "trip_miles": tft.scale_to_z_score(miles),
        "fare": tft.scale_to_z_score(tf.math.log(tf.maximum(paid, 0.0) + 1.0)),
        "trip_seconds": tft.scale_to_z_score(tf.math.log(seconds + 1.0)),
        "fare_per_mile": tft.scale_to_z_score(tf.minimum(paid / (miles + 0.5), 20.0)),
        "hour": tft.bucketize(filled("trip_start_hour", 0), 24),
        "payment_type": tft.compute_and_apply_vocabulary(
            tf.strings.lower(tf.strings.strip(filled("payment_type", ""))), num_oov_buckets=1),
        "company": tft.compute_and_apply_vocabulary(
            filled("company", "none"), top_k=100, num_oov_buckets=10, vocab_filename="company"),
        "pickup_area": tft.hash_strings(area, 80),
        "big_tipper": tf.cast(tips > paid * 0.2, tf.int64),
    }
    for name in ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude"):
        features[name] = tft.bucketize(filled(name, 0.0), 10)
    return features

class Encode(beam.DoFn):
    def __init__(self, schema):
        self.schema = schema
    def setup(self):
        self.encoder = tfxio.RecordBatchToExamplesEncoder(self.schema)
    def process(self, batch):
        yield from self.encoder.encode(batch[0])

start = time.perf_counter()
if source.endswith(".csv"):
    names = open(source).readline().strip().split(",")
    io = tfxio.CsvTFXIO(source, column_names=names, schema=schema, skip_header_lines=1)
else:
    io = tfxio.TFExampleRecord(source, schema=schema)
with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=tempfile.mkdtemp(dir=os.path.dirname(out))):
    dataset = (pipeline | io.BeamSource(), io.TensorAdapterConfig())
    (examples, metadata), function = dataset | tft_beam.AnalyzeAndTransformDataset(
        preprocess, output_record_batches=True)
    examples | beam.ParDo(Encode(metadata.schema)) | beam.io.WriteToTFRecord(
        os.path.join(out, "examples", "part"), file_name_suffix=".gz")
    function | tft_beam.WriteTransformFn(out)
print(time.perf_counter() - start)
"#,
};

impl Peer {
    /// Returns the command that runs the program over some files.
    pub(super) fn command(&self, python: &Path, files: &[PathBuf]) -> Command {
        let mut command = Command::new(python);
        command.arg("-c").arg(self.program).args(files);
        command
    }

    /// Runs the program with an interpreter. Returns what the whole process took, and the seconds that it printed.
    pub(super) fn run(&self, python: &Path, file: &Path) -> Result<(Usage, Duration), Failure> {
        let mut command = self.command(python, &[file.to_path_buf()]);
        let (usage, printed) = run_with_output(&mut command)?;
        let seconds = printed.lines().last().unwrap_or_default().trim().parse()?;
        Ok((usage, Duration::try_from_secs_f64(seconds)?))
    }
}
