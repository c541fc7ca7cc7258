//! Lists of numbers, made into one number, or counted as terms.

use graph::ListOp;

use super::{DOUBLE, INT, Lists, Lowering, Presence, Value, zero};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

/// The ids of lists that are terms.
pub(super) struct Terms {
    /// Each id once, ascending.
    pub(super) ids: Value,
    /// How often each occurs.
    counts: Tensor,
    /// The row of each.
    rows: Tensor,
}

impl Lowering<'_> {
    /// Returns how many values of each row are there.
    fn num_present(&mut self, a: &Value, rows: &Tensor) -> Tensor {
        let mask = self.mask(&a.present);
        let shape = self.writer.shape(rows);
        let mask = self.writer.cast(&mask, INT);
        let mask = self.writer.broadcast(&mask, &shape);
        let num_rows = self.num_rows();
        self.segments("UnsortedSegmentSum", &mask, rows, &num_rows)
    }

    /// Returns the sum of each list, or with [`ListOp::Mean`] the mean.
    pub(super) fn sum(&mut self, op: &ListOp, a: &Value, lists: &Lists) -> Value {
        let rows = self.rows_of(&lists.splits, &a.tensor);
        let values = match &a.present {
            Presence::Always => a.tensor.clone(),
            present => {
                let (mask, zero) = (self.mask(present), zero(self.writer, a.tensor.data_type()));
                self.writer.select(&mask, &a.tensor, &zero)
            }
        };
        let num_rows = self.num_rows();
        let sum = self.segments("UnsortedSegmentSum", &values, &rows, &num_rows);
        if matches!(op, ListOp::Sum) {
            return Value::one(sum, lists.present.clone());
        }
        let count = self.num_present(a, &rows);
        let zero = self.int(0);
        let is_some = self.writer.compare("Greater", &count, &zero);
        let count = self.writer.cast(&count, DOUBLE);
        let mean = self.writer.binary("RealDiv", &sum, &count);
        let present = self.both_present(&lists.present, &Presence::Where(is_some));
        Value::one(mean, present)
    }

    /// Returns the least or the greatest value of each list; NaN when one is.
    pub(super) fn extreme(&mut self, a: &Value, lists: &Lists, op: &str) -> Value {
        let a = self.without_missing(a, lists);
        let Some(kept) = a.lists.clone() else { unreachable!("{}", super::CHECKED) };
        let rows = self.rows_of(&kept.splits, &a.tensor);
        let num_rows = self.num_rows();
        let count = self.num_present(&a, &rows);
        let none = self.int(0);
        let is_some = self.writer.compare("Greater", &count, &none);
        let present = self.both_present(&lists.present, &Presence::Where(is_some.clone()));
        if a.tensor.data_type() == INT {
            let extreme = self.segments(op, &a.tensor, &rows, &num_rows);
            return Value::one(extreme, present);
        }

        // TensorFlow does not say what is least of NaN, and takes no number to be beyond the finite ones. Integers that
        // are ordered as the numbers are have neither.
        let is_nan = self.is_nan(&a.tensor);
        let (zero, nan) = (self.double(0.0), self.double(f64::NAN));
        let numbers = self.writer.select(&is_nan, &zero, &a.tensor);
        let is_zero = self.writer.compare("Equal", &numbers, &zero);
        let plain = self.writer.select(&is_zero, &zero, &numbers);
        let bits = self.writer.node("Bitcast").input(&plain).data_type("T", DOUBLE);
        let bits = bits.data_type("type", INT).output(INT);
        let all_but_sign = self.int(i64::MAX);
        let is_below = self.writer.compare("Less", &bits, &none);
        let reversed = self.writer.binary("BitwiseXor", &bits, &all_but_sign);
        let keys = self.writer.select(&is_below, &reversed, &bits);
        let extreme = self.segments(op, &keys, &rows, &num_rows);
        let is_nan = self.writer.cast(&is_nan, INT);
        let num_nan = self.segments("UnsortedSegmentSum", &is_nan, &rows, &num_rows);
        let has_nan = self.writer.compare("Greater", &num_nan, &none);

        // Of two zeros the last one counts.
        let beside = self.writer.gather(&extreme, &rows);
        let is_extreme = self.writer.compare("Equal", &keys, &beside);
        let num_values = self.writer.size(&numbers);
        let places = self.writer.range(&num_values);
        let places = self.writer.select(&is_extreme, &places, &none);
        let last = self.segments("UnsortedSegmentMax", &places, &rows, &num_rows);
        let last = self.writer.select(&is_some, &last, &num_values);
        let end = self.writer.flat(&zero);
        let numbers = self.writer.concat(&[&numbers, &end]);
        let extreme = self.writer.gather(&numbers, &last);
        Value::one(self.writer.select(&has_nan, &nan, &extreme), present)
    }

    /// Counts the ids of each list that are from 0 to below `size`.
    pub(super) fn terms(&mut self, a: &Value, lists: &Lists, size: i64) -> Terms {
        let (zero, size) = (self.int(0), self.int(size));
        let is_above = self.writer.compare("GreaterEqual", &a.tensor, &zero);
        let is_below = self.writer.compare("Less", &a.tensor, &size);
        let is_term = self.writer.and(&is_above, &is_below);
        let mask = self.mask(&a.present);
        let is_term = self.writer.and(&is_term, &mask);
        let kept = self.filter(a, lists, &is_term);
        let Some(kept_lists) = kept.lists.clone() else { unreachable!("{}", super::CHECKED) };
        let rows = self.rows_of(&kept_lists.splits, &kept.tensor);
        let keys = self.writer.binary("Mul", &rows, &size);
        let keys = self.writer.binary("AddV2", &keys, &kept.tensor);
        let order = self.ascending(&keys);
        let keys = self.writer.gather(&keys, &order);
        let node = self.writer.node("UniqueWithCounts").input(&keys).data_type("T", INT);
        let unique = node.data_type("out_idx", INT).outputs(&[INT, INT, INT]);
        // A size of 0 leaves nothing to divide.
        let one = self.int(1);
        let divisor = self.writer.binary("Maximum", &size, &one);
        let rows = self.writer.binary("FloorDiv", &unique[0], &divisor);
        let ids = self.writer.binary("FloorMod", &unique[0], &divisor);
        let splits = self.splits_of_rows(&rows);
        let lists = Some(Lists { splits, present: lists.present.clone() });
        let ids = Value { tensor: ids, present: Presence::Always, lists };
        Terms { ids, counts: unique[2].clone(), rows }
    }

    /// Returns how often each term of a list occurs among all of them, times its weight.
    pub(super) fn term_weights(&mut self, a: &Value, lists: &Lists, weights: &[f64]) -> Value {
        let terms = self.terms(a, lists, tensor::len(weights));
        let num_rows = self.num_rows();
        let totals = self.segments("UnsortedSegmentSum", &terms.counts, &terms.rows, &num_rows);
        let total = self.writer.gather(&totals, &terms.rows);
        let [count, total] = [&terms.counts, &total].map(|number| self.writer.cast(number, DOUBLE));
        let share = self.writer.binary("RealDiv", &count, &total);
        let weights = match weights {
            [] => self.writer.constant(tensor::doubles(&[1], &[0.0])),
            weights => self.writer.constant(tensor::doubles(&[tensor::len(weights)], weights)),
        };
        let weight = self.writer.gather(&weights, &terms.ids.tensor);
        Value { tensor: self.writer.binary("Mul", &share, &weight), ..terms.ids }
    }
}
