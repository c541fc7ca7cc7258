use std::fs::File;

use base::Classify;
use tempfile::TempDir;

use super::*;
use crate::{Form, Patterns};

/// A folder with empty files; a name that ends in a slash is a folder.
fn folder(names: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        let path = dir.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap();
        }
    }
    dir
}

/// Returns the files that patterns match, or what is said about it, relative to the folder.
fn find_in(dir: &Path, patterns: &[&str]) -> Vec<String> {
    let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
    let prefix = format!("{}/", dir.display());
    match source_files(&SourceConfig::Csv(Form::Files(Patterns::Many(patterns))), dir) {
        Ok(files) => files.iter().map(|f| f.display().to_string().replace(&prefix, "")).collect(),
        Err(error) => {
            let said = [Some(error.to_string()), error.hint()];
            let shown =
                |text: String| text.replace(&prefix, "").replace(&dir.display().to_string(), "DIR");
            said.into_iter().flatten().map(shown).collect()
        }
    }
}

fn find(names: &[&str], patterns: &[&str]) -> Vec<String> {
    find_in(folder(names).path(), patterns)
}

#[test]
fn files_come_in_the_order_of_their_paths_each_once() {
    let names =
        ["data/b.csv", "data/a.csv", "data/c.txt", "data/d.csv/", "data/.tmp-e.csv", "f.csv"];
    assert_eq!(find(&names, &["data/*.csv"]), ["data/a.csv", "data/b.csv"]);
    assert_eq!(
        find(&names, &["f.csv", "data/*.csv", "data/b.csv"]),
        ["data/a.csv", "data/b.csv", "f.csv"]
    );
    assert_eq!(find(&names, &["**/[ac].*"]), ["data/a.csv", "data/c.txt"]);
    let dir = folder(&names);
    let absolute = dir.path().join("data/a.csv").display().to_string();
    assert_eq!(find_in(dir.path(), &[&absolute, "data/?.csv"]), ["data/a.csv", "data/b.csv"]);
}

#[test]
fn names_with_the_characters_of_patterns_are_names_first() {
    assert_eq!(find(&["a[1].csv", "a1.csv"], &["a[1].csv"]), ["a[1].csv"]);
    let dir = folder(&["x[1]/a.csv", "x1/b.csv"]);
    assert_eq!(find_in(&dir.path().join("x[1]"), &["*.csv"]), ["a.csv"]);
}

#[test]
fn a_pattern_that_matches_nothing_says_what_there_is() {
    let names = ["data/trips.csv", "data/later.CSV", "data/notes.txt", "empty/"];
    let check = |pattern: &str, dir: &str, expected: &str| {
        assert_eq!(
            find(&names, &[pattern]),
            [format!("no file matches `{pattern}` in DIR{dir}"), expected.to_owned()]
        );
    };
    check("data/*.tsv", "", "in data there is `later.CSV`, `notes.txt`, `trips.csv`");
    check("data/trip.csv", "", "did you mean `trips.csv`?");
    check("date/*.csv", "", "did you mean `data`?");
    check("warehouse/*.csv", "", "there is no folder warehouse");
    check("data", "", "it is a folder: `data/*` takes the files in it");
    check("empty/*.csv", "", "there are no files in empty");
    check("*/x.csv", "", "there are no files in DIR");
    check("*.csv", "", "there are no files in DIR");
}

#[test]
fn a_pattern_that_is_none_is_named_with_its_place() {
    let said = find(&["a.csv"], &["a***.csv"]);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("pattern `a***.csv`, character "), "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_read_once() {
    let dir = folder(&["b.csv"]);
    std::os::unix::fs::symlink(dir.path().join("b.csv"), dir.path().join("a.csv")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("gone"), dir.path().join("c.csv")).unwrap();
    assert_eq!(find_in(dir.path(), &["*.csv"]), ["a.csv", "c.csv"]);
}
