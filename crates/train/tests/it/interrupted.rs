//! Trainings that were killed, whose disk was full, whose checkpoints were damaged: they go on and end with the same
//! weights, bit for bit.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use train::{Checkpoints, Options, TrainError, Trained};

use crate::scene::{FEATURES, Numbers, config, examples, go, plan, saved, source};

/// Names the folder that a training in a process of its own works in.
const DIR: &str = "CUPOLA_TEST_TRAINING";

fn text() -> String {
    format!(
        "{FEATURES}num_steps = 400\nbatch_size = 50\ncheckpoint_every_steps = 7\neval_every_steps = 40\nseed = 3\n\
         learning_rate_schedule = {{ warm_up_steps = 20, decay = \"cosine\" }}\n\
         early_stopping = {{ metric = \"auc\", patience = 30 }}\n\
         [model.wide_and_deep]\nlabel = \"binary\"\nhidden = [16, 8]"
    )
}

fn run(
    dir: &Path,
    examples_digest: &str,
    observer: &mut dyn FnMut(train::Progress) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    let config = config(&text());
    let (train, eval) = (source(&examples(700, 1)), source(&examples(300, 2)));
    let checkpoints = Some(Checkpoints { dir, examples: examples_digest });
    let options = Options { checkpoints, ..Options::default() };
    train::train(&config, &plan(&config), train, eval, options, observer)
}

fn uninterrupted() -> Trained {
    let dir = tempfile::tempdir().unwrap();
    let trained = run(dir.path(), "", &mut go).unwrap();
    assert_eq!((trained.resumed_step, fs::read_dir(dir.path()).unwrap().count()), (0, 0));
    trained
}

/// Trains up to some steps.
fn interrupt(dir: &Path, at: u64) {
    let result = run(dir, "", &mut |progress| {
        if progress.step == at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(result, Err(TrainError::Cancelled)));
}

fn checkpoints(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The training of the test below, in a process of its own; without the folder it has nothing to do.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let mut warnings = String::new();
    let trained = run(&dir, "", &mut |progress| {
        // The first one; all would be more than a full disk takes.
        warnings.extend(progress.warning.filter(|_| warnings.is_empty()));
        // Slow enough to be killed in the middle.
        std::thread::sleep(Duration::from_micros(300));
        ControlFlow::Continue(())
    })
    .unwrap();
    fs::write(dir.join("warnings"), warnings).unwrap();
    fs::write(dir.join("done.tmp"), format!("{} {}", saved(&trained), trained.resumed_step))
        .unwrap();
    fs::rename(dir.join("done.tmp"), dir.join("done")).unwrap();
}

fn start(dir: &Path, shell: &str) -> std::process::Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{shell} exec \"$0\" --exact interrupted::child")).arg(program);
    command.env(DIR, dir).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn a_training_killed_at_random_moments_ends_with_the_same_weights() {
    let expected = saved(&uninterrupted());
    let mut numbers = Numbers(11);
    for _ in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        let mut num_kills = 0;
        let begin = Instant::now();
        while !dir.path().join("done").exists() {
            assert!(begin.elapsed() < Duration::from_secs(300), "the training does not come on");
            let mut child = start(dir.path(), "");
            // Later and later, so that a slow machine comes on, too.
            let wait = Duration::from_millis(60 + numbers.below(120) * (1 + num_kills / 4));
            let deadline = Instant::now() + wait;
            while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                num_kills += 1;
            }
            child.wait().unwrap();
        }
        let done = fs::read_to_string(dir.path().join("done")).unwrap();
        assert_eq!(done.split(' ').next().unwrap(), expected, "after {num_kills} kills: {done}");
        assert!(num_kills > 0, "never killed");
    }
}

