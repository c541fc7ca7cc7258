//! Requests in JSON: rows of features.

use arrow::array::RecordBatch;

use super::columns::read_base64;
use super::{Column, Columns, EXAMPLES, Inputs};
use crate::failure::{Code, Failure};
use crate::json::{JsonError, Kind, Reader};

/// How values stand in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `instances`: a list of rows. Every row has every feature, if only as null.
    Instances,
    /// `inputs`: a list of values for each feature.
    Inputs,
    /// `examples`: a list of rows, as `tf.Example`s: what a row does not have is as in the context, or missing.
    Examples,
}

/// What limits a request.
pub(crate) struct RowLimits {
    pub(crate) max_rows: usize,
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Reads the rows at a place in a document. A feature that the model does not read is refused by name, unless
/// `is_known` says that another version reads it; then it is stepped over.
pub(crate) fn read_rows(
    inputs: &Inputs,
    layout: Layout,
    reader: &mut Reader<'_>,
    context: Option<&mut Reader<'_>>,
    is_known: &dyn Fn(&str) -> bool,
    limits: &RowLimits,
) -> Result<RecordBatch, Failure> {
    let mut columns = Columns::new(inputs);
    match layout {
        Layout::Inputs => return read_inputs(columns, reader, is_known, limits),
        Layout::Instances | Layout::Examples => {}
    }
    let context = match context {
        None => None,
        Some(reader) => {
            let mut columns = Columns::new(inputs);
            read_row(&mut columns, reader, 0, is_known)?;
            Some(columns)
        }
    };

    if reader.kind()? != Kind::Array {
        return Err(Failure::invalid("found another value, expected a list of rows"));
    }
    reader.begin_array()?;
    let (mut row, mut is_first) = (0, true);
    let mut records: Vec<Vec<u8>> = Vec::new();
    while reader.next_item(&mut is_first)? {
        limits.check(row + 1)?;
        if layout == Layout::Instances {
            if let Some(record) = read_record(inputs, reader)? {
                records.push(record);
                row += 1;
                continue;
            }
            if reader.kind()? != Kind::Object {
                read_bare(&mut columns, reader, row)?;
                row += 1;
                continue;
            }
        }
        read_row(&mut columns, reader, row, is_known)?;
        for (place, column) in columns.columns.iter_mut().enumerate() {
            if column.len() == row + 1 {
                continue;
            }
            if layout == Layout::Instances {
                return Err(inputs.absent(place, Some(row)));
            }
            match context.as_ref().map(|context| &context.columns[place]) {
                Some(like) if like.len() == 1 => column.push_like(like),
                _ => column.push_missing(),
            }
        }
        row += 1;
    }
    if row == 0 {
        return Err(Failure::invalid("found no rows, expected at least one"));
    }
    if records.is_empty() {
        return columns.finish(row);
    }
    if records.len() != row {
        return Err(Failure::invalid("some rows are serialized examples and some are not"));
    }
    inputs.decode_examples(records.iter().map(Vec::as_slice))
}

impl RowLimits {
    pub(crate) fn check(&self, num_rows: usize) -> Result<(), Failure> {
        if num_rows <= self.max_rows {
            return Ok(());
        }
        let message = format!("more than {} rows in one request", self.max_rows);
        Err(Failure::new(Code::InvalidArgument, message))
    }
}

/// Reads a row as an object of features.
fn read_row(
    columns: &mut Columns<'_>,
    reader: &mut Reader<'_>,
    row: usize,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<(), Failure> {
    if reader.kind()? != Kind::Object {
        let found = reader.kind()?.name();
        return Err(Failure::invalid(format!(
            "row {row}: found {found}, expected an object of features"
        )));
    }
    reader.begin_object()?;
    let (mut is_first, mut likely) = (true, 0);
    while let Some(name) = reader.next_key(&mut is_first)? {
        let Some(place) = columns.inputs.place(&name, likely) else {
            if is_known(&name) {
                reader.skip_value()?;
                continue;
            }
            return Err(columns.inputs.unknown(&name));
        };
        likely = place + 1;
        let column = &mut columns.columns[place];
        if column.len() > row {
            return Err(Failure::invalid(format!("row {row}: feature `{name}` stands twice")));
        }
        column.push_json(reader, &columns.inputs.features()[place], row)?;
    }
    Ok(())
}

/// Reads a bare value, as rows of a model with one feature are.
fn read_bare(
    columns: &mut Columns<'_>,
    reader: &mut Reader<'_>,
    row: usize,
) -> Result<(), Failure> {
    match (columns.inputs.features(), columns.columns.as_mut_slice()) {
        ([feature], [column]) => column.push_json(reader, feature, row),
        (features, _) => Err(Failure::invalid(format!(
            "row {row}: found a bare value, expected an object of {} features",
            features.len()
        ))),
    }
}

/// Reads a row that is a serialized example: `{"b64": ...}`, alone or as `examples`. Otherwise, nothing is read.
fn read_record(inputs: &Inputs, reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Failure> {
    let mut ahead = reader.clone();
    if ahead.kind()? != Kind::Object {
        return Ok(None);
    }
    ahead.begin_object()?;
    let mut is_first = true;
    let key = ahead.next_key(&mut is_first)?;
    let is_feature = |name: &str| inputs.place(name, 0).is_some();
    let record = match key.as_deref() {
        // A model with one feature of texts takes its bytes this way.
        Some("b64") if !is_feature("b64") && takes_examples(inputs) => read_base64(reader)?,
        Some(EXAMPLES) if !is_feature(EXAMPLES) => {
            let record = read_base64(&mut ahead)?;
            if ahead.next_key(&mut is_first)?.is_some() {
                return Err(Failure::invalid("`examples` is there beside other features"));
            }
            *reader = ahead;
            record
        }
        _ => return Ok(None),
    };
    Ok(Some(record))
}

/// Returns whether bare bytes are examples, and not the text of the only feature.
fn takes_examples(inputs: &Inputs) -> bool {
    !matches!(inputs.features(), [only] if only.value_type == graph::ValueType::String)
}

/// Reads a list of values for each feature, or for the only one.
fn read_inputs(
    mut columns: Columns<'_>,
    reader: &mut Reader<'_>,
    is_known: &dyn Fn(&str) -> bool,
    limits: &RowLimits,
) -> Result<RecordBatch, Failure> {
    let inputs = columns.inputs;
    let is_named = reader.kind()? == Kind::Object;
    if !is_named {
        let ([_], [column]) = (inputs.features(), columns.columns.as_mut_slice()) else {
            return Err(Failure::invalid(
                "\"inputs\": found a list, expected an object with a list for each feature",
            ));
        };
        read_column(inputs, column, 0, reader, limits)?;
    } else {
        reader.begin_object()?;
        let (mut is_first, mut likely) = (true, 0);
        let mut records = None;
        while let Some(name) = reader.next_key(&mut is_first)? {
            let Some(place) = inputs.place(&name, likely) else {
                if name == EXAMPLES {
                    records = Some(read_records(reader, limits)?);
                } else if is_known(&name) {
                    reader.skip_value()?;
                } else {
                    return Err(inputs.unknown(&name));
                }
                continue;
            };
            likely = place + 1;
            let column = &mut columns.columns[place];
            if column.len() > 0 {
                return Err(Failure::invalid(format!("feature `{name}` stands twice")));
            }
            read_column(inputs, column, place, reader, limits)?;
        }
        if let Some(records) = records {
            if columns.columns.iter().any(|column| column.len() > 0) {
                return Err(Failure::invalid("`examples` is there beside other features"));
            }
            return inputs.decode_examples(records.iter().map(Vec::as_slice));
        }
    }
    let num_rows = columns.columns.iter().map(Column::len).max().unwrap_or_default();
    if num_rows == 0 {
        return Err(Failure::invalid("found no rows, expected at least one"));
    }
    for (place, column) in columns.columns.iter().enumerate() {
        match column.len() {
            0 => return Err(inputs.absent(place, None)),
            len if len != num_rows => {
                let name = &inputs.features()[place].name;
                return Err(Failure::invalid(format!(
                    "feature `{name}`: found {len} rows, expected {num_rows} as others have"
                )));
            }
            _ => {}
        }
    }
    columns.finish(num_rows)
}

fn read_column(
    inputs: &Inputs,
    column: &mut Column,
    place: usize,
    reader: &mut Reader<'_>,
    limits: &RowLimits,
) -> Result<(), Failure> {
    let feature = &inputs.features()[place];
    if reader.kind()? != Kind::Array {
        let found = reader.kind()?.name();
        return Err(super::columns::misfit(feature, 0, found, "a list with a value for each row"));
    }
    reader.begin_array()?;
    let mut is_first = true;
    while reader.next_item(&mut is_first)? {
        let row = column.len();
        limits.check(row + 1)?;
        column.push_json(reader, feature, row)?;
    }
    Ok(())
}

fn read_records(reader: &mut Reader<'_>, limits: &RowLimits) -> Result<Vec<Vec<u8>>, Failure> {
    let mut records = Vec::new();
    reader.begin_array()?;
    let mut is_first = true;
    while reader.next_item(&mut is_first)? {
        limits.check(records.len() + 1)?;
        records.push(read_base64(reader)?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
