//! Functions of text that is JSON.

use graph::ValueType::{self, Bool, Float, Int, String};

use super::{Code, Function, Mapper, Param, Returns, Takes};

const ABSENT: &str = "Missing where the text is no JSON, where the path leads nowhere or to `null`, and where the value \
                      is of another type.";

const X_AND_PATH: &[Param] =
    &[Param::required("x", Takes::String), Param::required("path", Takes::LiteralString)];

pub(super) const FUNCTIONS: &[Function] = &[
    json(
        "json_extract_string",
        String,
        "The text at a path within JSON. A path is `$` and then, again and again, `.name` or `['name']` for a field \
         of an object, or `[0]` for an element of an array, counted from 0; it has no wildcards.",
        r#"json_extract_string('{"names": ["' || company || '"]}', '$.names[0]')"#,
    ),
    json(
        "json_extract_int",
        Int,
        "The whole number at a path within JSON, also if it is written as `3.0` or `3e2`.",
        r#"json_extract_int('{"start": {"hour": ' || cast(trip_start_hour AS text) || '}}', '$.start.hour')"#,
    ),
    json(
        "json_extract_float",
        Float,
        "The number at a path within JSON.",
        r#"json_extract_float('[' || cast(trip_start_hour AS text) || '.25, true]', '$[0]')"#,
    ),
    json(
        "json_extract_bool",
        Bool,
        "Whether there is `true` or `false` at a path within JSON.",
        r#"json_extract_bool('{"is dear": ' || cast(fare > 10 AS text) || '}', '$[''is dear'']')"#,
    ),
];

const fn json(
    name: &'static str,
    value_type: ValueType,
    summary: &'static str,
    example: &'static str,
) -> Function {
    Function {
        name,
        alias: None,
        params: X_AND_PATH,
        returns: Returns::Type(value_type),
        summary,
        edges: ABSENT,
        example,
        code: Code::Mapper(Mapper::Json(value_type)),
    }
}
