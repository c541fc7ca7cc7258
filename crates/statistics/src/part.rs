//! What was seen of all examples, or of a slice of them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use formats::metadata::{CrossFeatureStatistics, DatasetFeatureStatistics};
use sketch::bytes::{Reader, Stored};
use sketch::{Count, StateError, Weight};

use crate::columns::{Flat, visit_numbers};
use crate::feature::{FeatureState, Structs};
use crate::lift::LiftState;
use crate::pair::{self, PairState};
use crate::pass::{Feature, Shape};
use crate::values::total;
use crate::{StatisticsError, StatisticsPass, message};

/// The state of some examples.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) num_examples: u64,
    pub(crate) weighted_num_examples: Weight,
    /// One for each feature of the pass, in its order.
    pub(crate) features: Vec<FeatureState>,
    /// One for each pair of the pass, in its order.
    pub(crate) pairs: Vec<PairState>,
    /// One for each lift of the pass, in its order.
    pub(crate) lifts: Vec<LiftState>,
}

impl Part {
    pub(crate) fn new(pass: &StatisticsPass) -> Self {
        let features = pass.features.iter().map(|f| FeatureState::new(f, &pass.config)).collect();
        Self {
            num_examples: 0,
            weighted_num_examples: Weight::default(),
            features,
            pairs: vec![PairState::default(); pass.pairs.len()],
            lifts: pass.lifts.iter().map(|lift| LiftState::new(lift, &pass.config)).collect(),
        }
    }

    pub(crate) fn update(
        &mut self,
        pass: &StatisticsPass,
        batch: &RecordBatch,
        weights: Option<&[Weight]>,
    ) -> Result<(), StatisticsError> {
        for (index, name) in pass.columns_of_features() {
            let Some(column) = batch.column_by_name(name) else {
                return Err(StatisticsError::MissingFeature { feature: name.to_owned() });
            };
            self.update_feature(&pass.features, index, column, weights)?;
        }
        if !self.pairs.is_empty() {
            pair::update(&mut self.pairs, pass, batch);
        }
        for (state, lift) in self.lifts.iter_mut().zip(&pass.lifts) {
            state.update(lift, batch)?;
        }
        self.num_examples += batch.num_rows() as u64;
        if let Some(weights) = weights {
            let weight = total(weights.iter().copied());
            self.weighted_num_examples = self.weighted_num_examples.plus(weight);
        }
        Ok(())
    }

    fn update_feature(
        &mut self,
        features: &[Feature],
        index: usize,
        column: &ArrayRef,
        weights: Option<&[Weight]>,
    ) -> Result<(), StatisticsError> {
        let feature = &features[index];
        let found = column.data_type();
        if !Shape::of(found).is_some_and(|shape| feature.shape.admits(shape)) {
            let (expected, found) = (feature.shape.to_string(), found.clone());
            let feature = feature.path.join(".");
            return Err(StatisticsError::ChangedType { feature, found, expected });
        }
        let Some(Structs { array, weights }) =
            self.features[index].update(feature, column.as_ref(), weights)
        else {
            return Ok(());
        };
        let Some(structs) = array.as_struct_opt() else { return Ok(()) };
        let fields = features.iter().enumerate().filter(|(_, field)| field.parent == Some(index));
        for (field_index, field) in fields {
            let name = field.path.last().map_or("", String::as_str);
            let Some(column) = structs.column_by_name(name) else {
                return Err(StatisticsError::MissingFeature { feature: field.path.join(".") });
            };
            self.update_feature(features, field_index, column, weights.as_deref())?;
        }
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_examples += other.num_examples;
        self.weighted_num_examples = self.weighted_num_examples.plus(other.weighted_num_examples);
        for (state, other) in self.features.iter_mut().zip(&other.features) {
            state.merge(other);
        }
        for (state, other) in self.pairs.iter_mut().zip(&other.pairs) {
            state.merge(other);
        }
        for (state, other) in self.lifts.iter_mut().zip(&other.lifts) {
            state.merge(other);
        }
    }

    pub(crate) fn message(&self, name: &str, pass: &StatisticsPass) -> DatasetFeatureStatistics {
        let path = |index: usize| pass.features[index].path.as_slice();
        let pairs = self.pairs.iter().zip(&pass.pairs);
        let mut cross_features: Vec<CrossFeatureStatistics> =
            pairs.filter_map(|(pair, &(x, y))| pair.message(path(x), path(y))).collect();
        for (state, lift) in self.lifts.iter().zip(&pass.lifts) {
            cross_features.extend(state.messages(lift, self.num_examples, &pass.config));
        }
        DatasetFeatureStatistics {
            name: name.to_owned(),
            num_examples: self.num_examples,
            weighted_num_examples: self.weighted_num_examples.to_f64(),
            features: message::features(self, pass),
            cross_features,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_examples.write(out);
        self.weighted_num_examples.write(out);
        self.features.iter().for_each(|feature| feature.write(out));
        self.pairs.iter().for_each(|pair| pair.write(out));
        self.lifts.iter().for_each(|lift| lift.write(out));
    }

    pub(crate) fn read(input: &mut Reader<'_>, pass: &StatisticsPass) -> Result<Self, StateError> {
        let num_examples = input.take_total()?;
        let weighted_num_examples = Weight::take(input)?;
        let features = pass.features.iter();
        let features = features
            .map(|feature| FeatureState::read(input, feature, &pass.config))
            .collect::<Result<_, _>>()?;
        let pairs = pass.pairs.iter().map(|_| PairState::read(input)).collect::<Result<_, _>>()?;
        let lifts = pass.lifts.iter().map(|lift| LiftState::read(input, lift));
        let lifts = lifts.collect::<Result<_, _>>()?;
        Ok(Self { num_examples, weighted_num_examples, features, pairs, lifts })
    }
}

/// Returns the weight of every example.
///
/// # Errors
///
/// [`StatisticsError::BadWeight`] when an example does not have exactly one, or it is negative, NaN or too large.
pub(crate) fn weights_of(
    feature: &str,
    batch: &RecordBatch,
) -> Result<Vec<Weight>, StatisticsError> {
    let Some(column) = batch.column_by_name(feature) else {
        return Err(StatisticsError::MissingFeature { feature: feature.to_owned() });
    };
    let bad = |found: String| StatisticsError::BadWeight { feature: feature.to_owned(), found };
    let shape = Shape::of(column.data_type()).filter(|shape| shape.is_number());
    let Some(shape) = shape else {
        return Err(bad(format!("values of type {}", column.data_type())));
    };
    let numbers = if shape.num_levels == 0 {
        ArrayRef::clone(column)
    } else {
        let flat = Flat::of(column.as_ref()).without_nulls();
        if let Some(length) = flat.lengths.iter().find(|length| **length != Some(1)) {
            return Err(bad(format!("{} values in an example", length.unwrap_or(0))));
        }
        flat.values
    };
    if numbers.logical_null_count() > 0 {
        return Err(bad("no value in an example".to_owned()));
    }
    let mut weights = Vec::with_capacity(numbers.len());
    let mut wrong = None;
    visit_numbers(numbers.as_ref(), &mut |_, value| match Weight::new(value) {
        Some(weight) => weights.push(weight),
        None => wrong = wrong.or(Some(value)),
    });
    match wrong {
        None => Ok(weights),
        Some(value) => Err(bad(value.to_string())),
    }
}
