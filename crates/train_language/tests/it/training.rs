//! Trainings in this process.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use base::Classify;
use loader::TokenShards;
use train_language::{Config, Progress, TrainError, Trained, train};

use crate::{config, write_tokens};

struct Data {
    dir: tempfile::TempDir,
    train: Arc<TokenShards>,
    eval: Arc<TokenShards>,
}

fn data() -> Data {
    let dir = tempfile::tempdir().unwrap();
    write_tokens(&dir.path().join("train"), 1, 20_000);
    write_tokens(&dir.path().join("eval"), 2, 3_000);
    let open = |name| Arc::new(TokenShards::open(&dir.path().join(name)).unwrap());
    Data { train: open("train"), eval: open("eval"), dir }
}

impl Data {
    fn run(
        &self,
        config: &Config,
        run: &str,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Trained, TrainError> {
        train(config, &self.train, Some(&self.eval), &self.dir.path().join(run), observer)
    }

    fn undisturbed(&self, config: &Config, run: &str) -> Trained {
        self.run(config, run, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    fn newest(&self, run: &str) -> std::path::PathBuf {
        let files = fs::read_dir(self.dir.path().join(run)).unwrap();
        files.map(|file| file.unwrap().path()).max().unwrap()
    }
}

#[test]
fn the_loss_falls_to_what_the_pattern_allows() {
    let data = data();
    let trained = data.undisturbed(&config(), "run");
    let losses: Vec<f64> = trained.history.iter().map(|point| point.eval_loss.unwrap()).collect();
    assert_eq!(losses.len(), 3);
    // Half of the tokens cannot be foreseen at all, half entirely: ln(50) is no knowledge, half of it all there is.
    let none = 50.0_f64.ln();
    assert!(losses[2] < losses[0] - 0.1 && losses[2] < 0.75 * none, "{losses:?}");
    assert!(losses[2] > none / 2.0 - 0.1, "{losses:?}");
}

#[test]
fn threads_and_parts_of_a_batch_do_not_show() {
    let data = data();
    let one = data.undisturbed(&config(), "one");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
    let other = pool.install(|| data.undisturbed(&config(), "other"));
    assert!(one.model.weights() == other.model.weights());
    let parts = Config { micro_batch_size: Some(2), ..config() };
    let parts = data.undisturbed(&parts, "parts");
    let last = |trained: &Trained| trained.history.last().unwrap().eval_loss.unwrap();
    assert!((last(&one) - last(&parts)).abs() < 1e-2);
    let seed = data.undisturbed(&Config { seed: 1, ..config() }, "seed");
    assert!(one.model.weights() != seed.model.weights());
}

#[test]
fn a_training_that_was_ended_goes_on_as_if_it_had_not_been() {
    let data = data();
    let whole = data.undisturbed(&config(), "whole");
    for end in [1, 10, 37] {
        let run = format!("ended{end}");
        let ended = data.run(&config(), &run, &mut |progress| match progress {
            Progress::Step { step, .. } if step == end => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        assert!(matches!(ended, Err(TrainError::Cancelled)));
        let mut resumed = None;
        let again = data.run(&config(), &run, &mut |progress| {
            if let Progress::Resumed { step, .. } = progress {
                resumed = Some(step);
            }
            ControlFlow::Continue(())
        });
        assert_eq!(resumed, Some(end));
        let again = again.unwrap();
        assert!(again.model.weights() == whole.model.weights());
        assert_eq!(again.history, whole.history);
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let data = data();
    let whole = data.undisturbed(&config(), "whole");
    let _ = data.run(&config(), "run", &mut |progress| match progress {
        Progress::Step { step: 25, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let newest = data.newest("run");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&newest, bytes).unwrap();
    let mut heard = Vec::new();
    let again = data.run(&config(), "run", &mut |progress| {
        if !matches!(progress, Progress::Step { .. }) {
            heard.push(progress);
        }
        ControlFlow::Continue(())
    });
    let told = format!("{}: damaged, the checkpoint before is used", newest.display());
    assert_eq!(heard, [Progress::Warning(told), Progress::Resumed { step: 20 }]);
    assert!(again.unwrap().model.weights() == whole.model.weights());
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let data = data();
    data.undisturbed(&config(), "run");
    let other = Config { learning_rate: 0.02, ..config() };
    let error = data.run(&other, "run", &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, TrainError::OtherTraining { .. }), "{error}");
    assert!(error.hint().unwrap().starts_with("remove "));
}

#[test]
fn what_goes_astray_goes_back_and_then_gives_up() {
    let data = data();
    let wild = Config {
        learning_rate: 1e30,
        warmup_steps: 0,
        checkpoint_every_steps: 1,
        max_rollbacks: 2,
        ..config()
    };
    let mut rollbacks = 0;
    let error = data
        .run(&wild, "wild", &mut |progress| {
            rollbacks += u32::from(matches!(progress, Progress::RolledBack { .. }));
            ControlFlow::Continue(())
        })
        .unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rollbacks: 2, .. }), "{error}");
    assert_eq!(rollbacks, 2);
    assert!(error.to_string().contains("not a finite number"), "{error}");
}

#[test]
fn a_disk_that_refuses_ends_no_training() {
    let data = data();
    fs::write(data.dir.path().join("file"), "in the way").unwrap();
    let mut reasons = Vec::new();
    let config = Config { num_steps: 3, checkpoint_every_steps: 1, ..config() };
    // A folder cannot be made below a file.
    let run = Path::new("file").join("run");
    let trained = data.run(&config, run.to_str().unwrap(), &mut |progress| {
        if let Progress::Warning(reason) = progress {
            reasons.push(reason);
        }
        ControlFlow::Continue(())
    });
    assert!(trained.is_ok());
    assert_eq!(reasons.len(), 3);
    assert!(reasons[0].starts_with("no checkpoint at step 1: cannot create "), "{reasons:?}");
}

#[test]
fn a_model_is_started_from() {
    let data = data();
    let base = data.undisturbed(&config(), "base");
    let dir = data.dir.path().join("model");
    base.model.save(&dir, language::WeightType::F32).unwrap();
    let more = Config { base_model: Some(dir.clone()), num_steps: 5, warmup_steps: 0, ..config() };
    let tuned = data.undisturbed(&more, "tuned");
    let last = |trained: &Trained| trained.history.last().unwrap().train_loss;
    assert!(last(&tuned) < last(&base) + 0.1, "{} {}", last(&tuned), last(&base));

    let mut wider = more;
    wider.transformer_mut().layers = 3;
    let error = data.run(&wider, "wider", &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, TrainError::BaseModel { .. }), "{error}");
}

#[test]
fn tokens_beyond_the_embedding_are_an_error() {
    let data = data();
    let mut config = config();
    config.transformer_mut().vocab_size = Some(49);
    let error = data.run(&config, "run", &mut |_| ControlFlow::Continue(())).unwrap_err();
    let expected = "split `train` has tokens below 50, the embedding of the model has 49 rows";
    assert_eq!(error.to_string(), expected);
}
