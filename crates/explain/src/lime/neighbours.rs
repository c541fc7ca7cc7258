//! The neighbours of an example: each feature drawn for itself from what the background says of it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::LimeOptions;
use crate::ExplainError;
use crate::random::Random;

/// A number is drawn this often from a normal distribution until it is within bounds.
const MAX_TRIES: usize = 1000;

/// What a feature's values are drawn from.
pub(super) enum Perturbed {
    /// The values of the background's rows.
    Category,
    /// Numbers in parts, the last of which has the missing ones.
    Parts { upper: Vec<f64>, parts: Vec<Part>, of_row: Vec<usize> },
    /// A normal distribution.
    Normal { mean: f64, std_dev: f64 },
}

/// The numbers of the background between two quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    min: f64,
    max: f64,
    mean: f64,
    std_dev: f64,
}

/// Neighbours of an example, which is the first of them.
pub(super) struct Neighbours {
    /// As the model reads them.
    pub(super) raw: RecordBatch,
    /// As the local model reads them: row by row, one number for each feature.
    pub(super) data: Vec<Vec<f64>>,
    /// What is true of the example, by feature.
    pub(super) conditions: Vec<String>,
}

impl Perturbed {
    pub(super) fn new(
        feature: &str,
        background: &RecordBatch,
        options: &LimeOptions,
    ) -> Result<Self, ExplainError> {
        let missing = || ExplainError::MissingFeature { feature: feature.to_owned() };
        let column = background.column_by_name(feature).ok_or_else(missing)?;
        if !column.data_type().is_numeric() || options.categorical.iter().any(|c| c == feature) {
            return Ok(Self::Category);
        }
        let numbers = numbers(column)?;
        let mut known: Vec<f64> = numbers.iter().copied().flatten().collect();
        if known.is_empty() {
            return Ok(Self::Category);
        }
        if !options.discretize {
            let (mean, std_dev) = moments(&known);
            return Ok(Self::Normal { mean, std_dev });
        }
        known.sort_by(f64::total_cmp);
        let mut upper: Vec<f64> = [0.25, 0.5, 0.75].map(|q| quantile(&known, q)).into();
        upper.dedup();
        let part_of = |number: f64| upper.partition_point(|bound| *bound < number);
        let parts = (0..=upper.len()).map(|part| {
            let min = if part == 0 { known[0] } else { upper[part - 1] };
            let max = upper.get(part).copied().unwrap_or(known[known.len() - 1]);
            let within: Vec<f64> = known.iter().copied().filter(|n| part_of(*n) == part).collect();
            let (mean, std_dev) = moments(&within);
            Part { min, max, mean, std_dev }
        });
        let parts = parts.collect();
        let of_row = numbers.iter().map(|number| number.map_or(upper.len() + 1, part_of)).collect();
        Ok(Self::Parts { upper, parts, of_row })
    }
}

/// Draws the neighbours of an example, the only row of `example`.
pub(super) fn neighbours(
    features: &[String],
    perturbed: &[Perturbed],
    background: &RecordBatch,
    example: &RecordBatch,
    options: &LimeOptions,
) -> Result<Neighbours, ExplainError> {
    let num = options.num_samples.max(2);
    let other = |source| ExplainError::OtherColumns { source };
    let mut data = vec![vec![0.0; features.len()]; num];
    let mut conditions = Vec::with_capacity(features.len());
    let mut columns: Vec<ArrayRef> = Vec::new();
    for field in background.schema().fields() {
        let missing = || ExplainError::MissingFeature { feature: field.name().clone() };
        let own = example.column_by_name(field.name()).ok_or_else(missing)?.slice(0, 1);
        let own = cast(&own, field.data_type()).map_err(other)?;
        let Some(place) = features.iter().position(|name| name == field.name()) else {
            columns.push(take(&own, &UInt64Array::from(vec![0; num]), None).map_err(other)?);
            continue;
        };
        let column = background.column_by_name(field.name()).ok_or_else(missing)?;
        // Each feature has numbers of its own, whichever others there are.
        let mut random = Random::new(options.seed.wrapping_add((place as u64 + 1) << 32));
        let mut feature = Feature { name: field.name(), column, own: &own, random: &mut random };
        let set = |row: usize, value: f64| data[row][place] = value;
        let (drawn, condition) = feature.draw(&perturbed[place], num, options, set)?;
        columns.push(drawn);
        conditions.push((place, condition));
    }
    conditions.sort_by_key(|(place, _)| *place);
    // What the background always has, the example may miss.
    let nullable = |field: &FieldRef| field.as_ref().clone().with_nullable(true);
    let fields: Vec<Field> = background.schema().fields().iter().map(nullable).collect();
    let raw = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(other)?;
    Ok(Neighbours { raw, data, conditions: conditions.into_iter().map(|(_, c)| c).collect() })
}

/// One feature of an example.
struct Feature<'a> {
    name: &'a str,
    /// The background's values.
    column: &'a ArrayRef,
    /// The example's.
    own: &'a ArrayRef,
    random: &'a mut Random,
}

