//! Lists of text: cut, joined, crossed.

use super::{INT, Lists, Lowering, Presence, STRING, Value};
use crate::saved_model::tensor;
use crate::saved_model::writer::{NodeWriter, Tensor};

impl Lowering<'_> {
    /// Puts texts of one segment behind each other, with a separator between them.
    ///
    /// TensorFlow leaves the separator out behind an empty text at the front, so that each text gets one in front here,
    /// and the first is taken away.
    fn join_segments(
        &mut self,
        texts: &Tensor,
        segments: &Tensor,
        num_segments: &Tensor,
        separator: &str,
    ) -> Tensor {
        let front = self.writer.constant(tensor::text(separator));
        let texts = self.concat(&front, texts);
        let joined = self.segments("UnsortedSegmentJoin", &texts, segments, num_segments);
        if separator.is_empty() {
            return joined;
        }
        let length = self.num_bytes(&joined);
        let front = self.int(tensor::len(separator.as_bytes()));
        let start = self.writer.binary("Minimum", &length, &front);
        self.part(&joined, &start, &length, "BYTE")
    }

    pub(super) fn join(&mut self, a: &Value, lists: &Lists, separator: &str) -> Value {
        let kept = self.without_missing(a, lists);
        let Some(kept_lists) = &kept.lists else { unreachable!("{}", super::CHECKED) };
        let rows = self.rows_of(&kept_lists.splits, &kept.tensor);
        let num_rows = self.num_rows();
        let joined = self.join_segments(&kept.tensor, &rows, &num_rows, separator);
        Value::one(joined, lists.present.clone())
    }

    pub(super) fn split(&mut self, a: &Value, separator: &str) -> Value {
        let texts = self.spread(a);
        let cut = self.writer.constant(tensor::text(separator));
        let node = self.writer.node("StringSplitV2").input(&texts.tensor).input(&cut);
        let shape = formats::tensorflow::DataType::DtInt64;
        let outputs = node.int("maxsplit", -1).outputs(&[INT, STRING, shape]);
        let rows = self.first_column(&outputs[0]);
        let splits = self.splits_of_rows(&rows);
        let lists = Lists { splits, present: Presence::Always };
        let pieces = Value {
            tensor: outputs[1].clone(),
            present: Presence::Always,
            lists: Some(lists.clone()),
        };
        match &texts.present {
            Presence::Where(mask) => self.keep_rows(&pieces, &lists, mask),
            _ => pieces,
        }
    }

    /// Returns the first of two columns.
    fn first_column(&mut self, pairs: &Tensor) -> Tensor {
        let begin = self.writer.constant(tensor::int32s(&[0, 0]));
        let size = self.writer.constant(tensor::int32s(&[-1, 1]));
        let node = self.writer.node("Slice").input(pairs).input(&begin).input(&size);
        let node = node.data_type("T", INT).data_type("Index", begin.data_type());
        let column = node.output(INT);
        self.writer.flat(&column)
    }

    /// Returns texts that follow each other, joined.
    pub(super) fn ngrams(
        &mut self,
        a: &Value,
        lists: &Lists,
        (least, most): (u32, u32),
        separator: &str,
    ) -> Value {
        let tokens = self.without_missing(a, lists);
        let Some(token_lists) = tokens.lists.clone() else { unreachable!("{}", super::CHECKED) };
        let rows = self.rows_of(&token_lists.splits, &tokens.tensor);
        let (zero, one) = (self.int(0), self.int(1));
        let (least, most) = (self.int(least.into()), self.int(most.into()));
        let num_tokens = self.writer.size(&tokens.tensor);
        let places = self.writer.range(&num_tokens);
        let ends = self.slice(&token_lists.splits, 1, 0);
        let end = self.writer.gather(&ends, &rows);
        let num_left = self.writer.binary("Sub", &end, &places);

        // For each token the lengths of what starts there.
        let longest = self.writer.binary("Minimum", &num_left, &most);
        let num_grams = self.writer.binary("Sub", &longest, &least);
        let num_grams = self.writer.binary("AddV2", &num_grams, &one);
        let num_grams = self.writer.binary("Maximum", &num_grams, &zero);
        let shape = self.writer.shape(&places);
        let shortest = self.writer.broadcast(&least, &shape);
        let (sizes, splits) = self.ranges(&shortest, &num_grams);
        let starts = self.rows_of(&splits, &sizes);

        let (tokens_at, gram_splits) = self.ranges(&starts, &sizes);
        let grams = self.rows_of(&gram_splits, &tokens_at);
        let texts = self.writer.gather(&tokens.tensor, &tokens_at);
        let num_grams = self.writer.size(&sizes);
        let tensor = self.join_segments(&texts, &grams, &num_grams, separator);
        let rows = self.writer.gather(&rows, &starts);
        let splits = self.splits_of_rows(&rows);
        let lists = Some(Lists { splits, present: lists.present.clone() });
        Value { tensor, present: Presence::Always, lists }
    }

    /// Returns texts as lists without missing ones; one text is a list of one.
    fn as_lists(&mut self, a: &Value) -> (Value, Lists) {
        if let Some(lists) = a.lists.clone() {
            let kept = self.without_missing(a, &lists);
            let lists = kept.lists.clone().unwrap_or(lists);
            return (kept, lists);
        }
        let one = self.spread(a);
        let step = self.int(1);
        let num_rows = self.num_rows();
        let end = self.writer.binary("AddV2", &num_rows, &step);
        let splits = self.writer.range(&end);
        let lists = Lists { splits, present: Presence::Always };
        match &one.present {
            Presence::Where(mask) => {
                let all = Value { present: Presence::Always, ..one.clone() };
                let kept = self.keep_rows(&all, &lists, mask);
                let lists = kept.lists.clone().unwrap_or(lists);
                (kept, lists)
            }
            _ => (one, lists),
        }
    }

    pub(super) fn cross(&mut self, a: &Value, b: &Value, separator: &str) -> Value {
        let (a, lists_a) = self.as_lists(a);
        let (b, lists_b) = self.as_lists(b);
        let present = self.both_present(&lists_a.present, &lists_b.present);
        let present = self.spread_present(&present);

        // With each text of `a` all of `b` of its row.
        let rows_a = self.rows_of(&lists_a.splits, &a.tensor);
        let (starts, lengths) = self.bounds(&lists_b);
        let starts = self.writer.gather(&starts, &rows_a);
        let lengths = self.writer.gather(&lengths, &rows_a);
        let (places_b, splits) = self.ranges(&starts, &lengths);
        let places_a = self.rows_of(&splits, &places_b);
        let first = self.writer.gather(&a.tensor, &places_a);
        let second = self.writer.gather(&b.tensor, &places_b);
        let node: NodeWriter<'_> = self.writer.node("StringJoin").input(&first).input(&second);
        let tensor = node.int("N", 2).bytes("separator", separator).output(STRING);
        let rows = self.writer.gather(&rows_a, &places_a);
        let splits = self.splits_of_rows(&rows);
        Value { tensor, present: Presence::Always, lists: Some(Lists { splits, present }) }
    }
}
