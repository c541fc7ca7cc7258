//! One column in the making: values read from the wire, or passed over.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder as _, ArrayRef, BinaryBuilder, BooleanBuilder, Decimal128Builder, Float32Builder,
    Float64Builder, Int32Builder, Int64Builder, ListArray, MapArray, NullArray, NullBufferBuilder,
    StringBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;

use super::AvroProblem;
use super::cursor::Cursor;
use super::types::{Kind, Type, Union};

/// The values of a column so far.
#[derive(Debug)]
pub(super) struct Column {
    union: Union,
    /// What a missing value takes of memory.
    null_bytes: usize,
    data_type: DataType,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Null(usize),
    Boolean(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Bytes(BinaryBuilder),
    String(StringBuilder),
    Fixed(usize, BinaryBuilder),
    Enum(Arc<[String]>, StringBuilder),
    Decimal(Option<usize>, Decimal128Builder),
    List(FieldRef, Lists),
    /// The fields of the entries, the keys, and the values as lists.
    Map(FieldRef, Fields, StringBuilder, Lists),
    Record(Fields, Vec<Column>, NullBufferBuilder),
}

/// Lists by where each ends among the items.
#[derive(Debug)]
struct Lists {
    items: Box<Column>,
    /// What an item takes at least on the wire.
    min_bytes: usize,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Column {
    pub(super) fn new(of: &Type) -> Self {
        let data_type = of.data_type();
        let values = match (&of.kind, &data_type) {
            (Kind::Null, _) => Values::Null(0),
            (Kind::Boolean, _) => Values::Boolean(BooleanBuilder::new()),
            (Kind::Int(_), _) => Values::Int(Int32Builder::new()),
            (Kind::Long(_), _) => Values::Long(Int64Builder::new()),
            (Kind::Float, _) => Values::Float(Float32Builder::new()),
            (Kind::Double, _) => Values::Double(Float64Builder::new()),
            (Kind::Bytes, _) => Values::Bytes(BinaryBuilder::new()),
            (Kind::String, _) => Values::String(StringBuilder::new()),
            (Kind::Fixed(size), _) => Values::Fixed(*size, BinaryBuilder::new()),
            (Kind::Enum(symbols), _) => Values::Enum(Arc::clone(symbols), StringBuilder::new()),
            (Kind::Decimal { size, .. }, _) => {
                let builder = Decimal128Builder::new().with_data_type(data_type.clone());
                Values::Decimal(*size, builder)
            }
            (Kind::Array(item), _) => {
                let field = item.field(Field::LIST_FIELD_DEFAULT_NAME);
                Values::List(Arc::new(field), Lists::new(item, item.min_bytes()))
            }
            (Kind::Map(value), _) => {
                let key = Field::new("key", DataType::Utf8, false);
                let fields = Fields::from(vec![key, value.field("value")]);
                let entries = Field::new("entries", DataType::Struct(fields.clone()), false);
                let lists = Lists::new(value, value.min_bytes() + 1);
                Values::Map(Arc::new(entries), fields, StringBuilder::new(), lists)
            }
            (Kind::Record(record), _) => {
                let fields = record.fields.iter().map(|(name, field)| field.field(name)).collect();
                let columns = record.fields.iter().map(|(_, field)| Self::new(field)).collect();
                Values::Record(fields, columns, NullBufferBuilder::new(0))
            }
        };
        Self { union: of.union, null_bytes: of.null_bytes(), data_type, values }
    }

    /// Reads one value.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), AvroProblem> {
        if branch(self.union, cursor)? {
            self.read_value(cursor)
        } else {
            cursor.charge(self.null_bytes)?;
            self.push_null();
            Ok(())
        }
    }

