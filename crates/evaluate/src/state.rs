//! The mergeable state of the pass.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::Accumulator;

use crate::bytes::{Reader, Stored, bad, write_bytes};
use crate::evaluation::{Evaluation, SliceResult};
use crate::examples::{self, Example, Terms};
use crate::metrics::{self, ModelTotals};
use crate::slices::Encoded;
use crate::totals::SliceTotals;
use crate::{EvaluateError, EvaluatePass, SliceValue};

/// The version of the byte form.
const VERSION: u64 = 1;

/// How many slices one cross of features may have; the slices of one that has more are all left out.
pub const MAX_SLICES: usize = 10_000;

/// How many buckets of predictions the slices of one cross may have together, about 100 bytes each.
///
/// A slice has at most 10,001 for each model, and no more than it has examples. Without the areas under
/// curves among the metrics there are none.
pub const MAX_BUCKETS: usize = 4_000_000;

/// What was seen of the examples so far.
///
/// Memory is bounded by [`MAX_SLICES`] and [`MAX_BUCKETS`] for each cross of features, however many examples
/// and values there are. Whether a cross is within these bounds depends on the examples alone, not on their
/// order or on how they were divided.
#[derive(Clone, Debug)]
pub struct EvaluateState {
    pass: EvaluatePass,
    num_missing_labels: u64,
    crosses: Vec<CrossState>,
}

/// The slices of one cross of features.
#[derive(Clone, Debug, PartialEq)]
struct CrossState {
    features: Vec<String>,
    num_models: usize,
    /// By the values of the features; nothing when there are too many.
    slices: Option<BTreeMap<Vec<SliceValue>, SliceTotals>>,
}

impl EvaluateState {
    pub(crate) fn new(pass: EvaluatePass) -> Self {
        let num_models = pass.models().count();
        let crosses =
            pass.config.crosses().into_iter().map(|cross| CrossState::new(cross, num_models));
        Self { num_missing_labels: 0, crosses: crosses.collect(), pass }
    }

    fn take_in(&mut self, batch: &RecordBatch) -> Result<(), EvaluateError> {
        let (examples, num_missing) = examples::labelled(&self.pass, batch)?;
        let predicted = self
            .pass
            .models()
            .map(|column| examples::terms(&self.pass, column, batch, &examples))
            .collect::<Result<Vec<_>, _>>()?;
        let mut encoded: BTreeMap<&str, Encoded> = BTreeMap::new();
        for feature in self.crosses.iter().flat_map(|cross| &cross.features) {
            if !encoded.contains_key(feature.as_str()) {
                encoded.insert(feature, Encoded::read(batch, feature)?);
            }
        }
        let features: Vec<Vec<&Encoded>> = self
            .crosses
            .iter()
            .map(|cross| cross.features.iter().map(|name| &encoded[name.as_str()]).collect())
            .collect();
        let added: Vec<_> = self
            .crosses
            .iter()
            .zip(&features)
            .map(|(cross, features)| cross.slices_of(features, &examples, &predicted))
            .collect();
        self.num_missing_labels += num_missing;
        for (cross, added) in self.crosses.iter_mut().zip(added) {
            cross.take_in(added);
        }
        Ok(())
    }

    fn read(bytes: &[u8]) -> Result<Self, EvaluateError> {
        let mut input = Reader::new(bytes);
        if u64::read(&mut input)? != VERSION {
            return Err(bad("its version is unknown"));
        }
        let pass: EvaluatePass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| bad("its pass cannot be read"))?;
        pass.check()?;
        let mut state = Self::new(pass);
        state.num_missing_labels = input.take_count()?;
        for cross in &mut state.crosses {
            cross.read(&mut input, state.pass.task)?;
        }
        input.finish()?;
        Ok(state)
    }

    fn result(&self, cross: &CrossState, key: &[SliceValue], slice: &SliceTotals) -> SliceResult {
        let names = self.pass.config.metrics_for(self.pass.task);
        let metrics_of = |totals: ModelTotals| -> BTreeMap<String, f64> {
            let metrics = names.iter().filter_map(|name| metrics::find(name));
            metrics.map(|metric| (metric.name.to_owned(), (metric.compute)(&totals))).collect()
        };
        let mut models = slice.finish().map(metrics_of);
        SliceResult {
            key: cross.features.iter().cloned().zip(key.iter().cloned()).collect(),
            num_examples: slice.num_examples,
            metrics: models.next().unwrap_or_default(),
            baseline: models.next(),
        }
    }
}

