//! Ids of the tokens that a tokenizer file makes of texts.

use arrow::array::Int64Array;

use super::Texts;
use super::many::Rows;
use crate::evaluate::Values;
use crate::{GraphError, Tokenizer};

pub(super) fn encode(
    texts: Texts<'_>,
    tokenizer: &Tokenizer,
    add_special_tokens: bool,
    num_rows: usize,
) -> Result<Values, GraphError> {
    let mut ids = Vec::new();
    let mut lengths = Vec::with_capacity(num_rows);
    for row in 0..num_rows {
        let start = ids.len();
        let text = texts.at(row);
        if let Some(text) = text {
            tokenizer.encode(text, add_special_tokens, &mut ids);
        }
        lengths.push(text.map(|_| ids.len() - start));
    }
    let rows = Rows::new(lengths.into_iter())?;
    Ok(Values::lists(rows, Values::ints(Int64Array::from(ids))))
}
