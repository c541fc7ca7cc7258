//! Places on the earth as short texts.

use arrow::array::StringArray;
use arrow::datatypes::Float64Type;

use super::Numbers;
use super::text::TextBuilder;
use crate::GraphError;

const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// Returns the geohash of each place: the interval of longitudes and that of latitudes halved in turn, five times per
/// character.
pub(super) fn geohash(
    latitudes: Numbers<'_, Float64Type>,
    longitudes: Numbers<'_, Float64Type>,
    precision: u8,
    num_rows: usize,
) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(num_rows);
    let mut text = String::with_capacity(usize::from(precision));
    for row in 0..num_rows {
        let place = latitudes.at(row).zip(longitudes.at(row)).filter(|(latitude, longitude)| {
            (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
        });
        text.clear();
        if let Some((latitude, longitude)) = place {
            write(&mut text, latitude, longitude, precision);
        }
        builder.push_row(place.map(|_| text.as_str()))?;
    }
    Ok(builder.finish())
}

fn write(text: &mut String, latitude: f64, longitude: f64, precision: u8) {
    let mut sides = [(longitude, -180.0, 180.0), (latitude, -90.0, 90.0)];
    let mut turn = 0;
    for _ in 0..precision {
        let mut digit = 0;
        for _ in 0..5 {
            let (value, low, high) = &mut sides[turn];
            let middle = f64::midpoint(*low, *high);
            let is_above = *value >= middle;
            *(if is_above { low } else { high }) = middle;
            digit = digit << 1 | usize::from(is_above);
            turn = 1 - turn;
        }
        text.push(char::from(DIGITS[digit]));
    }
}
