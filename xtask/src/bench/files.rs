//! Tables to measure with, the same at every call.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::Failure;

/// The columns of taxi trips whose values are moved a little, so that they have as many distinct values as real
/// trips have.
const MEASURED: [&str; 4] = ["fare", "trip_miles", "trip_start_timestamp", "trip_seconds"];

/// Until when a file is written.
#[derive(Clone, Copy)]
pub(super) enum Size {
    /// Until it has this many rows.
    Rows(usize),
    /// Until it has at least this many bytes.
    Bytes(u64),
}

/// Writes taxi trips: rows of `data` in an order that looks random, with a little added to what was measured.
/// Returns how many rows and bytes there are.
pub(super) fn write_trips(data: &Path, size: Size, out: &Path) -> Result<(usize, u64), Failure> {
    let text = std::fs::read_to_string(data)?;
    let mut lines = text.lines();
    let header = lines.next().ok_or("the data has no header")?;
    let is_measured: Vec<bool> =
        header.split(',').map(|name| MEASURED.contains(&name.trim())).collect();
    // Quoted cells could have commas in them, which this simple reader does not know.
    let rows: Vec<&str> = lines.filter(|line| !line.contains('"')).collect();
    if rows.is_empty() {
        return Err("the data has no rows".into());
    }
    let mut random = Random(1);
    let mut file =
        Counted { file: BufWriter::with_capacity(1 << 20, File::create(out)?), bytes: 0 };
    writeln!(file, "{header}")?;
    let mut count = 0;
    while match size {
        Size::Rows(wanted) => count < wanted,
        Size::Bytes(wanted) => file.bytes < wanted,
    } {
        let row = rows[random.below(rows.len())];
        for (column, cell) in row.split(',').enumerate() {
            if column > 0 {
                file.write_all(b",")?;
            }
            match cell.parse::<i64>() {
                _ if !is_measured.get(column).is_some_and(|&yes| yes) => {
                    file.write_all(cell.as_bytes())?;
                }
                Ok(whole) => write!(file, "{}", whole + i64::try_from(random.below(60))?)?,
                Err(_) => match cell.parse::<f64>() {
                    Ok(number) => {
                        let cents = u32::try_from(random.below(100))?;
                        write!(file, "{:.2}", number + f64::from(cents) / 100.0)?;
                    }
                    Err(_) => file.write_all(cell.as_bytes())?,
                },
            }
        }
        file.write_all(b"\n")?;
        count += 1;
    }
    file.flush()?;
    Ok((count, file.bytes))
}

/// Writes a table of so many columns: whole numbers, decimal numbers, a few names and many, in turn; one cell in
/// twenty is empty.
pub(super) fn write_wide(columns: usize, rows: usize, out: &Path) -> Result<(), Failure> {
    let mut random = Random(1);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out)?);
    let names: Vec<String> = (0..columns).map(|column| format!("column_{column}")).collect();
    writeln!(file, "{}", names.join(","))?;
    for _ in 0..rows {
        for column in 0..columns {
            if column > 0 {
                file.write_all(b",")?;
            }
            if random.below(20) == 0 {
                continue;
            }
            match column % 4 {
                0 => write!(file, "{}", random.below(1000))?,
                1 => write!(file, "{}.{:03}", random.below(100), random.below(1000))?,
                2 => write!(file, "name {}", random.below(20))?,
                _ => write!(file, "key {}", random.below(5000))?,
            }
        }
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(())
}

struct Counted<W> {
    file: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % limit as u64).unwrap_or_default()
    }
}
