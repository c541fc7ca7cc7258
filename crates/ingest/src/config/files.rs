//! What a user can say about which files there are.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::Config;

/// The name of a file, a pattern such as `data/*.csv`, or a list of them, relative to the pipeline's folder. What
/// patterns may have in them is said of [`Config::source`]. Or a URL, `s3://`, `gs://`, `az://` or `https://`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Patterns {
    /// One.
    One(String),
    /// Several.
    Many(#[schemars(length(min = 1))] Vec<String>),
}

impl Patterns {
    /// Returns every pattern.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Many(patterns) => patterns,
        }
    }
}

impl From<String> for Patterns {
    fn from(pattern: String) -> Self {
        Self::One(pattern)
    }
}

impl From<&str> for Patterns {
    fn from(pattern: &str) -> Self {
        Self::One(pattern.to_owned())
    }
}

/// Files, or the files of each split by its name: `{ train = "train/*.csv", eval = "eval/*.csv" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Files {
    /// Files whose rows are split.
    Patterns(Patterns),
    /// Files for each split.
    BySplit(#[schemars(extend("minProperties" = 1))] IndexMap<String, Patterns>),
}

/// The files of a source, whatever its form.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FilesOf<'c> {
    /// The rows are those of a query.
    None,
    Patterns(&'c Patterns),
    BySplit(&'c IndexMap<String, Patterns>),
}

impl<'c> FilesOf<'c> {
    /// Returns every pattern with the position of its split.
    pub(crate) fn patterns(self) -> Box<dyn Iterator<Item = (usize, &'c str)> + 'c> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::Patterns(patterns) => {
                Box::new(patterns.as_slice().iter().map(|pattern| (0, pattern.as_str())))
            }
            Self::BySplit(splits) => {
                Box::new(splits.values().enumerate().flat_map(|(split, patterns)| {
                    patterns.as_slice().iter().map(move |pattern| (split, pattern.as_str()))
                }))
            }
        }
    }

    /// Returns the names of the splits that have files of their own.
    pub(crate) fn split_names(self) -> impl Iterator<Item = &'c str> {
        let splits = match self {
            Self::None | Self::Patterns(_) => None,
            Self::BySplit(splits) => Some(splits),
        };
        splits.into_iter().flat_map(|splits| splits.keys()).map(String::as_str)
    }
}

impl From<Patterns> for Files {
    fn from(patterns: Patterns) -> Self {
        Self::Patterns(patterns)
    }
}

impl From<&str> for Files {
    fn from(pattern: &str) -> Self {
        Self::Patterns(pattern.into())
    }
}

impl Files {
    pub(super) fn view(&self) -> FilesOf<'_> {
        match self {
            Self::Patterns(patterns) => FilesOf::Patterns(patterns),
            Self::BySplit(splits) => FilesOf::BySplit(splits),
        }
    }
}
