//! What is wrong with options, and which columns they mean.

use arrow::datatypes::Schema;

use crate::config::{AllPairs, CrossFeatures, LiftConfig, SliceValue};
use crate::lift::{Key, Lift};
use crate::pass::{Feature, Kind, Shape, Treatment};
use crate::{Config, StatisticsError, slice_sql};

/// No histogram has more buckets than this.
const MAX_BUCKETS: u32 = 10_000;
/// No more examples are compared with one another than this.
const MAX_EXAMPLES: u32 = 100_000;
/// No more pairs of features are compared than this: those of 400 features.
const MAX_PAIRS: usize = 80_000;

impl Config {
    /// Returns every mistake: options that ask for more than is sensible and, when the columns are known, features
    /// that are not there or of another type. A column of type `Null` may be of any type yet.
    pub fn check(&self, schema: Option<&Schema>) -> Vec<StatisticsError> {
        let buckets = [
            ("num_values_histogram_buckets", self.num_values_histogram_buckets),
            ("num_histogram_buckets", self.num_histogram_buckets),
            ("num_quantiles_histogram_buckets", self.num_quantiles_histogram_buckets),
        ];
        let mut mistakes: Vec<StatisticsError> = buckets
            .into_iter()
            .filter(|(_, found)| found.get() > MAX_BUCKETS)
            .map(|(option, found)| {
                let option = option.to_owned();
                StatisticsError::TooMany { option, found: found.get(), limit: MAX_BUCKETS }
            })
            .collect();
        if let Some(rate) = self.sample_rate.filter(|&rate| !(rate > 0.0 && rate <= 1.0)) {
            let expected = "more than 0 and at most 1";
            let option = "sample_rate".to_owned();
            mistakes.push(StatisticsError::OutOfRange { option, found: rate, expected });
        }
        if self.weighted_frequency_threshold.is_nan() {
            let option = "weighted_frequency_threshold".to_owned();
            let expected = "a number";
            mistakes.push(StatisticsError::OutOfRange { option, found: f64::NAN, expected });
        }
        for (index, slice) in self.slices.iter().enumerate() {
            let twice = slice.features.iter().enumerate().find(|(place, feature)| {
                slice.values.contains_key(*feature) || slice.features[..*place].contains(feature)
            });
            if let Some((place, feature)) = twice {
                let option = format!("slices.{index}.features.{place}");
                mistakes.push(StatisticsError::Twice { option, feature: feature.clone() });
            }
        }
        mistakes.extend(slice_sql::check(self, schema));
        if let Some(CrossFeatures::Pairs(pairs)) = &self.cross_features {
            for (index, (x, y)) in pairs.iter().enumerate() {
                for (place, feature) in [x, y].into_iter().enumerate() {
                    if !self.features.is_empty() && !self.features.contains(feature) {
                        let option = format!("cross_features.{index}.{place}");
                        mistakes
                            .push(StatisticsError::LeftOut { option, feature: feature.clone() });
                    }
                }
            }
        }
        for feature in self.per_feature_weight_override.keys() {
            if !self.features.is_empty() && !self.features.contains(feature) {
                let option = format!("per_feature_weight_override.{feature}");
                mistakes.push(StatisticsError::LeftOut { option, feature: feature.clone() });
            }
        }
        let information = self.mutual_information.iter();
        for (place, feature) in information.flat_map(|it| it.features.iter().enumerate()) {
            if !self.features.is_empty() && !self.features.contains(feature) {
                let option = format!("mutual_information.features.{place}");
                mistakes.push(StatisticsError::LeftOut { option, feature: feature.clone() });
            }
        }
        if let Some(information) = &self.mutual_information
            && information.max_examples.get() > MAX_EXAMPLES
        {
            let option = "mutual_information.max_examples".to_owned();
            let found = information.max_examples.get();
            mistakes.push(StatisticsError::TooMany { option, found, limit: MAX_EXAMPLES });
        }
        for (index, lift) in self.lift.iter().enumerate() {
            let pairs = lift.boundaries.windows(2).find(|pair| pair[0] >= pair[1]);
            let wrong = pairs.map(|pair| pair[1]);
            if let Some(found) = wrong.or(lift.boundaries.iter().copied().find(|b| b.is_nan())) {
                let option = format!("lift.{index}.boundaries");
                let expected = "numbers in ascending order";
                mistakes.push(StatisticsError::OutOfRange { option, found, expected });
            }
        }
        if let Some(schema) = schema {
            self.check_features(schema, &mut mistakes);
        }
        mistakes
    }

