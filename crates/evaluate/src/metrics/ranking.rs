//! Metrics of rankings: the documents of one query, by score.

use std::cmp::Ordering;

use super::ratio;

/// What is measured of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ranked {
    Ndcg,
    AveragePrecision,
    ReciprocalRank,
    Hit,
    Precision,
    Recall,
    MinLabelPosition,
    TotalQueries,
    TotalDocuments,
    MinDocuments,
    MaxDocuments,
}

/// One document of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// How relevant it is; not at all from 0 down.
    pub(crate) gain: f64,
    pub(crate) weight: f64,
    /// The score of each model.
    pub(crate) scores: Vec<f64>,
}

impl Document {
    /// Compares by score, the highest first; of equal scores the less relevant comes first, so that no model
    /// gains by saying the same of all.
    fn by_score(&self, other: &Self, model: usize) -> Ordering {
        other.scores[model]
            .total_cmp(&self.scores[model])
            .then(self.gain.total_cmp(&other.gain))
            .then(self.weight.total_cmp(&other.weight))
    }
}

impl Ranked {
    /// Returns what one query adds to numerator and denominator of the mean over queries.
    ///
    /// `gains` are those of its documents as a model ranks them, `weight` how much the query counts. A query
    /// without a relevant document does not count, except for its numbers of documents, `hit_rate` and
    /// `precision_at_rank`.
    ///
    /// # Source
    ///
    /// NDCG and the position of the first relevant document as the reference.
    pub(crate) fn of_query(self, gains: &[f64], k: usize, weight: f64) -> (f64, f64) {
        let is_relevant = |gain: &f64| *gain > 0.0;
        let num_relevant = gains.iter().filter(|gain| is_relevant(gain)).count() as f64;
        let first = gains.iter().position(is_relevant);
        let seen = &gains[..k.min(gains.len())];
        let hits = seen.iter().filter(|gain| is_relevant(gain)).count() as f64;
        let (value, needs_relevant) = match self {
            Self::Ndcg => {
                let mut best = gains.to_vec();
                best.sort_by(|a, b| b.total_cmp(a));
                (ratio(discounted(seen), discounted(&best[..seen.len()])), true)
            }
            Self::AveragePrecision => {
                let mut found = 0.0;
                let mut sum = 0.0;
                for (place, gain) in seen.iter().enumerate() {
                    if is_relevant(gain) {
                        found += 1.0;
                        sum += found / (place + 1) as f64;
                    }
                }
                (ratio(sum, num_relevant.min(seen.len() as f64)), true)
            }
            Self::ReciprocalRank => {
                let place = first.filter(|place| *place < seen.len());
                (place.map_or(0.0, |place| 1.0 / (place + 1) as f64), true)
            }
            Self::Hit => (f64::from(hits > 0.0), false),
            Self::Precision => (hits / k as f64, false),
            Self::Recall => (ratio(hits, num_relevant), true),
            Self::MinLabelPosition => (first.map_or(0.0, |place| (place + 1) as f64), true),
            Self::TotalQueries => return (1.0, 0.0),
            Self::TotalDocuments => return (gains.len() as f64, 0.0),
            Self::MinDocuments | Self::MaxDocuments => return (f64::NAN, 0.0),
        };
        if needs_relevant && first.is_none() {
            return (0.0, 0.0);
        }
        (weight * value, weight)
    }

    /// Returns whether the metric is a sum over queries rather than a mean.
    pub(crate) fn is_total(self) -> bool {
        matches!(self, Self::TotalQueries | Self::TotalDocuments)
    }

    /// Returns whether the metric is about the queries alone, whatever a model predicts.
    pub(crate) fn ignores_predictions(self) -> bool {
        self.is_total() || matches!(self, Self::MinDocuments | Self::MaxDocuments)
    }
}

/// Returns the gains of a query's documents as a model ranks them; nothing where a score is no number.
pub(crate) fn ranked(documents: &mut [Document], model: usize) -> Option<Vec<f64>> {
    if documents.iter().any(|document| document.scores[model].is_nan()) {
        return None;
    }
    documents.sort_by(|a, b| a.by_score(b, model));
    Some(documents.iter().map(|document| document.gain).collect())
}

fn discounted(gains: &[f64]) -> f64 {
    let terms = gains.iter().enumerate();
    terms.map(|(place, gain)| gain.max(0.0) / ((place + 2) as f64).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(measure: Ranked, gains: &[f64], k: usize) -> f64 {
        let (numerator, denominator) = measure.of_query(gains, k, 2.0);
        numerator / denominator
    }

    #[test]
    fn a_query_is_measured_by_the_ranks_of_what_is_relevant() {
        let gains = [0.0, 3.0, 0.0, 1.0];
        let dcg = 3.0 / 3f64.log2() + 1.0 / 5f64.log2();
        let best = 3.0 + 1.0 / 3f64.log2();
        assert!((of(Ranked::Ndcg, &gains, 4) - dcg / best).abs() < 1e-15);
        assert!((of(Ranked::Ndcg, &gains, 2) - 3.0 / 3f64.log2() / best).abs() < 1e-15);
        assert!((of(Ranked::AveragePrecision, &gains, 9) - 0.5).abs() < 1e-15);
        assert!((of(Ranked::ReciprocalRank, &gains, 9) - 0.5).abs() < 1e-15);
        assert!(of(Ranked::ReciprocalRank, &gains, 1).abs() < 1e-15);
        assert!((of(Ranked::Precision, &gains, 3) - 1.0 / 3.0).abs() < 1e-15);
        assert!((of(Ranked::Recall, &gains, 3) - 0.5).abs() < 1e-15);
        assert!((of(Ranked::MinLabelPosition, &gains, 9) - 2.0).abs() < 1e-15);
        assert!((of(Ranked::Hit, &gains, 1)).abs() < 1e-15);
    }

    #[test]
    fn a_query_without_anything_relevant_does_not_count() {
        assert_eq!(Ranked::Ndcg.of_query(&[0.0, -1.0], 2, 1.0), (0.0, 0.0));
        assert_eq!(Ranked::Hit.of_query(&[0.0], 1, 1.0), (0.0, 1.0));
    }

    #[test]
    fn of_equal_scores_the_less_relevant_comes_first() {
        let document = |gain, score| Document { gain, weight: 1.0, scores: vec![score] };
        let mut documents = [document(1.0, 0.5), document(0.0, 0.5), document(2.0, 0.9)];
        assert_eq!(ranked(&mut documents, 0).unwrap(), [2.0, 0.0, 1.0]);
        documents[0].scores[0] = f64::NAN;
        assert!(ranked(&mut documents, 0).is_none());
    }
}