#[test]
fn a_training_goes_on_from_its_last_checkpoint() {
    let expected = uninterrupted();
    for at in [3, 8, 77, 350] {
        let dir = tempfile::tempdir().unwrap();
        interrupt(dir.path(), at);
        let trained = run(dir.path(), "", &mut go).unwrap();
        assert_eq!(trained.resumed_step, at / 7 * 7);
        assert_eq!(saved(&trained), saved(&expected), "{at}");
        assert_eq!(trained.history, expected.history);
        assert_eq!((trained.steps, trained.best_step), (expected.steps, expected.best_step));
    }
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_is_used() {
    let expected = saved(&uninterrupted());
    type Spoil = fn(&Path);
    let cut: Spoil = |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let flip: Spoil = |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(path, bytes).unwrap();
    };
    let empty: Spoil = |path| fs::write(path, "").unwrap();
    for spoil in [cut, flip, empty] {
        let dir = tempfile::tempdir().unwrap();
        interrupt(dir.path(), 60);
        let paths = checkpoints(dir.path());
        assert_eq!(paths.len(), 2);
        spoil(&paths[1]);
        let mut warnings = Vec::new();
        let trained = run(dir.path(), "", &mut |progress| {
            warnings.extend(progress.warning);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!((trained.resumed_step, saved(&trained)), (49, expected.clone()));
        assert!(warnings[0].ends_with("damaged, the checkpoint before is used"), "{warnings:?}");

        // Without any whole one it begins anew.
        interrupt(dir.path(), 60);
        checkpoints(dir.path()).iter().for_each(|path| spoil(path));
        let trained = run(dir.path(), "", &mut go).unwrap();
        assert_eq!((trained.resumed_step, saved(&trained)), (0, expected.clone()));
    }
}

#[test]
fn checkpoints_of_another_training_are_not_used() {
    let dir = tempfile::tempdir().unwrap();
    interrupt(dir.path(), 60);
    let trained = run(dir.path(), "other examples", &mut go).unwrap();
    assert_eq!(trained.resumed_step, 0);
}

/// Files cannot grow beyond ten blocks, enough for the model and not for a checkpoint, as on a disk that is full: no
/// checkpoint is written, and nothing is lost.
#[test]
fn a_full_disk_loses_no_training() {
    let expected = saved(&uninterrupted());
    let dir = tempfile::tempdir().unwrap();
    let status = start(dir.path(), "trap '' XFSZ; ulimit -f 10;").wait().unwrap();
    assert!(status.success());
    let done = fs::read_to_string(dir.path().join("done")).unwrap();
    assert_eq!(done, format!("{expected} 0"));
    let warnings = fs::read_to_string(dir.path().join("warnings")).unwrap();
    assert!(warnings.starts_with("no checkpoint at step 7: "), "{warnings}");
    // No half-written file stays.
    assert_eq!(checkpoints(dir.path()).len(), 2, "{:?}", checkpoints(dir.path()));

    // Full for a while only: the checkpoint before stays and is gone on from.
    let dir = tempfile::tempdir().unwrap();
    interrupt(dir.path(), 30);
    let before = checkpoints(dir.path());
    let status = start(dir.path(), "trap '' XFSZ; ulimit -f 10;").wait().unwrap();
    assert!(status.success() && before.len() == 2);
    let done = fs::read_to_string(dir.path().join("done")).unwrap();
    assert_eq!(done, format!("{expected} 28"));
}

/// Trees of every task that has its own number of outputs, drawn examples, with and without trees to go on from.
#[test]
fn trees_go_on_from_their_last_checkpoint() {
    let base = crate::scene::run(
        "features = [\"x\", \"y\", \"kind\"]\n[model.boosted_trees]\nlabel = \"binary\"\nnum_trees = 6",
    )
    .unwrap();
    let trees = "num_trees = 40\nmax_leaves = 6\nexample_ratio = 0.7\nfeature_ratio = 0.8";
    for (label, task, base) in [
        ("binary", "binary_classification", None),
        ("class", "multi_class_classification", None),
        ("binary", "binary_classification", Some(&base.model)),
    ] {
        let text = format!(
            "features = [\"x\", \"y\", \"kind\"]\nseed = 5\ncheckpoint_every_steps = 7\n\
             early_stopping = {{ metric = \"accuracy\", patience = 30 }}\n\
             [model.boosted_trees]\nlabel = \"{label}\"\ntask = \"{task}\"\n{trees}"
        );
        let run = |dir: &Path, at: Option<u64>| {
            let config = config(&text);
            let (train, eval) = (source(&examples(700, 1)), source(&examples(300, 2)));
            let checkpoints = Some(Checkpoints { dir, examples: "" });
            let options = Options { checkpoints, base_model: base, ..Options::default() };
            let observer = &mut |progress: train::Progress| {
                if Some(progress.step) == at { ControlFlow::Break(()) } else { go(progress) }
            };
            train::train(&config, &plan(&config), train, eval, options, observer)
        };
        let dir = tempfile::tempdir().unwrap();
        let expected = run(dir.path(), None).unwrap();
        assert_eq!((expected.resumed_step, checkpoints(dir.path()).len()), (0, 0));
        for at in [3, 8, 35] {
            assert!(matches!(run(dir.path(), Some(at)), Err(TrainError::Cancelled)));
            if at == 35 {
                // The newest one is damaged.
                let newest = checkpoints(dir.path()).pop().unwrap();
                fs::write(&newest, &fs::read(&newest).unwrap()[1..]).unwrap();
            }
            let resumed = run(dir.path(), None).unwrap();
            assert_eq!(resumed.resumed_step, if at == 35 { 28 } else { at / 7 * 7 });
            assert_eq!(saved(&resumed), saved(&expected), "{task} from {at}");
            assert_eq!(resumed.history, expected.history);
            assert_eq!(resumed.best_step, expected.best_step);
        }
    }
}
