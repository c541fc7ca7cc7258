//! Queues, with a model that takes as long as it is told to.

use std::sync::mpsc::{Receiver, Sender, channel};

use arrow::array::{ArrayRef, AsArray, Float32Array};
use arrow::datatypes::Float32Type;
use base::{BoxError, Classify, ErrorKind};
use model::{Signature, Task};

use super::*;

/// Answers each row with how many rows were computed with it, once it is allowed to.
struct Gate {
    signature: Signature,
    entered: Sender<usize>,
    may_go: Mutex<Receiver<()>>,
}

#[derive(Debug, thiserror::Error)]
#[error("a row is negative")]
struct Negative;

impl Classify for Negative {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

impl Predictor for Gate {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let rows = examples.num_rows();
        let _ = self.entered.send(rows);
        let _ = self.may_go.lock().unwrap().recv();
        let values = examples.column(0).as_primitive::<Float32Type>();
        assert!(!values.iter().any(|value| value == Some(666.0)), "the model breaks");
        if values.iter().any(|value| value < Some(0.0)) {
            return Err(Negative.into());
        }
        let together =
            Float32Array::from_iter_values(values.values().iter().map(|v| v + rows as f32));
        Ok(RecordBatch::try_from_iter([("prediction", Arc::new(together) as ArrayRef)]).unwrap())
    }
}

fn rows(values: &[f32]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Float32Array::from(values.to_vec()));
    RecordBatch::try_from_iter([("x", column)]).unwrap()
}

fn values(answer: Result<Predicted, Failure>) -> Result<Vec<f32>, Code> {
    let answer = answer.map_err(|failure| failure.code)?;
    Ok(answer.batch.column(0).as_primitive::<Float32Type>().values().to_vec())
}

struct Scene {
    batcher: Arc<Batcher>,
    entered: Receiver<usize>,
    allow: Sender<()>,
    runtime: tokio::runtime::Runtime,
}

type Asked = tokio::task::JoinHandle<Result<Predicted, Failure>>;

impl Scene {
    /// A model that is known to be slow, so that all requests are queued.
    fn new(config: BatchConfig) -> Self {
        let (entered, has_entered) = channel();
        let (allow, may_go) = channel();
        let signature = Signature::new(Vec::new(), "y".to_owned(), Task::Regression);
        let gate = Gate { signature, entered, may_go: Mutex::new(may_go) };
        let batcher = Batcher::new(None, Box::new(gate), config, ModelMetrics::new("m"));
        batcher.shared.cost.add(1, Duration::from_secs(1));
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        Self { batcher: Arc::new(batcher), entered: has_entered, allow, runtime }
    }

    fn ask(&self, values: &[f32], timeout: Duration) -> Asked {
        let (batcher, batch) = (Arc::clone(&self.batcher), rows(values));
        self.runtime.spawn(async move { batcher.predict(batch, Instant::now() + timeout).await })
    }

