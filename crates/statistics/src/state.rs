//! The mergeable state of the pass.

use arrow::array::{Array, RecordBatch};
use base::BoxError;
use dataflow::Accumulator;
use formats::metadata::DatasetFeatureStatistics;

use crate::feature::FeatureState;
use crate::pass::Shape;
use crate::{StatisticsError, StatisticsPass, message};
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

/// The version of the byte form.
const VERSION: u64 = 1;

/// What was seen of the examples so far.
#[derive(Clone, Debug)]
pub struct StatisticsState {
    pass: StatisticsPass,
    num_examples: u64,
    /// One for each feature of the pass, in its order.
    features: Vec<FeatureState>,
}

impl StatisticsState {
    pub(crate) fn new(pass: StatisticsPass) -> Self {
        let features =
            pass.features.iter().map(|f| FeatureState::new(f.shape, &pass.config)).collect();
        Self { pass, num_examples: 0, features }
    }

    fn read(bytes: &[u8]) -> Result<Self, StatisticsError> {
        let mut input = Reader::new(bytes);
        if u64::read(&mut input)? != VERSION {
            return Err(StateError { reason: "its version is unknown" }.into());
        }
        let pass: StatisticsPass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| StateError { reason: "its pass cannot be read" })?;
        pass.config.check()?;
        let num_examples = input.take_total()?;
        let features = pass.features.iter();
        let features = features
            .map(|feature| FeatureState::read(&mut input, feature.shape))
            .collect::<Result<_, _>>()?;
        input.finish()?;
        Ok(Self { pass, num_examples, features })
    }
}

impl Accumulator for StatisticsState {
    type Output = DatasetFeatureStatistics;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        for (feature, state) in self.pass.features.iter().zip(&mut self.features) {
            let Some(column) = batch.column_by_name(&feature.name) else {
                return Err(
                    StatisticsError::MissingFeature { feature: feature.name.clone() }.into()
                );
            };
            let found = column.data_type();
            if !Shape::of(found).is_some_and(|shape| feature.shape.admits(shape)) {
                let expected = feature.shape.to_string();
                let (feature, found) = (feature.name.clone(), found.clone());
                return Err(StatisticsError::ChangedType { feature, found, expected }.into());
            }
            state.update(column.as_ref());
        }
        self.num_examples += batch.num_rows() as u64;
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass != other.pass {
            return Err(StatisticsError::DifferentPass.into());
        }
        self.num_examples += other.num_examples;
        for (state, other) in self.features.iter_mut().zip(&other.features) {
            state.merge(other);
        }
        Ok(())
    }

    fn finish(self) -> Result<DatasetFeatureStatistics, BoxError> {
        let features = self.pass.features.iter().zip(&self.features);
        let features = features
            .map(|(f, state)| message::feature(f, state, self.num_examples, &self.pass.config))
            .collect();
        let num_examples = self.num_examples;
        Ok(DatasetFeatureStatistics { num_examples, features, ..Default::default() })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&self.pass).expect("a pass is names and numbers");
        write_bytes(&pass, &mut out);
        self.num_examples.write(&mut out);
        self.features.iter().for_each(|feature| feature.write(&mut out));
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}
