//! What was seen of all examples, or of a slice of them.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use formats::metadata::{CrossFeatureStatistics, DatasetFeatureStatistics};
use sketch::bytes::{Reader, Stored};
use sketch::{Count, StateError, Weight};

use crate::composite::CompositeState;
use crate::feature::{FeatureState, Structs};
use crate::information::{self, InformationState};
use crate::lift::LiftState;
use crate::pair::{self, PairState};
use crate::pass::{Feature, Shape};
use crate::weight::total;
use crate::{StatisticsError, StatisticsPass, message};

/// The state of some examples.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) num_examples: u64,
    /// One for each feature of the pass that holds weights, in its order.
    weighted_num_examples: Vec<Weight>,
    /// One for each feature of the pass, in its order.
    pub(crate) features: Vec<FeatureState>,
    /// One for each pair of the pass, in its order.
    pub(crate) pairs: Vec<PairState>,
    /// One for each lift of the pass, in its order.
    pub(crate) lifts: Vec<LiftState>,
    information: Option<Box<InformationState>>,
    /// One for each composite feature of the pass, in its order.
    composites: Vec<CompositeState>,
}

impl Part {
    pub(crate) fn new(pass: &StatisticsPass) -> Self {
        let features = pass.features.iter().map(|f| FeatureState::new(f, &pass.config)).collect();
        Self {
            num_examples: 0,
            weighted_num_examples: vec![Weight::default(); pass.weights.len()],
            features,
            pairs: vec![PairState::default(); pass.pairs.len()],
            lifts: pass.lifts.iter().map(|lift| LiftState::new(lift, &pass.config)).collect(),
            information: pass.information.as_ref().map(|it| Box::new(InformationState::new(it))),
            composites: pass.composites.iter().map(CompositeState::new).collect(),
        }
    }

    /// Takes in a batch; `weights` has the weights of its examples, by each feature that holds some.
    pub(crate) fn update(
        &mut self,
        pass: &StatisticsPass,
        batch: &RecordBatch,
        weights: &[Vec<Weight>],
    ) -> Result<(), StatisticsError> {
        for (index, name) in pass.columns_of_features() {
            let Some(column) = batch.column_by_name(name) else {
                return Err(StatisticsError::MissingFeature { feature: name.to_owned() });
            };
            let weights = pass.features[index].weight.map(|weight| weights[weight].as_slice());
            self.update_feature(&pass.features, index, column, weights)?;
        }
        if !self.pairs.is_empty() {
            pair::update(&mut self.pairs, pass, batch);
        }
        for (state, lift) in self.lifts.iter_mut().zip(&pass.lifts) {
            state.update(lift, batch, lift.weight.map(|weight| weights[weight].as_slice()))?;
        }
        if let (Some(state), Some(information)) = (&mut self.information, &pass.information) {
            state.update(information, batch)?;
        }
        for (state, composite) in self.composites.iter_mut().zip(&pass.composites) {
            state.update(composite, batch);
        }
        self.num_examples += batch.num_rows() as u64;
        for (sum, weights) in self.weighted_num_examples.iter_mut().zip(weights) {
            *sum = sum.plus(total(weights.iter().copied()));
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
        for (sum, other) in self.weighted_num_examples.iter_mut().zip(&other.weighted_num_examples)
        {
            *sum = sum.plus(*other);
        }
        for (state, other) in self.features.iter_mut().zip(&other.features) {
            state.merge(other);
        }
        for (state, other) in self.pairs.iter_mut().zip(&other.pairs) {
            state.merge(other);
        }
        for (state, other) in self.lifts.iter_mut().zip(&other.lifts) {
            state.merge(other);
        }
        if let (Some(state), Some(other)) = (&mut self.information, &other.information) {
            state.merge(other);
        }
        for (state, other) in self.composites.iter_mut().zip(&other.composites) {
            state.merge(other);
        }
    }

    /// Returns what all examples weigh by a feature that holds weights; nothing without one.
    pub(crate) fn weight_of(&self, weight: Option<usize>) -> Weight {
        weight.map_or_else(Weight::default, |weight| self.weighted_num_examples[weight])
    }

    pub(crate) fn message(&self, name: &str, pass: &StatisticsPass) -> DatasetFeatureStatistics {
        let path = |index: usize| pass.features[index].path.as_slice();
        let pairs = self.pairs.iter().zip(&pass.pairs);
        let mut cross_features: Vec<CrossFeatureStatistics> =
            pairs.filter_map(|(pair, &(x, y))| pair.message(path(x), path(y))).collect();
        for (state, lift) in self.lifts.iter().zip(&pass.lifts) {
            cross_features.extend(state.messages(lift, &pass.config));
        }
        let mut features = message::features(self, pass);
        if let Some(state) = &self.information {
            information::add_to(&mut features, state, pass);
        }
        for (state, composite) in self.composites.iter().zip(&pass.composites) {
            let message = state.message(composite);
            // Where a column has its name, both are said of one feature, as the schema's check reports.
            match features.iter_mut().find(|feature| feature.field_id == message.field_id) {
                Some(feature) => feature.custom_stats.extend(message.custom_stats),
                None => features.push(message),
            }
        }
        let weight = pass.config.example_weight.is_some().then_some(0);
        DatasetFeatureStatistics {
            name: name.to_owned(),
            num_examples: self.num_examples,
            weighted_num_examples: self.weight_of(weight).to_f64(),
            features,
            cross_features,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_examples.write(out);
        self.weighted_num_examples.iter().for_each(|weight| weight.write(out));
        self.features.iter().for_each(|feature| feature.write(out));
        self.pairs.iter().for_each(|pair| pair.write(out));
        self.lifts.iter().for_each(|lift| lift.write(out));
        self.information.iter().for_each(|information| information.write(out));
        self.composites.iter().for_each(|composite| composite.write(out));
    }

    pub(crate) fn read(input: &mut Reader<'_>, pass: &StatisticsPass) -> Result<Self, StateError> {
        let num_examples = input.take_total()?;
        let weights = pass.weights.iter().map(|_| Weight::take(input));
        let weighted_num_examples = weights.collect::<Result<_, _>>()?;
        let features = pass.features.iter();
        let features = features
            .map(|feature| FeatureState::read(input, feature, &pass.config))
            .collect::<Result<_, _>>()?;
        let pairs = pass.pairs.iter().map(|_| PairState::read(input)).collect::<Result<_, _>>()?;
        let lifts = pass.lifts.iter().map(|lift| LiftState::read(input, lift));
        let lifts = lifts.collect::<Result<_, _>>()?;
        let information = pass.information.as_ref();
        let information =
            information.map(|it| InformationState::read(input, it).map(Box::new)).transpose()?;
        let composites = pass.composites.iter().map(|it| CompositeState::read(input, it));
        let composites = composites.collect::<Result<_, _>>()?;
        Ok(Self {
            num_examples,
            weighted_num_examples,
            features,
            pairs,
            lifts,
            information,
            composites,
        })
    }
}