    fn check_features(&self, schema: &Schema, mistakes: &mut Vec<StatisticsError>) {
        let mut check = |option: String,
                         feature: &str,
                         expected: &'static str,
                         fits: &dyn Fn(Shape) -> bool| {
            match schema.column_with_name(feature) {
                None => {
                    let names = schema.fields().iter().map(|field| field.name().as_str());
                    let nearest = base::nearest(feature, names).map(str::to_owned);
                    let feature = feature.to_owned();
                    mistakes.push(StatisticsError::UnknownFeature { option, feature, nearest });
                }
                Some((_, field)) => match Shape::of(field.data_type()) {
                    Some(shape) if shape.kind != Kind::Unknown && !fits(shape) => {
                        let (feature, found) = (feature.to_owned(), shape.to_string());
                        mistakes.push(StatisticsError::WrongKind {
                            option,
                            feature,
                            found,
                            expected,
                        });
                    }
                    _ => {}
                },
            }
        };
        for (index, feature) in self.features.iter().enumerate() {
            check(format!("features.{index}"), feature, "any", &|_| true);
        }
        if let Some(feature) = &self.example_weight {
            let is_number = |shape: Shape| shape.is_number();
            check(
                "example_weight".to_owned(),
                feature,
                "one INT or FLOAT in each example",
                &is_number,
            );
        }
        for (feature, weight) in &self.per_feature_weight_override {
            let option = format!("per_feature_weight_override.{feature}");
            check(option.clone(), feature, "any", &|_| true);
            let is_number = |shape: Shape| shape.is_number();
            check(option, weight, "one INT or FLOAT in each example", &is_number);
        }
        let is_key =
            |shape: Shape| matches!(shape.kind, Kind::Int | Kind::String) && shape.num_levels <= 1;
        for (index, slice) in self.slices.iter().enumerate() {
            let expected = "INT, STRING, or a list of one of them";
            for (place, feature) in slice.features.iter().enumerate() {
                check(format!("slices.{index}.features.{place}"), feature, expected, &is_key);
            }
            for (feature, value) in &slice.values {
                let option = format!("slices.{index}.values.{feature}");
                match value {
                    SliceValue::Text(text) if text.parse::<i64>().is_err() => {
                        let expected = "STRING, or a whole number as the value of an INT";
                        let is_text = |shape: Shape| is_key(shape) && shape.kind != Kind::Int;
                        check(option, feature, expected, &is_text);
                    }
                    _ => check(option, feature, expected, &is_key),
                }
            }
        }
        for (index, lift) in self.lift.iter().enumerate() {
            let option = format!("lift.{index}.label");
            if lift.boundaries.is_empty() {
                let expected = "INT or STRING, or FLOAT with `boundaries`";
                check(option, &lift.label, expected, &is_key);
            } else {
                let expected = "INT or FLOAT, to go with `boundaries`";
                check(option, &lift.label, expected, &|shape: Shape| shape.is_number());
            }
            for (place, feature) in lift.features.iter().enumerate() {
                let expected = "INT, STRING, or a list of one of them";
                check(format!("lift.{index}.features.{place}"), feature, expected, &is_key);
            }
        }
        if let Some(information) = &self.mutual_information {
            let expected = "INT, FLOAT, STRING, or a list of one of them";
            let is_flat = |shape: Shape| shape.kind != Kind::Struct && shape.num_levels <= 1;
            check("mutual_information.label".to_owned(), &information.label, expected, &is_flat);
            for (place, feature) in information.features.iter().enumerate() {
                check(format!("mutual_information.features.{place}"), feature, expected, &is_flat);
            }
        }
        if let Some(CrossFeatures::Pairs(pairs)) = &self.cross_features {
            let expected = "INT or FLOAT, one in each example";
            let is_number = |shape: Shape| shape.is_number();
            for (index, (x, y)) in pairs.iter().enumerate() {
                for (place, feature) in [x, y].into_iter().enumerate() {
                    check(format!("cross_features.{index}.{place}"), feature, expected, &is_number);
                }
            }
        }
    }

