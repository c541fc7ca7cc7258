//! Constants as `TensorProto`s.

use formats::tensorflow::{DataType, TensorProto};

use super::writer::shape_of;

fn numbers<const N: usize>(
    dtype: DataType,
    shape: &[i64],
    values: impl Iterator<Item = [u8; N]>,
) -> TensorProto {
    TensorProto {
        dtype: dtype.into(),
        tensor_shape: Some(shape_of(shape)),
        tensor_content: values.flatten().collect(),
        string_val: Vec::new(),
    }
}

/// Returns one `DT_INT32`.
pub(super) fn int32(value: i32) -> TensorProto {
    numbers(DataType::DtInt32, &[], [value.to_le_bytes()].into_iter())
}

/// Returns a list of `DT_INT32`.
pub(super) fn int32s(values: &[i32]) -> TensorProto {
    numbers(DataType::DtInt32, &[len(values)], values.iter().map(|v| v.to_le_bytes()))
}

/// Returns one `DT_INT64`.
pub(super) fn int(value: i64) -> TensorProto {
    numbers(DataType::DtInt64, &[], [value.to_le_bytes()].into_iter())
}

/// Returns a list of `DT_INT64`.
pub(super) fn ints(values: &[i64]) -> TensorProto {
    numbers(DataType::DtInt64, &[len(values)], values.iter().map(|v| v.to_le_bytes()))
}

/// Returns one `DT_DOUBLE`.
pub(super) fn double(value: f64) -> TensorProto {
    numbers(DataType::DtDouble, &[], [value.to_le_bytes()].into_iter())
}

/// Returns `DT_DOUBLE`s of a shape.
pub(super) fn doubles(shape: &[i64], values: &[f64]) -> TensorProto {
    numbers(DataType::DtDouble, shape, values.iter().map(|v| v.to_le_bytes()))
}

/// Returns one `DT_FLOAT`.
pub(super) fn float(value: f32) -> TensorProto {
    numbers(DataType::DtFloat, &[], [value.to_le_bytes()].into_iter())
}

/// Returns `DT_FLOAT`s of a shape.
pub(super) fn floats(shape: &[i64], values: &[f32]) -> TensorProto {
    numbers(DataType::DtFloat, shape, values.iter().map(|v| v.to_le_bytes()))
}

/// Returns one `DT_BOOL`.
pub(super) fn bool(value: bool) -> TensorProto {
    numbers(DataType::DtBool, &[], [[u8::from(value)]].into_iter())
}

/// Returns a list of `DT_BOOL`.
pub(super) fn bools(values: &[bool]) -> TensorProto {
    numbers(DataType::DtBool, &[len(values)], values.iter().map(|v| [u8::from(*v)]))
}

/// Returns one `DT_STRING`.
pub(super) fn text(value: &str) -> TensorProto {
    TensorProto { tensor_shape: Some(shape_of(&[])), ..texts(&[value]) }
}

/// Returns a list of `DT_STRING`.
pub(super) fn texts(values: &[&str]) -> TensorProto {
    TensorProto {
        dtype: DataType::DtString.into(),
        tensor_shape: Some(shape_of(&[len(values)])),
        tensor_content: Vec::new(),
        string_val: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
    }
}

pub(super) fn len<T>(values: &[T]) -> i64 {
    i64::try_from(values.len()).expect("memory is smaller")
}
