use super::*;

fn numbers(numbers: &[f64], seed: u64) -> Variable {
    Variable::of_numbers(numbers.iter().copied().map(Some), seed)
}

fn names(names: &[u64]) -> Variable {
    Variable::of_names(names.iter().copied())
}

/// Standard normal numbers, always the same.
fn normal(num: usize, seed: u64) -> Vec<f64> {
    let uniform = |index: usize, which: u64| {
        let hash = xxh3_64_with_seed(&(index as u64).to_le_bytes(), seed * 2 + which);
        (as_f64(hash >> 11) + 0.5) / as_f64(1 << 53)
    };
    let each = |index| {
        let angle = std::f64::consts::TAU * uniform(index, 1);
        (-2.0 * uniform(index, 0).ln()).sqrt() * angle.cos()
    };
    (0..num).map(each).collect()
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} and not {expected}");
}

#[test]
fn two_normal_variables_tell_what_their_correlation_says() {
    let (x, z) = (normal(4000, 1), normal(4000, 2));
    for rho in [0.0, 0.3, 0.6, 0.9, 0.99_f64] {
        let mixed = x.iter().zip(&z).map(|(x, z)| rho * x + (1.0 - rho * rho).sqrt() * z);
        let y: Vec<f64> = mixed.collect();
        let expected = -0.5 * (1.0 - rho * rho).log2();
        let found = adjusted_mutual_information(&numbers(&x, 1), &numbers(&y, 2), 3);
        // The standard error at this size is below 0.02 bits.
        close(found, expected, 0.06);
        // No increasing function of a variable, nor another unit, changes what it tells.
        let other: Vec<f64> = y.iter().map(|y| 1e9 + 1e6 * y).collect();
        close(adjusted_mutual_information(&numbers(&x, 1), &numbers(&other, 2), 3), found, 0.01);
    }
}

#[test]
fn names_tell_their_entropy_about_themselves_and_nothing_of_others() {
    let four: Vec<u64> = (0..4000).map(|i| i % 4).collect();
    // Two bits, less what four names of 4,000 examples tell by chance.
    let found = adjusted_mutual_information(&names(&four), &names(&four), 3);
    close(found, 2.0, 0.003);
    let other: Vec<u64> = (0..4000).map(|i| i / 4 % 5).collect();
    close(adjusted_mutual_information(&names(&four), &names(&other), 3), 0.0, 1e-3);
    // Unequal halves of the same.
    let most: Vec<u64> = four.iter().map(|&name| u64::from(name == 0)).collect();
    let entropy = -(0.25 * 0.25_f64.log2() + 0.75 * 0.75_f64.log2());
    close(adjusted_mutual_information(&names(&four), &names(&most), 3), entropy, 0.003);
    // Names that are all different tell nothing beyond chance, and of a constant nobody does.
    let all: Vec<u64> = (0..4000).collect();
    close(adjusted_mutual_information(&names(&all), &names(&four), 3), 0.0, 1e-9);
    close(adjusted_mutual_information(&names(&[7; 100]), &names(&four[..100]), 3), 0.0, 1e-9);
}

#[test]
fn names_and_numbers_tell_what_the_mixture_says() {
    // Two uniform intervals of length one, half of each within the other: half a bit.
    let name: Vec<u64> = (0..4000).map(|i| i % 2).collect();
    let uniform =
        |index: u64| as_f64(xxh3_64_with_seed(&index.to_le_bytes(), 9) >> 11) / as_f64(1 << 53);
    let number: Vec<f64> =
        (0..4000).map(|index| uniform(index) + 0.5 * as_f64(index % 2)).collect();
    let (name, number) = (names(&name), numbers(&number, 1));
    close(adjusted_mutual_information(&name, &number, 3), 0.5, 0.06);
    let forth = adjusted_mutual_information(&name, &number, 3);
    let back = adjusted_mutual_information(&number, &name, 3);
    assert_eq!(forth.to_bits(), back.to_bits());
    let independent = numbers(&normal(4000, 3), 2);
    close(adjusted_mutual_information(&name, &independent, 3), 0.0, 0.06);
}

#[test]
fn whole_numbers_with_many_ties_tell_as_names_do() {
    let x: Vec<f64> = (0..4000).map(|i| f64::from(i % 4)).collect();
    let y: Vec<f64> = (0..4000).map(|i| f64::from(i % 2)).collect();
    let found = adjusted_mutual_information(&numbers(&x, 1), &numbers(&y, 2), 3);
    close(found, 1.0, 0.1);
    let unrelated: Vec<f64> = (0..4000).map(|i| f64::from(i / 4 % 3)).collect();
    let found = adjusted_mutual_information(&numbers(&x, 1), &numbers(&unrelated, 2), 3);
    close(found, 0.0, 0.1);
}

#[test]
fn a_missing_value_tells_something_too() {
    let number = |i: u32| i.is_multiple_of(2).then(|| f64::from(i % 97));
    let missing = Variable::of_numbers((0..2000).map(number), 1);
    let name: Vec<u64> = (0..2000).map(|i| i % 2).collect();
    close(adjusted_mutual_information(&missing, &names(&name), 3), 1.0, 0.05);
    let nothing = Variable::of_numbers((0..2000).map(|_| None), 1);
    close(adjusted_mutual_information(&nothing, &names(&name), 3), 0.0, 0.06);
    for odd in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -f64::MAX] {
        let number = |i: u32| Some(if i.is_multiple_of(2) { odd } else { f64::from(i % 97) });
        let odd = Variable::of_numbers((0..2000).map(number), 1);
        let found = adjusted_mutual_information(&odd, &names(&name), 3);
        close(found, 1.0, 0.05);
    }
}

#[test]
fn chance_is_what_shuffling_gives_on_average() {
    // Three examples of one name and three of another, against three pairs: by hand of the 20 ways.
    let close_to = |a: &[usize], b: &[usize], num: usize, expected: f64| {
        close(expected_of_names(a, b, num), expected, 1e-12);
    };
    close_to(&[2, 2], &[2, 2], 4, 2.0_f64.ln() / 3.0);
    close_to(&[4], &[1, 3], 4, 0.0);
    close_to(&[1, 1, 1], &[1, 1, 1], 3, 3.0_f64.ln());
}

#[test]
fn the_nearest_points_are_those_of_a_plain_search() {
    let (x, y) = (normal(200, 5), normal(200, 6));
    let Variable::Numbers(x) = numbers(&x, 1) else { panic!() };
    let Variable::Numbers(y) = numbers(&y, 2) else { panic!() };
    let digamma = digammas(200);
    let k = 3;
    let mut sum = 0.0;
    for i in 0..200 {
        let distance = |j: usize| (x[i] - x[j]).abs().max((y[i] - y[j]).abs());
        let distances = sorted((0..200).filter(|&j| j != i).map(distance));
        let within =
            |of: &[f64]| of.iter().filter(|&&it| (it - of[i]).abs() < distances[k - 1]).count();
        sum += digamma[within(&x)] + digamma[within(&y)];
    }
    close(of_numbers(&x, &y, k), digamma[200] + digamma[k] - sum / 200.0, 1e-9);
}
