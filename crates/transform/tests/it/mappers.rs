//! Functions of one example, from text to values.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use crate::values;

/// Shows the values of an expression over the texts `s`.
fn texts(expression: &str, rows: &[&str]) -> String {
    let mut rows: Vec<Option<&str>> = rows.iter().copied().map(Some).collect();
    rows.push(None);
    values(expression, vec![("s", Arc::new(StringArray::from(rows)) as ArrayRef)])
}

/// Shows the values of an expression over the integers `i`.
fn ints(expression: &str, rows: &[i64]) -> String {
    let mut rows: Vec<Option<i64>> = rows.iter().copied().map(Some).collect();
    rows.push(None);
    values(expression, vec![("i", Arc::new(Int64Array::from(rows)) as ArrayRef)])
}

/// Shows the values of an expression over the floats `f`.
fn floats(expression: &str, rows: &[f64]) -> String {
    let mut rows: Vec<Option<f64>> = rows.iter().copied().map(Some).collect();
    rows.push(None);
    values(expression, vec![("f", Arc::new(Float64Array::from(rows)) as ArrayRef)])
}

#[test]
fn patterns_of_like_are_taken_from_end_to_end() {
    let rows = ["cab", "crab", "Cab", "ca%", "c\nb", "", "c.b"];
    for (expression, expected) in [
        ("s LIKE 'cab'", "true false false false false false false -"),
        ("s LIKE ''", "false false false false false true false -"),
        ("s LIKE '%'", "true true true true true true true -"),
        ("s LIKE 'c%'", "true true false true true false true -"),
        ("s LIKE '%b'", "true true true false true false true -"),
        ("s LIKE '%r%'", "false true false false false false false -"),
        ("s LIKE 'c%b'", "true true false false true false true -"),
        ("s LIKE 'c_b'", "true false false false true false true -"),
        ("s LIKE 'c.b'", "false false false false false false true -"),
        ("s LIKE '___'", "true false true true true false true -"),
        ("s LIKE '_%%_b'", "true true true false true false true -"),
        ("s LIKE 'ca!%' ESCAPE '!'", "false false false true false false false -"),
        ("s NOT LIKE 'c%b'", "false false true true false true false -"),
        ("s ILIKE 'CAB'", "true false true false false false false -"),
        ("s ILIKE '_A%'", "true false true true false false false -"),
    ] {
        assert_eq!(texts(expression, &rows), expected, "{expression}");
    }
    assert_eq!(texts("s ILIKE 'ÄÖ_'", &["äöü", "ÄÖÜ", "äö"]), "true true false -");
}

#[test]
fn regular_expressions() {
    let rows = ["4242 - 12 Blue Cab", "Taxi", ""];
    for (expression, expected) in [
        ("regexp_like(s, '^[0-9]+ - ')", "true false false -"),
        ("regexp_matches(s, '(?i)CAB|TAXI')", "true true false -"),
        ("regexp_full_match(s, '[A-Z][a-z]+')", "false true false -"),
        ("cast(regexp_extract(s, '^([0-9]+) - ([0-9]+)', 2) AS int)", "12 - - -"),
        ("fill_missing(regexp_extract(s, '[a-z]+'), '?')", "lue axi ? ?"),
        (r"regexp_replace(s, '([a-z])([a-z]*)', '\2\1')", "4242 - 12 Buel Cba Txia  -"),
        ("regexp_replace(s, '[0-9]', '', replace_global => FALSE)", "242 - 12 Blue Cab Taxi  -"),
    ] {
        assert_eq!(texts(expression, &rows), expected, "{expression}");
    }
}

#[test]
fn texts_are_taken_apart() {
    let rows = ["Ünal Café", "a", ""];
    for (expression, expected) in [
        ("upper(strip_accents(s))", "UNAL CAFE A  -"),
        ("length(normalize(s, 'nfd'))", "11 1 0 -"),
        ("length(normalize(s))", "9 1 0 -"),
        ("left(s, 2) || right(s, 2)", "Ünfé aa  -"),
        ("reverse(s)", "éfaC lanÜ a  -"),
        ("lpad(s, 3, '.') || rpad(s, 2)", "ÜnaÜn ..aa  ...   -"),
        ("strpos(s, 'a')", "3 1 0 -"),
        ("position('Café' IN s)", "6 0 0 -"),
        ("split_part(s, ' ', -1)", "Café a  -"),
        ("ascii(s)", "220 97 0 -"),
        ("repeat(s, 2)", "Ünal CaféÜnal Café aa  -"),
        ("levenshtein(s, 'Unal Cafe')", "2 8 9 -"),
        ("jaro_winkler(s, 'a')", "0.7037037 1.0 0.0 -"),
        ("jaccard(s, 'a', 1)", "0.125 1.0 0.0 -"),
    ] {
        assert_eq!(texts(expression, &rows), expected, "{expression}");
    }
}

