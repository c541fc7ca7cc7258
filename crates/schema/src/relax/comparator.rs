//! Distances to the data before, and to the data in serving.

use std::collections::BTreeMap;

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::drift_skew_info::{Measurement, measurement};
use formats::metadata::{Feature, FeatureComparator, histogram_selection};

use super::{Context, Outcome, is_deprecated, reason};
use crate::compare::{jensen_shannon_divergence, l_infinity_distance, normalized_abs_difference};
use crate::text::six_digits;
use crate::view::{DatasetView, FeatureView};

/// The names of the two sides of a comparison, and of the field that asks for it.
struct Sides {
    control: &'static str,
    treatment: &'static str,
    field: &'static str,
}

const DRIFT: Sides = Sides { control: "previous", treatment: "current", field: "drift_comparator" };
const SKEW: Sides = Sides { control: "serving", treatment: "training", field: "skew_comparator" };

/// Compares a feature with itself in the other datasets, as its comparators ask, and raises the thresholds
/// that are too low.
///
/// Every distance that can be measured is recorded, however small. Without a control dataset nothing is
/// compared; a control dataset that lacks the feature is a reason of its own, as is a distance that the
/// statistics cannot tell.
pub(super) fn compare(
    feature: &mut Feature,
    view: &FeatureView<'_>,
    context: &Context<'_>,
    outcome: &mut Outcome,
) {
    // A feature of another type than the schema's has its reason already.
    let explains = !is_deprecated(feature);
    for (comparator, control, sides, measurements) in [
        (&mut feature.drift_comparator, context.previous, &DRIFT, &mut outcome.drift),
        (&mut feature.skew_comparator, context.serving, &SKEW, &mut outcome.skew),
    ] {
        if let (Some(comparator), Some(control)) = (comparator, control) {
            let reasons = &mut outcome.reasons;
            Comparison { view, sides, explains, measurements, reasons }.run(comparator, control);
        }
    }
}

/// What came of one measure.
enum Measured {
    /// A distance, and the value that is farthest apart.
    Distance(f64, Option<String>),
    /// Nothing was there on either side.
    Nothing,
    /// The statistics cannot tell, for this reason.
    Impossible(String),
}

/// A distance of two counts of values, and the value that makes it.
type OfCounts = for<'a> fn(&BTreeMap<&'a str, f64>, &BTreeMap<&'a str, f64>) -> (&'a str, f64);

/// How a measure is called, in the record and in anomalies.
struct Names {
    measurement: measurement::Type,
    anomaly: Type,
    text: &'static str,
}

const L_INFINITY: Names = Names {
    measurement: measurement::Type::LInfty,
    anomaly: Type::ComparatorLInftyHigh,
    text: "Linfty distance",
};
const NORMALIZED_DIFFERENCE: Names = Names {
    measurement: measurement::Type::NormalizedAbsoluteDifference,
    anomaly: Type::ComparatorNormalizedAbsoluteDifferenceHigh,
    text: "normalized absolute difference",
};
const JENSEN_SHANNON: Names = Names {
    measurement: measurement::Type::JensenShannonDivergence,
    anomaly: Type::ComparatorJensenShannonDivergenceHigh,
    text: "approximate Jensen-Shannon divergence",
};

/// One comparison of one feature.
struct Comparison<'a> {
    view: &'a FeatureView<'a>,
    sides: &'a Sides,
    explains: bool,
    measurements: &'a mut Vec<Measurement>,
    reasons: &'a mut Vec<Reason>,
}

