//! The schema of a file: its description to columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};
use arrow_ipc as ipc;

use super::ArrowSchemaProblem as Problem;
use crate::MAX_COLUMNS;

/// What is wrong with a schema, and the column where, empty for none.
pub(super) type Misfit = (String, Problem);

/// The columns of a file.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) schema: SchemaRef,
    pub(super) shapes: Vec<Shape>,
    /// The values of each dictionary.
    pub(super) dictionaries: HashMap<i64, Shape>,
}

/// How a column lies in a message.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) data_type: DataType,
    /// The dictionary that holds the values, where they lie in one.
    pub(super) dictionary: Option<i64>,
    /// The items of a list, the fields of a struct.
    pub(super) children: Vec<Shape>,
}

impl Shape {
    /// Returns whether any number of values takes no bytes.
    pub(super) fn is_weightless(&self) -> bool {
        match &self.data_type {
            DataType::Null => true,
            DataType::Struct(_) => self.children.iter().all(Self::is_weightless),
            _ => false,
        }
    }
}

/// Returns the columns that a schema describes.
pub(super) fn columns_of(schema: ipc::Schema<'_>) -> Result<Columns, Misfit> {
    let none = |problem| (String::new(), problem);
    if schema.endianness() != ipc::Endianness::Little {
        return Err(none(Problem::BigEndian));
    }
    let mut reader = Reader { dictionaries: HashMap::new(), column: Vec::new(), num_columns: 0 };
    let mut fields = Vec::new();
    let mut shapes = Vec::new();
    for field in schema.fields().ok_or(none(Problem::Missing))? {
        let (field, shape) =
            reader.field(field).map_err(|problem| (reader.column.join("."), problem))?;
        fields.push(field);
        shapes.push(shape);
    }
    // Any number of such rows would stand in no bytes.
    if shapes.iter().all(Shape::is_weightless) {
        return Err(none(Problem::NoValues));
    }
    let schema = Arc::new(Schema::new(fields));
    Ok(Columns { schema, shapes, dictionaries: reader.dictionaries })
}

struct Reader {
    dictionaries: HashMap<i64, Shape>,
    /// The names of the fields down to the one at hand.
    column: Vec<String>,
    num_columns: usize,
}

impl Reader {
    fn field(&mut self, of: ipc::Field<'_>) -> Result<(Field, Shape), Problem> {
        let name = of.name().unwrap_or_default();
        self.column.push(name.to_owned());
        self.num_columns += 1;
        if self.num_columns > MAX_COLUMNS {
            return Err(Problem::TooManyColumns { limit: MAX_COLUMNS });
        }
        let values = self.shape(of)?;
        let shape = match of.dictionary() {
            None => values,
            Some(dictionary) => self.encoded(values, dictionary)?,
        };
        self.column.pop();
        Ok((Field::new(name, shape.data_type.clone(), of.nullable()), shape))
    }

    /// Returns how keys of a dictionary lie, and takes note of how its values do.
    fn encoded(
        &mut self,
        values: Shape,
        dictionary: ipc::DictionaryEncoding<'_>,
    ) -> Result<Shape, Problem> {
        // The keys are of 32 bits where nothing else is said.
        let keys = dictionary.indexType().map_or(Ok(DataType::Int32), integer)?;
        let data_type = DataType::Dictionary(Box::new(keys), Box::new(values.data_type.clone()));
        let id = dictionary.id();
        let known = self.dictionaries.entry(id).or_insert_with(|| values.clone());
        if known.data_type != values.data_type {
            let (found, expected) = (values.data_type, known.data_type.clone());
            return Err(Problem::DictionaryType { id, found, expected });
        }
        Ok(Shape { data_type, dictionary: Some(id), children: Vec::new() })
    }

    /// Returns how values lie, those in a dictionary as well.
    fn shape(&mut self, of: ipc::Field<'_>) -> Result<Shape, Problem> {
        let mut fields = Vec::new();
        let mut children = Vec::new();
        for child in of.children().into_iter().flatten() {
            let (field, shape) = self.field(child)?;
            fields.push(Arc::new(field));
            children.push(shape);
        }
        let name = of.type_type().variant_name().unwrap_or("of no known name");
        let found = fields.len();
        let one = || match fields.first() {
            Some(item) if found == 1 => Ok(Arc::clone(item)),
            _ => Err(Problem::Children { name, found, expected: 1 }),
        };
        let data_type = match of.type_type() {
            ipc::Type::List => DataType::List(one()?),
            ipc::Type::LargeList => DataType::LargeList(one()?),
            ipc::Type::FixedSizeList => {
                let size = of.type_as_fixed_size_list().map_or(0, |list| list.listSize());
                // A list of nothing, or of no items, takes no bytes.
                if size < 1 || children.iter().all(Shape::is_weightless) {
                    return Err(Problem::Parameters { name });
                }
                DataType::FixedSizeList(one()?, size)
            }
            ipc::Type::Map => {
                let entries = one()?;
                let is_map = match entries.data_type() {
                    DataType::Struct(fields) => fields.len() == 2 && !fields[0].is_nullable(),
                    _ => false,
                };
                if !is_map || entries.is_nullable() {
                    return Err(Problem::Parameters { name });
                }
                DataType::Map(entries, of.type_as_map().is_some_and(|map| map.keysSorted()))
            }
            ipc::Type::Struct_ => DataType::Struct(fields.into()),
            _ => {
                let data_type = scalar(of, name)?;
                if found > 0 {
                    return Err(Problem::Children { name, found, expected: 0 });
                }
                data_type
            }
        };
        Ok(Shape { data_type, dictionary: None, children })
    }
}

