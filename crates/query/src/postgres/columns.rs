//! Rows as they come from the server, made columns.

use std::error::Error;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder,
    Int64Builder, ListArray, RecordBatch, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use postgres::types::{FromSql, Kind as TypeKind, Type};
use postgres::{Column as ServerColumn, Row};

use super::values::{Kind, Value, elements, value};
use crate::QueryError;

/// Columns that are being filled.
pub(super) struct Columns(Vec<Column>);

struct Column {
    name: String,
    kind: Kind,
    values: Values,
    /// For arrays.
    list: Option<List>,
}

/// Where the lists of a column end, and which are there.
struct List {
    offsets: Vec<i32>,
    is_there: Vec<bool>,
}

impl List {
    fn new() -> Self {
        Self { offsets: vec![0], is_there: Vec::new() }
    }
}

impl Columns {
    /// Returns columns for what a statement gives.
    pub(super) fn of(columns: &[ServerColumn]) -> Result<Self, QueryError> {
        if columns.is_empty() {
            return Err(QueryError::NoColumns);
        }
        let columns = columns.iter().map(|column| {
            let (kind, is_list) = match column.type_().kind() {
                TypeKind::Array(item) => (kind_of(item), true),
                _ => (kind_of(column.type_()), false),
            };
            let kind = kind.ok_or_else(|| QueryError::UnsupportedServerType {
                column: column.name().to_owned(),
                type_name: column.type_().name().to_owned(),
            })?;
            let list = is_list.then(List::new);
            Ok(Column { name: column.name().to_owned(), kind, values: Values::of(kind), list })
        });
        columns.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn schema(&self) -> Schema {
        let fields = self.0.iter().map(|column| {
            let item = data_type(column.kind);
            let data_type = match column.list {
                Some(_) => DataType::List(Arc::new(Field::new_list_field(item, true))),
                None => item,
            };
            Field::new(&column.name, data_type, true)
        });
        Schema::new(fields.collect::<Vec<_>>())
    }

    /// Takes in a row; returns how many bytes it has.
    pub(super) fn take(&mut self, row: &Row) -> Result<usize, QueryError> {
        let mut num_bytes = 0;
        for (index, column) in self.0.iter_mut().enumerate() {
            let raw = row.try_get::<_, Raw<'_>>(index).map(|raw| raw.0);
            let raw = raw.map_err(|error| column.bad(base::render_chain(&error)))?;
            num_bytes += raw.map_or(0, <[u8]>::len);
            column.push(raw).map_err(|message| column.bad(message))?;
        }
        Ok(num_bytes)
    }

    /// Returns the rows taken in, and begins anew.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, QueryError> {
        let schema = Arc::new(self.schema());
        let columns: Result<Vec<ArrayRef>, QueryError> =
            self.0.iter_mut().map(Column::finish).collect();
        let first = self.0.first().map(|column| column.name.clone()).unwrap_or_default();
        RecordBatch::try_new(schema, columns?)
            .map_err(|error| QueryError::Value { column: first, message: error.to_string() })
    }
}

impl Column {
    fn bad(&self, message: String) -> QueryError {
        QueryError::Value { column: self.name.clone(), message }
    }

    fn push(&mut self, raw: Option<&[u8]>) -> Result<(), String> {
        let Some(list) = &mut self.list else {
            let found = raw.map(|raw| value(self.kind, raw)).transpose()?;
            self.values.push(found);
            return Ok(());
        };
        list.is_there.push(raw.is_some());
        if let Some(raw) = raw {
            for element in elements(raw)? {
                let found = element?.map(|raw| value(self.kind, raw)).transpose()?;
                self.values.push(found);
            }
        }
        let end = i32::try_from(self.values.len()).map_err(|_| "too many elements".to_owned())?;
        list.offsets.push(end);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, QueryError> {
        let values = self.values.finish();
        let Some(list) = &mut self.list else { return Ok(values) };
        let list = std::mem::replace(list, List::new());
        let field = Arc::new(Field::new_list_field(data_type(self.kind), true));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(list.offsets));
        let lists =
            ListArray::try_new(field, offsets, values, Some(NullBuffer::from(list.is_there)));
        lists.map(|lists| Arc::new(lists) as ArrayRef).map_err(|error| self.bad(error.to_string()))
    }
}

