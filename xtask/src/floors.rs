//! `cargo xtask floors`: a crate uses crates of lower floors only.
//!
//! The floors are the table in `ARCHITECTURE.md`, so that the page cannot say one thing and the check another.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::Failure;

/// A floor by the name of each crate on it.
type Floors = BTreeMap<String, i32>;

/// Checks every crate of the workspace.
pub(crate) fn check(workspace: &Path) -> Result<(), Failure> {
    let floors = floors(&fs::read_to_string(workspace.join("ARCHITECTURE.md"))?)?;
    let mut manifests = BTreeMap::new();
    for entry in fs::read_dir(workspace.join("crates"))? {
        let dir = entry?.path();
        let manifest = fs::read_to_string(dir.join("Cargo.toml"))
            .map_err(|error| format!("{}: {error}", dir.display()))?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        manifests.insert(name, manifest.parse::<Table>()?);
    }
    let problems = problems(&floors, &manifests);
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n       ").into()) }
}

/// Reads the rows of the table `| floor | crates |`.
fn floors(architecture: &str) -> Result<Floors, Failure> {
    let rows = architecture.lines().skip_while(|line| !line.starts_with("| floor |")).skip(2);
    let mut floors = Floors::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let (floor, crates) =
            row.trim_matches('|').split_once('|').ok_or_else(|| format!("not a row: {row}"))?;
        let number = floor.split_whitespace().next().unwrap_or_default().parse()?;
        for name in crates.split('`').skip(1).step_by(2) {
            floors.insert(name.to_owned(), number);
        }
    }
    if floors.is_empty() {
        return Err("ARCHITECTURE.md has no table of floors".into());
    }
    Ok(floors)
}

/// Returns one line for each crate that is on no floor, each floor's crate that is not there, and each use of
/// a crate of the same or a higher floor. Tests may use any crate that does not use theirs.
fn problems(floors: &Floors, manifests: &BTreeMap<String, Table>) -> Vec<String> {
    let mut problems = Vec::new();
    for name in floors.keys().filter(|name| !manifests.contains_key(*name)) {
        problems.push(format!("ARCHITECTURE.md: there is no crate `{name}`"));
    }
    for (name, manifest) in manifests {
        let Some(floor) = floors.get(name) else {
            problems.push(format!("crates/{name}: not in the table of floors in ARCHITECTURE.md"));
            continue;
        };
        if manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str)
            != Some(name)
        {
            problems.push(format!("crates/{name}: the crate is not named as its folder"));
        }
        for table in ["dependencies", "build-dependencies"] {
            let uses = manifest.get(table).and_then(Value::as_table);
            for used in uses.into_iter().flat_map(Table::keys) {
                if let Some(other) = floors.get(used).filter(|other| *other >= floor) {
                    problems.push(format!(
                        "crates/{name} (floor {floor}) uses `{used}` (floor {other}), expected a lower floor"
                    ));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_uses_lower_floors_only() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        check(workspace).unwrap();
    }

    #[test]
    fn a_crate_of_the_same_floor_or_of_none_is_a_problem() {
        let floors =
            floors("| floor | crates |\n| --- | --- |\n| 1 up | `b` · `c` |\n| 0 | `a` |\n")
                .unwrap();
        let manifest = |name: &str, uses: &str| {
            let text =
                format!("[package]\nname = \"{name}\"\n[dependencies]\n{uses}.workspace = true\n");
            (name.to_owned(), text.parse::<Table>().unwrap())
        };
        let manifests =
            [manifest("a", "serde"), manifest("b", "c"), manifest("c", "a"), manifest("d", "a")];
        assert_eq!(
            problems(&floors, &manifests.into()),
            [
                "crates/b (floor 1) uses `c` (floor 1), expected a lower floor",
                "crates/d: not in the table of floors in ARCHITECTURE.md",
            ]
        );
    }
}
