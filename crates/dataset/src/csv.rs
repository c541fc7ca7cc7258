//! Comma-separated text as a source of examples: RFC 4180, read generously.
//!
//! - Text is UTF-8, with or without a byte order mark, plain or compressed with gzip, zstd or bzip2. Lines end in LF, CRLF or CR; blank lines are skipped.
//! - The first line that is not blank is the header, and every file of one source has the same names in it, in
//!   whatever order; or the names of the columns are given ([`CsvFormat`]), and there is no header.
//! - A cell that begins with a quote goes to its closing quote, and may hold commas (or whatever stands between
//!   cells), line ends and doubled quotes; what follows the closing quote belongs to the cell. A quote anywhere else is text.
//! - An empty cell, quoted or not, is a missing value. White space is kept, except around numbers. A row of one
//!   missing value alone has to be written as `""`: a blank line is no row.
//! - INT is 64 bits and FLOAT 32 bits wide, as in `tf.Example`; [`cell_type`] says what looks like which.
//! - A row that does not fit is a value ([`RowError`]), named by the line where it begins.
//!
//! Files are cut into pieces of a fixed size at row boundaries, found by one pass that jumps from quote to
//! quote; a piece is a partition, or a file where it is compressed. So partitions depend on the data alone.
//! Not here: choosing types (`ingest`).

mod columns;
mod error;
mod files;
mod layout;
mod order;
mod records;
mod rows;
mod value;

pub use error::{CsvError, RowError, RowReason};
pub use files::{CsvFiles, CsvFormat};
pub use layout::MAX_COLUMNS;
pub(crate) use layout::{BYTE_ORDER_MARK, MAGIC};
pub use order::CsvOrder;
pub use rows::{CsvRow, CsvRows};
pub use value::cell_type;
