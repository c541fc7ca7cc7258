//! The mergeable state of the pass.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::Accumulator;

use crate::bytes::{Reader, Stored, bad, write_bytes};
use crate::cells::Times;
use crate::compute::Lanes;
use crate::config::Cross;
use crate::evaluation::Evaluation;
use crate::plan::Plan;
use crate::replicates::Replicates;
use crate::rows;
use crate::samples::MAX_SAMPLED;
use crate::slices::Encoded;
use crate::totals::SliceTotals;
use crate::{EvaluateError, EvaluatePass, SliceValue};

/// The version of the byte form.
const VERSION: u64 = 3;

/// How many slices one cross of features may have; the slices of one that has more are all left out.
pub const MAX_SLICES: usize = 10_000;

/// How many cells of predictions the slices of one cross may have together, about 60 bytes each; with
/// replicates fewer, as each takes 8 bytes more.
///
/// A slice has at most 20,002 for each model, and no more than it has examples. Without the areas under
/// curves among the metrics there are few.
pub const MAX_BUCKETS: usize = 4_000_000;

/// How many documents the slices of one cross may have together, for rankings.
pub const MAX_DOCUMENTS: usize = 20_000_000;

/// What was seen of the examples so far.
///
/// Memory is bounded by [`MAX_SLICES`], [`MAX_BUCKETS`] and [`MAX_DOCUMENTS`] for each cross of features,
/// however many examples and values there are. Whether a cross is within these bounds depends on the examples
/// alone, not on their order or on how they were divided.
#[derive(Clone, Debug)]
pub struct EvaluateState {
    pub(crate) pass: EvaluatePass,
    pub(crate) plan: Arc<Plan>,
    pub(crate) replicates: Option<Replicates>,
    num_missing_labels: u64,
    pub(crate) crosses: Vec<CrossState>,
}

/// The slices of one cross of features.
#[derive(Clone, Debug)]
pub(crate) struct CrossState {
    pub(crate) cross: Cross,
    /// Nothing when there are too many.
    pub(crate) slices: Option<Slices>,
}

/// Slices by the values of their features.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slices {
    pub(crate) places: BTreeMap<Vec<SliceValue>, usize>,
    pub(crate) totals: Vec<SliceTotals>,
}

/// The slices that the examples of a batch are in.
struct Assigned {
    places: Vec<usize>,
    /// Where those of each example begin, and where the last one's end.
    offsets: Vec<usize>,
}

impl EvaluateState {
    pub(crate) fn new(pass: EvaluatePass) -> Self {
        let plan = Arc::new(Plan::new(&pass));
        let replicates = pass.config.confidence_intervals.as_ref().map(Replicates::new);
        let num_lanes = replicates.as_ref().map_or(0, |replicates| replicates.num);
        let crosses = pass.config.crosses().into_iter();
        let crosses = crosses.map(|cross| CrossState::new(cross, &plan, num_lanes)).collect();
        Self { num_missing_labels: 0, crosses, pass, plan, replicates }
    }

    pub(crate) fn lanes(&self) -> Lanes {
        Lanes {
            num: self.replicates.as_ref().map_or(0, |replicates| replicates.num),
            is_jackknife: self.replicates.as_ref().is_some_and(Replicates::is_jackknife),
        }
    }

