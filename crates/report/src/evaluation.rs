//! An evaluation of a model as a page.

use serde_json::{Value, json};

use crate::{escaped, fill};

/// What the page of an evaluation shows.
#[derive(Clone, Copy, Debug)]
pub struct EvaluationReport<'a> {
    /// The page's title.
    pub title: &'a str,
    /// What the candidate is called.
    pub candidate: &'a str,
    /// What the baseline is called, if there is one.
    pub baseline: Option<&'a str>,
    /// The evaluation, in the form in which it is stored (`evaluation.json`).
    pub evaluation: &'a Value,
    /// Which features the predictions come from, as `explanations.json` has it, if that was asked for.
    pub explanations: Option<&'a Value>,
    /// Whether every threshold holds; nothing where there are none.
    pub blessed: Option<bool>,
    /// What does not hold.
    pub failures: &'a [String],
    /// What a language model wrote.
    pub samples: &'a [Sample],
}

/// A text that a language model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What it was given.
    pub prompt: String,
    /// What it wrote behind that.
    pub written: String,
}

impl EvaluationReport<'_> {
    /// Returns the page, UTF-8: a table of slices that sorts by any metric, with intervals and the baseline
    /// beside the candidate; plots of each slice that has them; differences between slices; which features the
    /// predictions come from.
    pub fn html(&self) -> String {
        let sample = |sample: &Sample| json!([sample.prompt, sample.written]);
        let object = json!({
            "samples": self.samples.iter().map(sample).collect::<Vec<_>>(),
            "title": self.title,
            "models": [Some(self.candidate), self.baseline],
            "evaluation": self.evaluation,
            "explanations": self.explanations,
            "blessed": self.blessed,
            "failures": self.failures,
        });
        let style = [include_str!("page/style.css"), include_str!("page/evaluation.css")].concat();
        fill([
            ("{{title}}", escaped(self.title)),
            ("{{style}}", style),
            // The text must not end the element, whatever is in the data.
            ("{{data}}", object.to_string().replace('<', "\\u003c")),
            ("{{script}}", include_str!("page/evaluation.js").to_owned()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let evaluation = json!({
            "task": "binary_classification", "has_baseline": false, "num_missing_labels": 0,
            "num_small_slices": 0, "crowded": [],
            "slices": [{
                "slice": [{ "feature": "a", "value": { "text": "</script>" } }],
                "num_examples": 3, "metrics": { "auc": "NaN" },
            }],
        });
        EvaluationReport {
            title: "p <& q",
            candidate: "new",
            baseline: None,
            evaluation: &evaluation,
            explanations: None,
            blessed: Some(false),
            failures: &["auc, overall: <b>".to_owned()],
            samples: &[Sample { prompt: "Once".to_owned(), written: " <b>upon".to_owned() }],
        }
        .html()
    }

    #[test]
    fn the_page_asks_nothing_of_the_network_and_takes_no_data_for_html() {
        let html = page();
        let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
        for foreign in ["http:", "https:", "//cdn", " src=", "@import", "url(", "{{", "innerHTML"] {
            assert!(!without_namespace.contains(foreign), "{foreign}");
        }
        assert!(html.contains("default-src 'none'"));
        assert!(html.contains("<title>p &lt;&amp; q</title>"));
        assert_eq!(html.matches("</script>").count(), 2);
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn the_script_reads_what_was_put_in() {
        let html = page();
        let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
        let (text, _) = rest.split_once("</script>").unwrap();
        let data: Value = serde_json::from_str(text).unwrap();
        assert_eq!(data["evaluation"]["slices"][0]["slice"][0]["value"]["text"], "</script>");
        assert_eq!(data["failures"][0], "auc, overall: <b>");
        assert_eq!(data["models"], json!(["new", null]));
        assert_eq!(data["samples"], json!([["Once", " <b>upon"]]));
    }
}
