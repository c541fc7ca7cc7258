//! Against statistics that TFDV made of nested, weighted, categorical, sliced and crossed features.
//!
//! `testdata/reference/NAME.json` holds columns and options, `NAME.pbtxt` the reference's answer; `answer.py` asks
//! again. Where we differ on purpose, the test says how.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use formats::metadata::cross_feature_statistics::CrossStats;
use formats::metadata::custom_statistic::Val;
use formats::metadata::feature_name_statistics::{FieldId, Stats};
use formats::metadata::lift_series::YCountValue;
use formats::metadata::rank_histogram::Bucket as RankBucket;
use formats::metadata::{
    CommonStatistics, CustomStatistic, DatasetFeatureStatistics, DatasetFeatureStatisticsList,
    FeatureNameStatistics, RankHistogram, Schema,
};
use serde_json::Value;
use statistics::{Config, Curated, Vocabulary};

use crate::compare::{Report, name};
use crate::{all_statistics_of, curated_statistics_of, json};

struct Case {
    batch: RecordBatch,
    config: Config,
    schema: Option<Schema>,
    vocabularies: BTreeMap<String, Arc<Vocabulary>>,
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
        let vocabularies: Option<BTreeMap<String, Vec<String>>> =
            serde_json::from_value(question["vocabularies"].take()).unwrap();
        let golden: DatasetFeatureStatisticsList = formats::text::parse(answer).unwrap();
        let datasets = golden.datasets.into_iter();
        Self {
            batch: json::batch(
                &question["columns"],
                usize::try_from(question["repeat"].as_u64().unwrap_or(1)).unwrap(),
            ),
            config: serde_json::from_value(question["options"].take()).unwrap(),
            schema,
            vocabularies: vocabularies
                .unwrap_or_default()
                .into_iter()
                .map(|(name, tokens)| (name, Arc::new(tokens.into())))
                .collect(),
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
            let curated =
                Curated { schema: self.schema.as_ref(), vocabularies: self.vocabularies.clone() };
            let ours =
                curated_statistics_of(&self.batch, partition_size, 2, &self.config, &curated);
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
    // Nor does it look for images where the schema expects them, unless semantic domains are asked for.
    let features = &mut case.golden.get_mut("").unwrap().features;
    let image = features.iter_mut().find(|feature| name(feature) == "image").unwrap();
    let unknown =
        RankBucket { label: "UNKNOWN".to_owned(), sample_count: 5.0, ..RankBucket::default() };
    let histogram = RankHistogram { buckets: vec![unknown], ..RankHistogram::default() };
    image.custom_stats.push(CustomStatistic {
        name: "image_format_histogram".to_owned(),
        val: Some(Val::RankHistogram(histogram)),
    });
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

/// The reference divides weights by the number of examples, not by what they weigh together.
#[test]
fn lift_by_weight_is_as_in_the_reference_but_for_the_whole() {
    let mut case = case!("weighted_lift");
    let golden = case.golden.get_mut("").unwrap();
    let rate = golden.weighted_num_examples / 8.0;
    let mut num_series = 0;
    for cross in &mut golden.cross_features {
        let Some(CrossStats::CategoricalCrossStats(cross)) = &mut cross.cross_stats else {
            panic!("{cross:?}")
        };
        for series in &mut cross.lift.as_mut().unwrap().lift_series {
            if let Some(YCountValue::WeightedYCount(_)) = series.y_count_value {
                series.lift_values.iter_mut().for_each(|value| value.lift *= rate);
                num_series += 1;
            }
        }
    }
    assert_eq!(num_series, 9);
    case.check();
}

/// The reference subtracts the weight of what is there from that of the dataset, by another feature, and weighs the
/// features of a struct by that feature, too.
#[test]
fn single_features_have_weights_of_their_own() {
    for (mut case, weight) in
        [(case!("weight_overrides"), 15.0), (case!("weight_override_alone"), 15.0)]
    {
        let other = case.golden[""].weighted_num_examples;
        let overridden = ["fare", "tags", "trip"];
        let golden = case.golden.get_mut("").unwrap();
        for feature in &mut golden.features {
            if overridden.contains(&name(feature).as_str()) {
                let common = common(feature);
                let weighted = common.weighted_common_stats.as_mut().unwrap();
                weighted.num_missing += weight - other;
                for level in &mut common.weighted_presence_and_valency_stats {
                    level.num_missing += weight - other;
                }
            }
        }
        let ours = all_statistics_of(&case.batch, 100, 1, &case.config, None).datasets.remove(0);
        let is_below = |feature: &FeatureNameStatistics| name(feature).starts_with("trip.");
        case.golden.get_mut("").unwrap().features.retain(|feature| !is_below(feature));
        case.golden.get_mut("").unwrap().features.extend(ours.features.into_iter().filter(|f| {
            let is_below = is_below(f);
            if is_below {
                let mut feature = f.clone();
                let weighted = common(&mut feature).weighted_common_stats.unwrap();
                assert_eq!((weighted.num_non_missing, weighted.num_missing), (9.0, 4.0));
            }
            is_below
        }));
        case.check();
    }
}

fn common(feature: &mut FeatureNameStatistics) -> &mut CommonStatistics {
    let common = match feature.stats.as_mut().unwrap() {
        Stats::NumStats(stats) => &mut stats.common_stats,
        Stats::StringStats(stats) => &mut stats.common_stats,
        Stats::BytesStats(stats) => &mut stats.common_stats,
        Stats::StructStats(stats) => &mut stats.common_stats,
    };
    common.as_mut().unwrap()
}

#[test]
fn sparse_and_weighted_features_are_as_in_the_reference() {
    case!("composite").check();
}

#[test]
fn semantic_domains_are_found_as_in_the_reference() {
    let mut case = case!("semantic");
    // The reference decodes images for their sizes only if it is made to by code.
    let features = &mut case.golden.get_mut("").unwrap().features;
    let image = features.iter_mut().find(|feature| name(feature) == "image").unwrap();
    for (stat, size) in [("image_max_width", 320.0), ("image_max_height", 800.0)] {
        image
            .custom_stats
            .push(CustomStatistic { name: stat.to_owned(), val: Some(Val::Num(size)) });
    }
    case.check();
}

#[test]
fn statistics_of_a_language_are_as_in_the_reference() {
    let case = case!("language");
    case.check();
    let num_languages = case.golden[""].features.iter().flat_map(|feature| &feature.custom_stats);
    assert_eq!(num_languages.filter(|stat| stat.name == "nl_statistics").count(), 3);
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
