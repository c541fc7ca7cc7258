//! More functions of numbers, and what is looked up by the place of a key.

use std::f64::consts::E;

use formats::tensorflow::DataType;
use graph::{FloatOp, IntOp, KeyedBoundaries, Literal, Table, ValueType};

use super::{BOOL, DOUBLE, INT, Lowering, Presence};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    pub(super) fn is_of_kind(&mut self, op: &str, a: &Tensor) -> Tensor {
        self.writer.node(op).input(a).data_type("T", DOUBLE).output(BOOL)
    }

    pub(super) fn float(&mut self, op: FloatOp, a: &Tensor) -> Tensor {
        let name = match op {
            FloatOp::Tan => "Tan",
            FloatOp::Asin => "Asin",
            FloatOp::Acos => "Acos",
            FloatOp::Atan => "Atan",
            FloatOp::Sinh => "Sinh",
            FloatOp::Cosh => "Cosh",
            FloatOp::Asinh => "Asinh",
            FloatOp::Acosh => "Acosh",
            FloatOp::Atanh => "Atanh",
            FloatOp::Log1p => "Log1p",
            FloatOp::Expm1 => "Expm1",
            FloatOp::Cbrt => return self.cube_root(a),
            FloatOp::Trunc => {
                let zero = self.double(0.0);
                let is_below = self.writer.compare("Less", a, &zero);
                let (up, down) = (self.writer.unary("Ceil", a), self.writer.unary("Floor", a));
                return self.writer.select(&is_below, &up, &down);
            }
        };
        self.writer.unary(name, a)
    }

    /// Returns the cube root; whole ones are whole.
    fn cube_root(&mut self, a: &Tensor) -> Tensor {
        let (zero, third) = (self.double(0.0), self.double(1.0 / 3.0));
        let third = self.writer.opaque(&third);
        let size = self.writer.unary("Abs", a);
        let root = self.writer.binary("Pow", &size, &third);
        let whole = self.writer.unary("Rint", &root);
        let square = self.writer.binary("Mul", &whole, &whole);
        let cube = self.writer.binary("Mul", &square, &whole);
        let is_cube = self.writer.compare("Equal", &cube, &size);
        let root = self.writer.select(&is_cube, &whole, &root);
        let negative = self.writer.unary("Neg", &root);
        let is_below = self.writer.compare("Less", a, &zero);
        let root = self.writer.select(&is_below, &negative, &root);
        // A zero keeps its sign.
        let is_zero = self.writer.compare("Equal", a, &zero);
        self.writer.select(&is_zero, a, &root)
    }

    /// Returns Lambert's W by the same steps as the evaluator.
    pub(super) fn lambert_w(&mut self, x: &Tensor) -> Tensor {
        let slope = (E - 1.0) / (E * E - 1.0);
        let (zero, infinity, nan) =
            (self.double(0.0), self.double(f64::INFINITY), self.double(f64::NAN));
        let (one, first, second) = (self.double(1.0), self.double(1.0 / E), self.double(E));
        let (slope, offset) = (self.double(slope), self.double((1.0 - slope) / E));
        let [one, slope, offset] = [one, slope, offset].map(|number| self.writer.opaque(&number));

        let line = self.writer.binary("Mul", &slope, x);
        let line = self.writer.binary("AddV2", &line, &offset);
        let log = self.writer.unary("Log", x);
        let inverse = self.writer.binary("RealDiv", &one, &log);
        let factor = self.writer.binary("Sub", &inverse, &one);
        let log_log = self.writer.unary("Log", &log);
        let more = self.writer.binary("Mul", &factor, &log_log);
        let beyond = self.writer.binary("AddV2", &log, &more);
        let is_small = self.writer.compare("Less", x, &first);
        let is_middle = self.writer.compare("Less", x, &second);
        let w = self.writer.select(&is_middle, &line, &beyond);
        let mut w = self.writer.select(&is_small, x, &w);
        for _ in 0..8 {
            w = self.writer.opaque(&w);
            let exp = self.writer.unary("Exp", &w);
            let product = self.writer.binary("Mul", &w, &exp);
            let above = self.writer.binary("Sub", &product, x);
            let below = self.writer.binary("AddV2", &exp, &product);
            let step = self.writer.binary("RealDiv", &above, &below);
            w = self.writer.binary("Sub", &w, &step);
        }
        let is_above = self.writer.compare("GreaterEqual", x, &zero);
        let is_below = self.writer.compare("Less", x, &infinity);
        let is_within = self.writer.and(&is_above, &is_below);
        self.writer.select(&is_within, &w, &nan)
    }

    /// Returns an operation of two integers, and which results there are.
    pub(super) fn int_op(&mut self, op: IntOp, a: &Tensor, b: &Tensor) -> (Tensor, Presence) {
        let (zero, one, minus_one) = (self.int(0), self.int(1), self.int(-1));
        let name = match op {
            IntOp::BitAnd => "BitwiseAnd",
            IntOp::BitOr => "BitwiseOr",
            IntOp::BitXor => "BitwiseXor",
            IntOp::Quotient => {
                let is_good = self.writer.compare("NotEqual", b, &zero);
                let is_minus_one = self.writer.compare("Equal", b, &minus_one);
                let safe = self.writer.select(&is_good, b, &one);
                let safe = self.writer.select(&is_minus_one, &one, &safe);
                let quotient = self.writer.binary("TruncateDiv", a, &safe);
                let negative = self.writer.unary("Neg", a);
                let quotient = self.writer.select(&is_minus_one, &negative, &quotient);
                return (quotient, Presence::Where(is_good));
            }
            IntOp::ShiftLeft | IntOp::ShiftRight => {
                let limit = self.int(64);
                let is_above = self.writer.compare("GreaterEqual", b, &zero);
                let is_below = self.writer.compare("Less", b, &limit);
                let is_good = self.writer.and(&is_above, &is_below);
                let safe = self.writer.select(&is_good, b, &zero);
                let name = if op == IntOp::ShiftLeft { "LeftShift" } else { "RightShift" };
                return (self.writer.binary(name, a, &safe), Presence::Where(is_good));
            }
        };
        (self.writer.binary(name, a, b), Presence::Always)
    }

    /// Returns the place of each key, or one behind them all where there is none, and whether there is.
    fn key_place(&mut self, places: &Tensor, num_keys: usize) -> (Tensor, Tensor) {
        let end = self.int(i64::try_from(num_keys).expect("memory is smaller"));
        let zero = self.int(0);
        let is_above = self.writer.compare("GreaterEqual", places, &zero);
        let is_below = self.writer.compare("Less", places, &end);
        let is_known = self.writer.and(&is_above, &is_below);
        (self.writer.select(&is_known, places, &end), is_known)
    }

    /// Returns the constant at each place, the default behind them all.
    pub(super) fn table(&mut self, places: &Tensor, table: &Table) -> (Tensor, Presence) {
        let mut values: Vec<Literal> = table.values().collect();
        let num_values = values.len();
        values.push(table.default_value());
        let (at, _) = self.key_place(places, num_values);
        let float = |literal: &Literal| match literal {
            Literal::Float(value) => *value,
            _ => 0.0,
        };
        let int = |literal: &Literal| match literal {
            Literal::Int(value) => *value,
            _ => 0,
        };
        let constants = match table.value_type() {
            ValueType::Int => tensor::ints(&values.iter().map(int).collect::<Vec<_>>()),
            ValueType::Float => {
                let floats: Vec<f64> = values.iter().map(float).collect();
                tensor::doubles(&[tensor::len(&floats)], &floats)
            }
            _ => {
                let is_true = |literal: &Literal| matches!(literal, Literal::Bool(true));
                tensor::bools(&values.iter().map(is_true).collect::<Vec<_>>())
            }
        };
        let constants = self.writer.constant(constants);
        let found = self.writer.gather(&constants, &at);
        let is_there = |literal: &Literal| !matches!(literal, Literal::Null(_));
        if values.iter().all(is_there) {
            return (found, Presence::Always);
        }
        let mask = tensor::bools(&values.iter().map(is_there).collect::<Vec<_>>());
        let mask = self.writer.constant(mask);
        let mask = self.writer.gather(&mask, &at);
        (found, Presence::Where(mask))
    }

    /// Returns how many boundaries of its key are at most each value, -1 where there is no such key.
    pub(super) fn bucketize_per_key(
        &mut self,
        a: &Tensor,
        places: &Tensor,
        boundaries: &KeyedBoundaries,
    ) -> Tensor {
        // Nothing is below the boundaries that fill up a row, NaN included: they do not count as above.
        let most = boundaries.most().max(1);
        let num_keys = boundaries.keys().len();
        let mut rows = Vec::with_capacity((num_keys + 1) * most);
        let mut counts = Vec::with_capacity(num_keys + 1);
        for key in boundaries.keys() {
            let values = key.values();
            rows.extend_from_slice(values);
            rows.extend(std::iter::repeat_n(f64::NEG_INFINITY, most - values.len()));
            counts.push(tensor::len(values));
        }
        rows.extend(std::iter::repeat_n(f64::NEG_INFINITY, most));
        counts.push(-1);
        let most = i64::try_from(most).expect("memory is smaller");
        let rows = self.writer.constant(tensor::doubles(&[tensor::len(&counts), most], &rows));
        let counts = self.writer.constant(tensor::ints(&counts));
        let (at, _) = self.key_place(places, num_keys);
        let row = self.writer.gather(&rows, &at);
        let count = self.writer.gather(&counts, &at);
        let last = self.writer.constant(tensor::int32(-1));
        let column = self.writer.node("ExpandDims").input(a).input(&last);
        let column = column.data_type("T", DOUBLE).data_type("Tdim", DataType::DtInt32);
        let column = column.output(DOUBLE);
        let is_above = self.writer.compare("Less", &column, &row);
        let is_above = self.writer.cast(&is_above, INT);
        let num_above = self.writer.node("Sum").input(&is_above).input(&last);
        let num_above = num_above.data_type("T", INT).data_type("Tidx", DataType::DtInt32);
        let num_above = num_above.output(INT);
        self.writer.binary("Sub", &count, &num_above)
    }
}
