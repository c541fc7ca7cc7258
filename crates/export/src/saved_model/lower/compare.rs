//! Comparisons.

use graph::{Literal, Literals, Op, ValueType};

use super::{BOOL, CHECKED, INT, Lowering, STRING};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    /// Compares two values of one type.
    pub(super) fn compare(
        &mut self,
        op: &Op,
        value_type: ValueType,
        a: &Tensor,
        b: &Tensor,
    ) -> Tensor {
        match (op, value_type) {
            (Op::Equal, _) => self.writer.compare("Equal", a, b),
            (Op::NotEqual, _) => self.writer.compare("NotEqual", a, b),
            (_, ValueType::Int | ValueType::Float) => {
                let holds = self.writer.compare(ordering(op), a, b);
                match value_type {
                    // The opposite of "less" is not "greater or equal" when one is NaN, which the optimizer must
                    // not think.
                    ValueType::Float => self.writer.opaque(&holds),
                    _ => holds,
                }
            }
            (_, ValueType::Bool) => {
                let (not_a, not_b) = (self.writer.not(a), self.writer.not(b));
                match op {
                    Op::Less => self.writer.and(&not_a, b),
                    Op::LessOrEqual => self.writer.or(&not_a, b),
                    Op::Greater => self.writer.and(a, &not_b),
                    _ => self.writer.or(a, &not_b),
                }
            }
            (_, ValueType::String) => {
                let order = self.order(a, b);
                let zero = self.int(0);
                self.writer.compare(ordering(op), &order, &zero)
            }
        }
    }

    /// Returns a number below, above or equal to 0 as the text `a` comes before, after, or is the text `b`.
    ///
    /// TensorFlow does not order texts. Their characters are, in the order of their bytes: the first that differ
    /// decide, or else the lengths do. What this takes grows with the characters of all rows together.
    fn order(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        // Both in the shape of the rows, flat.
        let both = self.writer.node("StringJoin").input(a).input(b).int("N", 2).output(STRING);
        let shape = self.writer.shape(&both);
        let [a, b] = [a, b].map(|texts| {
            let rows = self.writer.broadcast(texts, &shape);
            self.characters(&rows)
        });

        // The characters of the shorter one, each beside that of the longer one.
        let length = self.writer.binary("Minimum", &a.lengths, &b.lengths);
        let (zero, one) = (self.int(0), self.int(1));
        let range = self.writer.node("RaggedRange").input(&zero).input(&length).input(&one);
        let range = range.data_type("T", INT).data_type("Tsplits", INT).outputs(&[INT, INT]);
        let rows = self.rows_of(&range[0], &range[1]);
        let [code_a, code_b] = [&a, &b].map(|text| {
            let start = self.writer.gather(&text.starts, &rows);
            let at = self.writer.binary("AddV2", &start, &range[1]);
            self.writer.gather(&text.codes, &at)
        });
        let difference = self.writer.binary("Sub", &code_a, &code_b);
        let is_same = self.writer.compare("Equal", &difference, &zero);

        // The first place where they differ, or none.
        let none = self.int(i64::MAX);
        let place = self.writer.select(&is_same, &none, &range[1]);
        let num_rows = self.writer.size(&length);
        let first = self.segments("UnsortedSegmentMin", &place, &rows, &num_rows);
        let is_none = self.writer.compare("Equal", &first, &none);
        let first = self.writer.select(&is_none, &zero, &first);
        let [code_a, code_b] = [&a, &b].map(|text| {
            let at = self.writer.binary("AddV2", &text.starts, &first);
            // A row without characters starts where the next one does, and the last one behind them all.
            self.writer.gather(&text.codes, &at)
        });
        let by_code = self.writer.binary("Sub", &code_a, &code_b);
        let by_length = self.writer.binary("Sub", &a.lengths, &b.lengths);
        let order = self.writer.select(&is_none, &by_length, &by_code);
        self.writer.reshape(&order, &shape)
    }

    /// Tells of each value whether it is one of some constants.
    pub(super) fn is_in(&mut self, a: &Tensor, literals: &Literals) -> Tensor {
        let literals = literals.values();
        let constants = match &literals[0] {
            Literal::Int(_) => tensor::ints(&all(literals, |literal| match literal {
                Literal::Int(value) => Some(*value),
                _ => None,
            })),
            Literal::Float(_) => {
                let values = all(literals, |literal| match literal {
                    Literal::Float(value) => Some(*value),
                    _ => None,
                });
                tensor::doubles(&[tensor::len(&values)], &values)
            }
            Literal::String(_) => tensor::texts(&all(literals, |literal| match literal {
                Literal::String(value) => Some(value.as_str()),
                _ => None,
            })),
            Literal::Bool(_) => tensor::bools(&all(literals, |literal| match literal {
                Literal::Bool(value) => Some(*value),
                _ => None,
            })),
            Literal::Null(_) => unreachable!("{CHECKED}"),
        };
        let constants = self.writer.constant(constants);
        let last = self.writer.constant(tensor::int32(-1));
        let column = self.writer.node("ExpandDims").input(a).input(&last);
        let column = column.data_type("T", a.data_type()).data_type("Tdim", last.data_type());
        let column = column.output(a.data_type());
        let is_one = self.writer.compare("Equal", &column, &constants);
        let any = self.writer.node("Any").input(&is_one).input(&last);
        any.data_type("Tidx", last.data_type()).output(BOOL)
    }
}

fn all<'a, V>(literals: &'a [Literal], value: impl Fn(&'a Literal) -> Option<V>) -> Vec<V> {
    literals.iter().filter_map(value).collect()
}

fn ordering(op: &Op) -> &'static str {
    match op {
        Op::Less => "Less",
        Op::LessOrEqual => "LessEqual",
        Op::Greater => "Greater",
        Op::GreaterOrEqual => "GreaterEqual",
        _ => unreachable!("{CHECKED}"),
    }
}