impl Accumulator for EvaluateState {
    type Output = Evaluation;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        Ok(self.take_in(batch)?)
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass != other.pass {
            return Err(EvaluateError::DifferentPass.into());
        }
        self.num_missing_labels += other.num_missing_labels;
        for (cross, other) in self.crosses.iter_mut().zip(other.crosses) {
            cross.take_in(other.slices);
        }
        Ok(())
    }

    fn finish(self) -> Result<Evaluation, BoxError> {
        let mut evaluation = Evaluation {
            task: self.pass.task,
            num_missing_labels: self.num_missing_labels,
            has_baseline: self.pass.columns.baseline.is_some(),
            num_small_slices: 0,
            crowded: Vec::new(),
            slices: Vec::new(),
        };
        for cross in &self.crosses {
            let Some(slices) = &cross.slices else {
                evaluation.crowded.push(cross.features.clone());
                continue;
            };
            for (key, slice) in slices {
                let is_small = slice.num_examples < self.pass.config.min_slice_size.get();
                if is_small && !key.is_empty() {
                    evaluation.num_small_slices += 1;
                } else {
                    evaluation.slices.push(self.result(cross, key, slice));
                }
            }
        }
        Ok(evaluation)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&self.pass).expect("a pass is names and numbers");
        write_bytes(&pass, &mut out);
        self.num_missing_labels.write(&mut out);
        self.crosses.iter().for_each(|cross| cross.write(&mut out));
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}

/// Slices by their values; nothing when there are too many.
type Slices = Option<BTreeMap<Vec<SliceValue>, SliceTotals>>;

impl CrossState {
    /// The slice of all examples is there from the beginning.
    fn new(features: Vec<String>, num_models: usize) -> Self {
        let overall = (Vec::new(), SliceTotals::new(num_models));
        let slices = if features.is_empty() { BTreeMap::from([overall]) } else { BTreeMap::new() };
        Self { features, num_models, slices: Some(slices) }
    }

    /// Returns the slices of the examples of one batch.
    fn slices_of(
        &self,
        features: &[&Encoded],
        examples: &[Example],
        predicted: &[Vec<Terms>],
    ) -> Slices {
        self.slices.as_ref()?;
        let mut places: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut totals: Vec<(Vec<SliceValue>, SliceTotals)> = Vec::new();
        let mut ids = vec![0; features.len()];
        for (place, example) in examples.iter().enumerate() {
            let values: Vec<&[u32]> =
                features.iter().map(|feature| feature.row(example.row)).collect();
            let num_slices = values.iter().try_fold(1usize, |n, ids| n.checked_mul(ids.len()));
            if num_slices.is_none_or(|num_slices| num_slices > MAX_SLICES) {
                return None;
            }
            for slice in 0..num_slices.unwrap_or(0) {
                let mut rest = slice;
                for (id, values) in ids.iter_mut().zip(&values) {
                    *id = values[rest % values.len()];
                    rest /= values.len();
                }
                let found = match places.get(&ids) {
                    Some(&found) => found,
                    None if totals.len() == MAX_SLICES => return None,
                    None => {
                        let key = features.iter().zip(&ids);
                        let key = key.map(|(feature, &id)| feature.values[id as usize].clone());
                        totals.push((key.collect(), SliceTotals::new(self.num_models)));
                        places.insert(ids.clone(), totals.len() - 1);
                        totals.len() - 1
                    }
                };
                totals[found].1.add(example, predicted.iter().map(|model| &model[place]));
            }
        }
        Some(totals.into_iter().collect())
    }

    /// Takes in more slices.
    fn take_in(&mut self, added: Slices) {
        let (Some(slices), Some(added)) = (&mut self.slices, added) else {
            self.slices = None;
            return;
        };
        for (key, other) in added {
            match slices.get_mut(&key) {
                Some(slice) => slice.merge(&other),
                None => {
                    slices.insert(key, other);
                }
            }
        }
        self.drop_if_crowded();
    }

    fn drop_if_crowded(&mut self) {
        let Some(slices) = &self.slices else { return };
        let num_buckets: usize = slices.values().map(SliceTotals::num_buckets).sum();
        if slices.len() > MAX_SLICES || num_buckets > MAX_BUCKETS {
            self.slices = None;
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        u8::from(self.slices.is_some()).write(out);
        let Some(slices) = &self.slices else { return };
        slices.len().write(out);
        for (key, slice) in slices {
            key.iter().for_each(|value| value.write(out));
            slice.write(out);
        }
    }

    fn read(&mut self, input: &mut Reader<'_>, task: model::Task) -> Result<(), EvaluateError> {
        if u8::read(input)? == 0 {
            self.slices = None;
            return Ok(());
        }
        let mut slices = BTreeMap::new();
        for _ in 0..usize::read(input)? {
            let key = self.features.iter().map(|_| SliceValue::read(input));
            let key: Vec<SliceValue> = key.collect::<Result<_, _>>()?;
            if slices.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(bad("its slices are out of order"));
            }
            slices.insert(key, SliceTotals::read(input, self.num_models, task)?);
        }
        if self.features.is_empty() && slices.len() != 1 {
            return Err(bad("it does not have all examples together"));
        }
        self.slices = Some(slices);
        self.drop_if_crowded();
        Ok(())
    }
}
