//! Requests that a server replays before it answers others.

use std::fs;
use std::io::BufWriter;
use std::path::Path;

use base::IoError;
use base::publish::write_file_with;
use formats::tfrecord::RecordWriter;
use prost::Message;

use crate::messages::{PredictLog, PredictionLog, predict_request};
use crate::{InfraError, Question};

/// Where a version's folder has them, as TensorFlow Serving looks for them.
pub const WARMUP_FILE: &str = "assets.extra/tf_serving_warmup_requests";

/// The most that TensorFlow Serving replays.
const MAX_RECORDS: usize = 1000;

/// Writes requests into a version's folder: a TFRecord of `tensorflow.serving.PredictionLog`, one `predict_log` for each
/// question, with the signature `serving_default` and one serialized `tf.Example` as `examples`. Those beyond the first
/// 1,000 are left out. Returns how many there are.
///
/// # Errors
///
/// [`InfraError::Io`].
///
/// # Source
///
/// TensorFlow Serving's guide to SavedModel warm-up; the model's name in a request is not looked at there.
pub fn write_warmup(dir: &Path, model: &str, questions: &[Question]) -> Result<usize, InfraError> {
    let path = dir.join(WARMUP_FILE);
    let parent = path.parent().unwrap_or(dir);
    fs::create_dir_all(parent).map_err(IoError::at("create", parent))?;
    let questions = &questions[..questions.len().min(MAX_RECORDS)];
    write_file_with::<InfraError>(&path, |file| {
        let mut writer = RecordWriter::new(BufWriter::new(file));
        for question in questions {
            let request = Some(predict_request(model, &question.example));
            let log = PredictionLog { predict_log: Some(PredictLog { request }) };
            writer.write(&log.encode_to_vec()).map_err(IoError::at("write", &path))?;
        }
        let written = writer.into_inner().into_inner();
        written.map_err(|error| IoError::at("write", &path)(error.into_error()))?;
        Ok(())
    })?;
    Ok(questions.len())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::BufReader;

    use formats::tfrecord::RecordReader;

    use super::*;

    #[test]
    fn requests_are_read_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let question = |n: u8| Question { row: String::new(), example: vec![n], expected: vec![] };
        let questions: Vec<Question> = (0..3).map(question).collect();
        assert_eq!(write_warmup(dir.path(), "taxi", &questions).unwrap(), 3);
        let file = File::open(dir.path().join(WARMUP_FILE)).unwrap();
        let mut reader = RecordReader::new(BufReader::new(file));
        let mut found = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let log = PredictionLog::decode(record.data).unwrap();
            let request = log.predict_log.unwrap().request.unwrap();
            let spec = request.model_spec.unwrap();
            assert_eq!(
                (spec.name.as_str(), spec.signature_name.as_str()),
                ("taxi", "serving_default")
            );
            found.push(request.inputs["examples"].string_val.clone());
        }
        assert_eq!(found, [[[0]], [[1]], [[2]]]);
        let many: Vec<Question> = (0..1200).map(|n: u16| question(n.to_le_bytes()[0])).collect();
        assert_eq!(write_warmup(dir.path(), "taxi", &many).unwrap(), 1000);
    }
}
