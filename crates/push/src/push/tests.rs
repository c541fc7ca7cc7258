use std::collections::BTreeSet;

use base::{BoxError, Classify, ErrorKind, digest_tree};

use super::*;
use crate::newest;

/// A model of three files, and a serving directory that is not there yet.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap() };
        scene.write_model("weights");
        scene
    }

    fn model(&self) -> PathBuf {
        self.dir.path().join("model")
    }

    fn serving(&self) -> PathBuf {
        self.dir.path().join("serving/taxi")
    }

    fn write_model(&self, weights: &str) {
        fs::create_dir_all(self.model().join("graph/assets")).unwrap();
        fs::write(self.model().join("signature.json"), "{}").unwrap();
        fs::write(self.model().join("graph/assets/vocabulary"), "cash\ncredit\n").unwrap();
        fs::write(self.model().join("weights"), weights).unwrap();
    }

    fn push(&self, seconds: u64) -> Result<Pushed, PushError> {
        push(&self.model(), &self.serving(), seconds)
    }

    /// Returns the names in the serving directory.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.serving()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Returns the error's message with this folder left out.
    fn said(&self, error: PushError) -> String {
        BoxError::from(error).to_string().replace(&self.dir.path().display().to_string(), "[DIR]")
    }
}

#[test]
fn a_version_is_the_model_and_a_marker() {
    let scene = Scene::new();
    let pushed = scene.push(1_767_225_600).unwrap();
    assert_eq!(pushed.version, 1_767_225_600);
    assert_eq!(pushed.dir, scene.serving().join("1767225600"));
    assert_eq!(scene.names(), ["1767225600"]);
    verify(&pushed.dir).unwrap();
    assert_eq!(newest(&scene.serving()).unwrap(), Some(pushed.dir.clone()));

    fs::remove_file(pushed.dir.join(READY)).unwrap();
    assert_eq!(digest_tree(&pushed.dir).unwrap(), digest_tree(&scene.model()).unwrap());
}

#[test]
fn the_same_content_is_pushed_once_and_another_again() {
    let scene = Scene::new();
    let first = scene.push(10).unwrap();
    assert_eq!(scene.push(11).unwrap(), Pushed { is_new: false, ..first });

    scene.write_model("other weights");
    assert_eq!(scene.push(12).unwrap().version, 12);
    // Back to the first content: the newest version is another one, so it is pushed.
    scene.write_model("weights");
    assert_eq!(scene.push(13).unwrap().version, 13);
    assert_eq!(scene.names(), ["10", "12", "13"]);
}

#[test]
fn a_number_that_is_taken_or_behind_gives_the_next_one() {
    let scene = Scene::new();
    for (weights, seconds, expected) in [("a", 50, 50), ("b", 50, 51), ("c", 3, 52), ("d", 0, 53)] {
        scene.write_model(weights);
        assert_eq!(scene.push(seconds).unwrap().version, expected);
    }
    // Whatever has the number has it, be it a file or the folder of another tool.
    fs::write(scene.serving().join("60"), "").unwrap();
    fs::create_dir(scene.serving().join("0061")).unwrap();
    scene.write_model("e");
    assert_eq!(scene.push(60).unwrap().version, 62);

    fs::create_dir(scene.serving().join(i64::MAX.to_string())).unwrap();
    scene.write_model("f");
    let error = scene.push(70).unwrap_err();
    assert_eq!(
        scene.said(error),
        "[DIR]/serving/taxi: no version number above 9223372036854775807"
    );
}

