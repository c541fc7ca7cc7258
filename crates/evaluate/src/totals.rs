//! What was seen of one slice.

use std::collections::BTreeMap;

use crate::bytes::{Reader, Stored};
use crate::cells::{Cells, Times};
use crate::metrics::Document;
use crate::plan::{Plan, Term};
use crate::replicates::{Replicates, mix};
use crate::rows::Rows;
use crate::samples::Drawn;
use crate::sums::ExactSum;
use crate::{EvaluateError, SliceValue};

/// What was seen of one slice: the sums and tables that the metrics are computed from.
///
/// The sums and tables of all examples are exact, so that no order of examples shows.
#[derive(Clone, Debug)]
pub(crate) struct SliceTotals {
    pub(crate) num_examples: u64,
    /// By [`Plan::terms`].
    pub(crate) sums: Vec<ExactSum>,
    /// By term and then by replicate.
    pub(crate) lanes: Vec<f64>,
    pub(crate) cells: Cells,
    /// By [`Plan::sample_sizes`].
    pub(crate) samples: Vec<Drawn>,
    /// Of rankings: the documents of each query.
    pub(crate) queries: BTreeMap<SliceValue, Vec<Document>>,
    /// Of rankings, once it is done: the documents of the queries with the fewest and the most.
    pub(crate) documents: Option<(usize, usize)>,
}

impl SliceTotals {
    pub(crate) fn new(plan: &Plan, num_lanes: usize) -> Self {
        let num_terms = plan.terms.len();
        Self {
            num_examples: 0,
            sums: vec![ExactSum::default(); num_terms],
            lanes: vec![0.0; num_terms * num_lanes],
            cells: Cells::default(),
            samples: vec![Drawn::default(); plan.sample_sizes.len()],
            queries: BTreeMap::new(),
            documents: None,
        }
    }

