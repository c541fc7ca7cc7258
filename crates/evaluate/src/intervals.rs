//! Confidence intervals from replicates.

use crate::config::{ConfidenceIntervals, ConfidenceMethod};

/// How far a metric may be off by the choice of examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// The mean of the replicates, which the interval is around.
    pub mean: f64,
    /// The standard error.
    pub standard_error: f64,
}

/// Returns the interval of a metric from its value on all examples and on each replicate; nothing where one of
/// them is not a finite number, so that no interval is narrower than it ought to be.
///
/// # Source
///
/// As the reference: of the jackknife, the standard deviation of the pseudo-values
/// `n · value - (n - 1) · replicate`, divided by the root of `n`; of the bootstrap, that of the replicates; both
/// with Student's distribution of `n - 1` degrees of freedom around the mean of the replicates.
pub(crate) fn interval(
    config: &ConfidenceIntervals,
    value: f64,
    replicates: &[f64],
) -> Option<Interval> {
    let is_finite = value.is_finite() && replicates.iter().all(|value| value.is_finite());
    if !is_finite || replicates.len() < 2 {
        return None;
    }
    let n = replicates.len() as f64;
    let mean = replicates.iter().sum::<f64>() / n;
    let standard_error = match config.method {
        ConfidenceMethod::PoissonBootstrap => deviation(replicates),
        ConfidenceMethod::Jackknife => {
            let pseudo: Vec<f64> =
                replicates.iter().map(|replicate| n * value - (n - 1.0) * replicate).collect();
            deviation(&pseudo) / n.sqrt()
        }
    };
    let width = standard_error * student_quantile(f64::midpoint(1.0, config.level), n - 1.0);
    Some(Interval { lower: mean - width, upper: mean + width, mean, standard_error })
}

/// Returns the standard deviation of a sample.
fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (n - 1.0)).sqrt()
}

/// Returns the point below which Student's distribution has a share of its weight, at least one half.
fn student_quantile(share: f64, degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_cumulative(high, degrees) < share && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if student_cumulative(middle, degrees) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Returns the weight of Student's distribution below a point that is not negative.
fn student_cumulative(point: f64, degrees: f64) -> f64 {
    let x = degrees / (degrees + point * point);
    1.0 - 0.5 * incomplete_beta(x, degrees / 2.0, 0.5)
}

/// Returns the regularized incomplete beta function.
///
/// # Source
///
/// The continued fraction of Abramowitz and Stegun, 26.5.8, by Lentz's method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (1.0 - x).ln())
        .exp()
        / a;
    let tiny = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / tiny(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for step in [even, odd] {
            d = 1.0 / tiny(1.0 + step * d);
            c = tiny(1.0 + step / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() < 1e-16 * fraction.abs() {
            break;
        }
    }
    front * fraction
}

/// Returns the logarithm of the gamma function of a positive number.
///
/// # Source
///
/// Lanczos's approximation with g = 7 and nine coefficients.
fn log_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - log_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (place, coefficient) in COEFFICIENTS.iter().enumerate() {
        sum += coefficient / (x + place as f64 + 1.0);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        // scipy.stats.t.ppf
        let cases = [
            (0.975, 19.0, 2.093_024_054_408_263),
            (0.95, 19.0, 1.729_132_811_521_367),
            (0.975, 1.0, 12.706_204_736_432_095),
            (0.995, 99.0, 2.626_405_457_301_374),
        ];
        for (share, degrees, expected) in cases {
            let found = student_quantile(share, degrees);
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn the_jackknife_of_a_mean_is_its_standard_error() {
        let values = [1.0, 4.0, 2.0, 8.0, 5.0];
        let mean = values.iter().sum::<f64>() / 5.0;
        let without: Vec<f64> =
            values.iter().map(|value| (values.iter().sum::<f64>() - value) / 4.0).collect();
        let config = ConfidenceIntervals { num_replicates: 5, ..ConfidenceIntervals::default() };
        let found = interval(&config, mean, &without).unwrap();
        let expected = deviation(&values) / 5f64.sqrt();
        assert!((found.standard_error - expected).abs() < 1e-12);
        assert!((found.mean - mean).abs() < 1e-12);
        let width = found.upper - found.mean;
        assert!((width / expected - 2.776_445_105_198_054).abs() < 1e-9);
    }

    #[test]
    fn a_replicate_without_a_value_makes_no_interval() {
        let config = ConfidenceIntervals::default();
        assert_eq!(interval(&config, 0.5, &[0.5, f64::NAN]), None);
        assert_eq!(interval(&config, f64::NAN, &[0.5, 0.4]), None);
    }
}