#[test]
fn a_damaged_version_is_noticed_and_replaced_by_a_new_one() {
    type Damage = fn(&Path);
    let cases: [(Damage, &str); 6] = [
        (|dir| fs::write(dir.join("weights"), "Weights").unwrap(), "weights: not what was pushed"),
        (|dir| fs::write(dir.join("weights"), "w").unwrap(), "expected 7 bytes, found 1 bytes"),
        (|dir| fs::remove_file(dir.join("graph/assets/vocabulary")).unwrap(), "missing from"),
        (|dir| fs::remove_file(dir.join(READY)).unwrap(), "no file `READY`"),
        (|dir| fs::write(dir.join(READY), "yes").unwrap(), "READY: not a record of files"),
        (|dir| fs::remove_dir_all(dir).unwrap(), "is not there any more"),
    ];
    for (damage, message) in cases {
        let scene = Scene::new();
        let first = scene.push(5).unwrap();
        damage(&first.dir);
        let said = scene.said(verify(&first.dir).unwrap_err());
        assert!(said.contains(message), "{said}");

        let expected = if first.dir.exists() { 6 } else { 5 };
        let second = scene.push(5).unwrap();
        verify(&second.dir).unwrap();
        assert_eq!(second.version, expected);
        assert_eq!(newest(&scene.serving()).unwrap(), Some(second.dir));
    }
}

#[test]
fn files_that_a_server_adds_do_no_harm() {
    let scene = Scene::new();
    let pushed = scene.push(5).unwrap();
    fs::write(pushed.dir.join("batching_params.pbtxt"), "").unwrap();
    verify(&pushed.dir).unwrap();
    assert_eq!(scene.push(6).unwrap(), Pushed { is_new: false, ..pushed });
}

#[test]
fn what_cannot_be_pushed_is_named_and_leaves_nothing() {
    type Spoil = fn(&Scene);
    let cases: [(Spoil, &str); 5] = [
        (
            |scene| fs::remove_dir_all(scene.model()).unwrap(),
            "cannot read [DIR]/model: No such file or directory (os error 2)",
        ),
        (
            |scene| {
                fs::remove_dir_all(scene.model()).unwrap();
                fs::create_dir(scene.model()).unwrap();
            },
            "[DIR]/model: no files to push",
        ),
        (
            |scene| fs::write(scene.model().join(READY), "").unwrap(),
            "[DIR]/model/READY: this name is kept for the marker of pushed versions",
        ),
        (
            |scene| std::os::unix::fs::symlink("..", scene.model().join("up")).unwrap(),
            "[DIR]/model/up: neither a file nor a folder, cannot be pushed",
        ),
        (
            |scene| fs::write(scene.dir.path().join("serving"), "").unwrap(),
            "cannot create [DIR]/serving/taxi: Not a directory (os error 20)",
        ),
    ];
    for (spoil, message) in cases {
        let scene = Scene::new();
        spoil(&scene);
        assert_eq!(scene.said(scene.push(1).unwrap_err()), message);
        assert!(!scene.serving().exists());
    }
}

#[test]
fn a_link_to_a_file_is_pushed_as_the_file() {
    let scene = Scene::new();
    fs::write(scene.dir.path().join("elsewhere"), "far").unwrap();
    std::os::unix::fs::symlink("../elsewhere", scene.model().join("near")).unwrap();
    let pushed = scene.push(1).unwrap();
    fs::remove_file(scene.dir.path().join("elsewhere")).unwrap();
    assert_eq!(fs::read_to_string(pushed.dir.join("near")).unwrap(), "far");
}

