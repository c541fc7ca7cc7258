//! Custom validations that people keep in a file: their check before anything runs.

use std::path::Path;

use artifact::Problem;
use base::{BoxError, Classify};
use schema::{CustomValidations, SchemaError};

/// The key of the file in the configurations of components.
pub(crate) const KEY: &str = "custom_validation_config";

/// Reads custom validations; returns them if they can be read, and all that is wrong with them.
pub(crate) fn check(path: &Path) -> (Option<CustomValidations>, Vec<Problem>) {
    let problem = |message, hint| Problem { key: KEY.to_owned(), offset: None, message, hint };
    match CustomValidations::read(path) {
        Ok(validations) => (Some(validations), Vec::new()),
        Err(SchemaError::Custom { path, errors }) => {
            let problems = errors
                .iter()
                .map(|error| problem(format!("{}: {error}", path.display()), error.hint()));
            (None, problems.collect())
        }
        Err(error) => {
            let hint = error.hint();
            (None, vec![problem(BoxError::from(error).to_string(), hint)])
        }
    }
}
