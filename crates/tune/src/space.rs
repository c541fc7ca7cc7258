//! The values of a hyperparameter, as places between 0 and 1.

use serde_json::Value;

use crate::{DomainConfig, Number, Scale};

/// Whole numbers beyond it are not all floats.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The values of a hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Domain {
    /// Any of these, in no order.
    Choice(Vec<Value>),
    /// Numbers in a range.
    Range(Range),
}

/// Numbers in a range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) is_whole: bool,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// What is added for the next, or on a logarithmic scale multiplied.
    pub(crate) step: Option<f64>,
    pub(crate) scale: Scale,
}

impl Domain {
    /// Reads what a user said; the error says what is wrong with it.
    pub(crate) fn of(config: &DomainConfig) -> Result<Self, String> {
        if let Some(values) = &config.values {
            let has_range = config.min.is_some() || config.max.is_some();
            if has_range || config.step.is_some() || config.scale.is_some() {
                return Err("`values` and a range, expected one of the two".to_owned());
            }
            if values.is_empty() {
                return Err("no `values`, expected at least one".to_owned());
            }
            let is_again = |place: usize| values[..place].contains(&values[place]);
            if let Some(place) = (0..values.len()).find(|&place| is_again(place)) {
                return Err(format!("`values` has {} twice", values[place]));
            }
            return Ok(Self::Choice(values.clone()));
        }
        let (Some(min), Some(max)) = (config.min, config.max) else {
            return Err("expected `values`, or `min` and `max`".to_owned());
        };
        let is_whole = matches!((min, max), (Number::Int(_), Number::Int(_)));
        let scale = config.scale.unwrap_or_default();
        let step = config.step.map(Number::as_f64);
        let (min, max) = (min.as_f64(), max.as_f64());
        if !min.is_finite() || !max.is_finite() || min > max {
            return Err(format!(
                "from {min} to {max}, expected numbers of which `max` is not less"
            ));
        }
        if is_whole && (min.abs() > MAX_WHOLE || max.abs() > MAX_WHOLE) {
            return Err("whole numbers beyond 2^53, expected smaller ones".to_owned());
        }
        if scale == Scale::Log && min <= 0.0 {
            return Err(format!("from {min} with `scale = \"log\"`, expected a `min` above 0"));
        }
        if let Some(step) = step {
            let least = if scale == Scale::Log { 1.0 } else { 0.0 };
            if !step.is_finite() || step <= least {
                return Err(format!("`step` is {step}, expected a number above {least}"));
            }
            if is_whole && step.fract() != 0.0 {
                return Err(format!("`step` is {step}, expected a whole number, as the ends are"));
            }
        }
        let step = step.or((is_whole && scale == Scale::Linear).then_some(1.0));
        Ok(Self::Range(Range { is_whole, min, max, step, scale }))
    }

    /// Returns how many values there are, or `None` for any number of them.
    pub(crate) fn num_values(&self) -> Option<u64> {
        match self {
            Self::Choice(values) => Some(values.len() as u64),
            Self::Range(range) => range.num_values(),
        }
    }

    /// Returns a value by its place in the list of all.
    pub(crate) fn value(&self, place: u64) -> Value {
        match self {
            Self::Choice(values) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX).min(values.len() - 1);
                values[place].clone()
            }
            Self::Range(range) => range.json(range.number(place)),
        }
    }

    /// Returns the value at a place from 0 to 1.
    pub(crate) fn at(&self, unit: f64) -> Value {
        match (self.num_values(), self) {
            (Some(count), _) => self.value(place_of(unit, count)),
            (None, Self::Range(range)) => range.json(range.between(unit)),
            (None, Self::Choice(_)) => Value::Null,
        }
    }

    /// Returns the place from 0 to 1 of a value that is one of these.
    pub(crate) fn unit(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Choice(values) => {
                let place = values.iter().position(|known| known == value)?;
                Some(middle(place as u64, values.len() as u64))
            }
            Self::Range(range) => range.unit(value.as_f64()?),
        }
    }
}

