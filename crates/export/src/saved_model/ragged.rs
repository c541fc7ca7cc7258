//! Values of many rows behind each other, and where those of each row begin.

use formats::tensorflow::DataType;

use super::tensor;
use super::writer::{GraphWriter, Tensor};

const INT: DataType = DataType::DtInt64;

impl GraphWriter {
    /// Returns the places `start, start + 1, …`, so many of them for each row, and where those of each row begin.
    pub(super) fn ranges(&mut self, starts: &Tensor, lengths: &Tensor) -> (Tensor, Tensor) {
        let one = self.constant(tensor::int(1));
        let ends = self.binary("AddV2", starts, lengths);
        let node = self.node("RaggedRange").input(starts).input(&ends).input(&one);
        let outputs = node.data_type("T", INT).data_type("Tsplits", INT).outputs(&[INT, INT]);
        (outputs[1].clone(), outputs[0].clone())
    }

    /// Returns where values begin that are so many for each row.
    pub(super) fn splits(&mut self, lengths: &Tensor) -> Tensor {
        let axis = self.constant(tensor::int32(0));
        let ends = self.node("Cumsum").input(lengths).input(&axis).data_type("T", INT);
        let ends = ends.data_type("Tidx", axis.data_type()).output(INT);
        let start = self.constant(tensor::ints(&[0]));
        self.concat(&[&start, &ends])
    }

    /// Returns how many values each row has.
    pub(super) fn lengths(&mut self, splits: &Tensor) -> Tensor {
        let starts = self.slice(splits, 0, -1);
        let ends = self.slice(splits, 1, 0);
        self.binary("Sub", &ends, &starts)
    }

    /// Returns a list without what is before `begin`, and without the last `-end`.
    pub(super) fn slice(&mut self, list: &Tensor, begin: i32, end: i32) -> Tensor {
        let [begin, end_at, stride] =
            [begin, end, 1].map(|place| self.constant(tensor::int32s(&[place])));
        let node = self.node("StridedSlice").input(list).input(&begin).input(&end_at);
        let node = node.input(&stride).data_type("T", list.data_type());
        let node = node.data_type("Index", begin.data_type());
        node.int("end_mask", i64::from(end == 0)).output(list.data_type())
    }

    /// Returns the numbers from 0 to below an end.
    pub(super) fn range(&mut self, end: &Tensor) -> Tensor {
        let (zero, one) = (self.constant(tensor::int(0)), self.constant(tensor::int(1)));
        let node = self.node("Range").input(&zero).input(end).input(&one);
        node.data_type("Tidx", INT).output(INT)
    }

    /// Returns `x`, and stops the run where a list of truth values is not all true.
    pub(super) fn checked(&mut self, x: &Tensor, holds: &Tensor, message: &str) -> Tensor {
        let axis = self.constant(tensor::int32s(&[0]));
        let all = self.node("All").input(holds).input(&axis).data_type("Tidx", axis.data_type());
        let all = all.output(DataType::DtBool);
        let message = self.constant(tensor::text(message));
        let check = self.node("Assert").input(&all).input(&message);
        let check = check.data_types("T", &[DataType::DtString]).done();
        let node = self.node("Identity").input(x).after(&check);
        node.data_type("T", x.data_type()).output(x.data_type())
    }

    /// Returns the row of each of some values.
    pub(super) fn rows_of(&mut self, splits: &Tensor, values: &Tensor) -> Tensor {
        let size = self.size(values);
        let places = self.range(&size);
        let bound = self.bound("UpperBound", splits, &places);
        let one = self.constant(tensor::int(1));
        self.binary("Sub", &bound, &one)
    }

    /// Returns where each of some values would go in a sorted list; both are flat.
    pub(super) fn bound(&mut self, op: &str, sorted: &Tensor, values: &Tensor) -> Tensor {
        let row = self.constant(tensor::int32s(&[1, -1]));
        let sorted = self.reshape(sorted, &row);
        let values = self.reshape(values, &row);
        let node = self.node(op).input(&sorted).input(&values);
        let node = node.data_type("T", sorted.data_type()).data_type("out_type", INT);
        let places = node.output(INT);
        self.flat(&places)
    }

    /// Brings the values of each segment together.
    pub(super) fn segments(
        &mut self,
        op: &str,
        values: &Tensor,
        segments: &Tensor,
        num_segments: &Tensor,
    ) -> Tensor {
        let node = self.node(op).input(values).input(segments).input(num_segments);
        let node = node.data_type("Tindices", INT).data_type("Tnumsegments", INT);
        match values.data_type() {
            DataType::DtString => node.output(DataType::DtString),
            data_type => node.data_type("T", data_type).output(data_type),
        }
    }

    /// Returns values as a table with a row for each, filled up with what stands where nothing is.
    pub(super) fn table(&mut self, values: &Tensor, splits: &Tensor, width: i64) -> Tensor {
        let zero = super::lower::zero(self, values.data_type());
        self.filled_table(values, splits, width, &zero)
    }

    /// Returns values as a table with a row for each, filled up with one that is given.
    pub(super) fn filled_table(
        &mut self,
        values: &Tensor,
        splits: &Tensor,
        width: i64,
        fill: &Tensor,
    ) -> Tensor {
        let shape = self.constant(tensor::ints(&[-1, width]));
        let node = self.node("RaggedTensorToTensor").input(&shape).input(values).input(fill);
        let node = node.input(splits).data_type("T", values.data_type()).data_type("Tindex", INT);
        let node = node.data_type("Tshape", INT).int("num_row_partition_tensors", 1);
        node.texts("row_partition_types", &["ROW_SPLITS"]).output(values.data_type())
    }
}