impl Feature<'_> {
    /// Returns a column of the feature's values and what is true of the example; tells `set` the local model's.
    fn draw(
        &mut self,
        perturbed: &Perturbed,
        num: usize,
        options: &LimeOptions,
        mut set: impl FnMut(usize, f64),
    ) -> Result<(ArrayRef, String), ExplainError> {
        let own = if self.own.data_type().is_numeric() { numbers(self.own)?[0] } else { None };
        set(0, 1.0);
        let mut drawn = vec![own];
        match (perturbed, own) {
            (Perturbed::Parts { upper, parts, of_row }, _) => {
                let part_of = |number: f64| upper.partition_point(|bound| *bound < number);
                let own = own.map_or(parts.len(), part_of);
                for row in 1..num {
                    // A part comes as often as the background has it.
                    let part = of_row[self.random.below(of_row.len())];
                    set(row, f64::from(u8::from(part == own)));
                    drawn.push(parts.get(part).map(|part| self.within(*part)));
                }
                Ok((self.numbers(drawn)?, part_name(self.name, upper, own)))
            }
            (Perturbed::Normal { mean, std_dev }, Some(own)) => {
                let scale = if *std_dev > 0.0 { *std_dev } else { 1.0 };
                let center = if options.around_example { own } else { *mean };
                set(0, (own - mean) / scale);
                for row in 1..num {
                    let number = center + scale * self.random.normal();
                    set(row, (number - mean) / scale);
                    drawn.push(Some(number));
                }
                Ok((self.numbers(drawn)?, self.name.to_owned()))
            }
            _ => {
                let other = |source| ExplainError::OtherColumns { source };
                let all = concat(&[self.column.as_ref(), self.own.as_ref()]).map_err(other)?;
                let last = self.column.len();
                let value = self.own.to_data();
                let same: Vec<bool> =
                    (0..last).map(|row| self.column.slice(row, 1).to_data() == value).collect();
                let mut places = vec![last as u64];
                for row in 1..num {
                    let place = self.random.below(last);
                    set(row, f64::from(u8::from(same[place])));
                    places.push(place as u64);
                }
                let drawn = take(&all, &UInt64Array::from(places), None).map_err(other)?;
                Ok((drawn, self.is_own()?))
            }
        }
    }

    /// Draws from a normal distribution what is between two bounds.
    fn within(&mut self, part: Part) -> f64 {
        if part.std_dev > 0.0 {
            for _ in 0..MAX_TRIES {
                let number = part.mean + part.std_dev * self.random.normal();
                if (part.min..=part.max).contains(&number) {
                    return number;
                }
            }
        }
        part.mean.clamp(part.min, part.max)
    }

    /// Returns numbers as a column of the feature's type; whole ones are rounded to.
    fn numbers(&self, mut drawn: Vec<Option<f64>>) -> Result<ArrayRef, ExplainError> {
        if self.column.data_type().is_integer() {
            drawn.iter_mut().flatten().for_each(|number| *number = number.round());
        }
        let drawn: ArrayRef = Arc::new(Float64Array::from(drawn));
        let other = |source| ExplainError::OtherColumns { source };
        let drawn = cast(&drawn, self.column.data_type()).map_err(other)?;
        // The example's own value stays as it is, to the last digit.
        concat(&[self.own.as_ref(), drawn.slice(1, drawn.len() - 1).as_ref()]).map_err(other)
    }

    fn is_own(&self) -> Result<String, ExplainError> {
        if self.own.is_null(0) {
            return Ok(format!("{} is missing", self.name));
        }
        let options = FormatOptions::default();
        let shown = ArrayFormatter::try_new(self.own.as_ref(), &options)
            .map_err(|source| ExplainError::OtherColumns { source })?;
        Ok(format!("{} = {}", self.name, shown.value(0)))
    }
}

/// Returns the numbers of a column; nothing where one is missing or no number.
fn numbers(column: &ArrayRef) -> Result<Vec<Option<f64>>, ExplainError> {
    let column =
        cast(column, &DataType::Float64).map_err(|source| ExplainError::OtherColumns { source })?;
    let numbers = column.as_primitive::<Float64Type>().iter();
    Ok(numbers.map(|number| number.filter(|number| number.is_finite())).collect())
}

/// Returns mean and standard deviation; 0 of none.
fn moments(numbers: &[f64]) -> (f64, f64) {
    let num = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / num;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / num;
    (mean, variance.sqrt())
}

/// Returns a quantile of sorted numbers, between the two nearest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the numbers")]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

fn part_name(feature: &str, upper: &[f64], part: usize) -> String {
    let shown = |number: f64| {
        // Six digits, as many of them behind the point as there are.
        let behind = (5.0 - number.abs().max(1e-12).log10().floor()).clamp(0.0, 15.0);
        let scale = 10f64.powf(behind);
        ((number * scale).round() / scale).to_string()
    };
    match (part.checked_sub(1).and_then(|part| upper.get(part)), upper.get(part)) {
        (None, Some(to)) => format!("{feature} <= {}", shown(*to)),
        (Some(from), Some(to)) => format!("{} < {feature} <= {}", shown(*from), shown(*to)),
        (Some(from), None) => format!("{feature} > {}", shown(*from)),
        (None, None) => format!("{feature} is missing"),
    }
}
