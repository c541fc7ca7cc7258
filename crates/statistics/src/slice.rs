//! Which slices an example is in.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, GenericListArray, OffsetSizeTrait, RecordBatch};
use arrow::datatypes::DataType;

use crate::columns::{fixed_as_lists, numbers_as_text, visit_strings};
use crate::config::{SliceConfig, SliceValue};
use crate::slice_sql::SliceQueries;
use crate::{Config, StatisticsError};

/// The name of the slice of examples whose value is no text and so makes no name.
pub(crate) const INVALID_SLICE: &str = "Invalid Slice";

/// Returns the rows of every slice of a batch, in ascending order, by the slice's name.
///
/// # Errors
///
/// [`StatisticsError::MissingFeature`] when the batch lacks a column to slice by,
/// [`StatisticsError::SliceKeys`] of a query that stops, and [`StatisticsError::TooManySlices`].
///
/// # Source
///
/// `get_feature_value_slicer` of TensorFlow Data Validation: names are joined by underscores in the order of the
/// features' names, and an example with several values of a feature is in the slice of each.
pub(crate) fn rows_of_slices(
    batch: &RecordBatch,
    config: &Config,
    queries: &mut SliceQueries,
) -> Result<BTreeMap<String, Vec<u32>>, StatisticsError> {
    let mut slices = BTreeMap::new();
    for slice in &config.slices {
        add_slices(batch, slice, &mut slices)?;
    }
    queries.add_slices(batch, config, &mut slices)?;
    // Two configurations may make slices of one name.
    for rows in slices.values_mut() {
        rows.sort_unstable();
        rows.dedup();
    }
    let limit = config.max_slices.get();
    if slices.len() > limit as usize {
        return Err(StatisticsError::TooManySlices { limit });
    }
    Ok(slices)
}

fn add_slices(
    batch: &RecordBatch,
    slice: &SliceConfig,
    slices: &mut BTreeMap<String, Vec<u32>>,
) -> Result<(), StatisticsError> {
    let mut keys: Vec<(&String, Option<&SliceValue>)> =
        slice.features.iter().map(|feature| (feature, None)).collect();
    keys.extend(slice.values.iter().map(|(feature, value)| (feature, Some(value))));
    keys.sort_by_key(|(feature, _)| *feature);
    if keys.is_empty() {
        // All examples, which are there anyway.
        return Ok(());
    }
    let mut columns = Vec::with_capacity(keys.len());
    for (feature, wanted) in &keys {
        let Some(column) = batch.column_by_name(feature) else {
            return Err(StatisticsError::MissingFeature { feature: (*feature).clone() });
        };
        columns.push(texts_of_rows(column.as_ref(), *wanted));
    }
    let mut names: Vec<String> = Vec::new();
    let mut next: Vec<String> = Vec::new();
    for (row, number) in (0..batch.num_rows()).zip(0_u32..) {
        names.clear();
        names.push(String::new());
        for (column, (feature, _)) in columns.iter().zip(&keys) {
            next.clear();
            for name in &names {
                for value in &column[row] {
                    next.push(match value {
                        _ if name == INVALID_SLICE => INVALID_SLICE.to_owned(),
                        None => INVALID_SLICE.to_owned(),
                        Some(value) if name.is_empty() => format!("{feature}_{value}"),
                        Some(value) => format!("{name}_{feature}_{value}"),
                    });
                }
            }
            std::mem::swap(&mut names, &mut next);
        }
        for name in &names {
            match slices.get_mut(name) {
                Some(rows) => rows.push(number),
                None => drop(slices.insert(name.clone(), vec![number])),
            }
        }
    }
    Ok(())
}

/// Returns the distinct values of every row that are wanted, as text; nothing in the place of one that is none.
pub(crate) fn texts_of_rows(
    column: &dyn Array,
    wanted: Option<&SliceValue>,
) -> Vec<Vec<Option<String>>> {
    match column.data_type() {
        DataType::List(_) => texts_of_lists(column.as_list::<i32>(), wanted),
        DataType::LargeList(_) => texts_of_lists(column.as_list::<i64>(), wanted),
        DataType::FixedSizeList(item, _) => {
            let lists = fixed_as_lists(column, std::sync::Arc::clone(item));
            texts_of_rows(lists.as_ref(), wanted)
        }
        _ => {
            let mut texts = vec![Vec::new(); column.len()];
            for_each_text(column, wanted, |row, text| texts[row].push(text));
            texts
        }
    }
}

fn texts_of_lists<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
    wanted: Option<&SliceValue>,
) -> Vec<Vec<Option<String>>> {
    let items = texts_of_rows(lists.values().as_ref(), wanted);
    let row = |row: usize| {
        if lists.is_null(row) {
            return Vec::new();
        }
        let (from, to) = (lists.value_offsets()[row], lists.value_offsets()[row + 1]);
        let mut texts: Vec<Option<String>> =
            items[from.as_usize()..to.as_usize()].iter().flatten().cloned().collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    (0..lists.len()).map(row).collect()
}

fn for_each_text(
    column: &dyn Array,
    wanted: Option<&SliceValue>,
    mut add: impl FnMut(usize, Option<String>),
) {
    let wanted = wanted.map(|wanted| match wanted {
        SliceValue::Int(value) => value.to_string(),
        SliceValue::Text(text) => text.clone(),
    });
    let mut visit = |row: usize, bytes: &[u8], _: bool| {
        if wanted.as_ref().is_none_or(|wanted| wanted.as_bytes() == bytes) {
            add(row, std::str::from_utf8(bytes).ok().map(str::to_owned));
        }
    };
    let is_number =
        |data_type: &DataType| data_type.is_numeric() || data_type == &DataType::Boolean;
    match column.data_type() {
        DataType::Dictionary(_, values) if is_number(values) => {
            visit_strings(&numbers_as_text(column), &mut visit);
        }
        data_type if is_number(data_type) => visit_strings(&numbers_as_text(column), &mut visit),
        _ => visit_strings(column, &mut visit),
    }
}