    fn take_in(&mut self, batch: &RecordBatch) -> Result<(), EvaluateError> {
        let rows = rows::read(&self.pass, &self.plan, batch)?;
        let num_lanes = self.lanes().num;
        let mut encoded: BTreeMap<String, Encoded> = BTreeMap::new();
        for feature in self.crosses.iter().flat_map(|cross| &cross.cross.features) {
            if !encoded.contains_key(feature.as_str()) {
                encoded.insert(feature.clone(), Encoded::read(batch, feature)?);
            }
        }
        let features: Vec<Vec<&Encoded>> = self
            .crosses
            .iter()
            .map(|cross| cross.cross.features.iter().map(|name| &encoded[name.as_str()]).collect())
            .collect();
        let plan = Arc::clone(&self.plan);
        let assigned: Vec<Option<(Vec<Vec<SliceValue>>, Assigned)>> = self
            .crosses
            .iter()
            .zip(&features)
            .map(|(cross, features)| cross.assign(features, &rows.rows))
            .collect();
        let assigned: Vec<Option<Assigned>> = self
            .crosses
            .iter_mut()
            .zip(assigned)
            .map(|(cross, assigned)| cross.locate(assigned, &plan, num_lanes))
            .collect();

        let mut draws = vec![0.0; num_lanes];
        for example in 0..rows.rows.len() {
            let times = match (&self.replicates, rows.positions.get(example)) {
                (Some(replicates), Some(position)) if replicates.is_jackknife() => {
                    Times::InPart(replicates.part(*position))
                }
                (Some(replicates), Some(position)) => {
                    replicates.draw(*position, &mut draws);
                    Times::Each(&draws)
                }
                _ => Times::Never,
            };
            for (cross, assigned) in self.crosses.iter_mut().zip(&assigned) {
                let (Some(slices), Some(assigned)) = (&mut cross.slices, assigned) else {
                    continue;
                };
                let range = assigned.offsets[example]..assigned.offsets[example + 1];
                for place in &assigned.places[range] {
                    slices.totals[*place].add(&rows, example, times, num_lanes);
                }
            }
        }
        self.num_missing_labels += rows.num_missing;
        self.crosses.iter_mut().try_for_each(|cross| cross.keep_bounds(num_lanes))
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
        let num_lanes = state.lanes().num;
        state.num_missing_labels = input.take_count()?;
        let plan = Arc::clone(&state.plan);
        for cross in &mut state.crosses {
            cross.read(&mut input, &plan, num_lanes)?;
        }
        input.finish()?;
        Ok(state)
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
        let num_lanes = self.lanes().num;
        self.num_missing_labels += other.num_missing_labels;
        for (cross, other) in self.crosses.iter_mut().zip(other.crosses) {
            cross.merge(other, &self.plan, num_lanes)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Evaluation, BoxError> {
        let num_missing_labels = self.num_missing_labels;
        Ok(crate::finish::finish(self, num_missing_labels))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&self.pass).expect("a pass is names and numbers");
        write_bytes(&pass, &mut out);
        self.num_missing_labels.write(&mut out);
        let num_lanes = self.lanes().num;
        self.crosses.iter().for_each(|cross| cross.write(num_lanes, &mut out));
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}

impl CrossState {
    /// The slice of all examples is there from the beginning.
    fn new(cross: Cross, plan: &Plan, num_lanes: usize) -> Self {
        let mut slices = Slices::default();
        if cross.features.is_empty() {
            slices.place(Vec::new(), plan, num_lanes);
        }
        Self { cross, slices: Some(slices) }
    }

    /// Returns whether slices with these values are asked for.
    fn wants(&self, key: &[SliceValue]) -> bool {
        let is = |values: &BTreeMap<String, crate::Wanted>| {
            let pairs = self.cross.features.iter().zip(key);
            let mut pairs = pairs.filter_map(|(name, value)| Some((values.get(name)?, value)));
            pairs.all(|(wanted, value)| wanted.is(value))
        };
        self.cross.wanted.as_ref().is_none_or(|wanted| wanted.iter().any(is))
    }

    /// Returns the slices of a batch that are asked for and which example is in which of them; nothing when
    /// there are too many.
    fn assign(
        &self,
        features: &[&Encoded],
        rows: &[usize],
    ) -> Option<(Vec<Vec<SliceValue>>, Assigned)> {
        self.slices.as_ref()?;
        let mut keys: Vec<Vec<SliceValue>> = Vec::new();
        // By the ids of the values; nothing for a slice that nobody asks for.
        let mut found: HashMap<Vec<u32>, Option<usize>> = HashMap::new();
        // With one feature, by its id alone.
        let mut of_one: Vec<Option<Option<usize>>> = match features {
            [only] => vec![None; only.values.len()],
            _ => Vec::new(),
        };
        let mut assigned = Assigned { places: Vec::new(), offsets: vec![0] };
        let mut ids = vec![0; features.len()];
        for row in rows {
            let num_slices = features
                .iter()
                .try_fold(1usize, |n, feature| n.checked_mul(feature.row(*row).len()));
            if num_slices.is_none_or(|num_slices| num_slices > MAX_SLICES) {
                return None;
            }
            for slice in 0..num_slices.unwrap_or(0) {
                let mut rest = slice;
                for (id, feature) in ids.iter_mut().zip(features) {
                    let values = feature.row(*row);
                    *id = values[rest % values.len()];
                    rest /= values.len();
                }
                let known = match features {
                    [_] => of_one[ids[0] as usize],
                    _ => found.get(&ids).copied(),
                };
                let place = match known {
                    Some(place) => place,
                    None => {
                        let key = features.iter().zip(&ids);
                        let key: Vec<SliceValue> =
                            key.map(|(feature, id)| feature.values[*id as usize].clone()).collect();
                        let place = self.wants(&key).then_some(keys.len());
                        if place == Some(MAX_SLICES) {
                            return None;
                        }
                        if place.is_some() {
                            keys.push(key);
                        }
                        match features {
                            [_] => of_one[ids[0] as usize] = Some(place),
                            _ => {
                                found.insert(ids.clone(), place);
                            }
                        }
                        place
                    }
                };
                assigned.places.extend(place);
            }
            assigned.offsets.push(assigned.places.len());
        }
        Some((keys, assigned))
    }

    /// Replaces places among a batch's slices by places among all; makes the slices that are new.
    fn locate(
        &mut self,
        assigned: Option<(Vec<Vec<SliceValue>>, Assigned)>,
        plan: &Plan,
        num_lanes: usize,
    ) -> Option<Assigned> {
        let (Some(slices), Some((keys, mut assigned))) = (&mut self.slices, assigned) else {
            self.slices = None;
            return None;
        };
        let places: Vec<usize> =
            keys.into_iter().map(|key| slices.place(key, plan, num_lanes)).collect();
        assigned.places.iter_mut().for_each(|place| *place = places[*place]);
        Some(assigned)
    }

    fn merge(&mut self, other: Self, plan: &Plan, num_lanes: usize) -> Result<(), EvaluateError> {
        let (Some(slices), Some(others)) = (&mut self.slices, other.slices) else {
            self.slices = None;
            return Ok(());
        };
        let mut totals: Vec<Option<SliceTotals>> = others.totals.into_iter().map(Some).collect();
        for (key, place) in others.places {
            let Some(other) = totals[place].take() else { continue };
            match slices.places.get(&key) {
                Some(place) => slices.totals[*place].merge(other, plan, num_lanes),
                None => {
                    slices.places.insert(key, slices.totals.len());
                    slices.totals.push(other);
                }
            }
        }
        self.keep_bounds(num_lanes)
    }

    fn keep_bounds(&mut self, num_lanes: usize) -> Result<(), EvaluateError> {
        let Some(slices) = &self.slices else { return Ok(()) };
        let num_cells: usize = slices.totals.iter().map(|slice| slice.cells.len()).sum();
        let num_sampled: usize = slices.totals.iter().map(SliceTotals::num_sampled).sum();
        if slices.totals.len() > MAX_SLICES
            || num_cells > MAX_BUCKETS / (1 + num_lanes / 10)
            || num_sampled > MAX_SAMPLED
        {
            self.slices = None;
            return Ok(());
        }
        let num_documents: usize = slices.totals.iter().map(SliceTotals::num_documents).sum();
        if num_documents > MAX_DOCUMENTS {
            let slices = self.cross.features.join(" and ");
            return Err(EvaluateError::TooManyDocuments { slices });
        }
        Ok(())
    }

    fn write(&self, num_lanes: usize, out: &mut Vec<u8>) {
        u8::from(self.slices.is_some()).write(out);
        let Some(slices) = &self.slices else { return };
        slices.places.len().write(out);
        for (key, place) in &slices.places {
            key.iter().for_each(|value| value.write(out));
            slices.totals[*place].write(num_lanes, out);
        }
    }

    fn read(
        &mut self,
        input: &mut Reader<'_>,
        plan: &Plan,
        num_lanes: usize,
    ) -> Result<(), EvaluateError> {
        if u8::read(input)? == 0 {
            self.slices = None;
            return Ok(());
        }
        let mut slices = Slices::default();
        for _ in 0..usize::read(input)? {
            let key = self.cross.features.iter().map(|_| SliceValue::read(input));
            let key: Vec<SliceValue> = key.collect::<Result<_, _>>()?;
            if slices.places.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(bad("its slices are out of order"));
            }
            slices.places.insert(key, slices.totals.len());
            slices.totals.push(SliceTotals::read(input, plan, num_lanes)?);
        }
        if self.cross.features.is_empty() && slices.totals.len() != 1 {
            return Err(bad("it does not have all examples together"));
        }
        self.slices = Some(slices);
        self.keep_bounds(num_lanes)
    }
}

impl Slices {
    /// Returns where a slice is; it is made if it is not there.
    fn place(&mut self, key: Vec<SliceValue>, plan: &Plan, num_lanes: usize) -> usize {
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        self.places.insert(key, self.totals.len());
        self.totals.push(SliceTotals::new(plan, num_lanes));
        self.totals.len() - 1
    }
}
