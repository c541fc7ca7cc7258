//! Many values for a row: operations of single values carried over to them, and choosing between lists.

use graph::{Node, Op, ValueType};

use super::{BOOL, INT, Lists, Lowering, Presence, Value};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    /// Returns where each row's values begin, and how many they are.
    pub(super) fn bounds(&mut self, lists: &Lists) -> (Tensor, Tensor) {
        let starts = self.slice(&lists.splits, 0, -1);
        let ends = self.slice(&lists.splits, 1, 0);
        let lengths = self.writer.binary("Sub", &ends, &starts);
        (starts, lengths)
    }

    pub(super) fn splits(&mut self, lengths: &Tensor) -> Tensor {
        self.writer.splits(lengths)
    }

    pub(super) fn ranges(&mut self, starts: &Tensor, lengths: &Tensor) -> (Tensor, Tensor) {
        self.writer.ranges(starts, lengths)
    }

    /// Brings the values of each segment together.
    pub(super) fn segments(
        &mut self,
        op: &str,
        values: &Tensor,
        segments: &Tensor,
        num_segments: &Tensor,
    ) -> Tensor {
        self.writer.segments(op, values, segments, num_segments)
    }

    /// Returns the number of rows.
    pub(super) fn num_rows(&mut self) -> Tensor {
        let rows = self.writer.cast(self.shape, INT);
        let shape = self.writer.constant(tensor::int32s(&[]));
        self.writer.reshape(&rows, &shape)
    }

    /// Returns single values with one element per row each.
    pub(super) fn spread(&mut self, value: &Value) -> Value {
        let present = self.spread_present(&value.present);
        Value::one(self.writer.broadcast(&value.tensor, self.shape), present)
    }

    pub(super) fn spread_present(&mut self, present: &Presence) -> Presence {
        match present {
            Presence::Always => Presence::Always,
            present => {
                let mask = self.mask(present);
                Presence::Where(self.writer.broadcast(&mask, self.shape))
            }
        }
    }

    /// Returns which values are there, with one element for each.
    fn item_mask(&mut self, value: &Value) -> Tensor {
        let mask = self.mask(&value.present);
        let shape = self.writer.shape(&value.tensor);
        self.writer.broadcast(&mask, &shape)
    }

    /// Returns the elements at some places.
    pub(super) fn pick(&mut self, value: &Value, places: &Tensor) -> Value {
        let tensor = self.writer.gather(&value.tensor, places);
        let present = match &value.present {
            Presence::Where(mask) => Presence::Where(self.writer.gather(mask, places)),
            other => other.clone(),
        };
        Value::one(tensor, present)
    }

    /// Returns the values of lists `a`, and behind them those of `b`.
    pub(super) fn joined(&mut self, a: &Value, b: &Value) -> Value {
        let tensor = self.writer.concat(&[&a.tensor, &b.tensor]);
        let present = match (&a.present, &b.present) {
            (Presence::Always, Presence::Always) => Presence::Always,
            _ => {
                let (a, b) = (self.item_mask(a), self.item_mask(b));
                Presence::Where(self.writer.concat(&[&a, &b]))
            }
        };
        Value::one(tensor, present)
    }

    /// Returns some values of each row of a list: those that are there by a mask of its values.
    pub(super) fn filter(&mut self, value: &Value, lists: &Lists, mask: &Tensor) -> Value {
        let rows = self.rows_of(&lists.splits, &value.tensor);
        let places = self.places_where(mask);
        let kept = self.pick(value, &places);
        let rows = self.writer.gather(&rows, &places);
        let splits = self.splits_of_rows(&rows);
        Value { lists: Some(Lists { splits, present: lists.present.clone() }), ..kept }
    }

    /// Returns the values that are there of each row of a list.
    pub(super) fn without_missing(&mut self, value: &Value, lists: &Lists) -> Value {
        let mask = match &value.present {
            Presence::Always => return value.clone(),
            _ => self.item_mask(value),
        };
        let kept = self.filter(value, lists, &mask);
        Value { present: Presence::Always, ..kept }
    }

    /// Returns where a list of truth values is true.
    pub(super) fn places_where(&mut self, mask: &Tensor) -> Tensor {
        let places = self.writer.node("Where").input(mask).data_type("T", BOOL).output(INT);
        self.writer.flat(&places)
    }

    /// Returns where the values of each row begin, of values whose rows ascend.
    pub(super) fn splits_of_rows(&mut self, rows: &Tensor) -> Tensor {
        let shape = self.writer.shape(rows);
        let one = self.int(1);
        let ones = self.writer.broadcast(&one, &shape);
        let num_rows = self.num_rows();
        let lengths = self.segments("UnsortedSegmentSum", &ones, rows, &num_rows);
        self.splits(&lengths)
    }

    /// Returns lists of which only some rows are left; the others are missing.
    pub(super) fn keep_rows(&mut self, value: &Value, lists: &Lists, mask: &Tensor) -> Value {
        let (starts, lengths) = self.bounds(lists);
        let zero = self.int(0);
        let lengths = self.writer.select(mask, &lengths, &zero);
        let (places, splits) = self.ranges(&starts, &lengths);
        let kept = self.pick(value, &places);
        let present = self.both_present(&lists.present, &Presence::Where(mask.clone()));
        Value { lists: Some(Lists { splits, present }), ..kept }
    }

    /// Returns an operation of single values for each value of lists; single operands go with each of the row's values.
    pub(super) fn map(
        &mut self,
        node: &Node,
        types: &[ValueType],
        operands: &[Value],
    ) -> Result<Value, &'static str> {
        let (lists, kept) = self.together(operands);
        let example = kept.iter().flatten().next().expect("one operand is a list").tensor.clone();
        let rows = self.rows_of(&lists.splits, &example);
        let mut items = Vec::with_capacity(operands.len());
        for (place, (operand, kept)) in operands.iter().zip(kept).enumerate() {
            let op = &self.graph.nodes()[node.operands[place].index()].op;
            items.push(match kept {
                Some(kept) => kept,
                None if matches!(op, Op::Literal(_)) => operand.clone(),
                None => {
                    let spread = self.spread(operand);
                    self.pick(&spread, &rows)
                }
            });
        }
        let computed = self.single(node, types, &items)?;
        let shape = self.writer.shape(&rows);
        let tensor = self.writer.broadcast(&computed.tensor, &shape);
        let present = match &computed.present {
            Presence::Always => Presence::Always,
            present => {
                let mask = self.mask(present);
                Presence::Where(self.writer.broadcast(&mask, &shape))
            }
        };
        Ok(Value { tensor, present, lists: Some(lists) })
    }

    /// Returns the rows of lists that go together value by value, and the values of each list in these rows.
    ///
    /// A row is missing where one list is. Lists of different lengths stop the run, as they stop the evaluator.
    fn together(&mut self, operands: &[Value]) -> (Lists, Vec<Option<Value>>) {
        let all: Vec<Lists> = operands.iter().filter_map(|operand| operand.lists.clone()).collect();
        let single = |value: &Value| Value { lists: None, ..value.clone() };
        let values = |operands: &[Value]| -> Vec<Option<Value>> {
            operands.iter().map(|o| o.lists.is_some().then(|| single(o))).collect()
        };
        let first = all.first().expect("one operand is a list").clone();
        if all.iter().all(|lists| lists.splits == first.splits) {
            return (first, values(operands));
        }
        let mut present = Presence::Always;
        for lists in &all {
            present = self.both_present(&present, &lists.present);
        }
        let present = self.spread_present(&present);
        let kept: Vec<Value> = match &present {
            Presence::Where(mask) => operands
                .iter()
                .map(|operand| match &operand.lists {
                    None => operand.clone(),
                    Some(lists) => self.keep_rows(operand, lists, mask),
                })
                .collect(),
            _ => operands.to_vec(),
        };
        let mut splits: Vec<Tensor> = kept
            .iter()
            .filter_map(|value| value.lists.as_ref().map(|l| l.splits.clone()))
            .collect();
        let mut splits_of_first = splits.remove(0);
        for other in splits {
            let is_same = self.writer.compare("Equal", &splits_of_first, &other);
            let message = "lists that go together value by value differ in length";
            splits_of_first = self.writer.checked(&splits_of_first, &is_same, message);
        }
        (Lists { splits: splits_of_first, present }, values(&kept))
    }

    /// Returns the list of `a` where a condition is true, else that of `b`. What is no list is a missing one.
    pub(super) fn choose_lists(&mut self, is_first: &Tensor, a: &Value, b: &Value) -> Value {
        let is_first = self.writer.broadcast(is_first, self.shape);
        let zero = self.int(0);
        let nowhere = (zero.clone(), zero);
        let (list_a, list_b) = (a.lists.clone(), b.lists.clone());
        let (start_a, length_a) = list_a.as_ref().map_or(nowhere.clone(), |l| self.bounds(l));
        let (start_b, length_b) = list_b.as_ref().map_or(nowhere, |l| self.bounds(l));
        let (all, start_b) = match (&list_a, &list_b) {
            (Some(_), Some(_)) => {
                let num_first = self.writer.size(&a.tensor);
                (self.joined(a, b), self.writer.binary("AddV2", &start_b, &num_first))
            }
            (Some(_), None) => (a.clone(), start_b),
            _ => (b.clone(), start_b),
        };
        let starts = self.writer.select(&is_first, &start_a, &start_b);
        let lengths = self.writer.select(&is_first, &length_a, &length_b);
        let (places, splits) = self.ranges(&starts, &lengths);
        let picked = self.pick(&all, &places);
        let [present_a, present_b] = [list_a, list_b].map(|list| match list {
            None => Presence::Never,
            Some(list) => list.present,
        });
        let present = match (&present_a, &present_b) {
            (Presence::Always, Presence::Always) => Presence::Always,
            (a, b) => {
                let (a, b) = (self.mask(a), self.mask(b));
                Presence::Where(self.writer.select(&is_first, &a, &b))
            }
        };
        Value { lists: Some(Lists { splits, present }), ..picked }
    }
}
