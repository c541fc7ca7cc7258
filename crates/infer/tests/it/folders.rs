//! Folders of shards, filled at once or in several runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use infer::{Format, InferError, Inference, Job, Keep, Outputs, Written, run};

use super::*;

/// Two partitions in each of 35 shards.
const NUM_PARTITIONS: usize = 70;

struct Setup<'a> {
    dir: &'a Path,
    half: &'a Half,
    threads: usize,
    model: &'a str,
    overwrite: bool,
}

fn fill(setup: &Setup<'_>) -> Result<Written, InferError> {
    let source = examples(NUM_PARTITIONS);
    let schema = schema_of(&source);
    let inference =
        Inference::new(setup.half, &needed(), &schema, &Keep::All, &Outputs::All).unwrap();
    let job = Job {
        source: &source,
        inference: &inference,
        format: Format::Parquet,
        examples_identity: "numbers",
        model_identity: setup.model,
        overwrite: setup.overwrite,
    };
    let mut last = 0;
    let written = run(setup.dir, &job, &engine(setup.threads), &mut |done, total| {
        assert!(done >= last && done <= total);
        last = done;
    });
    if let Ok(written) = &written {
        assert_eq!(last, written.shards.len() as u64);
    }
    written
}

fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn work_that_was_interrupted_goes_on_and_never_shows() {
    let whole = tempfile::tempdir().unwrap();
    let half = Half::new(None);
    let written =
        fill(&Setup { dir: whole.path(), half: &half, threads: 1, model: "m", overwrite: false })
            .unwrap();
    assert_eq!((written.shards.len(), written.num_kept, written.num_rows), (35, 0, 700));
    let expected = content(whole.path());
    assert_eq!(expected.len(), 36);

    for threads in [1, 3] {
        let dir = tempfile::tempdir().unwrap();
        let setup = |half| Setup { dir: dir.path(), half, threads, model: "m", overwrite: false };
        // 501 is in the shard of the rows 500 to 519.
        let broken = Half::new(Some(501));
        let error = fill(&setup(&broken)).unwrap_err();
        assert_eq!(error.to_string(), "no prediction for 501");
        assert_eq!(error.kind(), ErrorKind::Data);
        let kept = content(dir.path());
        assert!(kept.len() < 36 && (kept.len() == 26 || threads > 1), "{}", kept.len());
        assert!(kept.iter().all(|(name, bytes)| expected.get(name) == Some(bytes)));

        // What a crash leaves is taken away.
        fs::write(dir.path().join(".tmp-predictions-00030-of-00035.parquet-1-1"), "half").unwrap();
        let half = Half::new(None);
        let written = fill(&setup(&half)).unwrap();
        assert_eq!(written.num_kept, kept.len() - 1);
        assert_eq!(half.asked(), 20 * (35 - written.num_kept));
        assert_eq!(written.num_rows, half.asked() as u64);
        assert!(content(dir.path()) == expected);

        let half = Half::new(None);
        let again = fill(&setup(&half)).unwrap();
        assert_eq!((again.num_kept, again.num_rows, half.asked()), (35, 0, 0));
    }
}

#[test]
fn a_shard_that_is_gone_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let half = Half::new(None);
    let setup = Setup { dir: dir.path(), half: &half, threads: 2, model: "m", overwrite: false };
    let written = fill(&setup).unwrap();
    let expected = content(dir.path());
    fs::remove_file(&written.shards[7]).unwrap();
    let written = fill(&setup).unwrap();
    assert_eq!((written.num_kept, written.num_rows), (34, 20));
    assert!(content(dir.path()) == expected);
}

#[test]
fn a_folder_is_for_one_model_unless_it_is_to_be_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let half = Half::new(None);
    let setup =
        |model, overwrite| Setup { dir: dir.path(), half: &half, threads: 1, model, overwrite };
    fill(&setup("old", false)).unwrap();
    let error = fill(&setup("new", false)).unwrap_err();
    assert_eq!(
        error.to_string().replace(&dir.path().display().to_string(), "out"),
        "out: holds other predictions: the model is old, this time new"
    );
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(fill(&setup("new", true)).unwrap().num_kept, 0);
    assert_eq!(fill(&setup("new", false)).unwrap().num_kept, 35);
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let half = Half::new(None);
    let setup = Setup { dir: dir.path(), half: &half, threads: 1, model: "m", overwrite: false };
    fs::write(dir.path().join("thesis.tex"), "").unwrap();
    assert!(matches!(fill(&setup).unwrap_err(), InferError::Occupied { .. }));
    assert_eq!(content(dir.path()).len(), 1);

    let busy = tempfile::tempdir().unwrap();
    let lock = fs::File::open(busy.path()).unwrap();
    lock.try_lock().unwrap();
    let setup = Setup { dir: busy.path(), ..setup };
    assert!(matches!(fill(&setup).unwrap_err(), InferError::Busy { .. }));
}
