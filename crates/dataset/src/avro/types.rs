//! The types of a schema, names looked up, and the Arrow types that they become.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};

/// A type of values.
#[derive(Clone, Debug)]
pub(super) struct Type {
    pub(super) union: Union,
    pub(super) kind: Kind,
}

/// What stands before a value to say which branch of a union it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Union {
    /// Nothing: it is no union.
    No,
    /// A branch of one.
    Single,
    /// A branch of two, of which this one means that the value is missing.
    Null(u8),
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Boolean,
    /// 32 bits; the type is that of numbers or of a date or time.
    Int(DataType),
    /// 64 bits, likewise.
    Long(DataType),
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Arc<[String]>),
    Decimal {
        precision: u8,
        scale: i8,
        /// How many bytes each has; bytes with their length before them otherwise.
        size: Option<usize>,
    },
    Array(Arc<Type>),
    Map(Arc<Type>),
    Record(Arc<Record>),
}

/// A record, and what is known of it as a whole, so that a type that is used twice is not looked through twice.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) fields: Vec<(String, Type)>,
    min_bytes: usize,
    null_bytes: usize,
    num_columns: usize,
    depth: usize,
}

impl Record {
    pub(super) fn new(fields: Vec<(String, Type)>) -> Self {
        let sum = |of: fn(&Type) -> usize| {
            fields.iter().fold(0, |sum: usize, (_, t)| sum.saturating_add(of(t)))
        };
        Self {
            min_bytes: sum(Type::min_bytes),
            null_bytes: sum(Type::null_bytes),
            num_columns: sum(Type::num_columns),
            depth: fields.iter().map(|(_, t)| t.depth()).max().unwrap_or(0),
            fields,
        }
    }

    /// Returns how few bytes a record can have on the wire.
    pub(super) fn min_bytes(&self) -> usize {
        self.min_bytes
    }
}

impl Type {
    pub(super) fn of(kind: Kind) -> Self {
        Self { union: Union::No, kind }
    }

    pub(super) fn is_nullable(&self) -> bool {
        matches!(self.union, Union::Null(_)) || matches!(self.kind, Kind::Null)
    }

    /// Returns how few bytes a value can have on the wire.
    pub(super) fn min_bytes(&self) -> usize {
        if self.union != Union::No {
            return 1;
        }
        match &self.kind {
            Kind::Null => 0,
            Kind::Float => 4,
            Kind::Double => 8,
            Kind::Fixed(size) | Kind::Decimal { size: Some(size), .. } => *size,
            Kind::Record(record) => record.min_bytes,
            _ => 1,
        }
    }

    /// Returns how much memory a missing value takes, but for the bits that say so.
    pub(super) fn null_bytes(&self) -> usize {
        match &self.kind {
            Kind::Null => 0,
            Kind::Boolean => 1,
            Kind::Long(_) | Kind::Double => 8,
            Kind::Decimal { .. } => 16,
            Kind::Record(record) => record.null_bytes,
            _ => 4,
        }
    }

    /// Returns how many columns there are, nested ones included.
    pub(super) fn num_columns(&self) -> usize {
        match &self.kind {
            Kind::Array(item) | Kind::Map(item) => item.num_columns().saturating_add(1),
            Kind::Record(record) => record.num_columns.saturating_add(1),
            _ => 1,
        }
    }

    /// Returns how deep it is nested.
    pub(super) fn depth(&self) -> usize {
        match &self.kind {
            Kind::Array(item) | Kind::Map(item) => item.depth() + 1,
            Kind::Record(record) => record.depth + 1,
            _ => 1,
        }
    }

    pub(super) fn field(&self, name: &str) -> Field {
        Field::new(name, self.data_type(), self.is_nullable())
    }

    /// Returns the type of a column of such values.
    pub(super) fn data_type(&self) -> DataType {
        match &self.kind {
            Kind::Null => DataType::Null,
            Kind::Boolean => DataType::Boolean,
            Kind::Int(data_type) | Kind::Long(data_type) => data_type.clone(),
            Kind::Float => DataType::Float32,
            Kind::Double => DataType::Float64,
            Kind::Bytes | Kind::Fixed(_) => DataType::Binary,
            Kind::String | Kind::Enum(_) => DataType::Utf8,
            Kind::Decimal { precision, scale, .. } => DataType::Decimal128(*precision, *scale),
            Kind::Array(item) => {
                DataType::List(Arc::new(item.field(Field::LIST_FIELD_DEFAULT_NAME)))
            }
            Kind::Map(value) => {
                let entries = vec![Field::new("key", DataType::Utf8, false), value.field("value")];
                let entries = Field::new("entries", DataType::Struct(entries.into()), false);
                DataType::Map(Arc::new(entries), false)
            }
            Kind::Record(record) => {
                DataType::Struct(record.fields.iter().map(|(name, t)| t.field(name)).collect())
            }
        }
    }
}

/// Returns what a logical type makes of an `int`.
pub(super) fn logical_int(name: &str) -> Option<DataType> {
    match name {
        "date" => Some(DataType::Date32),
        "time-millis" => Some(DataType::Time32(TimeUnit::Millisecond)),
        _ => None,
    }
}

/// Returns what a logical type makes of a `long`.
pub(super) fn logical_long(name: &str) -> Option<DataType> {
    if name == "time-micros" {
        return Some(DataType::Time64(TimeUnit::Microsecond));
    }
    let (zone, unit) = match name.strip_prefix("local-timestamp-") {
        Some(unit) => (None, unit),
        None => (Some("+00:00".into()), name.strip_prefix("timestamp-")?),
    };
    let unit = match unit {
        "millis" => TimeUnit::Millisecond,
        "micros" => TimeUnit::Microsecond,
        "nanos" => TimeUnit::Nanosecond,
        _ => return None,
    };
    Some(DataType::Timestamp(unit, zone))
}