    fn read_value(&mut self, cursor: &mut Cursor<'_>) -> Result<(), AvroProblem> {
        match &mut self.values {
            Values::Null(count) => *count += 1,
            Values::Boolean(builder) => builder.append_value(cursor.boolean()?),
            Values::Int(builder) => builder.append_value(cursor.int()?),
            Values::Long(builder) => builder.append_value(cursor.long()?),
            Values::Float(builder) => builder.append_value(cursor.float()?),
            Values::Double(builder) => builder.append_value(cursor.double()?),
            Values::Bytes(builder) => builder.append_value(cursor.bytes()?),
            Values::String(builder) => builder.append_value(cursor.text()?),
            Values::Fixed(size, builder) => builder.append_value(cursor.fixed(*size)?),
            Values::Enum(symbols, builder) => {
                let symbol = symbol(symbols, cursor)?;
                cursor.charge(symbol.len())?;
                builder.append_value(symbol);
            }
            Values::Decimal(size, builder) => {
                let bytes = match size {
                    Some(size) => cursor.fixed(*size)?,
                    None => cursor.bytes()?,
                };
                builder.append_value(decimal(bytes)?);
            }
            Values::List(_, lists) => {
                while let Some(run) = cursor.run(lists.min_bytes)? {
                    lists.items.read_items(run.num_items, lists.min_bytes, cursor)?;
                }
                lists.end(true);
            }
            Values::Map(_, _, keys, lists) => {
                while let Some(run) = cursor.run(lists.min_bytes)? {
                    for _ in 0..run.num_items {
                        keys.append_value(cursor.text()?);
                        lists.items.read(cursor)?;
                    }
                }
                lists.end(true);
            }
            Values::Record(_, columns, nulls) => {
                for column in columns {
                    column.read(cursor)?;
                }
                nulls.append_non_null();
            }
        }
        Ok(())
    }

    /// Reads the items of a list, which are counted rather than read where none stands on the wire.
    fn read_items(
        &mut self,
        num_items: usize,
        min_bytes: usize,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), AvroProblem> {
        if min_bytes > 0 {
            return (0..num_items).try_for_each(|_| self.read(cursor));
        }
        let limit = i32::MAX as u64;
        if self.len().saturating_add(num_items) as u64 > limit {
            return Err(AvroProblem::TooManyItems { limit });
        }
        self.push_weightless(num_items);
        Ok(())
    }

    /// Appends values that no byte stands for: nulls, and records of them.
    fn push_weightless(&mut self, count: usize) {
        match &mut self.values {
            Values::Null(length) => *length += count,
            Values::Record(_, columns, nulls) => {
                columns.iter_mut().for_each(|column| column.push_weightless(count));
                nulls.append_n_non_nulls(count);
            }
            _ => unreachable!("all other values have at least one byte"),
        }
    }

    /// Appends a missing value.
    fn push_null(&mut self) {
        match &mut self.values {
            Values::Null(count) => *count += 1,
            Values::Boolean(builder) => builder.append_null(),
            Values::Int(builder) => builder.append_null(),
            Values::Long(builder) => builder.append_null(),
            Values::Float(builder) => builder.append_null(),
            Values::Double(builder) => builder.append_null(),
            Values::Bytes(builder) | Values::Fixed(_, builder) => builder.append_null(),
            Values::String(builder) | Values::Enum(_, builder) => builder.append_null(),
            Values::Decimal(_, builder) => builder.append_null(),
            Values::List(_, lists) | Values::Map(_, _, _, lists) => lists.end(false),
            Values::Record(_, columns, nulls) => {
                columns.iter_mut().for_each(Self::push_null);
                nulls.append_null();
            }
        }
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::Null(count) => *count,
            Values::List(_, lists) | Values::Map(_, _, _, lists) => lists.offsets.len() - 1,
            Values::Record(_, _, nulls) => nulls.len(),
            Values::Boolean(builder) => builder.len(),
            Values::Int(builder) => builder.len(),
            Values::Long(builder) => builder.len(),
            Values::Float(builder) => builder.len(),
            Values::Double(builder) => builder.len(),
            Values::Bytes(builder) | Values::Fixed(_, builder) => builder.len(),
            Values::String(builder) | Values::Enum(_, builder) => builder.len(),
            Values::Decimal(_, builder) => builder.len(),
        }
    }

    /// Returns the values so far and begins anew.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let length = self.len();
        Ok(match &mut self.values {
            Values::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Values::Boolean(builder) => Arc::new(builder.finish()),
            // Dates and times are numbers until here.
            Values::Int(builder) => cast(&builder.finish(), &self.data_type)?,
            Values::Long(builder) => cast(&builder.finish(), &self.data_type)?,
            Values::Float(builder) => Arc::new(builder.finish()),
            Values::Double(builder) => Arc::new(builder.finish()),
            Values::Bytes(builder) | Values::Fixed(_, builder) => Arc::new(builder.finish()),
            Values::String(builder) | Values::Enum(_, builder) => Arc::new(builder.finish()),
            Values::Decimal(_, builder) => Arc::new(builder.finish()),
            Values::List(field, lists) => {
                let items = lists.items.finish()?;
                let (offsets, nulls) = lists.take();
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, nulls)?)
            }
            Values::Map(field, fields, keys, lists) => {
                let columns: Vec<ArrayRef> = vec![Arc::new(keys.finish()), lists.items.finish()?];
                let entries = StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = lists.take();
                let field = Arc::clone(field);
                Arc::new(MapArray::try_new(field, offsets, entries, nulls, false)?)
            }
            Values::Record(fields, columns, nulls) => {
                let columns: Result<Vec<_>, _> = columns.iter_mut().map(Self::finish).collect();
                let nulls = nulls.finish();
                let columns = columns?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, length)?)
            }
        })
    }
}

