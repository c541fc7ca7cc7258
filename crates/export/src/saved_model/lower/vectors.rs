//! Lists of a fixed length, and what is made into them.

use graph::{Literal, Matrix};

use super::{DOUBLE, INT, Lists, Lowering, Presence, Value};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    /// Returns where values begin that are so many in each row, but none where it is missing.
    fn fixed(&mut self, length: i64, present: &Presence) -> Tensor {
        let length = self.int(length);
        let lengths = match present {
            Presence::Always => length,
            present => {
                let (mask, zero) = (self.mask(present), self.int(0));
                self.writer.select(&mask, &length, &zero)
            }
        };
        self.writer.broadcast(&lengths, self.shape)
    }

    pub(super) fn pad(&mut self, a: &Value, lists: &Lists, length: u32, value: &Literal) -> Value {
        let (starts, lengths) = self.bounds(lists);
        let wanted = self.fixed(length.into(), &lists.present);
        let first = self.writer.unary("ZerosLike", &wanted);
        let (nth, splits) = self.ranges(&first, &wanted);
        let rows = self.rows_of(&splits, &nth);
        let start = self.writer.gather(&starts, &rows);
        let num_there = self.writer.gather(&lengths, &rows);
        let is_there = self.writer.compare("Less", &nth, &num_there);
        let at = self.writer.binary("AddV2", &start, &nth);
        // The constant is one more value, behind all others.
        let end = self.writer.size(&a.tensor);
        let at = self.writer.select(&is_there, &at, &end);
        let one = self.constant_list(value);
        let all = self.joined(a, &one);
        let picked = self.pick(&all, &at);
        Value { lists: Some(Lists { splits, present: lists.present.clone() }), ..picked }
    }

    pub(super) fn make(&mut self, operands: &[Value]) -> Value {
        let operands: Vec<Value> = operands.iter().map(|operand| self.spread(operand)).collect();
        let tensors: Vec<Tensor> = operands.iter().map(|operand| operand.tensor.clone()).collect();
        let tensor = self.beside(&tensors);
        let is_whole = operands.iter().all(|o| matches!(o.present, Presence::Always));
        let present = if is_whole {
            Presence::Always
        } else {
            let masks: Vec<Tensor> = operands
                .iter()
                .map(|operand| {
                    let mask = self.mask(&operand.present);
                    self.writer.broadcast(&mask, self.shape)
                })
                .collect();
            Presence::Where(self.beside(&masks))
        };
        let lengths = self.fixed(tensor::len(&operands), &Presence::Always);
        let splits = self.splits(&lengths);
        Value { tensor, present, lists: Some(Lists { splits, present: Presence::Always }) }
    }

    /// Returns the elements of columns, row after row.
    fn beside(&mut self, columns: &[Tensor]) -> Tensor {
        let data_type = columns[0].data_type();
        let mut node = self.writer.node("Pack").int("N", tensor::len(columns)).int("axis", 1);
        for column in columns {
            node = node.input(column);
        }
        let rows = node.data_type("T", data_type).output(data_type);
        self.writer.flat(&rows)
    }

    /// Returns vectors out of as many values for each row, those of missing rows among them, which go.
    fn vectors(&mut self, values: &Tensor, length: i64, present: &Presence) -> Value {
        let lengths = self.fixed(length, &Presence::Always);
        let splits = self.splits(&lengths);
        let lists = Lists { splits, present: Presence::Always };
        let tensor = self.writer.flat(values);
        let all = Value { tensor, present: Presence::Always, lists: Some(lists.clone()) };
        match self.spread_present(present) {
            Presence::Where(mask) => self.keep_rows(&all, &lists, &mask),
            _ => all,
        }
    }

    pub(super) fn one_hot(&mut self, a: &Value, depth: u32) -> Value {
        let ids = self.spread(a);
        let depth_of =
            self.writer.constant(tensor::int32(i32::try_from(depth).unwrap_or(i32::MAX)));
        let (on, off) = (self.double(1.0), self.double(0.0));
        let node = self.writer.node("OneHot").input(&ids.tensor).input(&depth_of);
        let node = node.input(&on).input(&off).int("axis", -1).data_type("T", DOUBLE);
        let values = node.data_type("TI", INT).output(DOUBLE);
        self.vectors(&values, depth.into(), &ids.present)
    }

    pub(super) fn multi_hot(&mut self, a: &Value, lists: &Lists, depth: u32) -> Value {
        let terms = self.terms(a, lists, depth.into());
        let Some(term_lists) = &terms.ids.lists else { unreachable!("{}", super::CHECKED) };
        let rows = self.rows_of(&term_lists.splits, &terms.ids.tensor);
        let (num_rows, depth_of) = (self.num_rows(), self.int(depth.into()));
        let size = self.writer.binary("Mul", &num_rows, &depth_of);
        let at = self.writer.binary("Mul", &rows, &depth_of);
        let at = self.writer.binary("AddV2", &at, &terms.ids.tensor);
        let one = self.double(1.0);
        let shape = self.writer.shape(&at);
        let ones = self.writer.broadcast(&one, &shape);
        let values = self.segments("UnsortedSegmentSum", &ones, &at, &size);
        self.vectors(&values, depth.into(), &lists.present)
    }

    pub(super) fn multiply(&mut self, a: &Value, lists: &Lists, matrix: &Matrix) -> Value {
        let (num_rows, num_columns) =
            (i64::from(matrix.num_rows()), i64::from(matrix.num_columns()));
        // A missing value makes its row missing.
        let mut present = lists.present.clone();
        let mut vectors = a.clone();
        if let Presence::Where(mask) = &a.present {
            let rows = self.rows_of(&lists.splits, &a.tensor);
            let is_missing = self.writer.not(mask);
            let is_missing = self.writer.cast(&is_missing, INT);
            let all_rows = self.num_rows();
            let num_missing = self.segments("UnsortedSegmentSum", &is_missing, &rows, &all_rows);
            let zero = self.int(0);
            let is_whole = self.writer.compare("Equal", &num_missing, &zero);
            vectors = self.keep_rows(a, lists, &is_whole);
            present = self.both_present(&present, &Presence::Where(is_whole));
        }
        let shape = self.writer.constant(tensor::ints(&[-1, num_rows]));
        let rows = self.writer.reshape(&vectors.tensor, &shape);
        let factors = tensor::doubles(&[num_rows, num_columns], matrix.values());
        let factors = self.writer.constant(factors);
        let factors = self.writer.opaque(&factors);
        let node = self.writer.node("MatMul").input(&rows).input(&factors).data_type("T", DOUBLE);
        let product = node.output(DOUBLE);
        let tensor = self.writer.flat(&product);
        let present = self.spread_present(&present);
        let lengths = self.fixed(num_columns, &present);
        let splits = self.splits(&lengths);
        Value { tensor, present: Presence::Always, lists: Some(Lists { splits, present }) }
    }
}
