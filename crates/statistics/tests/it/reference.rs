//! Against statistics that TFDV made of nested, weighted, categorical, sliced and crossed features.
//!
//! `testdata/reference/NAME.json` holds columns and options, `NAME.pbtxt` the reference's answer; `answer.py` asks
//! again. Where we differ on purpose, the test says how.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use formats::metadata::feature_name_statistics::{FieldId, Stats};
use formats::metadata::{DatasetFeatureStatistics, DatasetFeatureStatisticsList, Schema};
use serde_json::Value;
use statistics::Config;

use crate::compare::{Report, name};
use crate::{all_statistics_of, json};

struct Case {
    batch: RecordBatch,
    config: Config,
    schema: Option<Schema>,
    golden: BTreeMap<String, DatasetFeatureStatistics>,
}

macro_rules! case {
    ($name:literal) => {
        Case::read(
            include_str!(concat!("../../testdata/reference/", $name, ".json")),
            include_str!(concat!("../../testdata/reference/", $name, ".pbtxt")),
        )
    };
}

impl Case {
    fn read(question: &str, answer: &str) -> Self {
        let mut question: Value = serde_json::from_str(question).unwrap();
        let schema = question["options"].as_object_mut().unwrap().remove("schema");
        let schema = schema.map(|schema| formats::text::parse(schema.as_str().unwrap()).unwrap());
        let golden: DatasetFeatureStatisticsList = formats::text::parse(answer).unwrap();
        let datasets = golden.datasets.into_iter();
        Self {
            batch: json::batch(&question["columns"]),
            config: serde_json::from_value(question["options"].take()).unwrap(),
            schema,
            golden: datasets
                .map(|dataset| {
                    let is_all = matches!(dataset.name.as_str(), "" | "All Examples");
                    (if is_all { String::new() } else { dataset.name.clone() }, dataset)
                })
                .collect(),
        }
    }

    fn feature(&mut self, wanted: &str) -> &mut Stats {
        let features = &mut self.golden.get_mut("").unwrap().features;
        features.iter_mut().find(|f| name(f) == wanted).unwrap().stats.as_mut().unwrap()
    }

    /// Compares ours with the reference's, whatever the partitions.
    fn check(&self) {
        for partition_size in [1, 2, 3, 100] {
            let ours = all_statistics_of(
                &self.batch,
                partition_size,
                2,
                &self.config,
                self.schema.as_ref(),
            );
            let names: Vec<&String> = ours.datasets.iter().map(|dataset| &dataset.name).collect();
            assert_eq!(names, self.golden.keys().collect::<Vec<_>>());
            for ours in &ours.datasets {
                let report = Report::of(ours, &self.golden[&ours.name], 0.0);
                let differences = report.differences;
                assert!(differences.is_empty(), "{}: {differences:#?}", ours.name);
                assert!(report.close_histograms.is_empty(), "{:#?}", report.close_histograms);
            }
        }
    }
}

#[test]
fn lists_of_lists_and_structs_are_as_in_the_reference() {
    let mut case = case!("nested");
    for feature in &mut case.golden.get_mut("").unwrap().features {
        // The reference's histogram of no lists at all has negative widths from 2^63 to 0.
        if ["no_lists", "only_missing"].contains(&name(feature).as_str()) {
            feature.custom_stats.clear();
        }
    }
    case.check();
}

#[test]
fn weighted_twins_are_as_in_the_reference() {
    let mut case = case!("weighted");
    case.golden.get_mut("").unwrap().features.iter_mut().for_each(|feature| {
        if name(feature) == "only_missing" {
            feature.custom_stats.clear();
        }
    });
    // Infinities: as without weights, see `edge_cases.rs`.
    let Stats::NumStats(stats) = case.feature("inf") else { panic!() };
    (stats.mean, stats.std_dev) = (f64::NAN, f64::NAN);
    let weighted = stats.weighted_numeric_stats.as_mut().unwrap();
    (weighted.mean, weighted.std_dev) = (f64::NAN, f64::NAN);
    case.check();
}

#[test]
fn thresholds_and_zero_weights_are_as_in_the_reference() {
    case!("weighted_thresholds").check();
}

#[test]
fn a_schema_makes_numbers_names_and_strings_bytes() {
    let mut case = case!("categorical");
    // The reference does not count distinct bytes.
    let Stats::BytesStats(stats) = case.feature("image") else { panic!() };
    assert_eq!(stats.unique, 0);
    stats.unique = 4;
    case.check();
}

#[test]
fn slices_are_as_in_the_reference() {
    let mut case = case!("sliced");
    // The reference compares the text to slice by with bytes, and so never finds it.
    let sliced = all_statistics_of(&case.batch, 100, 1, &case.config, None);
    for (name, num_examples) in [("country_UK_tags_a", 2), ("country_UK_tags_b", 1)] {
        let ours = sliced.datasets.iter().find(|dataset| dataset.name == name).unwrap();
        assert_eq!(ours.num_examples, num_examples);
        case.golden.insert(name.to_owned(), ours.clone());
    }
    case.check();
}

#[test]
fn pairs_of_features_are_as_in_the_reference() {
    case!("crossed").check();
}

#[test]
fn lift_is_as_in_the_reference() {
    case!("lift").check();
}

#[test]
fn features_of_structs_are_named_by_their_path() {
    let case = case!("nested");
    let ours = all_statistics_of(&case.batch, 100, 1, &case.config, None);
    let paths = ours.datasets[0].features.iter().filter_map(|feature| match &feature.field_id {
        Some(FieldId::Path(path)) => Some(path.step.join("/")),
        _ => None,
    });
    let expected = [
        "ll",
        "lll",
        "ls",
        "no_lists",
        "only_missing",
        "trip",
        "trip/fare",
        "trip/tags",
        "trip/route",
        "trip/route/km",
        "trip/via",
        "stops",
        "stops/id",
        "stops/names",
        "legs",
        "legs/m",
    ];
    assert_eq!(paths.collect::<Vec<_>>(), expected);
}