impl Lists {
    fn new(item: &Type, min_bytes: usize) -> Self {
        let items = Box::new(Column::new(item));
        Self { items, min_bytes, offsets: vec![0], nulls: NullBufferBuilder::new(0) }
    }

    /// Ends a list after the items read since the last one.
    fn end(&mut self, is_there: bool) {
        let end = i32::try_from(self.items.len());
        self.offsets.push(end.expect("a batch ends long before so many items"));
        self.nulls.append(is_there);
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Option<arrow::buffer::NullBuffer>) {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        (OffsetBuffer::new(offsets.into()), self.nulls.finish())
    }
}

/// Passes over one value without keeping it.
pub(super) fn skip(of: &Type, cursor: &mut Cursor<'_>) -> Result<(), AvroProblem> {
    if !branch(of.union, cursor)? {
        return Ok(());
    }
    match &of.kind {
        Kind::Null => Ok(()),
        Kind::Boolean => cursor.boolean().map(drop),
        Kind::Int(_) => cursor.int().map(drop),
        Kind::Long(_) => cursor.long().map(drop),
        Kind::Float => cursor.float().map(drop),
        Kind::Double => cursor.double().map(drop),
        Kind::Bytes | Kind::String | Kind::Decimal { size: None, .. } => cursor.bytes().map(drop),
        Kind::Fixed(size) | Kind::Decimal { size: Some(size), .. } => cursor.fixed(*size).map(drop),
        Kind::Enum(symbols) => symbol(symbols, cursor).map(drop),
        Kind::Array(item) => skip_items(item.min_bytes(), cursor, |cursor| skip(item, cursor)),
        Kind::Map(value) => skip_items(value.min_bytes() + 1, cursor, |cursor| {
            cursor.bytes()?;
            skip(value, cursor)
        }),
        Kind::Record(record) => record.fields.iter().try_for_each(|(_, of)| skip(of, cursor)),
    }
}

fn skip_items<'a>(
    min_bytes: usize,
    cursor: &mut Cursor<'a>,
    mut skip_item: impl FnMut(&mut Cursor<'a>) -> Result<(), AvroProblem>,
) -> Result<(), AvroProblem> {
    while let Some(run) = cursor.run(min_bytes)? {
        match run.num_bytes {
            Some(num_bytes) => drop(cursor.fixed(num_bytes)?),
            None if min_bytes == 0 => {}
            None => (0..run.num_items).try_for_each(|_| skip_item(cursor))?,
        }
    }
    Ok(())
}

/// Reads which branch of a union follows, and returns whether it is a value.
fn branch(union: Union, cursor: &mut Cursor<'_>) -> Result<bool, AvroProblem> {
    match union {
        Union::No => Ok(true),
        Union::Single => cursor.branch(1).map(|_| true),
        Union::Null(null) => Ok(cursor.branch(2)? != null),
    }
}

fn symbol<'a>(symbols: &'a [String], cursor: &mut Cursor<'_>) -> Result<&'a str, AvroProblem> {
    let found = cursor.long()?;
    let symbol = usize::try_from(found).ok().and_then(|index| symbols.get(index));
    symbol.map(String::as_str).ok_or(AvroProblem::Symbol { found, symbols: symbols.len() })
}

/// Reads a number in two's complement, highest byte first, of any length that fits.
fn decimal(bytes: &[u8]) -> Result<i128, AvroProblem> {
    let Some(first) = bytes.first() else { return Ok(0) };
    let sign = if first & 0x80 == 0 { 0 } else { 0xff };
    let (above, low) = bytes.split_at(bytes.len().saturating_sub(16));
    if above.iter().any(|&byte| byte != sign)
        || (!above.is_empty() && low.first().is_some_and(|low| (low ^ sign) & 0x80 != 0))
    {
        return Err(AvroProblem::DecimalTooLong);
    }
    let mut value = [sign; 16];
    value[16 - low.len()..].copy_from_slice(low);
    Ok(i128::from_be_bytes(value))
}
