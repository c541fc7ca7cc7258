//! A TOML file as a tree in which every key and value knows its place.

mod overrides;
mod parse;
mod text;
mod tree;

pub(crate) use overrides::{apply_override, override_label};
pub(crate) use parse::{MAX_BYTES, parse};
pub(crate) use text::{Lines, char_offsets};
pub(crate) use tree::{Entry, Item, Place, Segment, Table, Value, quote_key, shown_path};
