//! `cupola models`: the history of pushes, going back, and on to another place.

use std::fs;

use crate::scene::Scene;

/// A folder with two different models pushed, one after the other.
fn two_versions() -> (Scene, Vec<u64>) {
    let scene = Scene::taxi();
    scene.run_json(&[], 0);
    scene.run_json(&["--set", "nodes.trainer.num_steps=310"], 0);
    let versions = versions(&scene, "serving");
    assert_eq!(versions.len(), 2);
    (scene, versions)
}

fn versions(scene: &Scene, dir: &str) -> Vec<u64> {
    let entries = fs::read_dir(scene.path(dir)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<u64> = names.map(|name| name.parse().unwrap()).collect();
    versions.sort_unstable();
    versions
}

fn marker(scene: &Scene, dir: &str, version: u64) -> Vec<u8> {
    fs::read(scene.path(dir).join(version.to_string()).join("READY")).unwrap()
}

#[test]
fn a_rollback_serves_what_was_before_and_is_written_down() {
    let (scene, before) = two_versions();
    scene.cupola(&["models", "rollback", "serving"]).expect_code(0);
    let after = versions(&scene, "serving");
    assert_eq!((after.len(), &after[..2]), (3, before.as_slice()));
    assert_eq!(marker(&scene, "serving", after[2]), marker(&scene, "serving", before[0]));

    let said = scene.cupola(&["models", "history", "serving", "--json"]).expect_code(0).json();
    let pushes = said["pushes"].as_array().unwrap();
    let found: Vec<_> = pushes
        .iter()
        .map(|push| (push["version"].as_u64().unwrap(), push["node"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [(after[2], "rollback"), (before[1], "pusher"), (before[0], "pusher")]);
    // It was made of the first push, and that of a model.
    assert_eq!(pushes[0]["made_of"], pushes[2]["artifact"]);
    let list = scene.cupola(&["models", "list", "--json"]).expect_code(0).json();
    assert_eq!(list["models"][0]["served_version"].as_u64(), Some(after[2]));
    assert_eq!(list["models"][0]["num_versions"].as_u64(), Some(3));
    let list = scene.cupola(&["models", "list"]).expect_code(0).stdout;
    assert!(list.contains(&format!("serving    {}", after[2])), "{list}");

    // A run that changes nothing does not undo it.
    scene.run_json(&["--set", "nodes.trainer.num_steps=310"], 0);
    assert_eq!(versions(&scene, "serving"), after);
    // And it can be undone: by a number, or back to what was before.
    scene.cupola(&["models", "rollback", "serving", "--to", &before[1].to_string()]).expect_code(0);
    let last = versions(&scene, "serving")[3];
    assert_eq!(marker(&scene, "serving", last), marker(&scene, "serving", before[1]));
}

#[test]
fn a_version_is_promoted_to_another_directory() {
    let (scene, before) = two_versions();
    scene.cupola(&["models", "promote", "serving", "production"]).expect_code(0);
    let promoted = versions(&scene, "production");
    assert_eq!(promoted.len(), 1);
    assert_eq!(marker(&scene, "production", promoted[0]), marker(&scene, "serving", before[1]));
    let first = before[0].to_string();
    scene
        .cupola(&["models", "promote", "serving", "production", "--version", &first])
        .expect_code(0);
    assert_eq!(versions(&scene, "production").len(), 2);
    // What was promoted can be gone back from, too.
    scene.cupola(&["models", "rollback", "production"]).expect_code(0);
    assert_eq!(versions(&scene, "production").len(), 3);
    let said = scene.cupola(&["models", "list", "--json"]).expect_code(0).json();
    assert_eq!(said["models"].as_array().unwrap().len(), 2);
    let lineage = said["models"][0]["pushed"]["artifact"].to_string();
    let said = scene.cupola(&["lineage", &lineage, "--direction", "up"]).expect_code(0);
    for node in ["rollback", "promote", "pusher", "trainer"] {
        assert!(said.stdout.contains(node), "{node}: {}", said.stdout);
    }
}

#[test]
fn what_cannot_be_served_again_is_said() {
    let (scene, before) = two_versions();
    let said = scene.cupola(&["models", "rollback", "serving", "--to", "7"]).expect_code(3);
    assert_eq!(
        said.stderr,
        format!(
            "error: serving: no version 7, the versions there are {}, {}\n",
            before[0], before[1]
        )
    );
    let newest = before[1].to_string();
    let said = scene.cupola(&["models", "rollback", "serving", "--to", &newest]).expect_code(3);
    assert_eq!(
        said.stderr,
        format!("error: serving: version {newest} is the one that is served\n")
    );
    let said = scene.cupola(&["models", "rollback", "nowhere"]).expect_code(3);
    assert_eq!(
        said.stderr,
        "error: nowhere: no version to push again, the versions there are none\n"
    );
    // A version that was damaged since is not served.
    let graph = scene.path("serving").join(before[0].to_string()).join("signature.json");
    fs::write(graph, "{}").unwrap();
    let said = scene.cupola(&["models", "rollback", "serving"]).expect_code(3);
    assert!(said.stderr.contains("not what was pushed"), "{}", said.stderr);
    assert_eq!(versions(&scene, "serving"), before);
}

#[test]
fn versions_have_names_that_move_and_are_written_down() {
    let (scene, versions) = two_versions();
    let [old, new] = versions.as_slice() else { panic!("{versions:?}") };
    let alias = |args: &[&str], code: i32| {
        scene.cupola(&[&["models", "alias"], args].concat()).expect_code(code)
    };
    // By the directory, or by its name alone.
    let said = alias(&["serving", "champion", &old.to_string()], 0);
    assert_eq!(said.stdout, format!("champion of serving is {old}, was none\n"));
    alias(&["./serving", "challenger", "newest"], 0);
    let file = fs::read_to_string(scene.path("serving/aliases.json")).unwrap();
    assert!(file.contains(&format!("\"champion\": {old}")), "{file}");
    // The challenger becomes the champion, if the champion is still who we think.
    let said = alias(&["serving", "champion", "challenger", "--expect", &new.to_string()], 3);
    assert_eq!(
        said.stderr,
        format!("error: serving: `champion` is {old}, expected {new}; nothing was changed\n")
    );
    alias(&["serving", "champion", "challenger", "--expect", &old.to_string()], 0);
    let said = alias(&["serving", "champion", "newest"], 0);
    assert_eq!(said.stdout, format!("champion of serving is {new} already\n"));
    // And back.
    let said = alias(&["serving", "champion", "--back", "--json"], 0).json();
    assert_eq!((&said["alias"]["from"], &said["alias"]["to"]), (&(*new).into(), &(*old).into()));
    alias(&["serving", "challenger", "--remove"], 0);

    let shown = scene.cupola(&["models", "show", "serving", "--json"]).expect_code(0).json();
    let model = &shown["model"];
    assert_eq!(model["aliases"], serde_json::json!({ "champion": old }));
    assert_eq!(model["served_version"], *new);
    assert_eq!(model["versions"][1]["aliases"], serde_json::json!(["champion"]));
    assert_eq!(model["alias_changes"].as_array().unwrap().len(), 5);
    let shown = scene.cupola(&["models", "show", "serving"]).expect_code(0).stdout;
    assert!(shown.contains("champion") && shown.contains("served"), "{shown}");
    let runs = scene.cupola(&["runs", "list", "--json"]).expect_code(0).json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2 + 5);

    let said = alias(&["serving", "champion", "7"], 3);
    assert_eq!(
        said.stderr,
        format!("error: serving: no version 7, expected one of {old}, {new}\n")
    );
    assert!(alias(&["taxi", "champion", "7"], 3).stderr.contains("expected one of serving"));
    assert!(alias(&["serving", "7", "newest"], 2).stderr.contains("expected a name"));
    assert!(alias(&["serving", "other", "--back"], 3).stderr.contains("was not another version"));
    // The names stay where they are when somebody pushes.
    scene.cupola(&["models", "rollback", "serving"]).expect_code(0);
    let shown = scene.cupola(&["models", "show", "serving", "--json"]).expect_code(0).json();
    assert_eq!(shown["model"]["aliases"], serde_json::json!({ "champion": old }));
}
