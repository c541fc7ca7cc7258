//! The largest difference of any one value's frequency.

use std::collections::BTreeMap;

type Counts<'a> = BTreeMap<&'a str, f64>;

/// Returns the value whose share of its dataset differs most, and by how much, 0 to 1.
///
/// The last value of those that differ equally. Without values on either side, which is so for numbers,
/// the distance is 0.
pub(crate) fn l_infinity_distance<'a>(a: &Counts<'a>, b: &Counts<'a>) -> (&'a str, f64) {
    max_difference(a, total(a), b, total(b))
}

/// Returns the value whose count differs most, and by which share of the counts of both datasets together,
/// so that a dataset of another size is far away even if its values are spread alike.
pub(crate) fn normalized_abs_difference<'a>(a: &Counts<'a>, b: &Counts<'a>) -> (&'a str, f64) {
    let scale = total(a) + total(b);
    max_difference(a, scale, b, scale)
}

fn total(counts: &Counts<'_>) -> f64 {
    counts.values().sum()
}

fn max_difference<'a>(
    a: &Counts<'a>,
    scale_a: f64,
    b: &Counts<'a>,
    scale_b: f64,
) -> (&'a str, f64) {
    let share = |counts: &Counts<'a>, value: &str, scale: f64| {
        let count = counts.get(value).copied().unwrap_or(0.0);
        if scale == 0.0 { count } else { count / scale }
    };
    let mut values: Vec<&'a str> = a.keys().chain(b.keys()).copied().collect();
    values.sort_unstable();
    values.dedup();
    values.into_iter().fold(("", 0.0), |best, value| {
        let difference = (share(a, value, scale_a) - share(b, value, scale_b)).abs();
        if difference >= best.1 { (value, difference) } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_compared_by_one_and_counts_by_the_other() {
        let a = Counts::from([("cash", 3.0), ("card", 1.0)]);
        let b = Counts::from([("cash", 6.0), ("card", 2.0)]);
        assert_eq!(l_infinity_distance(&a, &b), ("cash", 0.0));
        assert_eq!(normalized_abs_difference(&a, &b), ("cash", 0.25));
    }

    #[test]
    fn a_value_that_only_one_side_has_counts_fully() {
        let a = Counts::from([("cash", 1.0)]);
        let b = Counts::from([("card", 1.0)]);
        assert_eq!(l_infinity_distance(&a, &b), ("cash", 1.0));
        assert_eq!(l_infinity_distance(&a, &Counts::new()), ("cash", 1.0));
        assert_eq!(l_infinity_distance(&Counts::new(), &Counts::new()), ("", 0.0));
    }
}
