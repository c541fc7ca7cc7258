//! Operations of whole lists.

use graph::{ListOp, Literal, Node, ValueType};

use super::{BOOL, DOUBLE, INT, Lists, Lowering, Presence, STRING, Value, zero};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

/// Places beyond this are behind the end of any list; it keeps sums of them in 64 bits.
const FAR: i64 = 1 << 40;

impl Lowering<'_> {
    /// Returns an operation of lists.
    pub(super) fn of_lists(
        &mut self,
        op: &ListOp,
        node: &Node,
        types: &[ValueType],
        operands: &[Value],
    ) -> Value {
        let a = &operands[0];
        let lists = a.lists.clone();
        let mut value = match (op, &lists) {
            (ListOp::Make, _) => self.make(operands),
            (ListOp::OneHot { depth }, _) => self.one_hot(a, *depth),
            (ListOp::Split { separator }, _) => self.split(a, separator),
            (ListOp::Cross { separator }, _) => self.cross(a, &operands[1], separator),
            // A missing constant stands for no list.
            (_, None) => unreachable!("{}", super::CHECKED),
            (ListOp::Length, Some(lists)) => {
                let (_, lengths) = self.bounds(lists);
                Value::one(lengths, lists.present.clone())
            }
            (ListOp::Get { place }, Some(lists)) => self.get(a, lists, *place),
            (ListOp::Slice { start, length }, Some(lists)) => {
                self.slice_lists(a, lists, *start, *length)
            }
            (ListOp::Pad { length, value }, Some(lists)) => self.pad(a, lists, *length, value),
            (ListOp::Sum | ListOp::Mean, Some(lists)) => self.sum(op, a, lists),
            (ListOp::Least, Some(lists)) => self.extreme(a, lists, "UnsortedSegmentMin"),
            (ListOp::Greatest, Some(lists)) => self.extreme(a, lists, "UnsortedSegmentMax"),
            (ListOp::Contains, Some(lists)) => self.list_contains(a, lists, &operands[1]),
            (ListOp::Distinct, Some(lists)) => self.distinct(a, lists, types[0]),
            (ListOp::Sort, Some(lists)) => self.sort(a, lists, types[0]),
            (ListOp::Append, Some(lists)) => self.append(a, lists, &operands[1]),
            (ListOp::Join { separator }, Some(lists)) => self.join(a, lists, separator),
            (ListOp::NGrams { least, most, separator }, Some(lists)) => {
                self.ngrams(a, lists, (*least, *most), separator)
            }
            (ListOp::MultiHot { depth }, Some(lists)) => self.multi_hot(a, lists, *depth),
            (ListOp::TermIds { size }, Some(lists)) => {
                let terms = self.terms(a, lists, i64::from(*size));
                terms.ids
            }
            (ListOp::TermWeights { weights }, Some(lists)) => {
                self.term_weights(a, lists, &weights.0)
            }
            (ListOp::Multiply(matrix), Some(lists)) => self.multiply(a, lists, matrix),
            (_, Some(_)) => unreachable!("{}", super::CHECKED),
        };
        if node.value_type == ValueType::Float {
            value.tensor = self.writer.opaque(&value.tensor);
        }
        value
    }

    /// Returns the value at a place of each list.
    fn get(&mut self, a: &Value, lists: &Lists, place: i64) -> Value {
        let (starts, lengths) = self.bounds(lists);
        let zero_place = self.int(0);
        let place = match place {
            1.. => self.int((place - 1).min(FAR)),
            _ => {
                let from_end = self.int(place.max(-FAR));
                self.writer.binary("AddV2", &lengths, &from_end)
            }
        };
        let is_behind = self.writer.compare("GreaterEqual", &place, &zero_place);
        let is_before = self.writer.compare("Less", &place, &lengths);
        let is_there = self.writer.and(&is_behind, &is_before);
        let at = self.writer.binary("AddV2", &starts, &place);
        let at = self.writer.select(&is_there, &at, &zero_place);
        // There may be no value at all.
        let zero = zero(self.writer, a.tensor.data_type());
        let end = self.writer.flat(&zero);
        let all = self.joined(a, &Value::one(end, Presence::Always));
        let picked = self.pick(&all, &at);
        let present = self.both_present(&picked.present, &Presence::Where(is_there));
        Value::one(picked.tensor, present)
    }

    fn slice_lists(&mut self, a: &Value, lists: &Lists, start: i64, length: Option<u64>) -> Value {
        let (starts, lengths) = self.bounds(lists);
        let zero = self.int(0);
        let first = match start {
            1.. => self.int((start - 1).min(FAR)),
            _ => {
                let from_end = self.int(start.max(-FAR));
                self.writer.binary("AddV2", &lengths, &from_end)
            }
        };
        let end = match length {
            None => lengths.clone(),
            Some(length) => {
                let length = self.int(i64::try_from(length).unwrap_or(FAR).min(FAR));
                self.writer.binary("AddV2", &first, &length)
            }
        };
        let [first, end] = [first, end].map(|place| {
            let place = self.writer.binary("Maximum", &place, &zero);
            self.writer.binary("Minimum", &place, &lengths)
        });
        let end = self.writer.binary("Maximum", &first, &end);
        let num_kept = self.writer.binary("Sub", &end, &first);
        let starts = self.writer.binary("AddV2", &starts, &first);
        let (places, splits) = self.ranges(&starts, &num_kept);
        let picked = self.pick(a, &places);
        Value { lists: Some(Lists { splits, present: lists.present.clone() }), ..picked }
    }

    pub(super) fn constant_list(&mut self, literal: &Literal) -> Value {
        let value = self.literal(literal);
        let tensor = self.writer.flat(&value.tensor);
        let present = match value.present {
            Presence::Always => Presence::Always,
            _ => Presence::Where(self.writer.constant(tensor::bools(&[false]))),
        };
        Value::one(tensor, present)
    }

    fn list_contains(&mut self, a: &Value, lists: &Lists, wanted: &Value) -> Value {
        let wanted = self.spread(wanted);
        let rows = self.rows_of(&lists.splits, &a.tensor);
        let beside = self.writer.gather(&wanted.tensor, &rows);
        let is_equal = self.writer.compare("Equal", &a.tensor, &beside);
        let mask = self.mask(&a.present);
        let is_equal = self.writer.and(&is_equal, &mask);
        let is_equal = self.writer.cast(&is_equal, INT);
        let num_rows = self.num_rows();
        let found = self.segments("UnsortedSegmentSum", &is_equal, &rows, &num_rows);
        let zero = self.int(0);
        let found = self.writer.compare("Greater", &found, &zero);
        let present = self.both_present(&lists.present, &wanted.present);
        Value::one(found, present)
    }

    fn append(&mut self, a: &Value, lists: &Lists, b: &Value) -> Value {
        let Some(lists_b) = b.lists.clone() else { unreachable!("{}", super::CHECKED) };
        let present = self.both_present(&lists.present, &lists_b.present);
        let present = self.spread_present(&present);
        let (starts_a, mut lengths_a) = self.bounds(lists);
        let (starts_b, mut lengths_b) = self.bounds(&lists_b);
        if let Presence::Where(mask) = &present {
            let zero = self.int(0);
            lengths_a = self.writer.select(mask, &lengths_a, &zero);
            lengths_b = self.writer.select(mask, &lengths_b, &zero);
        }
        let num_first = self.writer.size(&a.tensor);
        let starts_b = self.writer.binary("AddV2", &starts_b, &num_first);
        let mut beside = |first: &Tensor, second: &Tensor| {
            let node = self.writer.node("Pack").input(first).input(second).int("N", 2);
            let both = node.int("axis", 1).data_type("T", INT).output(INT);
            self.writer.flat(&both)
        };
        let starts = beside(&starts_a, &starts_b);
        let lengths = beside(&lengths_a, &lengths_b);
        let (places, _) = self.ranges(&starts, &lengths);
        let all = self.joined(a, b);
        let picked = self.pick(&all, &places);
        let lengths = self.writer.binary("AddV2", &lengths_a, &lengths_b);
        let splits = self.splits(&lengths);
        Value { lists: Some(Lists { splits, present }), ..picked }
    }

    /// Returns an integer for each value, the same for those that are one to [`ListOp::Distinct`].
    fn key(&mut self, a: &Value, value_type: ValueType) -> Tensor {
        match value_type {
            ValueType::Int => a.tensor.clone(),
            ValueType::Bool => self.writer.cast(&a.tensor, INT),
            ValueType::Float => {
                // There are many NaNs and two zeros.
                let (zero, nan) = (self.double(0.0), self.double(f64::NAN));
                let is_zero = self.writer.compare("Equal", &a.tensor, &zero);
                let is_nan = self.is_nan(&a.tensor);
                let plain = self.writer.select(&is_zero, &zero, &a.tensor);
                let plain = self.writer.select(&is_nan, &nan, &plain);
                let node = self.writer.node("Bitcast").input(&plain).data_type("T", DOUBLE);
                node.data_type("type", INT).output(INT)
            }
            ValueType::String => {
                let node = self.writer.node("Unique").input(&a.tensor).data_type("T", STRING);
                let outputs = node.data_type("out_idx", INT).outputs(&[STRING, INT]);
                outputs[1].clone()
            }
        }
    }

    pub(super) fn is_nan(&mut self, a: &Tensor) -> Tensor {
        self.writer.node("IsNan").input(a).data_type("T", DOUBLE).output(BOOL)
    }

    /// Returns each value of a row once.
    fn distinct(&mut self, a: &Value, lists: &Lists, value_type: ValueType) -> Value {
        let rows = self.rows_of(&lists.splits, &a.tensor);
        let key = self.key(a, value_type);
        let (key, is_there) = match &a.present {
            Presence::Always => (key.clone(), self.writer.unary("OnesLike", &key)),
            present => {
                let mask = self.mask(present);
                let zero = self.int(0);
                let key = self.writer.select(&mask, &key, &zero);
                let mask = self.writer.cast(&mask, INT);
                let shape = self.writer.shape(&key);
                (key, self.writer.broadcast(&mask, &shape))
            }
        };
        let node = self.writer.node("Pack").input(&rows).input(&is_there).input(&key).int("N", 3);
        let keys = node.int("axis", 1).data_type("T", INT).output(INT);
        let axis = self.writer.constant(tensor::ints(&[0]));
        let node = self.writer.node("UniqueV2").input(&keys).input(&axis).data_type("T", INT);
        let node = node.data_type("Taxis", INT).data_type("out_idx", INT);
        let unique = node.outputs(&[INT, INT]);

        // The first place of each; they ascend because keys are numbered as they come.
        let num_values = self.writer.size(&a.tensor);
        let places = self.writer.range(&num_values);
        let num_keys = self.slice_of_shape(&unique[0]);
        let first = self.segments("UnsortedSegmentMin", &places, &unique[1], &num_keys);
        let picked = self.pick(a, &first);
        let rows = self.writer.gather(&rows, &first);
        let splits = self.splits_of_rows(&rows);
        Value { lists: Some(Lists { splits, present: lists.present.clone() }), ..picked }
    }

    /// Returns the length of the first axis.
    pub(super) fn slice_of_shape(&mut self, a: &Tensor) -> Tensor {
        let node = self.writer.node("Shape").input(a).data_type("T", a.data_type());
        let shape = node.data_type("out_type", INT).output(INT);
        let first = self.writer.constant(tensor::int32(0));
        self.writer.gather(&shape, &first)
    }

    /// Returns the order that makes integers ascend; equals stay in theirs.
    pub(super) fn ascending(&mut self, keys: &Tensor) -> Tensor {
        let reversed = match keys.data_type() {
            INT => self.writer.unary("Invert", keys),
            _ => self.writer.unary("Neg", keys),
        };
        let num = self.writer.size(keys);
        let num = self.writer.cast(&num, formats::tensorflow::DataType::DtInt32);
        let node = self.writer.node("TopKV2").input(&reversed).input(&num);
        let node = node.data_type("T", keys.data_type()).bool("sorted", true);
        let outputs = node.outputs(&[keys.data_type(), formats::tensorflow::DataType::DtInt32]);
        self.writer.cast(&outputs[1], INT)
    }

    /// Returns the values of each row in ascending order, NaN behind all numbers and missing ones last.
    fn sort(&mut self, a: &Value, lists: &Lists, value_type: ValueType) -> Value {
        let rows = self.rows_of(&lists.splits, &a.tensor);
        let (zero, one, three) = (self.int(0), self.int(1), self.int(3));
        let two = self.int(2);
        let mut class = self.writer.unary("ZerosLike", &rows);
        let mut keys = match value_type {
            ValueType::Bool => self.writer.cast(&a.tensor, INT),
            _ => a.tensor.clone(),
        };
        if value_type == ValueType::Float {
            let is_nan = self.is_nan(&keys);
            let none = self.double(0.0);
            keys = self.writer.select(&is_nan, &none, &keys);
            class = self.writer.select(&is_nan, &one, &zero);
        }
        if !matches!(a.present, Presence::Always) {
            let mask = self.mask(&a.present);
            let none = super::zero(self.writer, keys.data_type());
            keys = self.writer.select(&mask, &keys, &none);
            class = self.writer.select(&mask, &class, &two);
        }
        let by_value = self.ascending(&keys);
        let group = self.writer.binary("Mul", &rows, &three);
        let group = self.writer.binary("AddV2", &group, &class);
        let group = self.writer.gather(&group, &by_value);
        let by_group = self.ascending(&group);
        let places = self.writer.gather(&by_value, &by_group);
        let picked = self.pick(a, &places);
        Value { lists: Some(lists.clone()), ..picked }
    }
}
