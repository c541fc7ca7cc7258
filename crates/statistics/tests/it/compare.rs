//! Finds the fields in which two statistics differ.

use std::fmt::Debug;

use formats::metadata::cross_feature_statistics::CrossStats;
use formats::metadata::custom_statistic::Val;
use formats::metadata::feature_name_statistics::{FieldId, Stats};
use formats::metadata::{
    BytesStatistics, CommonStatistics, CrossFeatureStatistics, CustomStatistic,
    DatasetFeatureStatistics, FeatureNameStatistics, Histogram, LiftStatistics,
    NaturalLanguageStatistics, NumericStatistics, StringStatistics,
};
use formats::{Any, Message};

/// The reference adds up means and variances in another order, and averages are 32-bit floats.
const MEAN_TOLERANCE: f64 = 1e-6;
/// Bucket counts are interpolated; the same formula in another order of operations.
const INTERPOLATION_TOLERANCE: f64 = 1e-9;

/// What was found, one line each, and how histograms compared.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) differences: Vec<String>,
    pub(crate) num_equal_histograms: usize,
    /// Paths of histograms that are not equal, but within `histogram_tolerance`.
    pub(crate) close_histograms: Vec<String>,
    /// How far a histogram's cumulative counts may be apart, as a part of all values.
    histogram_tolerance: f64,
}

impl Report {
    /// Compares every feature of two datasets, found by their path.
    pub(crate) fn of(
        ours: &DatasetFeatureStatistics,
        theirs: &DatasetFeatureStatistics,
        histogram_tolerance: f64,
    ) -> Self {
        let mut report = Self { histogram_tolerance, ..Self::default() };
        report.equal("", "num_examples", &ours.num_examples, &theirs.num_examples);
        report.near(
            "",
            "weighted_num_examples",
            ours.weighted_num_examples,
            theirs.weighted_num_examples,
        );
        report.equal("", "number of features", &ours.features.len(), &theirs.features.len());
        report.cross_features(&ours.cross_features, &theirs.cross_features);
        for theirs in &theirs.features {
            match ours.features.iter().find(|ours| ours.field_id == theirs.field_id) {
                Some(ours) => report.feature(ours, theirs),
                None => report.differences.push(format!("{}: missing", name(theirs))),
            }
        }
        report
    }