    /// Takes in one example of a batch.
    pub(crate) fn add(&mut self, rows: &Rows, example: usize, times: Times<'_>, num_lanes: usize) {
        self.num_examples += 1;
        let num_terms = self.sums.len();
        let terms = &rows.terms[example * num_terms..(example + 1) * num_terms];
        for (sum, term) in self.sums.iter_mut().zip(terms) {
            sum.add(*term);
        }
        if num_lanes > 0 {
            for (lanes, term) in self.lanes.chunks_exact_mut(num_lanes).zip(terms) {
                times.add(*term, lanes);
            }
        }
        let weight = rows.weights[example];
        let value = weight.value();
        for hit in &rows.hits[rows.offsets[example]..rows.offsets[example + 1]] {
            self.cells.add(*hit, weight, value, times, num_lanes);
        }
        for (sample, candidates) in self.samples.iter_mut().zip(&rows.samples) {
            sample.offer(candidates, example, rows.positions[example]);
        }
        if let Some((query, document)) = rows.documents.get(example) {
            match self.queries.get_mut(query) {
                Some(documents) => documents.push(document.clone()),
                None => {
                    self.queries.insert(query.clone(), vec![document.clone()]);
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self, plan: &Plan, num_lanes: usize) {
        self.num_examples = self.num_examples.saturating_add(other.num_examples);
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            sum.merge(other);
        }
        for (lane, other) in self.lanes.iter_mut().zip(&other.lanes) {
            *lane += other;
        }
        self.cells.merge(&other.cells, num_lanes);
        let sizes = other.samples.into_iter().zip(&plan.sample_sizes);
        for (sample, (other, size)) in self.samples.iter_mut().zip(sizes) {
            sample.merge(other, *size);
        }
        for (query, documents) in other.queries {
            self.queries.entry(query).or_default().extend(documents);
        }
    }

    /// Adds what the queries say to the sums. A replicate has whole queries, as often as their names say.
    pub(crate) fn take_in_queries(&mut self, plan: &Plan, replicates: Option<&Replicates>) {
        let num_lanes = replicates.map_or(0, |replicates| replicates.num);
        let mut times = vec![0.0; num_lanes];
        let wanted: Vec<(usize, Term)> = plan
            .terms
            .iter()
            .enumerate()
            .filter(|(_, term)| matches!(term, Term::Query(..) | Term::QueryWeight(..)))
            .map(|(place, term)| (place, *term))
            .collect();
        for (query, documents) in &mut self.queries {
            let (least, most) = self.documents.unwrap_or((usize::MAX, 0));
            self.documents = Some((least.min(documents.len()), most.max(documents.len())));
            let position = position_of(query);
            let times = match replicates {
                None => Times::Never,
                Some(replicates) if replicates.is_jackknife() => {
                    Times::InPart(replicates.part(position))
                }
                Some(replicates) => {
                    replicates.draw(position, &mut times);
                    Times::Each(&times)
                }
            };
            // In one order first, so that the sum does not depend on how they came.
            documents.sort_by(|a, b| a.weight.total_cmp(&b.weight));
            let weight =
                documents.iter().map(|d| d.weight).sum::<f64>() / documents.len().max(1) as f64;
            let ranked: Vec<Option<Vec<f64>>> = (0..usize::from(plan.num_models))
                .map(|model| crate::metrics::ranked(documents, model))
                .collect();
            for (place, term) in &wanted {
                let (Term::Query(measure, k, model) | Term::QueryWeight(measure, k, model)) = *term
                else {
                    continue;
                };
                let (numerator, denominator) = match &ranked[usize::from(model)] {
                    Some(gains) => measure.of_query(gains, k as usize, weight),
                    None if measure.ignores_predictions() => {
                        let gains: Vec<f64> = documents.iter().map(|d| d.gain).collect();
                        measure.of_query(&gains, k as usize, weight)
                    }
                    None => (f64::NAN, weight),
                };
                let value = if matches!(term, Term::Query(..)) { numerator } else { denominator };
                self.sums[*place].add(value);
                times.add(value, &mut self.lanes[place * num_lanes..(place + 1) * num_lanes]);
            }
        }
        self.queries.clear();
    }

    pub(crate) fn num_sampled(&self) -> usize {
        self.samples.iter().map(Drawn::len).sum()
    }

    pub(crate) fn num_documents(&self) -> usize {
        self.queries.values().map(Vec::len).sum()
    }

    pub(crate) fn write(&self, num_lanes: usize, out: &mut Vec<u8>) {
        self.num_examples.write(out);
        self.sums.iter().for_each(|sum| sum.write(out));
        self.lanes.iter().for_each(|lane| lane.write(out));
        self.cells.write(num_lanes, out);
        self.samples.iter().for_each(|sample| sample.write(out));
        self.queries.len().write(out);
        for (query, documents) in &self.queries {
            query.write(out);
            documents.len().write(out);
            let mut encoded: Vec<Vec<u8>> = documents
                .iter()
                .map(|document| {
                    let mut out = Vec::new();
                    document.gain.write(&mut out);
                    document.weight.write(&mut out);
                    document.scores.iter().for_each(|score| score.write(&mut out));
                    out
                })
                .collect();
            // The order in which they came does not show.
            encoded.sort_unstable();
            encoded.iter().for_each(|document| out.extend_from_slice(document));
        }
    }

    pub(crate) fn read(
        input: &mut Reader<'_>,
        plan: &Plan,
        num_lanes: usize,
    ) -> Result<Self, EvaluateError> {
        let num_terms = plan.terms.len();
        let num_examples = input.take_count()?;
        let sums = (0..num_terms).map(|_| ExactSum::read(input)).collect::<Result<_, _>>()?;
        let lanes =
            (0..num_terms * num_lanes).map(|_| f64::read(input)).collect::<Result<_, _>>()?;
        let cells = Cells::read(input, plan.num_cells, num_lanes)?;
        let samples = plan.sample_sizes.iter().map(|size| Drawn::read(input, *size));
        let samples = samples.collect::<Result<_, _>>()?;
        let mut queries = BTreeMap::new();
        for _ in 0..usize::read(input)? {
            let query = SliceValue::read(input)?;
            let mut documents = Vec::new();
            for _ in 0..usize::read(input)? {
                documents.push(Document {
                    gain: f64::read(input)?,
                    weight: f64::read(input)?,
                    scores: (0..plan.num_models)
                        .map(|_| f64::read(input))
                        .collect::<Result<_, _>>()?,
                });
            }
            queries.insert(query, documents);
        }
        Ok(Self { num_examples, sums, lanes, cells, samples, queries, documents: None })
    }
}

/// Returns a number for a query that is the same wherever its documents are.
fn position_of(query: &SliceValue) -> u64 {
    let mut bytes = Vec::new();
    query.write(&mut bytes);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| mix(hash ^ u64::from(*byte)))
}