impl Range {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating is right"
    )]
    fn num_values(&self) -> Option<u64> {
        let step = self.step?;
        let steps = match self.scale {
            Scale::Linear => (self.max - self.min) / step,
            Scale::Log => (self.max / self.min).ln() / step.ln(),
        };
        // What is a hair below a whole number of steps is that number.
        Some((steps + 1e-9).floor() as u64 + 1)
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of steps")]
    fn number(&self, place: u64) -> f64 {
        let step = self.step.unwrap_or(1.0);
        let number = match self.scale {
            Scale::Linear => self.min + step * place as f64,
            Scale::Log => self.min * step.powf(place as f64),
        };
        number.min(self.max)
    }

    /// Returns a number by its place between the ends; of whole numbers each has an equal share of its scale.
    fn between(&self, unit: f64) -> f64 {
        let margin = if self.is_whole { 0.5 } else { 0.0 };
        let (low, high) = (self.min - margin, self.max + margin);
        let number = match self.scale {
            Scale::Linear => low + unit * (high - low),
            Scale::Log => (low.ln() + unit * (high / low).ln()).exp(),
        };
        let number = if self.is_whole { number.round() } else { number };
        number.clamp(self.min, self.max)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, and not negative"
    )]
    fn unit(&self, number: f64) -> Option<f64> {
        if let (Some(count), Some(step)) = (self.num_values(), self.step) {
            let place = match self.scale {
                Scale::Linear => (number - self.min) / step,
                Scale::Log => (number / self.min).ln() / step.ln(),
            };
            return (place > -0.5).then(|| middle(place.round() as u64, count));
        }
        if self.min >= self.max {
            return Some(0.5);
        }
        Some(match self.scale {
            Scale::Linear => (number - self.min) / (self.max - self.min),
            Scale::Log => (number / self.min).ln() / (self.max / self.min).ln(),
        })
        .filter(|unit| unit.is_finite())
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
    fn json(&self, number: f64) -> Value {
        if self.is_whole { Value::from(number.round() as i64) } else { Value::from(number) }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of a count"
)]
fn place_of(unit: f64, count: u64) -> u64 {
    ((unit * count as f64) as u64).min(count - 1)
}

#[expect(clippy::cast_precision_loss, reason = "a share of a count")]
fn middle(place: u64, count: u64) -> f64 {
    (place.min(count - 1) as f64 + 0.5) / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn domain(text: &str) -> Result<Domain, String> {
        Domain::of(&toml::from_str(text).unwrap())
    }

    fn all(text: &str) -> Vec<Value> {
        let domain = domain(text).unwrap();
        (0..domain.num_values().unwrap()).map(|place| domain.value(place)).collect()
    }

    #[test]
    fn values_are_those_of_the_range() {
        assert_eq!(all("min = 2\nmax = 4"), [2, 3, 4]);
        assert_eq!(all("min = 2\nmax = 9\nstep = 3"), [2, 5, 8]);
        assert_eq!(all("min = 0.1\nmax = 0.3\nstep = 0.1").len(), 3);
        assert_eq!(all("min = 8\nmax = 70\nstep = 2\nscale = \"log\""), [8, 16, 32, 64]);
        assert_eq!(all("values = [[8, 4], \"x\", true]").len(), 3);
        let rates = domain("min = 0.0001\nmax = 0.01\nscale = \"log\"").unwrap();
        assert_eq!(rates.num_values(), None);
        let middle = rates.at(0.5).as_f64().unwrap();
        assert!((middle - 0.001).abs() < 1e-9, "{middle}");
        assert_eq!(domain("min = 1.0\nmax = 1.0").unwrap().at(0.7), 1.0);
    }

    #[test]
    fn what_is_no_domain_is_said() {
        for (text, expected) in [
            ("", "expected `values`, or `min` and `max`"),
            ("min = 1", "expected `values`, or `min` and `max`"),
            ("values = []", "no `values`, expected at least one"),
            ("values = [1, 2, 1]", "`values` has 1 twice"),
            ("values = [1]\nmin = 1", "`values` and a range, expected one of the two"),
            ("min = 3\nmax = 1", "from 3 to 1, expected numbers of which `max` is not less"),
            ("min = nan\nmax = 1", "from NaN to 1, expected numbers of which `max` is not less"),
            (
                "min = 0\nmax = 1\nscale = \"log\"",
                "from 0 with `scale = \"log\"`, expected a `min` above 0",
            ),
            ("min = 0\nmax = 1\nstep = 0", "`step` is 0, expected a number above 0"),
            (
                "min = 1\nmax = 9\nstep = 1\nscale = \"log\"",
                "`step` is 1, expected a number above 1",
            ),
            (
                "min = 1\nmax = 9\nstep = 1.5",
                "`step` is 1.5, expected a whole number, as the ends are",
            ),
        ] {
            assert_eq!(domain(text).unwrap_err(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_value_is_found_again_at_its_place(
            min in -50_i64..50, length in 0_i64..60, step in 1_i64..9, unit in 0.0_f64..1.0
        ) {
            let text = format!("min = {min}\nmax = {}\nstep = {step}", min + length);
            for text in [text, format!("min = 0.5\nmax = {}.5", length + 1)] {
                let domain = domain(&text).unwrap();
                let value = domain.at(unit);
                let again = domain.at(domain.unit(&value).unwrap());
                let (one, other) = (value.as_f64().unwrap(), again.as_f64().unwrap());
                prop_assert!((one - other).abs() < 1e-9, "{text}: {one} and {other}");
            }
        }
    }
}