    fn wait_until_waiting(&self, count: usize) {
        while self.batcher.shared.waiting.load(Ordering::Acquire) != count {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn answer(&self, asked: Asked) -> Result<Vec<f32>, Code> {
        values(self.runtime.block_on(asked).unwrap())
    }
}

fn one_at_a_time() -> BatchConfig {
    BatchConfig { max_concurrency: 1, ..BatchConfig::default() }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn those_who_wait_are_computed_together() {
    let scene = Scene::new(one_at_a_time());
    let first = scene.ask(&[10.0], LONG);
    assert_eq!(scene.entered.recv(), Ok(1));
    let second = scene.ask(&[20.0, 21.0], LONG);
    scene.wait_until_waiting(1);
    let third = scene.ask(&[30.0], LONG);
    scene.wait_until_waiting(2);
    scene.allow.send(()).unwrap();
    assert_eq!(scene.answer(first), Ok(vec![11.0]));
    assert_eq!(scene.entered.recv(), Ok(3));
    scene.allow.send(()).unwrap();
    assert_eq!(scene.answer(second), Ok(vec![23.0, 24.0]));
    assert_eq!(scene.answer(third), Ok(vec![33.0]));
}

#[test]
fn a_batch_has_no_more_rows_than_it_may() {
    let scene = Scene::new(BatchConfig { max_batch_rows: 2, ..one_at_a_time() });
    let first = scene.ask(&[1.0], LONG);
    assert_eq!(scene.entered.recv(), Ok(1));
    let others: Vec<_> = (1..=3)
        .map(|count| {
            let asked = scene.ask(&[5.0], LONG);
            scene.wait_until_waiting(count);
            asked
        })
        .collect();
    (0..3).for_each(|_| scene.allow.send(()).unwrap());
    assert_eq!(scene.answer(first), Ok(vec![2.0]));
    let answers: Vec<_> = others.into_iter().map(|asked| scene.answer(asked)).collect();
    assert_eq!(answers, [Ok(vec![7.0]), Ok(vec![7.0]), Ok(vec![6.0])]);
}

#[test]
fn a_full_queue_refuses_and_a_late_request_is_not_computed() {
    let scene = Scene::new(BatchConfig { max_queued_requests: 1, ..one_at_a_time() });
    let first = scene.ask(&[1.0], LONG);
    assert_eq!(scene.entered.recv(), Ok(1));
    let late = scene.ask(&[2.0], Duration::from_millis(30));
    scene.wait_until_waiting(1);
    let refused = scene.ask(&[3.0], LONG);
    assert_eq!(scene.answer(refused), Err(Code::Unavailable));
    assert_eq!(scene.answer(late), Err(Code::DeadlineExceeded));
    scene.allow.send(()).unwrap();
    assert_eq!(scene.answer(first), Ok(vec![2.0]));
    let next = scene.ask(&[4.0], LONG);
    assert_eq!(scene.entered.recv(), Ok(1));
    scene.allow.send(()).unwrap();
    assert_eq!(scene.answer(next), Ok(vec![5.0]));
    assert!(scene.entered.try_recv().is_err());
}

#[test]
fn one_bad_request_does_not_spoil_the_batch() {
    for (bad, code) in [(-1.0, Code::InvalidArgument), (666.0, Code::Internal)] {
        let scene = Scene::new(one_at_a_time());
        let first = scene.ask(&[1.0], LONG);
        assert_eq!(scene.entered.recv(), Ok(1));
        let bad = scene.ask(&[bad], LONG);
        scene.wait_until_waiting(1);
        let good = scene.ask(&[3.0], LONG);
        scene.wait_until_waiting(2);
        (0..4).for_each(|_| scene.allow.send(()).unwrap());
        assert_eq!(scene.answer(first), Ok(vec![2.0]));
        assert_eq!(scene.answer(bad), Err(code));
        assert_eq!(scene.answer(good), Ok(vec![4.0]));
    }
}

#[test]
fn the_first_waits_for_others_as_long_as_it_may() {
    let scene = Scene::new(BatchConfig {
        batch_timeout: Duration::from_secs(60),
        max_batch_rows: 2,
        ..one_at_a_time()
    });
    let first = scene.ask(&[1.0], LONG);
    thread::sleep(Duration::from_millis(20));
    assert!(scene.entered.try_recv().is_err());
    let second = scene.ask(&[2.0], LONG);
    scene.allow.send(()).unwrap();
    assert_eq!((scene.answer(first), scene.answer(second)), (Ok(vec![3.0]), Ok(vec![4.0])));
}

#[test]
fn a_cheap_model_is_asked_at_once() {
    let scene = Scene::new(one_at_a_time());
    (0..200).for_each(|_| scene.batcher.shared.cost.add(1, Duration::from_micros(1)));
    scene.allow.send(()).unwrap();
    let answer = scene.runtime.block_on(scene.batcher.predict(rows(&[1.0]), Instant::now() + LONG));
    assert_eq!(values(answer), Ok(vec![2.0]));
    assert!(scene.batcher.threads.lock().unwrap().is_empty());
}
