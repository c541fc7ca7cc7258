//! Sampled requests, written as examples: what was really served, in the shape of training data.
//!
//! Each piece of the log is a folder with a split `serving` of Parquet shards, as any `Examples` have it, so statistics,
//! validation and skew detection run on it as they are. A piece gets its files when it is complete. A thread of its own
//! writes; rows that it cannot take in time, or that the disk has no room for, are counted and left out, and no request
//! fails for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use base::BoxError;
use dataset::{DatasetWriter, Storage};
use serde_json::json;

use crate::config::RequestLogConfig;
use crate::log::{Level, Log};
use crate::metrics::ModelMetrics;
use crate::sample::Sampler;

/// The name of the split.
const SPLIT: &str = "serving";

/// How many requests may wait to be written.
const WAITING: usize = 1024;

/// How many rows are put together before they are written.
const ROWS_TOGETHER: usize = 4096;

/// How long nothing is written after the disk refused.
const PAUSE: Duration = Duration::from_secs(10);

/// Where sampled requests go.
pub(crate) struct RequestLog {
    sampler: Sampler,
    has_predictions: bool,
    sender: Option<SyncSender<RecordBatch>>,
    metrics: Arc<ModelMetrics>,
    writer: Option<JoinHandle<()>>,
}

impl RequestLog {
    pub(crate) fn new(
        model: &str,
        config: &RequestLogConfig,
        metrics: Arc<ModelMetrics>,
        log: Arc<Log>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let writer = Writer {
            model: model.to_owned(),
            config: config.clone(),
            metrics: Arc::clone(&metrics),
            log,
            waiting: Vec::new(),
            num_waiting: 0,
            piece: None,
            num_pieces: 0,
            paused_until: None,
        };
        let writer = thread::Builder::new()
            .name("request-log".to_owned())
            .spawn(move || writer.work(&receiver))?;
        Ok(Self {
            sampler: Sampler::new(config.share),
            has_predictions: config.has_predictions,
            sender: Some(sender),
            metrics,
            writer: Some(writer),
        })
    }

    /// Writes a request and its answer, if it is one of the sample and there is room.
    pub(crate) fn offer(&self, request: &RecordBatch, answer: &RecordBatch) {
        if !self.sampler.take() {
            return;
        }
        let rows = if self.has_predictions { beside(request, answer) } else { request.clone() };
        let num_rows = rows.num_rows() as u64;
        let sent = self.sender.as_ref().is_some_and(|sender| sender.try_send(rows).is_ok());
        if !sent {
            self.metrics.unlogged_rows.fetch_add(num_rows, Ordering::Relaxed);
        }
    }

    /// Finishes the piece at hand.
    pub(crate) fn finish(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Returns the answer's columns behind the request's; of two columns of one name, the request's.
fn beside(request: &RecordBatch, answer: &RecordBatch) -> RecordBatch {
    let schema = request.schema();
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let mut columns: Vec<ArrayRef> = request.columns().to_vec();
    for (field, column) in answer.schema().fields().iter().zip(answer.columns()) {
        if schema.index_of(field.name()).is_err() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(request.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .unwrap_or_else(|_| request.clone())
}

struct Writer {
    model: String,
    config: RequestLogConfig,
    metrics: Arc<ModelMetrics>,
    log: Arc<Log>,
    waiting: Vec<RecordBatch>,
    num_waiting: usize,
    piece: Option<Piece>,
    num_pieces: u64,
    paused_until: Option<Instant>,
}

/// A piece of the log that is being written.
struct Piece {
    dir: PathBuf,
    writer: DatasetWriter,
    num_rows: u64,
    since: Instant,
}

impl Writer {
    fn work(mut self, rows: &Receiver<RecordBatch>) {
        loop {
            let wait = self.config.max_age.min(Duration::from_secs(1));
            match rows.recv_timeout(wait) {
                Ok(batch) => self.take(batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let is_old =
                self.piece.as_ref().is_some_and(|p| p.since.elapsed() >= self.config.max_age);
            if is_old {
                self.flush();
                self.end_piece();
            }
        }
        self.flush();
        self.end_piece();
    }

    fn take(&mut self, batch: RecordBatch) {
        // Another version may read other features; its rows make a piece of their own.
        if self.waiting.first().is_some_and(|first| first.schema_ref() != batch.schema_ref()) {
            self.flush();
            self.end_piece();
        }
        if self.piece.is_none() && self.paused_until.is_none_or(|until| Instant::now() >= until) {
            self.begin_piece(&batch);
        }
        self.num_waiting += batch.num_rows();
        self.waiting.push(batch);
        if self.num_waiting >= ROWS_TOGETHER {
            self.flush();
        }
        let is_full = self.piece.as_ref().is_some_and(|p| p.num_rows >= self.config.max_rows);
        if is_full {
            self.end_piece();
        }
    }

    fn begin_piece(&mut self, batch: &RecordBatch) {
        self.num_pieces += 1;
        let name = format!("{}-{}-{:06}", self.model, self.log.now_ms(), self.num_pieces);
        let dir = self.config.dir.join(name.replace(['/', '\\'], "_"));
        let split = SPLIT.to_owned();
        let schema = batch.schema();
        let writer =
            DatasetWriter::create(&dir, std::iter::once(&split), &schema, Storage::Parquet);
        match writer {
            Ok(writer) => {
                self.piece = Some(Piece { dir, writer, num_rows: 0, since: Instant::now() });
            }
            Err(error) => {
                let _ = std::fs::remove_dir_all(&dir);
                self.failed(&error.into());
            }
        }
    }

    fn flush(&mut self) {
        let batches = std::mem::take(&mut self.waiting);
        let num_rows = std::mem::take(&mut self.num_waiting) as u64;
        let Some(first) = batches.first() else { return };
        let Some(piece) = &mut self.piece else {
            self.metrics.unlogged_rows.fetch_add(num_rows, Ordering::Relaxed);
            return;
        };
        let together = arrow::compute::concat_batches(first.schema_ref(), &batches);
        let written = match together {
            Ok(rows) => piece.writer.write(0, &rows).map_err(BoxError::from),
            Err(_) => return,
        };
        piece.num_rows += num_rows;
        if let Err(error) = written {
            self.drop_piece(&error);
        }
    }

    fn end_piece(&mut self) {
        let Some(piece) = self.piece.take() else { return };
        let Piece { dir, writer, num_rows, .. } = piece;
        if num_rows == 0 {
            drop(writer);
            let _ = std::fs::remove_dir_all(&dir);
            return;
        }
        match writer.close() {
            Ok(_) => {
                self.metrics.logged_rows.fetch_add(num_rows, Ordering::Relaxed);
                let about = json!({ "model": self.model, "dir": dir, "rows": num_rows });
                self.log.say(Level::Info, "requests_logged", about);
            }
            Err(error) => {
                let _ = std::fs::remove_dir_all(&dir);
                self.metrics.unlogged_rows.fetch_add(num_rows, Ordering::Relaxed);
                self.failed(&error.into());
            }
        }
    }

    /// Gives up a piece that the disk refused; what was in it is lost.
    fn drop_piece(&mut self, error: &BoxError) {
        if let Some(piece) = self.piece.take() {
            self.metrics.unlogged_rows.fetch_add(piece.num_rows, Ordering::Relaxed);
            drop(piece.writer);
            let _ = std::fs::remove_dir_all(&piece.dir);
        }
        self.failed(error);
    }

    fn failed(&mut self, error: &BoxError) {
        self.paused_until = Some(Instant::now() + PAUSE);
        self.log.failed("request_log_failed", &self.model, error);
    }
}
