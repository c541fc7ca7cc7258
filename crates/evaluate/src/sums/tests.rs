use proptest::prelude::*;

use super::{ExactSum, Fixed};

fn sum(terms: &[f64]) -> ExactSum {
    let mut sum = ExactSum::default();
    terms.iter().for_each(|term| sum.add(*term));
    sum
}

#[test]
fn what_cancels_leaves_nothing_behind() {
    assert_eq!(sum(&[1e300, 1.0, -1e300]).value(), 1.0);
    assert_eq!(sum(&[0.1, 0.2, -0.1, -0.2]).value(), 0.0);
    assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]).value(), f64::MAX);
    assert_eq!(sum(&[f64::MAX, f64::MAX]).value(), f64::INFINITY);
    assert_eq!(sum(&[-3.0, 5e-324, 3.0]).value(), 5e-324);
    assert_eq!(sum(&[-2.5, 1.0]).value(), -1.5);
    assert_eq!(sum(&[]).value(), 0.0);
}

#[test]
fn the_sum_is_rounded_once() {
    // A tie, and just above a tie by a bit that is far below.
    let half = 2f64.powi(-53);
    assert_eq!(sum(&[1.0, half]).value(), 1.0);
    assert_eq!(sum(&[1.0, half, 1e-300]).value(), 1.0 + 2.0 * half);
}

#[test]
fn what_is_not_finite_stays_so_in_any_order() {
    for (terms, expected) in
        [([f64::INFINITY, 1.0], f64::INFINITY), ([1.0, f64::NEG_INFINITY], f64::NEG_INFINITY)]
    {
        assert_eq!(sum(&terms).value(), expected);
    }
    assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).value().is_nan());
    assert!(sum(&[f64::NAN, f64::INFINITY]).value().is_nan());
}

#[test]
fn whole_weights_are_exact() {
    let mut total = Fixed::default();
    (0..1000).for_each(|_| total.add(Fixed::of(1.0)));
    total.add(Fixed::of(0.25));
    assert_eq!(total.value(), 1000.25);
}

fn term() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1.0..1.0f64,
        prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        (-1000..1000i32).prop_map(f64::from),
    ]
}

#[test]
fn a_million_terms_leave_the_window_whole() {
    let mut sum = ExactSum::default();
    let term = 2f64.powi(18) - 2f64.powi(-35);
    (0..2_500_000).for_each(|_| sum.add(term));
    (0..2_500_000).for_each(|_| sum.add(-term));
    assert_eq!(sum.value(), 0.0);
    sum.add(0.1);
    assert_eq!(sum.value(), 0.1);
}

proptest! {
    #[test]
    fn order_and_grouping_never_show(terms in prop::collection::vec(term(), 0..60), cut in 0..60usize) {
        let whole = sum(&terms);
        let mut backwards = terms.clone();
        backwards.reverse();
        let (left, right) = backwards.split_at(cut.min(terms.len()));
        let mut merged = sum(right);
        merged.merge(&sum(left));
        prop_assert_eq!(whole.to_parts(), merged.to_parts());
        prop_assert_eq!(whole.value().to_bits(), merged.value().to_bits());
        let (first, digits, flags) = whole.to_parts();
        prop_assert_eq!(ExactSum::from_parts(first, digits, flags).unwrap().value(), whole.value());
    }

    #[test]
    fn integers_add_up_as_integers_do(terms in prop::collection::vec(-1_000_000_000_000i64..1_000_000_000_000, 0..100)) {
        let exact: i64 = terms.iter().sum();
        let floats: Vec<f64> = terms.iter().map(|term| *term as f64).collect();
        prop_assert_eq!(sum(&floats).value(), exact as f64);
    }

    #[test]
    fn two_terms_round_as_the_processor_does(a in term(), b in term()) {
        prop_assert_eq!(sum(&[a, b]).value(), a + b);
    }
}