/// Returns the type of single values.
fn scalar(of: ipc::Field<'_>, name: &'static str) -> Result<DataType, Problem> {
    let parameters = || Problem::Parameters { name };
    Ok(match of.type_type() {
        ipc::Type::Null => DataType::Null,
        ipc::Type::Bool => DataType::Boolean,
        ipc::Type::Int => integer(of.type_as_int().ok_or_else(parameters)?)?,
        ipc::Type::FloatingPoint => {
            match of.type_as_floating_point().ok_or_else(parameters)?.precision() {
                ipc::Precision::HALF => DataType::Float16,
                ipc::Precision::SINGLE => DataType::Float32,
                ipc::Precision::DOUBLE => DataType::Float64,
                _ => return Err(parameters()),
            }
        }
        ipc::Type::Utf8 => DataType::Utf8,
        ipc::Type::LargeUtf8 => DataType::LargeUtf8,
        ipc::Type::Utf8View => DataType::Utf8View,
        ipc::Type::Binary => DataType::Binary,
        ipc::Type::LargeBinary => DataType::LargeBinary,
        ipc::Type::BinaryView => DataType::BinaryView,
        ipc::Type::FixedSizeBinary => {
            let width = of.type_as_fixed_size_binary().map_or(0, |binary| binary.byteWidth());
            if width < 1 {
                return Err(parameters());
            }
            DataType::FixedSizeBinary(width)
        }
        ipc::Type::Date => match of.type_as_date().ok_or_else(parameters)?.unit() {
            ipc::DateUnit::DAY => DataType::Date32,
            ipc::DateUnit::MILLISECOND => DataType::Date64,
            _ => return Err(parameters()),
        },
        ipc::Type::Time => {
            let time = of.type_as_time().ok_or_else(parameters)?;
            let unit = time_unit(time.unit()).ok_or_else(parameters)?;
            match (time.bitWidth(), unit) {
                (32, TimeUnit::Second | TimeUnit::Millisecond) => DataType::Time32(unit),
                (64, TimeUnit::Microsecond | TimeUnit::Nanosecond) => DataType::Time64(unit),
                _ => return Err(parameters()),
            }
        }
        ipc::Type::Timestamp => {
            let timestamp = of.type_as_timestamp().ok_or_else(parameters)?;
            let unit = time_unit(timestamp.unit()).ok_or_else(parameters)?;
            DataType::Timestamp(unit, timestamp.timezone().map(Into::into))
        }
        ipc::Type::Duration => {
            let unit = of.type_as_duration().and_then(|duration| time_unit(duration.unit()));
            DataType::Duration(unit.ok_or_else(parameters)?)
        }
        ipc::Type::Interval => match of.type_as_interval().ok_or_else(parameters)?.unit() {
            ipc::IntervalUnit::YEAR_MONTH => DataType::Interval(IntervalUnit::YearMonth),
            ipc::IntervalUnit::DAY_TIME => DataType::Interval(IntervalUnit::DayTime),
            ipc::IntervalUnit::MONTH_DAY_NANO => DataType::Interval(IntervalUnit::MonthDayNano),
            _ => return Err(parameters()),
        },
        ipc::Type::Decimal => decimal(of).ok_or_else(parameters)?,
        _ => return Err(Problem::Unsupported { name }),
    })
}

fn integer(of: ipc::Int<'_>) -> Result<DataType, Problem> {
    Ok(match (of.bitWidth(), of.is_signed()) {
        (8, true) => DataType::Int8,
        (8, false) => DataType::UInt8,
        (16, true) => DataType::Int16,
        (16, false) => DataType::UInt16,
        (32, true) => DataType::Int32,
        (32, false) => DataType::UInt32,
        (64, true) => DataType::Int64,
        (64, false) => DataType::UInt64,
        _ => return Err(Problem::Parameters { name: "Int" }),
    })
}

fn decimal(of: ipc::Field<'_>) -> Option<DataType> {
    let decimal = of.type_as_decimal()?;
    let (precision, scale) = (decimal.precision(), decimal.scale());
    if scale > precision {
        return None;
    }
    let (precision, scale) = (u8::try_from(precision).ok()?, i8::try_from(scale).ok()?);
    let (most, data_type) = match decimal.bitWidth() {
        32 => (9, DataType::Decimal32(precision, scale)),
        64 => (18, DataType::Decimal64(precision, scale)),
        128 => (38, DataType::Decimal128(precision, scale)),
        256 => (76, DataType::Decimal256(precision, scale)),
        _ => return None,
    };
    (1..=most).contains(&precision).then_some(data_type)
}

fn time_unit(unit: ipc::TimeUnit) -> Option<TimeUnit> {
    Some(match unit {
        ipc::TimeUnit::SECOND => TimeUnit::Second,
        ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        ipc::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        _ => return None,
    })
}
