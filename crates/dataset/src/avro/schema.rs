//! The schema of a file: JSON to types.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::DataType;
use serde_json::{Map, Value};

use super::AvroSchemaProblem as Problem;
use super::types::{Kind, Record, Type, Union, logical_int, logical_long};
use crate::MAX_COLUMNS;

/// How deep types may be nested.
const MAX_DEPTH: usize = 64;

/// No `fixed` is larger.
const MAX_FIXED_BYTES: u64 = 1 << 20;

/// Decimals have at most this many digits in 128 bits.
const MAX_PRECISION: u64 = 38;

/// What is wrong with a schema, and the column where, empty for none.
pub(super) type Misfit = (String, Problem);

/// Returns the record that a schema is.
pub(super) fn parse(json: &Value) -> Result<Arc<Record>, Misfit> {
    let mut parser = Parser { names: HashMap::new(), column: Vec::new() };
    let read = parser.read(json, "").and_then(|read| match read {
        Type { union: Union::No, kind: Kind::Record(record) } => {
            // Any number of such records would stand in no bytes.
            if record.min_bytes() == 0 { Err(Problem::NoValues) } else { Ok(record) }
        }
        _ => Err(Problem::NotARecord { found: describe(json) }),
    });
    read.map_err(|problem| (parser.column.join("."), problem))
}

struct Parser {
    /// The named types, by full name; `None` while one is being read.
    names: HashMap<String, Option<Type>>,
    /// The names of the fields down to the one at hand.
    column: Vec<String>,
}

impl Parser {
    /// Reads a type where names without a namespace are of `namespace`.
    fn read(&mut self, json: &Value, namespace: &str) -> Result<Type, Problem> {
        let read = match json {
            Value::String(name) => match primitive(name) {
                Some(kind) => Type::of(kind),
                None => self.named(name, namespace)?,
            },
            Value::Array(branches) => self.union(branches, namespace)?,
            Value::Object(object) => self.object(object, namespace)?,
            _ => return Err(Problem::NotAType { found: describe(json) }),
        };
        if read.depth() > MAX_DEPTH {
            return Err(Problem::TooDeep { limit: MAX_DEPTH });
        }
        if read.num_columns() > MAX_COLUMNS {
            return Err(Problem::TooManyColumns { limit: MAX_COLUMNS });
        }
        Ok(read)
    }