impl Comparison<'_> {
    fn run(&mut self, comparator: &mut FeatureComparator, control: &DatasetView<'_>) {
        let FeatureComparator {
            infinity_norm,
            jensen_shannon_divergence: divergence,
            normalized_abs_difference: difference,
        } = comparator;
        let source = divergence.as_ref().and_then(|divergence| divergence.source.as_ref());
        let source = source.map_or(histogram_selection::Type::Default, |source| source.r#type());
        let linf = infinity_norm.as_mut().map(|norm| &mut norm.threshold);
        let nad = difference.as_mut().map(|difference| &mut difference.threshold);
        let jsd = divergence.as_mut().map(|divergence| &mut divergence.threshold);
        let thresholds = [linf, nad, jsd];
        if thresholds.iter().flatten().all(|threshold| threshold.is_none()) {
            return;
        }
        let Some(control) = control.get(&self.view.path) else {
            let name = self.sides.control;
            self.reasons.push(reason(
                Type::ComparatorControlDataMissing,
                &format!("{name} data missing"),
                format!("{name} data is missing."),
            ));
            thresholds.into_iter().flatten().for_each(|threshold| *threshold = None);
            return;
        };
        let [linf, nad, jsd] = thresholds;
        if let Some((threshold, limit)) = is_set(linf) {
            let measured = self.of_values("infinity_norm", control, l_infinity_distance);
            *threshold = self.judge(&L_INFINITY, limit, measured);
        }
        if let Some((threshold, limit)) = is_set(nad) {
            let field = "normalized_abs_difference";
            let measured = self.of_values(field, control, normalized_abs_difference);
            *threshold = self.judge(&NORMALIZED_DIFFERENCE, limit, measured);
        }
        if let Some((threshold, limit)) = is_set(jsd) {
            let measured = self.divergence(control, source);
            *threshold = self.judge(&JENSEN_SHANNON, limit, measured);
        }
    }

    /// Measures by how often each value was seen, which is known of categorical features only.
    fn of_values(&self, field: &str, control: &FeatureView<'_>, distance: OfCounts) -> Measured {
        if !self.view.has_counted_values() {
            return Measured::Impossible(format!(
                "The {field} of the {} compares how often each value was seen, which is counted of strings and of numbers that the schema declares as categorical; this feature is neither. For numbers, use jensen_shannon_divergence.",
                self.sides.field
            ));
        }
        let (values, others) = (self.view.values(), control.values());
        let (value, distance) = distance(&values, &others);
        Measured::Distance(distance, Some(value.to_owned()))
    }

    fn divergence(&self, control: &FeatureView<'_>, source: histogram_selection::Type) -> Measured {
        if let Some(distance) = jensen_shannon_divergence(self.view, control, source) {
            return Measured::Distance(distance, None);
        }
        if self.view.num_values() == 0.0 && control.num_values() == 0.0 {
            return Measured::Nothing;
        }
        let Sides { control, treatment, field } = self.sides;
        Measured::Impossible(format!(
            "The jensen_shannon_divergence of the {field} could not be measured: the {treatment} and the {control} statistics do not both have counted values, nor do both have a histogram of numbers with anything in it."
        ))
    }

    /// Records a distance; returns the threshold that allows it.
    fn judge(&mut self, names: &Names, limit: f64, measured: Measured) -> Option<f64> {
        let (distance, farthest) = match measured {
            Measured::Distance(distance, farthest) => (distance, farthest),
            Measured::Nothing => return Some(limit),
            Measured::Impossible(description) => {
                if self.explains {
                    let short = "Comparison could not be done.";
                    self.reasons.push(reason(Type::StatsNotAvailable, short, description));
                }
                return None;
            }
        };
        self.measurements.push(Measurement {
            r#type: Some(names.measurement.into()),
            value: Some(distance),
            threshold: Some(limit),
        });
        if distance <= limit {
            return Some(limit);
        }
        let Sides { control, treatment, .. } = self.sides;
        let name = names.text;
        let ending = match farthest {
            Some(value) => format!(". The feature value with maximum difference is: {value}"),
            None => ".".to_owned(),
        };
        self.reasons.push(reason(
            names.anomaly,
            &format!("High {name} between {treatment} and {control}"),
            format!(
                "The {name} between {treatment} and {control} is {} (up to six significant digits), above the threshold {}{ending}",
                six_digits(distance),
                six_digits(limit)
            ),
        ));
        Some(distance)
    }
}

/// Returns a threshold and its value, if it has one.
fn is_set(threshold: Option<&mut Option<f64>>) -> Option<(&mut Option<f64>, f64)> {
    let threshold = threshold?;
    let limit = (*threshold)?;
    Some((threshold, limit))
}
