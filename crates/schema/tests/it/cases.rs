//! Questions and answers, as the files in `testdata/` have them.

use std::collections::BTreeMap;

use formats::metadata::{
    Anomalies, DatasetFeatureStatistics, DatasetFeatureStatisticsList, Schema,
};
use formats::{Message, Name};
use schema::SeverityOverride;

/// One question and its answer: a name, and texts by section.
pub(crate) struct Case<'a> {
    pub(crate) name: &'a str,
    pub(crate) sections: BTreeMap<&'a str, &'a str>,
}

impl Case<'_> {
    pub(crate) fn text(&self, section: &str) -> &str {
        self.sections.get(section).copied().unwrap_or("")
    }

    pub(crate) fn statistics(&self, section: &str) -> Option<DatasetFeatureStatistics> {
        self.sections.get(section).map(|text| self.parse(text))
    }

    pub(crate) fn slices(&self, section: &str) -> Option<DatasetFeatureStatisticsList> {
        self.sections.get(section).map(|text| self.parse(text))
    }

    fn parse<M: Message + Name + Default>(&self, text: &str) -> M {
        formats::text::parse(text).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Our own answer if there is one, or else that of the reference.
    pub(crate) fn answer(&self, ours: &str, theirs: &str) -> &str {
        self.sections.get(ours).copied().unwrap_or_else(|| self.text(theirs))
    }

    /// The anomalies that are expected.
    pub(crate) fn anomalies(&self) -> Anomalies {
        self.parse(self.answer("our anomalies", "anomalies"))
    }

    pub(crate) fn overrides(&self) -> Vec<SeverityOverride> {
        let pairs = self.text("options").lines().filter_map(|line| line.split_once(' '));
        pairs
            .map(|(kind, severity)| SeverityOverride::from_names(kind, severity).unwrap())
            .collect()
    }

    pub(crate) fn schema(&self, section: &str) -> Schema {
        self.parse(self.text(section))
    }
}

/// Returns the cases of a file.
pub(crate) fn cases(text: &str) -> Vec<Case<'_>> {
    let cases = text.split("\n=== ").skip(1).map(|case| {
        let (name, sections) = case.split_once('\n').unwrap();
        let sections = sections.trim_end().strip_prefix("--- ").unwrap().split("\n--- ");
        let sections =
            sections.map(|section| section.split_once('\n').unwrap_or((section, ""))).collect();
        Case { name, sections }
    });
    cases.collect()
}