/// Returns how values of a type come; `None` where features have nothing for them.
fn kind_of(found: &Type) -> Option<Kind> {
    match found.kind() {
        TypeKind::Domain(inner) => return kind_of(inner),
        TypeKind::Enum(_) => return Some(Kind::Text),
        _ => {}
    }
    Some(match *found {
        Type::INT2 => Kind::Int2,
        Type::INT4 => Kind::Int4,
        Type::INT8 => Kind::Int8,
        Type::OID => Kind::Oid,
        Type::FLOAT4 => Kind::Float4,
        Type::FLOAT8 => Kind::Float8,
        Type::NUMERIC => Kind::Numeric,
        Type::BOOL => Kind::Bool,
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::JSON
        | Type::XML
        | Type::UNKNOWN => Kind::Text,
        Type::JSONB => Kind::Jsonb,
        Type::UUID => Kind::Uuid,
        Type::BYTEA => Kind::Bytes,
        Type::DATE => Kind::Date,
        Type::TIME => Kind::Time,
        Type::TIMESTAMP => Kind::Timestamp,
        Type::TIMESTAMPTZ => Kind::TimestampTz,
        _ => return None,
    })
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Oid => DataType::Int64,
        Kind::Float4 => DataType::Float32,
        Kind::Float8 | Kind::Numeric => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Text | Kind::Jsonb | Kind::Uuid => DataType::Utf8,
        Kind::Bytes => DataType::Binary,
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Time64(TimeUnit::Microsecond),
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
    }
}

/// Values that are being gathered.
enum Values {
    Int(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Stamp(TimestampMicrosecondBuilder),
}

/// Does the same with whatever values are gathered.
macro_rules! each {
    ($values:expr, $builder:ident => $result:expr) => {
        match $values {
            Values::Int($builder) => $result,
            Values::Float($builder) => $result,
            Values::Double($builder) => $result,
            Values::Bool($builder) => $result,
            Values::Text($builder) => $result,
            Values::Bytes($builder) => $result,
            Values::Date($builder) => $result,
            Values::Time($builder) => $result,
            Values::Stamp($builder) => $result,
        }
    };
}

impl Values {
    fn of(kind: Kind) -> Self {
        match data_type(kind) {
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Float32 => Self::Float(Float32Builder::new()),
            DataType::Float64 => Self::Double(Float64Builder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time64(_) => Self::Time(Time64MicrosecondBuilder::new()),
            stamp @ DataType::Timestamp(..) => {
                Self::Stamp(TimestampMicrosecondBuilder::new().with_data_type(stamp))
            }
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        each!(self, builder => builder.len())
    }

    /// Appends a value of the kind that these values are of.
    fn push(&mut self, value: Option<Value<'_>>) {
        match (self, value) {
            (Self::Int(values), Some(Value::Int(value))) => values.append_value(value),
            (Self::Float(values), Some(Value::Float(value))) => values.append_value(value),
            (Self::Double(values), Some(Value::Double(value))) => values.append_value(value),
            (Self::Bool(values), Some(Value::Bool(value))) => values.append_value(value),
            (Self::Text(values), Some(Value::Text(value))) => values.append_value(value),
            (Self::Bytes(values), Some(Value::Bytes(value))) => values.append_value(value),
            (Self::Date(values), Some(Value::Days(value))) => values.append_value(value),
            (Self::Time(values), Some(Value::Micros(value))) => values.append_value(value),
            (Self::Stamp(values), Some(Value::Micros(value))) => values.append_value(value),
            (values, _) => each!(values, builder => builder.append_null()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        each!(self, builder => Arc::new(builder.finish()))
    }
}

/// A value as the server sends it, whatever its type.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