#[test]
fn many_pushers_never_collide() {
    let scene = Scene::new();
    let pushers = 8;
    for pusher in 0..pushers {
        let model = scene.dir.path().join(format!("model-{pusher}"));
        fs::create_dir(&model).unwrap();
        fs::write(model.join("weights"), format!("{pusher}")).unwrap();
    }
    let versions: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..pushers)
            .map(|pusher| {
                let model = scene.dir.path().join(format!("model-{pusher}"));
                let serving = scene.serving();
                scope.spawn(move || push(&model, &serving, 100).unwrap().version)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let distinct: BTreeSet<u64> = versions.iter().copied().collect();
    assert_eq!(distinct, (100..100 + pushers).collect());
    for (pusher, version) in versions.into_iter().enumerate() {
        let dir = scene.serving().join(version.to_string());
        verify(&dir).unwrap();
        assert_eq!(fs::read_to_string(dir.join("weights")).unwrap(), pusher.to_string());
    }
}

#[test]
fn pushers_of_one_model_make_one_version() {
    let scene = Scene::new();
    std::thread::scope(|scope| {
        for seconds in 0..8 {
            let scene = &scene;
            scope.spawn(move || scene.push(seconds).unwrap());
        }
    });
    assert_eq!(scene.names().len(), 1);
}

#[test]
fn leftovers_are_removed_and_other_folders_are_not() {
    let scene = Scene::new();
    let left = publish::temporary_beside(&scene.serving().join("7"));
    fs::create_dir_all(left.join("graph")).unwrap();
    fs::write(left.join("graph/half"), "ha").unwrap();
    fs::write(scene.serving().join(".tmp-file-1-1"), "").unwrap();
    fs::write(scene.serving().join(".push-lock"), "").unwrap();
    fs::create_dir(scene.serving().join("notes")).unwrap();
    scene.push(8).unwrap();
    assert_eq!(scene.names(), ["8", "notes"]);
}

#[test]
fn a_model_that_changes_meanwhile_is_not_pushed() {
    let scene = Scene::new();
    let manifest = Manifest::of_model(&scene.model()).unwrap();
    scene.write_model("WEIGHTS");
    let staged = scene.dir.path().join("staged");
    let error = stage(&scene.model(), &staged, &manifest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(scene.said(error), "[DIR]/model/weights: changed while it was copied");
    assert!(!staged.join(READY).exists());
}

#[test]
fn a_version_can_be_pushed_again_and_elsewhere() {
    let scene = Scene::new();
    let first = scene.push(10).unwrap();
    scene.write_model("others");
    scene.push(20).unwrap();
    // What a server puts beside a version is its own.
    fs::write(first.dir.join("cache"), "").unwrap();
    let again = push_version(&first.dir, &scene.serving(), 15).unwrap();
    assert_eq!(again.version, 21);
    assert!(!again.dir.join("cache").exists());
    fs::remove_file(first.dir.join("cache")).unwrap();
    assert_eq!(digest_tree(&again.dir).unwrap(), digest_tree(&first.dir).unwrap());
    assert_eq!(newest(&scene.serving()).unwrap().as_deref(), Some(again.dir.as_path()));
    // It is the newest already.
    let unchanged = Pushed { is_new: false, ..again };
    assert_eq!(push_version(&first.dir, &scene.serving(), 30).unwrap(), unchanged);

    let elsewhere = scene.dir.path().join("production");
    let promoted = push_version(&first.dir, &elsewhere, 5).unwrap();
    assert_eq!((promoted.version, promoted.dir), (5, elsewhere.join("5")));

    fs::write(first.dir.join("weights"), "damaged").unwrap();
    let error = push_version(&first.dir, &elsewhere, 6).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(crate::versions(&elsewhere).unwrap().len(), 1);
}

#[test]
fn a_version_that_is_withdrawn_leaves_the_one_before() {
    let scene = Scene::new();
    let first = scene.push(10).unwrap();
    scene.write_model("other");
    let second = scene.push(20).unwrap();
    assert!(first.is_new && second.is_new);
    assert!(!scene.push(30).unwrap().is_new);
    withdraw(&second.dir).unwrap();
    assert_eq!(scene.names(), ["10"]);
    // Once more does no harm.
    withdraw(&second.dir).unwrap();
    assert_eq!(newest(&scene.serving()).unwrap(), Some(first.dir));
}

#[test]
fn a_version_of_links_is_whole_and_copies_nothing() {
    let scene = Scene::new();
    let version = scene.serving().join("1");
    link_version(&scene.model(), &version).unwrap();
    verify(&version).unwrap();
    assert_eq!(newest(&scene.serving()).unwrap().as_deref(), Some(version.as_path()));
    assert!(version.join("graph/assets/vocabulary").symlink_metadata().unwrap().is_symlink());
    assert!(link_version(&scene.model(), &version).is_err());
    assert_eq!(scene.names(), ["1"]);
    scene.write_model("other");
    assert!(verify(&version).is_err());
}
