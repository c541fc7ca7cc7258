//! How much a text says about a label, from how often they come together.
//!
//! # Source
//!
//! The mutual information of `tft.vocabulary`: weighted by how often the text occurs, in bits. Vinh, Epps and Bailey,
//! "Information theoretic measures for clusterings comparison" (2009), for what chance alone would give.

/// How labels are distributed over all rows, and what is made of it.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    /// Each label and how often it occurs, or what it weighs, in ascending order of the labels.
    pub(crate) all: Vec<(i64, f64)>,
    /// Whether what chance would give is taken off.
    pub(crate) is_adjusted: bool,
    /// A label that comes with the text about as often as by chance, within so much, says nothing.
    pub(crate) min_diff_from_avg: f64,
}

/// No share is exactly none or all.
const LEAST_SHARE: f64 = 1e-6;

impl Labels {
    /// Returns the information of a text from how often it comes with each label, in ascending order of these.
    pub(crate) fn information(&self, with: &[(i64, f64)]) -> f64 {
        let total: f64 = self.all.iter().map(|(_, count)| count).sum();
        let frequency: f64 = with.iter().map(|(_, count)| count).sum();
        // What is in every row says nothing.
        if frequency.round() >= total.round() {
            return 0.0;
        }
        let (mut information, mut by_chance) = (0.0, 0.0);
        for &(label, of_label) in self.all.iter().filter(|(_, count)| *count > 0.0) {
            let found = with.binary_search_by_key(&label, |&(label, _)| label);
            let share = found.map_or(0.0, |place| with[place].1) / frequency;
            let together = share.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE) * frequency;
            if (frequency * of_label / total - together).abs() < self.min_diff_from_avg {
                continue;
            }
            information += together
                * ((together.log2() + total.log2()) - (frequency.log2() + of_label.log2()));
            if self.is_adjusted {
                by_chance += expected(total, frequency, of_label);
            }
        }
        information - by_chance
    }
}

/// Returns how near to chance is near enough for so many examples: 2 up to 10,000, 25 from 1,000,000 on, and whole
/// numbers between them in between.
///
/// # Source
///
/// `calculate_recommended_min_diff_from_avg` of tf.Transform.
pub(crate) fn recommended_min_diff_from_avg(num_examples: f64) -> f64 {
    const SMALL: f64 = 10_000.0;
    const LARGE: f64 = 1_000_000.0;
    ((num_examples - SMALL) / (LARGE - SMALL) * 23.0 + 2.0).clamp(2.0, 25.0).floor()
}

/// Returns the information that a text and a label of these frequencies have on average when they are independent:
/// over all numbers of rows that they may share, by the hypergeometric distribution.
#[expect(clippy::cast_possible_truncation, reason = "counts of rows, below 2^48")]
fn expected(total: f64, frequency: f64, of_label: f64) -> f64 {
    if frequency == 0.0 || of_label == 0.0 {
        return 0.0;
    }
    let least = (frequency + of_label - total).max(0.0).round() as i64;
    let most = frequency.min(of_label).round() as i64;
    let log_factorial = |n: f64| libm::lgamma(n + 1.0);
    let start = crate::analyze::numbers::as_float(least);
    let numerator = log_factorial(frequency)
        + log_factorial(of_label)
        + log_factorial(total - frequency)
        + log_factorial(total - of_label);
    let mut denominator = log_factorial(total)
        + log_factorial(start)
        + log_factorial(frequency - start)
        + log_factorial(of_label - start)
        + log_factorial(total - frequency - of_label + start);
    let coefficient = total.log2() - frequency.log2() - of_label.log2();
    let (mut sum, mut probabilities) = (0.0, 0.0);
    for shared in least..=most {
        let n = crate::analyze::numbers::as_float(shared);
        let probability = (numerator - denominator).exp();
        if shared != 0 {
            sum += n * (coefficient + n.log2()) * probability;
        }
        probabilities += probability;
        if shared != most {
            denominator += (n + 1.0).ln() - (frequency - n).ln() - (of_label - n).ln()
                + (total - frequency - of_label + n + 1.0).ln();
        }
    }
    // Rounded logarithms may not add up to exactly one.
    sum / probabilities
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(is_adjusted: bool, min_diff_from_avg: f64) -> Labels {
        Labels { all: vec![(0, 6.0), (1, 4.0)], is_adjusted, min_diff_from_avg }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the recommended values are whole numbers")]
    fn more_examples_have_to_be_farther_from_chance() {
        let found = [0.0, 10_000.0, 100_000.0, 500_000.0, 999_999.0, 1e9];
        assert_eq!(found.map(recommended_min_diff_from_avg), [2.0, 2.0, 4.0, 13.0, 24.0, 25.0]);
    }

    #[test]
    fn what_comes_with_one_label_says_most() {
        let labels = labels(false, 0.0);
        let one = labels.information(&[(1, 4.0)]);
        // Four times log2(10 / 4), but for shares of almost nothing.
        assert!((one - 4.0 * (10.0_f64 / 4.0).log2()).abs() < 1e-3, "{one}");
        let half = labels.information(&[(0, 3.0), (1, 2.0)]);
        assert!(half.abs() < 1e-12, "{half}");
        assert!(labels.information(&[(0, 6.0), (1, 4.0)]).abs() < 1e-300);
    }

    #[test]
    fn chance_is_taken_off_and_what_is_near_to_it_says_nothing() {
        let with = [(0, 1.0), (1, 3.0)];
        let (plain, adjusted) =
            (labels(false, 0.0).information(&with), labels(true, 0.0).information(&with));
        // From the distribution's definition: 4 of 10 rows, 4 and 6 of which have the labels.
        let choose =
            |n: u64, k: u64| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
        let by_chance: f64 = [(4_u64, 6_u64), (6, 4)]
            .into_iter()
            .flat_map(|(of_label, others)| (1..=4_u64).map(move |n| (of_label, others, n)))
            .filter(|&(of_label, others, n)| n <= of_label && 4 - n <= others)
            .map(|(of_label, others, n)| {
                let probability = choose(of_label, n) * choose(others, 4 - n) / choose(10, 4);
                probability * n as f64 * (10.0 * n as f64 / (4.0 * of_label as f64)).log2()
            })
            .sum();
        assert!((plain - adjusted - by_chance).abs() < 1e-9, "{plain} {adjusted} {by_chance}");
        assert!(labels(true, 1.5).information(&with).abs() < 1e-300);
    }
}