    /// Looks a name up, in its namespace or in none.
    fn named(&self, name: &str, namespace: &str) -> Result<Type, Problem> {
        let full = full_name(name, namespace);
        let found = self.names.get(&full).or_else(|| self.names.get(name));
        match found {
            Some(Some(named)) => Ok(named.clone()),
            Some(None) => Err(Problem::Recursive { name: name.to_owned() }),
            None => Err(Problem::UnknownName { name: name.to_owned() }),
        }
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> Result<Type, Problem> {
        let is_null = |branch: &Value| {
            branch == "null" || branch.get("type").is_some_and(|inner| inner == "null")
        };
        let (union, branch) = match branches {
            [only] => (Union::Single, only),
            [null, other] if is_null(null) && !is_null(other) => (Union::Null(0), other),
            [other, null] if is_null(null) && !is_null(other) => (Union::Null(1), other),
            _ => {
                let names: Vec<_> = branches.iter().map(describe).collect();
                let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
                return Err(Problem::Union { found });
            }
        };
        let inner = self.read(branch, namespace)?;
        if inner.union != Union::No {
            return Err(Problem::Union { found: "a union".to_owned() });
        }
        Ok(Type { union, kind: inner.kind })
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<Type, Problem> {
        let inner = object.get("type").ok_or(Problem::Key { key: "type" })?;
        let Value::String(name) = inner else { return self.read(inner, namespace) };
        let logical = object.get("logicalType").and_then(Value::as_str);
        match name.as_str() {
            "record" | "error" => {
                let (full, inner_namespace) = self.define(object, namespace)?;
                let record = self.record(object, &inner_namespace)?;
                Ok(self.defined(full, Type::of(Kind::Record(Arc::new(record)))))
            }
            "enum" => {
                let (full, _) = self.define(object, namespace)?;
                let symbols = object.get("symbols").and_then(Value::as_array);
                let symbols = symbols.into_iter().flatten().map(|symbol| symbol.as_str());
                let symbols: Option<Vec<_>> = symbols.map(|s| s.map(str::to_owned)).collect();
                let symbols = symbols.filter(|symbols| !symbols.is_empty());
                let symbols = symbols.ok_or(Problem::Key { key: "symbols" })?;
                Ok(self.defined(full, Type::of(Kind::Enum(symbols.into()))))
            }
            "fixed" => {
                let (full, _) = self.define(object, namespace)?;
                let found = object.get("size").and_then(Value::as_u64);
                let found = found.ok_or(Problem::Key { key: "size" })?;
                let size = usize::try_from(found).ok();
                let size = size.filter(|_| (1..=MAX_FIXED_BYTES).contains(&found));
                let size = size.ok_or(Problem::FixedSize { found, limit: MAX_FIXED_BYTES })?;
                let decimal = logical.and_then(|name| decimal(name, object, Some(size)));
                Ok(self.defined(full, Type::of(decimal.unwrap_or(Kind::Fixed(size)))))
            }
            "array" => {
                let items = object.get("items").ok_or(Problem::Key { key: "items" })?;
                Ok(Type::of(Kind::Array(Arc::new(self.read(items, namespace)?))))
            }
            "map" => {
                let values = object.get("values").ok_or(Problem::Key { key: "values" })?;
                Ok(Type::of(Kind::Map(Arc::new(self.read(values, namespace)?))))
            }
            "int" => {
                Ok(Type::of(Kind::Int(logical.and_then(logical_int).unwrap_or(DataType::Int32))))
            }
            "long" => {
                Ok(Type::of(Kind::Long(logical.and_then(logical_long).unwrap_or(DataType::Int64))))
            }
            "bytes" => {
                let decimal = logical.and_then(|name| decimal(name, object, None));
                Ok(Type::of(decimal.unwrap_or(Kind::Bytes)))
            }
            _ => self.read(inner, namespace),
        }
    }

    fn record(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<Record, Problem> {
        let array = object.get("fields").and_then(Value::as_array);
        let array = array.ok_or(Problem::Key { key: "fields" })?;
        let mut seen = HashSet::new();
        let mut fields = Vec::new();
        for field in array {
            let name = field.get("name").and_then(Value::as_str);
            let name = name.ok_or(Problem::Key { key: "name" })?;
            self.column.push(name.to_owned());
            if !seen.insert(name) {
                return Err(Problem::FieldTwice);
            }
            let field_type = field.get("type").ok_or(Problem::Key { key: "type" })?;
            fields.push((name.to_owned(), self.read(field_type, namespace)?));
            self.column.pop();
        }
        Ok(Record::new(fields))
    }

    /// Takes note that a name is being defined; returns it and its namespace.
    fn define(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<(String, String), Problem> {
        let name =
            object.get("name").and_then(Value::as_str).ok_or(Problem::Key { key: "name" })?;
        let own = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
        let full = full_name(name, own);
        if self.names.insert(full.clone(), None).is_some() {
            return Err(Problem::NameTwice { name: full });
        }
        let inner = full.rsplit_once('.').map_or("", |(inner, _)| inner).to_owned();
        Ok((full, inner))
    }

    fn defined(&mut self, full: String, defined: Type) -> Type {
        self.names.insert(full, Some(defined.clone()));
        defined
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int(DataType::Int32),
        "long" => Kind::Long(DataType::Int64),
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

/// Returns a decimal, or `None` for a logical type that is no decimal or not a possible one, which counts for
/// nothing then.
fn decimal(name: &str, object: &Map<String, Value>, size: Option<usize>) -> Option<Kind> {
    if name != "decimal" {
        return None;
    }
    let number = |key| object.get(key).map_or(Some(0), Value::as_u64);
    let (precision, scale) = (number("precision")?, number("scale")?);
    if precision == 0 || precision > MAX_PRECISION || scale > precision {
        return None;
    }
    let (precision, scale) = (u8::try_from(precision).ok()?, i8::try_from(scale).ok()?);
    Some(Kind::Decimal { precision, scale, size })
}

/// Names a type in a message.
fn describe(json: &Value) -> String {
    match json {
        Value::String(name) => name.chars().take(60).collect(),
        Value::Array(_) => "a union".to_owned(),
        Value::Object(object) => match object.get("type") {
            Some(inner @ Value::String(_)) => describe(inner),
            _ => "an object without a type".to_owned(),
        },
        Value::Null => "JSON's null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn read(text: &str) -> Result<Schema, String> {
        let json = serde_json::from_str(text).unwrap();
        let record = parse(&json).map_err(|(column, problem)| format!("{column}: {problem}"))?;
        let fields = record.fields.iter().map(|(name, kind)| kind.field(name));
        Ok(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Reads a record of one field `f` of a type.
    fn field(kind: &str) -> Result<Field, String> {
        let text =
            format!(r#"{{"type":"record","name":"r","fields":[{{"name":"f","type":{kind}}}]}}"#);
        Ok(read(&text)?.field(0).clone())
    }

    #[test]
    fn types_become_columns() {
        let check = |kind: &str, expected: DataType, is_nullable: bool| {
            assert_eq!(field(kind).unwrap(), Field::new("f", expected, is_nullable), "{kind}");
        };
        check(r#""int""#, DataType::Int32, false);
        check(r#"["null", "long"]"#, DataType::Int64, true);
        check(r#"["string", "null"]"#, DataType::Utf8, true);
        check(r#"["double"]"#, DataType::Float64, false);
        check(r#"{"type": "float"}"#, DataType::Float32, false);
        check(r#"{"type": ["null", {"type": "bytes"}]}"#, DataType::Binary, true);
        check(r#"{"type": "enum", "name": "e", "symbols": ["a"]}"#, DataType::Utf8, false);
        check(r#"{"type": "fixed", "name": "e", "size": 3}"#, DataType::Binary, false);
        check(r#"{"type": "int", "logicalType": "date"}"#, DataType::Date32, false);
        check(r#"{"type": "long", "logicalType": "date"}"#, DataType::Int64, false);
        check(r#"{"type": "string", "logicalType": "uuid"}"#, DataType::Utf8, false);
        let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}"#;
        check(decimal, DataType::Decimal128(5, 2), false);
        let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 50}"#;
        check(decimal, DataType::Binary, false);
        let list = DataType::new_list(DataType::Int64, true);
        check(r#"{"type": "array", "items": ["null", "long"]}"#, list, false);
        let fields = vec![Field::new("a", DataType::Utf8, true)];
        let inner = r#"["null", {"type": "record", "name": "s", "fields": [{"name": "a", "type": ["null", "string"]}]}]"#;
        check(inner, DataType::Struct(fields.into()), true);
    }

    #[test]
    fn names_are_found_in_their_namespace() {
        let text = r#"{"type": "record", "name": "a.b.r", "fields": [
            {"name": "x", "type": {"type": "enum", "name": "e", "symbols": ["u"]}},
            {"name": "y", "type": ["null", "e"]},
            {"name": "z", "type": "a.b.e"}]}"#;
        let types: Vec<_> =
            read(text).unwrap().fields().iter().map(|f| f.data_type().clone()).collect();
        assert_eq!(types, [DataType::Utf8, DataType::Utf8, DataType::Utf8]);
        let text = text.replace(r#""type": "enum","#, r#""type": "enum", "namespace": "c","#);
        assert_eq!(read(&text).unwrap_err(), "y: no type is named `e`");
    }

    #[test]
    fn what_is_no_feature_is_named() {
        let check = |kind: &str, expected: &str| assert_eq!(field(kind).unwrap_err(), expected);
        check(
            r#"["int", "string"]"#,
            "f: a union of int, string is not supported, expected one type, or one and null",
        );
        check("[]", "f: a union of nothing is not supported, expected one type, or one and null");
        check("7", "f: found a number, expected a type");
        check(r#""long8""#, "f: no type is named `long8`");
        check(r#""r""#, "f: type `r` contains itself, which is not supported");
        check(r#"{"type": "array"}"#, "f: `items` is missing or of the wrong kind");
        check(
            r#"{"type": "fixed", "name": "x", "size": 0}"#,
            "f: `fixed` of 0 bytes, expected 1 to 1048576",
        );
        check(r#"{"type": "enum", "name": "r", "symbols": ["a"]}"#, "f: two types are named `r`");
        check(
            r#"{"type": "enum", "name": "e", "symbols": []}"#,
            "f: `symbols` is missing or of the wrong kind",
        );
        assert_eq!(
            field(r#""null""#).unwrap_err(),
            ": the records hold nothing but nulls, expected at least one value"
        );
        assert_eq!(read(r#""string""#).unwrap_err(), ": found string, expected a record");
        let twice = r#"{"type":"record","name":"r","fields":[{"name":"f","type":"int"},{"name":"f","type":"int"}]}"#;
        assert_eq!(read(twice).unwrap_err(), "f: stands twice in its record");
    }

    #[test]
    fn small_schemas_do_not_become_large() {
        // Each record holds the one before twice.
        let mut kind =
            r#"{"type": "record", "name": "r0", "fields": [{"name": "a", "type": "int"}]}"#
                .to_owned();
        for level in 1..40 {
            let before = level - 1;
            kind = format!(
                r#"{{"type": "record", "name": "r{level}", "fields": [{{"name": "a", "type": {kind}}}, {{"name": "b", "type": "r{before}"}}]}}"#
            );
        }
        assert!(
            field(&kind).unwrap_err().ends_with("more than 16384 columns, nested ones included")
        );
        let mut deep = r#""int""#.to_owned();
        for _ in 0..MAX_DEPTH {
            deep = format!(r#"{{"type": "array", "items": {deep}}}"#);
        }
        assert_eq!(field(&deep).unwrap_err(), "f: types are nested more than 64 deep");
    }
}
