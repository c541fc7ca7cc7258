//! Warm-up files: requests that come with a version, asked of it before anybody else may ask.
//!
//! # Source
//!
//! TensorFlow Serving's `assets.extra/tf_serving_warmup_requests` in a version's folder: a TFRecord file of messages
//! `tensorflow.serving.PredictionLog`, at most 1,000 of them. One that fails keeps the version from answering.

use std::fs::File;
use std::io;
use std::path::Path;

use base::BoxError;
use bytes::Bytes;
use formats::tfrecord::RecordReader;
use prost::Message as _;

use crate::failure::{Code, Failure};
use crate::grpc::Recorded;
use crate::inputs::RowLimits;
use crate::proto::tensorflow::serving::PredictionLog;
use crate::version::Version;

/// Where the file is.
const FILE: &str = "assets.extra/tf_serving_warmup_requests";

/// How many requests it may have, and how large one of them may be.
const MAX_RECORDS: u64 = 1000;
const MAX_RECORD_BYTES: u64 = 64 << 20;

/// Asks a version what the file in its folder says; returns how many requests there are.
pub(crate) fn replay(dir: &Path, version: &Version, limits: &RowLimits) -> Result<u64, Failure> {
    let path = dir.join(FILE);
    let said = |what: String| {
        Failure::new(Code::FailedPrecondition, format!("{}: {what}", path.display()))
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(said(format!("cannot be read: {error}"))),
    };
    let mut records = RecordReader::new(file).with_max_record_bytes(MAX_RECORD_BYTES);
    let mut count = 0;
    loop {
        let record =
            records.next_record().map_err(|error| said(BoxError::from(error).to_string()))?;
        let Some(record) = record else { return Ok(count) };
        count += 1;
        if count > MAX_RECORDS {
            return Err(said(format!("found more than {MAX_RECORDS} requests")));
        }
        let log = PredictionLog::decode(Bytes::copy_from_slice(record.data));
        let log = log.map_err(|error| said(format!("request {count}: {error}")))?;
        let asked = Recorded::of(log).and_then(|recorded| recorded.ask(version, limits));
        asked.map_err(|failure| said(format!("request {count}: {}", failure.message)))?;
    }
}
