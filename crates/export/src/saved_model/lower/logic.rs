//! Three-valued logic, and choosing between values.

use super::{Lowering, Presence, Value};
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    /// Returns `a AND b`: false when one is false, even if the other is missing.
    pub(super) fn logical_and(&mut self, a: &Value, b: &Value) -> Value {
        let (true_a, true_b) = (self.is_true(a), self.is_true(b));
        let tensor = self.writer.and(&true_a, &true_b);
        let (not_a, not_b) = (self.writer.not(&a.tensor), self.writer.not(&b.tensor));
        let (false_a, false_b) = (self.where_present(a, &not_a), self.where_present(b, &not_b));
        let is_false = self.writer.or(&false_a, &false_b);
        self.known(a, b, tensor, &is_false)
    }

    /// Returns `a OR b`: true when one is true, even if the other is missing.
    pub(super) fn logical_or(&mut self, a: &Value, b: &Value) -> Value {
        let (true_a, true_b) = (self.is_true(a), self.is_true(b));
        let tensor = self.writer.or(&true_a, &true_b);
        let is_true = tensor.clone();
        self.known(a, b, tensor, &is_true)
    }

    /// Returns a result that is there where both operands are or one alone decides.
    fn known(&mut self, a: &Value, b: &Value, tensor: Tensor, decided: &Tensor) -> Value {
        let present = match self.both_present(&a.present, &b.present) {
            Presence::Always => Presence::Always,
            Presence::Never => Presence::Where(decided.clone()),
            Presence::Where(both) => Presence::Where(self.writer.or(&both, decided)),
        };
        Value::one(tensor, present)
    }

    /// Returns whether each value is there and true.
    pub(super) fn is_true(&mut self, a: &Value) -> Tensor {
        let tensor = a.tensor.clone();
        self.where_present(a, &tensor)
    }

    fn where_present(&mut self, a: &Value, holds: &Tensor) -> Tensor {
        match &a.present {
            Presence::Always => holds.clone(),
            present => {
                let mask = self.mask(present);
                self.writer.and(&mask, holds)
            }
        }
    }

    /// Tells of each row whether it is missing.
    pub(super) fn is_null(&mut self, a: &Value) -> Value {
        let present = a.lists.as_ref().map_or(&a.present, |lists| &lists.present);
        let mask = self.mask(present);
        Value::always(self.writer.not(&mask))
    }

    /// Returns `a` where a condition is true, else `b`.
    pub(super) fn choose(&mut self, condition: &Value, a: &Value, b: &Value) -> Value {
        let is_first = self.is_true(condition);
        let tensor = self.writer.select(&is_first, &a.tensor, &b.tensor);
        let present = match (&a.present, &b.present) {
            (Presence::Always, Presence::Always) => Presence::Always,
            (Presence::Never, Presence::Never) => Presence::Never,
            (a, b) => {
                let (a, b) = (self.mask(a), self.mask(b));
                Presence::Where(self.writer.select(&is_first, &a, &b))
            }
        };
        Value::one(tensor, present)
    }

    /// Returns `a`, or `b` where `a` is missing.
    pub(super) fn coalesce(&mut self, a: &Value, b: &Value) -> Value {
        let is_first = match &a.present {
            Presence::Always => return a.clone(),
            Presence::Never => return b.clone(),
            Presence::Where(mask) => mask.clone(),
        };
        let tensor = self.writer.select(&is_first, &a.tensor, &b.tensor);
        let present = match &b.present {
            Presence::Always => Presence::Always,
            Presence::Never => Presence::Where(is_first),
            Presence::Where(mask) => Presence::Where(self.writer.or(&is_first, mask)),
        };
        Value::one(tensor, present)
    }
}
