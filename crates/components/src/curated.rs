//! A schema that people keep in a file: its check before anything runs.

use std::path::Path;

use artifact::Problem;
use base::{BoxError, Classify};
use formats::metadata::Schema;

/// Reads a curated schema; returns it if it can be read, and all that is wrong with it, under a key of the
/// configuration.
pub(crate) fn check(path: &Path, key: &str) -> (Option<Schema>, Vec<Problem>) {
    let problem = |message, hint| Problem { key: key.to_owned(), offset: None, message, hint };
    match schema::read_schema(path) {
        Ok(schema) => {
            let problems = schema::check_schema(&schema).into_iter().map(|found| {
                let (location, expected) = (found.location, found.expected);
                problem(
                    format!("{location}: found {}, expected {expected}", found.found),
                    found.nearest.map(|name| format!("did you mean `{name}`?")),
                )
            });
            let problems = problems.collect();
            (Some(schema), problems)
        }
        Err(error) => {
            let hint = error.hint();
            (None, vec![problem(BoxError::from(error).to_string(), hint)])
        }
    }
}