#[test]
fn numbers() {
    let rows = [1.5, -2.0, f64::NAN, f64::INFINITY];
    for (expression, expected) in [
        ("clip(f, -1, 1)", "1.0 -1.0 NaN 1.0 -"),
        ("nan_to_missing(f)", "1.5 -2.0 - inf -"),
        ("is_finite(f) OR is_inf(f)", "true true false true -"),
        ("trunc(f)", "1.0 -2.0 NaN inf -"),
        ("width_bucket(f, -2, 2, 4)", "4 1 5 5 -"),
        ("width_bucket(f, 0.0, 1, 1)", "2 0 2 2 -"),
        ("round(degrees(radians(f)) * 10)", "15.0 -20.0 NaN inf -"),
        ("round(sin(pi() * f))", "-1.0 0.0 NaN NaN -"),
        ("round(atan2(f, 0) * 100)", "157.0 -157.0 NaN 157.0 -"),
        ("cbrt(f * 0 + 8)", "2.0 2.0 NaN NaN -"),
        ("expm1(log1p(1)) + f", "2.5 -1.0 NaN inf -"),
    ] {
        assert_eq!(floats(expression, &rows), expected, "{expression}");
    }
    let rows = [7, -7, 0];
    for (expression, expected) in [
        ("div(i, 2)", "3 -3 0 -"),
        ("div(1, i)", "0 0 - -"),
        ("i & 3 | 8", "11 9 8 -"),
        ("xor(i, 1)", "6 -8 1 -"),
        ("shift_left(i, 1) + shift_right(i, 1)", "17 -18 0 -"),
        ("clip(i, 0, 5)", "5 0 0 -"),
        ("clip(i, 0, 5.5)", "5.5 0.0 0.0 -"),
        ("i & 1 = 1", "true true false -"),
        ("try_cast(i AS text)", "7 -7 0 -"),
        ("fill_missing(i > 0, FALSE)", "true false false false"),
    ] {
        assert_eq!(ints(expression, &rows), expected, "{expression}");
    }
}

#[test]
fn times() {
    let rows = [0, 1_710_063_000, -1];
    for (expression, expected) in [
        ("date_part('hour', i)", "0 9 23 -"),
        ("extract(hour FROM i)", "0 9 23 -"),
        ("EXTRACT(DOW FROM i)", "4 0 3 -"),
        ("time_part('hour', i, tz => 'Europe/Berlin')", "1 10 0 -"),
        ("date_part('hour', i * 1000, unit => 'ms')", "0 9 23 -"),
        ("date_trunc('month', i)", "0 1709251200 -2678400 -"),
        (
            "format_time(i, '%Y-%m-%d %H:%M', tz => '+05:30')",
            "1970-01-01 05:30 2024-03-10 15:00 1970-01-01 05:29 -",
        ),
        (
            "format_time(i)",
            "1970-01-01T00:00:00+00:00 2024-03-10T09:30:00+00:00 1969-12-31T23:59:59+00:00 -",
        ),
        ("parse_time(format_time(i)) - i", "0 0 0 -"),
        ("round(10 * cos(2 * pi() * date_part('hour', i) / 24))", "10.0 -7.0 10.0 -"),
    ] {
        assert_eq!(ints(expression, &rows), expected, "{expression}");
    }
    let rows = ["10.03.2024 09:30", "2024-03-10 09:30"];
    assert_eq!(texts("parse_time(s)", &rows), "- 1710063000 -");
    assert_eq!(
        texts("parse_time(s, '%d.%m.%Y %H:%M', tz => 'Asia/Tokyo', unit => 'ms')", &rows),
        "1710030600000 - -"
    );
}

#[test]
fn json() {
    let rows =
        [r#"{"user": {"id": 7, "tags": ["a", "b"]}, "ok": true, "score": 0.5}"#, "{}", "no json"];
    for (expression, expected) in [
        ("json_extract_string(s, '$.user.tags[1]')", "b - - -"),
        ("json_extract_int(s, '$.user.id')", "7 - - -"),
        ("json_extract_float(s, '$[''score'']')", "0.5 - - -"),
        ("json_extract_bool(s, '$.ok')", "true - - -"),
        ("json_extract_int(s, '$.ok')", "- - - -"),
    ] {
        assert_eq!(texts(expression, &rows), expected, "{expression}");
    }
}

#[test]
fn places() {
    let columns = || {
        let latitudes: ArrayRef =
            Arc::new(Float64Array::from(vec![Some(52.517), Some(90.0), Some(0.0), None]));
        let longitudes: ArrayRef = Arc::new(Float64Array::from(vec![13.389, 0.0, 180.0, 0.0]));
        vec![("lat", latitudes), ("lon", longitudes)]
    };
    // From Paris, whose distance to Berlin is 876 km; half way round the earth it is half its circumference.
    assert_eq!(
        values("round(geo_distance(lat, lon, 48.857, 2.352))", columns()),
        "876.0 4575.0 14578.0 -"
    );
    assert_eq!(
        values("round(geo_distance(lat, lon, -lat, lon - 180) * 1000)", columns()),
        "20015114.0 20015114.0 20015114.0 -"
    );
    assert_eq!(values("geo_distance(lat, lon, lat, lon)", columns()), "0.0 0.0 0.0 -");
    assert_eq!(values("geohash(lat, lon, 5)", columns()), "u33db upbpb xbpbp -");
}