    fn feature(&mut self, ours: &FeatureNameStatistics, theirs: &FeatureNameStatistics) {
        let name = name(theirs);
        self.equal(&name, "type", &ours.r#type, &theirs.r#type);
        let source = |f: &FeatureNameStatistics| f.validation_derived_source.clone();
        self.equal(&name, "validation_derived_source", &source(ours), &source(theirs));
        self.custom(&name, &ours.custom_stats, &theirs.custom_stats);
        let common = |stats: &Option<Stats>| match stats {
            Some(Stats::NumStats(stats)) => stats.common_stats.clone(),
            Some(Stats::StringStats(stats)) => stats.common_stats.clone(),
            Some(Stats::BytesStats(stats)) => stats.common_stats.clone(),
            Some(Stats::StructStats(stats)) => stats.common_stats.clone(),
            None => None,
        };
        self.common(&name, common(&ours.stats).as_ref(), common(&theirs.stats).as_ref());
        match (&ours.stats, &theirs.stats) {
            (Some(Stats::NumStats(ours)), Some(Stats::NumStats(theirs))) => {
                self.numeric(&name, ours, theirs);
            }
            (Some(Stats::StringStats(ours)), Some(Stats::StringStats(theirs))) => {
                self.string(&name, ours, theirs);
            }
            (Some(Stats::BytesStats(ours)), Some(Stats::BytesStats(theirs))) => {
                let rest =
                    |s: &BytesStatistics| BytesStatistics { common_stats: None, ..s.clone() };
                self.equal(&name, "bytes_stats", &rest(ours), &rest(theirs));
            }
            (Some(Stats::StructStats(_)), Some(Stats::StructStats(_))) => {}
            // Composite features.
            (None, None) => {}
            (ours, theirs) => {
                self.differences.push(format!("{name}: stats {ours:?} and {theirs:?}"));
            }
        }
    }

    fn custom(&mut self, name: &str, ours: &[CustomStatistic], theirs: &[CustomStatistic]) {
        let names = |custom: &[CustomStatistic]| {
            custom.iter().map(|custom| custom.name.clone()).collect::<Vec<_>>()
        };
        self.equal(name, "names of custom_stats", &names(ours), &names(theirs));
        for (ours, theirs) in ours.iter().zip(theirs) {
            let path = format!("{name}.{}", theirs.name);
            match (&ours.val, &theirs.val) {
                (Some(Val::Histogram(ours)), Some(Val::Histogram(theirs))) => {
                    self.histogram(&path, ours, theirs);
                }
                (Some(Val::Any(ours)), Some(Val::Any(theirs))) => {
                    self.language(&path, ours, theirs)
                }
                (ours, theirs) => self.equal(&path, "val", ours, theirs),
            }
        }
    }

    /// Compares statistics of a language; the reference has tokens in no order.
    fn language(&mut self, path: &str, ours: &Any, theirs: &Any) {
        self.equal(path, "type", &ours.type_url, &theirs.type_url);
        let read = |packed: &Any| NaturalLanguageStatistics::decode(&*packed.value).unwrap();
        let (mut ours, mut theirs) = (read(ours), read(theirs));
        for (what, ours, theirs) in [
            ("token_length", &mut ours.token_length_histogram, &mut theirs.token_length_histogram),
            (
                "sequence_length",
                &mut ours.sequence_length_histogram,
                &mut theirs.sequence_length_histogram,
            ),
        ] {
            match (ours.take(), theirs.take()) {
                (Some(ours), Some(theirs)) => {
                    self.histogram(&format!("{path}.{what}"), &ours, &theirs);
                }
                (ours, theirs) => self.equal(path, what, &ours, &theirs),
            }
        }
        for statistics in [&mut ours, &mut theirs] {
            statistics.token_statistics.sort_by_key(|token| format!("{:?}", token.token));
        }
        self.equal(path, "nl_statistics", &ours, &theirs);
    }

    fn cross_features(
        &mut self,
        ours: &[CrossFeatureStatistics],
        theirs: &[CrossFeatureStatistics],
    ) {
        self.equal("", "number of cross_features", &ours.len(), &theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            let key = |cross: &CrossFeatureStatistics| {
                (cross.path_x.clone(), cross.path_y.clone(), cross.count)
            };
            let path = format!("{:?}", key(theirs));
            self.equal(&path, "cross_features", &key(ours), &key(theirs));
            match (&ours.cross_stats, &theirs.cross_stats) {
                (
                    Some(CrossStats::NumCrossStats(ours)),
                    Some(CrossStats::NumCrossStats(theirs)),
                ) => {
                    let (a, b) = (ours.correlation, theirs.correlation);
                    self.near(&path, "correlation", f64::from(a), f64::from(b));
                    let (a, b) = (ours.covariance, theirs.covariance);
                    self.near(&path, "covariance", f64::from(a), f64::from(b));
                }
                (
                    Some(CrossStats::CategoricalCrossStats(ours)),
                    Some(CrossStats::CategoricalCrossStats(theirs)),
                ) => self.lift(&path, &ours.lift, &theirs.lift),
                (ours, theirs) => self.equal(&path, "cross_stats", ours, theirs),
            }
        }
    }

    fn lift(&mut self, path: &str, ours: &Option<LiftStatistics>, theirs: &Option<LiftStatistics>) {
        let lifts = |statistics: &Option<LiftStatistics>| -> Vec<f64> {
            let series = statistics.iter().flat_map(|statistics| &statistics.lift_series);
            series.flat_map(|series| &series.lift_values).map(|value| value.lift).collect()
        };
        for (ours, theirs) in lifts(ours).into_iter().zip(lifts(theirs)) {
            self.near(path, "lift", ours, theirs);
        }
        let rest = |statistics: &Option<LiftStatistics>| {
            let mut rest = statistics.clone();
            let series = rest.iter_mut().flat_map(|statistics| &mut statistics.lift_series);
            series.flat_map(|series| &mut series.lift_values).for_each(|value| value.lift = 0.0);
            rest
        };
        self.equal(path, "lift_series", &rest(ours), &rest(theirs));
    }

    fn common(
        &mut self,
        name: &str,
        ours: Option<&CommonStatistics>,
        theirs: Option<&CommonStatistics>,
    ) {
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            self.equal(name, "common_stats", &ours, &theirs);
            return;
        };
        let path = format!("{name}.num_values_histogram");
        match (&ours.num_values_histogram, &theirs.num_values_histogram) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => self.histogram(&path, ours, theirs),
            _ => self.differences.push(format!("{path}: there and not there")),
        }
        let rest = |common: &CommonStatistics| CommonStatistics {
            num_values_histogram: None,
            weighted_common_stats: None,
            weighted_presence_and_valency_stats: Vec::new(),
            ..common.clone()
        };
        self.equal(name, "common_stats", &rest(ours), &rest(theirs));
        let weighted = |common: &CommonStatistics| {
            let mut all = common.weighted_presence_and_valency_stats.clone();
            all.extend(common.weighted_common_stats);
            all
        };
        let (ours, theirs) = (weighted(ours), weighted(theirs));
        self.equal(name, "number of weighted_common_stats", &ours.len(), &theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            self.near(name, "weighted presence", ours.num_non_missing, theirs.num_non_missing);
            self.near(name, "weighted missing", ours.num_missing, theirs.num_missing);
            self.near(name, "weighted average", ours.avg_num_values, theirs.avg_num_values);
            self.near(name, "weighted values", ours.tot_num_values, theirs.tot_num_values);
        }
    }

    fn numeric(&mut self, name: &str, ours: &NumericStatistics, theirs: &NumericStatistics) {
        self.near(name, "mean", ours.mean, theirs.mean);
        self.near(name, "std_dev", ours.std_dev, theirs.std_dev);
        let exact = |s: &NumericStatistics| (s.num_zeros, s.min, s.max, s.histograms.len());
        self.equal(name, "exact fields", &exact(ours), &exact(theirs));
        let close_before = self.close_histograms.len();
        for (ours, theirs) in ours.histograms.iter().zip(&theirs.histograms) {
            self.histogram(&format!("{name}.{:?}", theirs.r#type()), ours, theirs);
        }
        // The median is read off the same quantiles as the histograms.
        if self.close_histograms.len() == close_before {
            self.equal(name, "median", &ours.median, &theirs.median);
        }
        match (&ours.weighted_numeric_stats, &theirs.weighted_numeric_stats) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => {
                self.near(name, "weighted mean", ours.mean, theirs.mean);
                self.near(name, "weighted std_dev", ours.std_dev, theirs.std_dev);
                self.equal(name, "weighted median", &ours.median, &theirs.median);
                let (a, b) = (ours.histograms.len(), theirs.histograms.len());
                self.equal(name, "number of weighted histograms", &a, &b);
                for (ours, theirs) in ours.histograms.iter().zip(&theirs.histograms) {
                    self.histogram(&format!("{name}.weighted.{:?}", theirs.r#type()), ours, theirs);
                }
            }
            (ours, theirs) => self.equal(name, "weighted_numeric_stats", ours, theirs),
        }
    }

    fn string(&mut self, name: &str, ours: &StringStatistics, theirs: &StringStatistics) {
        let rest = |s: &StringStatistics| StringStatistics { common_stats: None, ..s.clone() };
        self.equal(name, "string_stats", &rest(ours), &rest(theirs));
    }

    fn histogram(&mut self, path: &str, ours: &Histogram, theirs: &Histogram) {
        let frame =
            |h: &Histogram| (h.r#type, h.num_nan, h.num_undefined, h.name.clone(), h.buckets.len());
        self.equal(path, "frame", &frame(ours), &frame(theirs));
        let total: f64 = theirs.buckets.iter().map(|bucket| bucket.sample_count).sum();
        let (mut ends_differ, mut counts_differ, mut apart) = (false, false, 0.0_f64);
        let (mut cumulative, mut their_cumulative) = (0.0, 0.0);
        for (a, b) in ours.buckets.iter().zip(&theirs.buckets) {
            ends_differ |= !near(a.low_value, b.low_value, INTERPOLATION_TOLERANCE)
                || !near(a.high_value, b.high_value, INTERPOLATION_TOLERANCE);
            cumulative += a.sample_count;
            their_cumulative += b.sample_count;
            let distance = (cumulative - their_cumulative).abs();
            counts_differ |= distance > INTERPOLATION_TOLERANCE * total;
            apart = apart.max(distance / total);
        }
        if !ends_differ && !counts_differ {
            self.num_equal_histograms += 1;
        } else if apart <= self.histogram_tolerance {
            self.close_histograms.push(path.to_owned());
        } else {
            self.differences.push(format!("{path}: {ours:?} and {theirs:?}"));
        }
    }

    fn equal<T: PartialEq + Debug>(&mut self, name: &str, what: &str, ours: &T, theirs: &T) {
        if ours != theirs {
            self.differences.push(format!("{name}: {what}: {ours:?} and {theirs:?}"));
        }
    }

    fn near(&mut self, name: &str, what: &str, ours: f64, theirs: f64) {
        if !near(ours, theirs, MEAN_TOLERANCE) {
            self.differences.push(format!("{name}: {what}: {ours} and {theirs}"));
        }
    }
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    #[expect(clippy::float_cmp, reason = "infinities are near to themselves alone")]
    let equal = a == b || (a.is_nan() && b.is_nan());
    let both_finite = a.is_finite() && b.is_finite();
    equal || (both_finite && (a - b).abs() <= tolerance * a.abs().max(b.abs()))
}

pub(crate) fn name(feature: &FeatureNameStatistics) -> String {
    match &feature.field_id {
        Some(FieldId::Path(path)) => path.step.join("."),
        other => format!("{other:?}"),
    }
}
