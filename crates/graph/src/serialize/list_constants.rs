//! The constants of operations of lists, as they are stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::constants::grouped::{ExtractV1, PatternV1};
use super::constants::{FloatV1, LiteralV1, Wrong};
use super::tokenizers::TokenizeV2;
use crate::{Floats, ListOp, Literal, Matrix, VocabularyId};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceV2 {
    place: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SliceV2 {
    start: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PadV2 {
    length: u32,
    value: LiteralV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeparatorV2 {
    separator: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NGramsV2 {
    least: u32,
    most: u32,
    separator: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DepthV2 {
    depth: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SizeV2 {
    size: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsV2 {
    weights: Vec<FloatV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatrixV2 {
    num_columns: u32,
    values: Vec<FloatV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensV2 {
    vocabulary: u32,
}

fn stored(floats: &[f64]) -> Vec<FloatV1> {
    floats.iter().copied().map(FloatV1).collect()
}

fn floats(stored: Vec<FloatV1>) -> Vec<f64> {
    stored.into_iter().map(|value| value.0).collect()
}

/// Returns what is stored of an operation beside its name.
pub(super) fn encode(op: &ListOp) -> Result<Option<Value>, serde_json::Error> {
    let value = match op {
        ListOp::Get { place } => serde_json::to_value(PlaceV2 { place: *place }),
        ListOp::Slice { start, length } => {
            serde_json::to_value(SliceV2 { start: *start, length: *length })
        }
        ListOp::Pad { length, value } => {
            serde_json::to_value(PadV2 { length: *length, value: value.into() })
        }
        ListOp::Join { separator } | ListOp::Split { separator } | ListOp::Cross { separator } => {
            serde_json::to_value(SeparatorV2 { separator: separator.clone() })
        }
        ListOp::RegexpSplit(pattern) => serde_json::to_value(PatternV1::from(pattern)),
        ListOp::RegexpExtractAll { pattern, group } => {
            serde_json::to_value(ExtractV1 { pattern: pattern.into(), group: *group })
        }
        ListOp::BytePairs { vocabulary } | ListOp::WordPieces { vocabulary } => {
            serde_json::to_value(TokensV2 { vocabulary: vocabulary.0 })
        }
        ListOp::Tokenize { tokenizer, add_special_tokens } => {
            serde_json::to_value(TokenizeV2::new(tokenizer, *add_special_tokens))
        }
        ListOp::NGrams { least, most, separator } => {
            let (least, most, separator) = (*least, *most, separator.clone());
            serde_json::to_value(NGramsV2 { least, most, separator })
        }
        ListOp::OneHot { depth } | ListOp::MultiHot { depth } => {
            serde_json::to_value(DepthV2 { depth: *depth })
        }
        ListOp::TermIds { size } => serde_json::to_value(SizeV2 { size: *size }),
        ListOp::TermWeights { weights } => {
            serde_json::to_value(WeightsV2 { weights: stored(&weights.0) })
        }
        ListOp::Multiply(matrix) => serde_json::to_value(MatrixV2 {
            num_columns: matrix.num_columns(),
            values: stored(matrix.values()),
        }),
        _ => return Ok(None),
    };
    value.map(Some)
}

/// Returns the operation of a stored node, none when there is none of that name.
pub(super) fn decode(name: &str, constants: &Value) -> Result<Option<ListOp>, Wrong> {
    if let Some(op) = ListOp::without_constants(name) {
        <()>::deserialize(constants)?;
        return Ok(Some(op));
    }
    Ok(Some(match name {
        "list_get" => {
            let PlaceV2 { place } = PlaceV2::deserialize(constants)?;
            ListOp::Get { place }
        }
        "list_slice" => {
            let SliceV2 { start, length } = SliceV2::deserialize(constants)?;
            ListOp::Slice { start, length }
        }
        "list_pad" => {
            let PadV2 { length, value } = PadV2::deserialize(constants)?;
            ListOp::Pad { length, value: Literal::from(value) }
        }
        "list_join" => {
            let SeparatorV2 { separator } = SeparatorV2::deserialize(constants)?;
            ListOp::Join { separator }
        }
        "split" => {
            let SeparatorV2 { separator } = SeparatorV2::deserialize(constants)?;
            ListOp::Split { separator }
        }
        "cross" => {
            let SeparatorV2 { separator } = SeparatorV2::deserialize(constants)?;
            ListOp::Cross { separator }
        }
        "regexp_split" => {
            let stored = PatternV1::deserialize(constants)?;
            ListOp::RegexpSplit(stored.try_into()?)
        }
        "regexp_extract_all" => {
            let ExtractV1 { pattern, group } = ExtractV1::deserialize(constants)?;
            ListOp::RegexpExtractAll { pattern: pattern.try_into()?, group }
        }
        "byte_pairs" => {
            let TokensV2 { vocabulary } = TokensV2::deserialize(constants)?;
            ListOp::BytePairs { vocabulary: VocabularyId(vocabulary) }
        }
        "word_pieces" => {
            let TokensV2 { vocabulary } = TokensV2::deserialize(constants)?;
            ListOp::WordPieces { vocabulary: VocabularyId(vocabulary) }
        }
        "ngrams" => {
            let NGramsV2 { least, most, separator } = NGramsV2::deserialize(constants)?;
            ListOp::NGrams { least, most, separator }
        }
        "one_hot" => {
            let DepthV2 { depth } = DepthV2::deserialize(constants)?;
            ListOp::OneHot { depth }
        }
        "multi_hot" => {
            let DepthV2 { depth } = DepthV2::deserialize(constants)?;
            ListOp::MultiHot { depth }
        }
        "term_ids" => {
            let SizeV2 { size } = SizeV2::deserialize(constants)?;
            ListOp::TermIds { size }
        }
        "term_weights" => {
            let WeightsV2 { weights } = WeightsV2::deserialize(constants)?;
            ListOp::TermWeights { weights: Floats(floats(weights)) }
        }
        "matrix_multiply" => {
            let MatrixV2 { num_columns, values } = MatrixV2::deserialize(constants)?;
            ListOp::Multiply(Matrix::new(num_columns, floats(values))?)
        }
        _ => return Ok(None),
    }))
}
