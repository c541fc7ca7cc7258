//! Tensors as bytes: little-endian numbers one behind the other, texts each behind its length of 32 bits.

use bytes::Bytes;

use crate::failure::Failure;
use crate::inputs::TensorValues;

/// The type of a tensor's values, whatever the protocol calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elements {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    Texts,
}

impl Elements {
    /// Returns the type of a name of KServe's protocol.
    pub(crate) fn of_kserve(name: &str) -> Result<Self, Failure> {
        Ok(match name {
            "BOOL" => Self::Bool,
            "INT8" => Self::I8,
            "INT16" => Self::I16,
            "INT32" => Self::I32,
            "INT64" => Self::I64,
            "UINT8" => Self::U8,
            "UINT16" => Self::U16,
            "UINT32" => Self::U32,
            "UINT64" => Self::U64,
            "FP32" => Self::F32,
            "FP64" => Self::F64,
            "BYTES" => Self::Texts,
            _ => {
                return Err(Failure::invalid(format!(
                    "found datatype {name:?}, expected BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64 or BYTES"
                )));
            }
        })
    }

    fn width(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::Texts => 0,
        }
    }

    /// Reads values from bytes. There are as many as the bytes have, which whoever calls compares with the shape.
    #[expect(clippy::cast_possible_truncation, reason = "features are floats of 32 bits")]
    pub(crate) fn read(self, bytes: &Bytes) -> Result<TensorValues, Failure> {
        if self == Self::Texts {
            return texts(bytes).map(TensorValues::Texts);
        }
        if !bytes.len().is_multiple_of(self.width()) {
            return Err(Failure::invalid(format!(
                "found {} bytes of a tensor, expected a multiple of {}",
                bytes.len(),
                self.width()
            )));
        }
        Ok(match self {
            Self::Bool => TensorValues::Bools(bytes.iter().map(|byte| *byte != 0).collect()),
            Self::I8 => ints(bytes, |[byte]: [u8; 1]| i8::from_le_bytes([byte]).into()),
            Self::U8 => ints(bytes, |[byte]: [u8; 1]| byte.into()),
            Self::I16 => ints(bytes, |value| i16::from_le_bytes(value).into()),
            Self::U16 => ints(bytes, |value| u16::from_le_bytes(value).into()),
            Self::I32 => ints(bytes, |value| i32::from_le_bytes(value).into()),
            Self::U32 => ints(bytes, |value| u32::from_le_bytes(value).into()),
            Self::I64 => ints(bytes, i64::from_le_bytes),
            Self::U64 => {
                let values = chunks(bytes).map(u64::from_le_bytes).map(i64::try_from);
                let values = values.collect::<Result<_, _>>();
                TensorValues::Ints(values.map_err(|_| Failure::invalid(TOO_LARGE))?)
            }
            Self::F32 => TensorValues::Floats(chunks(bytes).map(f32::from_le_bytes).collect()),
            Self::F64 => {
                let values = chunks(bytes).map(f64::from_le_bytes);
                TensorValues::Floats(values.map(|value| value as f32).collect())
            }
            Self::Texts => unreachable!("texts were read above"),
        })
    }
}

pub(crate) const TOO_LARGE: &str =
    "found an integer above 2^63 - 1, expected one of 64 bits with a sign";

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

fn ints<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> i64) -> TensorValues {
    TensorValues::Ints(chunks(bytes).map(read).collect())
}

fn texts(bytes: &Bytes) -> Result<Vec<Bytes>, Failure> {
    let mut rest = bytes.clone();
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let ends = || Failure::invalid("a tensor of texts ends in the middle of one");
        let length = rest.first_chunk().copied().map(u32::from_le_bytes).ok_or_else(ends)?;
        let _ = rest.split_to(4);
        let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
        texts.push(rest.split_to(length.ok_or_else(ends)?));
    }
    Ok(texts)
}

/// Returns a shape as sizes, and how many values it has; it must not have more than a request can.
pub(crate) fn shape(name: &str, shape: &[i64]) -> Result<(Vec<usize>, usize), Failure> {
    let wrong = || Failure::invalid(format!("tensor `{name}`: shape {shape:?} is not one"));
    let sizes = shape.iter().map(|size| usize::try_from(*size)).collect::<Result<Vec<_>, _>>();
    let sizes = sizes.map_err(|_| wrong())?;
    let product = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    Ok((sizes, product.ok_or_else(wrong)?))
}

/// Makes sure that there are as many values as the shape says.
pub(crate) fn check_count(name: &str, found: usize, expected: usize) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "tensor `{name}`: found {found} values, expected {expected} of its shape"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_lengths_checked() {
        let read =
            |elements: Elements, bytes: &'static [u8]| elements.read(&Bytes::from_static(bytes));
        assert_eq!(read(Elements::I16, &[255, 255, 1, 0]), Ok(TensorValues::Ints(vec![-1, 1])));
        assert_eq!(read(Elements::F32, &[0, 0, 128, 63]), Ok(TensorValues::Floats(vec![1.0])));
        assert_eq!(read(Elements::Bool, &[0, 2]), Ok(TensorValues::Bools(vec![false, true])));
        let texts = vec![Bytes::from_static(b"ab"), Bytes::new()];
        assert_eq!(
            read(Elements::Texts, &[2, 0, 0, 0, b'a', b'b', 0, 0, 0, 0]),
            Ok(TensorValues::Texts(texts))
        );
        assert!(read(Elements::I64, &[0; 9]).is_err());
        assert!(read(Elements::U64, &[255; 8]).is_err());
        for cut in [&[2, 0, 0][..], &[3, 0, 0, 0, b'a'], &[255, 255, 255, 255]] {
            assert!(Elements::Texts.read(&Bytes::copy_from_slice(cut)).is_err());
        }
    }

    #[test]
    fn shapes_do_not_overflow() {
        assert_eq!(shape("a", &[3, 1]), Ok((vec![3, 1], 3)));
        assert_eq!(shape("a", &[]), Ok((vec![], 1)));
        assert!(shape("a", &[-1, 1]).is_err());
        assert!(shape("a", &[i64::MAX, i64::MAX]).is_err());
    }
}
