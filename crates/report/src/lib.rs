//! Statistics of one or two datasets, or the evaluation of a model, as one self-contained HTML page.
//!
//! Entry types: [`Report`], [`EvaluationReport`], [`Sample`]; [`notes`] says in words what is no picture. The page asks nothing of the network: styles, script and data are in it, and a content
//! policy says so. The data goes in as JSON and comes out as text nodes, so that no name or value of the data
//! is ever read as HTML. **Invariant:** the same statistics give the same bytes.
//! Not here: computing statistics (`statistics`), anomalies and distances (`schema`), writing files (`cli`).

mod data;
mod evaluation;
mod features;
mod notes;
mod numbers;

use formats::metadata::DatasetFeatureStatistics;

pub use evaluation::{EvaluationReport, Sample};
pub use notes::notes;

/// What a page shows.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The page's title.
    pub title: &'a str,
    /// The dataset that the page is about.
    pub current: Dataset<'a>,
    /// A dataset to see it beside.
    pub baseline: Option<Dataset<'a>>,
    /// The name of the schema that the anomalies are against; without one, nothing is said of anomalies.
    pub schema: Option<&'a str>,
    /// Where the current dataset does not fit the schema.
    pub anomalies: &'a [Anomaly],
    /// How far the two datasets are apart.
    pub distances: &'a [Distance],
    /// What can be shown instead, such as slices of the examples, by their titles; theirs are not looked at.
    pub slices: &'a [Report<'a>],
    /// How many more slices there are.
    pub more_slices: usize,
}

/// A dataset and its name.
#[derive(Clone, Copy, Debug)]
pub struct Dataset<'a> {
    /// What it is called, such as the name of its file.
    pub name: &'a str,
    /// Its statistics.
    pub statistics: &'a DatasetFeatureStatistics,
}

/// Something about a feature that a schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The feature's path, its steps joined by dots; empty for the dataset as a whole.
    pub feature: String,
    /// `ERROR` or `WARNING`.
    pub severity: &'static str,
    /// What it is, in a few words.
    pub short_description: String,
    /// What was found and expected.
    pub description: String,
}

/// A distance between the distributions of a feature in the two datasets.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// The feature's path, its steps joined by dots.
    pub feature: String,
    /// What the measure is called.
    pub measure: String,
    /// How it is computed.
    pub formula: &'static str,
    /// The distance.
    pub value: f64,
    /// The distance from which on it is too large, if there is a limit.
    pub threshold: Option<f64>,
}

impl Report<'_> {
    /// Returns the page, UTF-8.
    ///
    /// Features of one name are shown in one row, in the order of the current dataset, then those that only the
    /// baseline has, then those that only anomalies speak of. Its size is about 2 kB for each feature and
    /// dataset, and as much for each slice: text features are shown with their 20 most frequent values.
    pub fn html(&self) -> String {
        let parts = [
            ("{{title}}", escaped(self.title)),
            ("{{style}}", include_str!("page/style.css").to_owned()),
            ("{{data}}", data::json(self)),
            ("{{script}}", include_str!("page/script.js").to_owned()),
        ];
        fill(parts)
    }
}

/// Returns the page with its parts put in.
fn fill(parts: [(&str, String); 4]) -> String {
    let mut rest = include_str!("page/page.html");
    let mut page = String::new();
    // Each mark stands once, in this order; what is put in is not looked at again.
    for (mark, part) in parts {
        let (before, after) = rest.split_once(mark).expect("the page has every mark");
        page.push_str(before);
        page.push_str(&part);
        rest = after;
    }
    page.push_str(rest);
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
