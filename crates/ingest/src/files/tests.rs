use std::fs::File;

use base::Classify;
use tempfile::TempDir;

use super::*;
use crate::{
    CsvTable, Files, Form, Patterns, RangeConfig, RollingRange, SourceConfig, StaticRange,
};

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
    let config = Config::new(SourceConfig::Csv(Form::Files(Patterns::Many(patterns))));
    match source_files(&config, dir) {
        Ok(files) => {
            files.paths.iter().map(|f| f.display().to_string().replace(&prefix, "")).collect()
        }
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

/// Returns the files, the span and the version that patterns with numbers lead to, or what is said about it.
fn find_span(names: &[&str], patterns: &[(&str, &str)], span: Option<i64>) -> String {
    find_spans(names, patterns, span, None)
}

fn find_spans(
    names: &[&str],
    patterns: &[(&str, &str)],
    span: Option<i64>,
    range_config: Option<RangeConfig>,
) -> String {
    let dir = folder(names);
    let files = match patterns {
        [("", pattern)] => Files::Patterns(Patterns::One((*pattern).to_owned())),
        several => Files::BySplit(
            several
                .iter()
                .map(|(split, pattern)| ((*split).to_owned(), (*pattern).into()))
                .collect(),
        ),
    };
    let table = CsvTable { files, delimiter: None, columns: None, features: None };
    let mut config = Config::new(SourceConfig::Csv(Form::Table(table)));
    config.span = span;
    config.range_config = range_config;
    let prefix = format!("{}/", dir.path().display());
    match source_files(&config, dir.path()) {
        Err(error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let text = format!("{error}{hint}").replace(&prefix, "");
            text.replace(&dir.path().display().to_string(), "DIR")
        }
        Ok(SourceFiles { paths, splits, span, version, spans, remote: _ }) => {
            let paths: Vec<_> =
                paths.iter().map(|path| path.display().to_string().replace(&prefix, "")).collect();
            let splits = splits.map(|(_, splits)| format!(" {splits:?}")).unwrap_or_default();
            let version = version.map(|version| format!(" v{version}")).unwrap_or_default();
            let spans = if spans.len() > 1 { format!(" {spans:?}") } else { String::new() };
            format!("{}{splits} s{span}{version}{spans}", paths.join(" "))
        }
    }
}

#[test]
fn the_latest_span_and_its_latest_version_are_taken() {
    let names = ["s1/v7/a", "s2/v1/a", "s2/v2/a", "s2/v2/b", "s10/v1/a", "sx/v1/a", "s11/w1/a"];
    let find = |pattern, span| find_span(&names, &[("", pattern)], span);
    assert_eq!(find("s{SPAN}/v{VERSION}/*", None), "s10/v1/a s10 v1");
    assert_eq!(find("./s{SPAN}/v{VERSION}/*", Some(2)), "s2/v2/a s2/v2/b s2 v2");
    assert_eq!(find("s{SPAN}/*/a", Some(2)), "s2/v1/a s2/v2/a s2");
    assert_eq!(find("s{SPAN:1}/*/a", None), "s2/v1/a s2/v2/a s2");
    assert_eq!(
        find("s{SPAN}/v{VERSION}/*", Some(3)),
        "no file of span 3 matches `s{SPAN}/v{VERSION}/*`, found the spans 1, 2, 10"
    );
    assert_eq!(
        find("s1/*/a", Some(3)),
        "`span`: no pattern has {SPAN} or {YYYY}, {MM} and {DD}, expected one of these in all"
    );
    assert_eq!(
        find("t{SPAN}/*/a", Some(3)),
        "no file matches `t{SPAN}/*/a` in DIR (there are no files in DIR)"
    );
    let dates = ["2024-02-28.csv", "2024-02-29.csv", "2024-1.csv"];
    assert_eq!(find_span(&dates, &[("", "{YYYY}-{MM}-{DD}.csv")], None), "2024-02-29.csv s19782");
    assert_eq!(
        find_span(&["x20240230.csv"], &[("", "x{YYYY}{MM}{DD}.csv")], None),
        "x20240230.csv: 2024-02-30 is no date"
    );
}

#[test]
fn ranges_take_each_span_in_its_latest_version() {
    let names = ["s1/v7/a", "s2/v1/a", "s2/v2/a", "s4/v1/a", "s4/v1/b", "s6/v1/a"];
    let find = |range| find_spans(&names, &[("", "s{SPAN}/v{VERSION}/*")], None, Some(range));
    let fixed = |start_span_number, end_span_number| {
        RangeConfig::StaticRange(StaticRange { start_span_number, end_span_number })
    };
    assert_eq!(find(fixed(2, 5)), "s2/v2/a s4/v1/a s4/v1/b s4 v1 [2, 4]");
    assert_eq!(find(fixed(1, 1)), "s1/v7/a s1 v7");
    assert_eq!(
        find(fixed(7, 9)),
        "no file of the spans 7 to 9 matches `s{SPAN}/v{VERSION}/*`, found the spans 1, 2, 4, 6"
    );
    let rolling = |num_spans, start_span_number, skip_num_recent_spans| {
        let num_spans = std::num::NonZeroU32::new(num_spans).unwrap();
        RangeConfig::RollingRange(RollingRange {
            num_spans,
            start_span_number,
            skip_num_recent_spans,
        })
    };
    assert_eq!(find(rolling(3, None, 0)), "s4/v1/a s4/v1/b s6/v1/a s6 v1 [4, 6]");
    // There is no span 5.
    assert_eq!(find(rolling(2, None, 1)), "s4/v1/a s4/v1/b s4 v1");
    assert_eq!(find(rolling(9, Some(6), 0)), "s6/v1/a s6 v1");
    assert_eq!(
        find(rolling(1, None, 1)),
        "no file of span 5 matches `s{SPAN}/v{VERSION}/*`, found the spans 1, 2, 4, 6"
    );

    let names = ["t/1", "t/2", "t/3", "e/2", "e/3"];
    let splits = |pattern| [("train", "t/{SPAN}"), ("eval", pattern)];
    let find = |range| find_spans(&names, &splits("e/{SPAN}"), None, Some(range));
    assert_eq!(find(fixed(2, 3)), "e/2 e/3 t/2 t/3 [1, 1, 0, 0] s3 [2, 3]");
    assert_eq!(
        find(fixed(1, 3)),
        "`t/{SPAN}` leads to span 1, but `e/{SPAN}` to no other: expected the same for all"
    );
    assert_eq!(
        find_spans(&names, &[("", "t/*")], None, Some(fixed(1, 3))),
        "`range_config`: no pattern has {SPAN} or {YYYY}, {MM} and {DD}, expected one of these in all"
    );
}

#[test]
fn splits_may_have_files_of_their_own() {
    let names = ["train/1.csv", "train/2.csv", "eval/2.csv", "eval/1.csv", "test/3.csv"];
    let find = |patterns: &[(&str, &str)]| find_span(&names, patterns, None);
    assert_eq!(
        find(&[("train", "train/*"), ("eval", "eval/*")]),
        "eval/1.csv eval/2.csv train/1.csv train/2.csv [1, 1, 0, 0] s0"
    );
    assert_eq!(
        find(&[("train", "train/{SPAN}.csv"), ("eval", "eval/{SPAN}.csv")]),
        "eval/2.csv train/2.csv [1, 0] s2"
    );
    assert_eq!(
        find(&[("train", "train/{SPAN}.csv"), ("eval", "test/{SPAN}.csv")]),
        "`train/{SPAN}.csv` leads to span 2, but `test/{SPAN}.csv` to span 3: expected the same for all"
    );
    assert_eq!(
        find(&[("train", "train/{SPAN}.csv"), ("eval", "eval/*.csv")]),
        "`train/{SPAN}.csv` and `eval/*.csv`: expected {SPAN}, {VERSION} or a date in all patterns or in none"
    );
    assert_eq!(
        find(&[("train", "train/*"), ("eval", "**/1.csv")]),
        "train/1.csv: is in the splits `train` and `eval`, expected one"
    );
    assert_eq!(
        find(&[("train", "none/*")]),
        "no file matches `none/*` in DIR (there is no folder none)"
    );
}