    /// Returns the features that hold weights, each once: that of all examples first, if there is one.
    pub(crate) fn weight_features(&self) -> Vec<String> {
        let mut found: Vec<String> = self.example_weight.iter().cloned().collect();
        for weight in self.per_feature_weight_override.values() {
            if !found.contains(weight) {
                found.push(weight.clone());
            }
        }
        found
    }

    /// Returns the feature that holds the weights for a column.
    pub(crate) fn weight_of(&self, feature: &str) -> Option<&String> {
        self.per_feature_weight_override.get(feature).or(self.example_weight.as_ref())
    }

    /// Returns the features by whose values examples are sliced.
    pub(crate) fn slice_features(&self) -> impl Iterator<Item = &String> {
        self.slices.iter().flat_map(|slice| slice.features.iter().chain(slice.values.keys()))
    }

    /// Returns the pairs of features to compare: where all, in the order of their names.
    pub(crate) fn pairs(
        &self,
        features: &[Feature],
    ) -> Result<Vec<(usize, usize)>, StatisticsError> {
        let place =
            |name: &String| features.iter().position(|f| f.path == std::slice::from_ref(name));
        match &self.cross_features {
            None => Ok(Vec::new()),
            Some(CrossFeatures::Pairs(pairs)) => {
                let pair = |(x, y): &(String, String)| Some((place(x)?, place(y)?));
                Ok(pairs.iter().filter_map(pair).collect())
            }
            Some(CrossFeatures::All(AllPairs::All)) => {
                let mut numbers: Vec<usize> = (0..features.len())
                    .filter(|&i| features[i].parent.is_none() && features[i].shape.is_number())
                    .collect();
                let found = numbers.len() * numbers.len().saturating_sub(1) / 2;
                if found > MAX_PAIRS {
                    return Err(StatisticsError::TooManyPairs { found, limit: MAX_PAIRS });
                }
                numbers.sort_by_key(|&index| &features[index].path);
                let after = |(i, &x): (usize, &usize)| {
                    numbers[i + 1..].iter().map(move |&y| (x, y)).collect::<Vec<_>>()
                };
                Ok(numbers.iter().enumerate().flat_map(after).collect())
            }
        }
    }
}

impl LiftConfig {
    /// Returns the columns that are compared; where none are named, all columns of strings but the label.
    pub(crate) fn resolve(
        &self,
        schema: &Schema,
        features: &[Feature],
        weight: Option<usize>,
    ) -> Lift {
        let key = |name: &String| {
            let field = schema.field_with_name(name).ok();
            let shape = field.and_then(|field| Shape::of(field.data_type()));
            Key { name: name.clone(), kind: shape.map_or(Kind::Unknown, |shape| shape.kind) }
        };
        let is_text = |feature: &&Feature| {
            let Shape { kind, num_levels } = feature.shape;
            feature.parent.is_none()
                && kind == Kind::String
                && num_levels <= 1
                && feature.treatment == Treatment::Plain
                && feature.path[0] != self.label
        };
        let all = features.iter().filter(is_text).map(|feature| key(&feature.path[0]));
        Lift {
            label: key(&self.label),
            boundaries: self.boundaries.clone(),
            features: match self.features.as_slice() {
                [] => all.collect(),
                named => named.iter().map(key).collect(),
            },
            weight,
            min_count: self.min_count,
            top: self.top,
            bottom: self.bottom,
        }
    }
}
