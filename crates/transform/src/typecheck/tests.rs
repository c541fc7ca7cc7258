use std::fmt::Write as _;

use insta::assert_snapshot;

use crate::{Config, InputFeature, InputKind, check};

/// Checks expressions over the columns `fare` (float), `hour` (int), `company` (string), `new` (unknown), `tags` (list
/// of strings) and `prices` (list of floats), and shows the types of the features, or all problems.
fn types(helpers: &[(&str, &str)], features: &[(&str, &str)]) -> String {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let config = Config { features: owned(features), helpers: owned(helpers) };
    let columns = [
        ("fare", Some(InputKind::Float)),
        ("hour", Some(InputKind::Int)),
        ("company", Some(InputKind::String)),
        ("new", None),
        ("tags", Some(InputKind::String)),
        ("prices", Some(InputKind::Float)),
    ];
    let columns = columns.map(|(name, feature_type)| InputFeature {
        name: name.to_owned(),
        feature_type,
        shape: match name {
            "tags" | "prices" => graph::Shape::List,
            _ => graph::Shape::One,
        },
        note: None,
    });
    let mut shown = String::new();
    match check(&config, &columns) {
        Ok(outputs) => {
            for output in outputs {
                let value_type =
                    output.value_type.map_or("unknown".to_owned(), |found| found.to_string());
                let _ = write!(shown, "{}: {value_type}", output.name);
                match output.shape {
                    graph::Shape::One => {}
                    graph::Shape::List => shown.push_str(" list"),
                    graph::Shape::Vector(length) => {
                        let _ = write!(shown, " × {length}");
                    }
                }
                if let Some(num_buckets) = output.num_buckets {
                    let _ = write!(shown, " below {num_buckets}");
                }
                shown.push('\n');
            }
        }
        Err(problems) => {
            for problem in problems {
                let _ =
                    writeln!(shown, "{} at {}: {}", problem.key, problem.offset, problem.message);
                if let Some(hint) = problem.hint {
                    let _ = writeln!(shown, "  hint: {hint}");
                }
            }
        }
    }
    shown
}

fn type_of(expression: &str) -> String {
    let shown = types(&[], &[("x", expression)]);
    shown
        .trim_end()
        .trim_start_matches("x: ")
        .trim_start_matches("features.x ")
        .replace('\n', "\n    ")
}

#[test]
fn ints_become_floats_where_floats_are() {
    let cases = [
        "hour",
        "hour + 1",
        "hour + 1.0",
        "hour / 2",
        "fill_missing(hour, 0.5)",
        "-hour",
        "ln(hour)",
        "abs(hour)",
        "least(hour, 3, 4.5)",
        "CASE WHEN hour > 3 THEN 1 ELSE 0.5 END",
        "hour = 1.5",
        "cast(fare AS int)",
        "nullif(hour, 0)",
        "floor(hour)",
        "min(hour)",
        "mean(hour)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}: {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    hour: INT
    hour + 1: INT
    hour + 1.0: FLOAT
    hour / 2: FLOAT
    fill_missing(hour, 0.5): FLOAT
    -hour: INT
    ln(hour): FLOAT
    abs(hour): INT
    least(hour, 3, 4.5): FLOAT
    CASE WHEN hour > 3 THEN 1 ELSE 0.5 END: FLOAT
    hour = 1.5: BOOL
    cast(fare AS int): INT
    nullif(hour, 0): INT
    floor(hour): FLOAT
    min(hour): INT
    mean(hour): FLOAT
    ");
}

#[test]
fn ids_know_how_many_there_are() {
    let cases = [
        "bucketize(fare, 10)",
        "hash_strings(company, 80)",
        "hash_strings(hour, 80)",
        "apply_buckets(fare, 1, 2.5)",
        "vocabulary(company)",
        "vocabulary(hour, num_oov_buckets => 1)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}: {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    bucketize(fare, 10): INT below 10
    hash_strings(company, 80): INT below 80
    hash_strings(hour, 80): INT below 80
    apply_buckets(fare, 1, 2.5): INT below 3
    vocabulary(company): INT
    vocabulary(hour, num_oov_buckets => 1): INT
    ");
}

#[test]
fn a_column_of_unknown_type_fits_everywhere() {
    let cases = [
        "new",
        "ln(new)",
        "lower(new)",
        "new + 1",
        "new = 'x'",
        "fill_missing(new, '')",
        "NOT new",
        "vocabulary(new)",
        "CASE WHEN new THEN new ELSE NULL END",
        "abs(new)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}: {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    new: unknown
    ln(new): FLOAT
    lower(new): STRING
    new + 1: INT
    new = 'x': BOOL
    fill_missing(new, ''): STRING
    NOT new: BOOL
    vocabulary(new): INT
    CASE WHEN new THEN new ELSE NULL END: unknown
    abs(new): unknown
    ");
}

#[test]
fn all_problems_are_told_at_once() {
    let helpers = [("miles", "fil_missing(fare, 0.0)"), ("broken", "fare +")];
    let features = [
        ("a", "scale_to_zscore(lnn(fare) + company)"),
        ("b", "ln(company) + lower(fare)"),
        ("c", "miles + broken"),
        ("d", "faer + Company"),
    ];
    assert_snapshot!(types(&helpers, &features), @"
    let.miles at 0: there is no function `fil_missing`
      hint: did you mean `fill_missing`?
    let.broken at 6: found the end, expected an expression
    features.a at 0: there is no function `scale_to_zscore`
      hint: did you mean `scale_to_z_score`?
    features.a at 16: there is no function `lnn`
      hint: did you mean `ln`?
    features.a at 28: the right side of `+`: `company` is string, expected int or float
      hint: `cast(company AS float)` reads numbers from text
    features.b at 3: argument `x` of `ln`: `company` is string, expected int or float
      hint: `cast(company AS float)` reads numbers from text
    features.b at 14: the right side of `+`: found string, expected int or float
      hint: `cast(… AS float)` reads numbers from text
    features.b at 20: argument `x` of `lower`: `fare` is float, expected string
      hint: `cast(fare AS text)` makes text of it
    features.d at 0: there is no column, helper or feature `faer`
      hint: did you mean `fare`?
    features.d at 7: there is no column, helper or feature `Company`
      hint: did you mean `company`?
    ");
}

#[test]
fn wrong_types_say_what_was_found_and_what_was_expected() {
    let cases = [
        "company + 1",
        "1 - company",
        "-company",
        "fare = 'x'",
        "company < fare",
        "fare AND TRUE",
        "NOT hour",
        "fare || 'x'",
        "ln(fare > 1)",
        "coalesce(fare, hour, 'x')",
        "fill_missing(company, 0)",
        "CASE WHEN hour THEN 1 END",
        "CASE WHEN TRUE THEN 1 ELSE 'x' END",
        "CASE hour WHEN 'x' THEN 1 END",
        "hour IN (1, 'x')",
        "hour BETWEEN 'a' AND 3",
        "length(hour)",
        "vocabulary(fare)",
        "min(company)",
        "bucketize(ln(company), 10)",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}\n    {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @"
    company + 1
        at 0: the left side of `+`: `company` is string, expected int or float
          hint: `cast(company AS float)` reads numbers from text
    1 - company
        at 4: the right side of `-`: `company` is string, expected int or float
          hint: `cast(company AS float)` reads numbers from text
    -company
        at 1: the operand of `-`: `company` is string, expected int or float
          hint: `cast(company AS float)` reads numbers from text
    fare = 'x'
        at 7: the right side of `=`: found string, expected float, as the left side is
    company < fare
        at 10: the right side of `<`: `fare` is float, expected string, as the left side is
          hint: `cast(fare AS text)` makes text of it
    fare AND TRUE
        at 0: the left side of `AND`: `fare` is float, expected bool
          hint: compare it, as in `fare > 0`
    NOT hour
        at 4: the operand of `NOT`: `hour` is int, expected bool
          hint: compare it, as in `hour > 0`
    fare || 'x'
        at 0: the left side of `||`: `fare` is float, expected string
          hint: `cast(fare AS text)` makes text of it
    ln(fare > 1)
        at 3: argument `x` of `ln`: found bool, expected int or float
          hint: `cast(… AS int)` makes 0 and 1 of it
    coalesce(fare, hour, 'x')
        at 21: argument 3 of `coalesce`: found string, expected float, as argument 1 is
    fill_missing(company, 0)
        at 22: argument `value` of `fill_missing`: found int, expected string, as argument `x` is
    CASE WHEN hour THEN 1 END
        at 10: a condition behind `WHEN`: `hour` is int, expected bool
          hint: compare it, as in `hour > 0`
    CASE WHEN TRUE THEN 1 ELSE 'x' END
        at 27: the value behind `ELSE`: found string, expected int, as a value behind `THEN` is
    CASE hour WHEN 'x' THEN 1 END
        at 15: a value behind `WHEN`: found string, expected int, as the operand is
    hour IN (1, 'x')
        at 12: the list of `IN`: found string, expected int, as the left side is
    hour BETWEEN 'a' AND 3
        at 13: the low end of `BETWEEN`: found string, expected int, as the left side is
    length(hour)
        at 7: argument `x` of `length`: `hour` is int, expected string
          hint: `cast(hour AS text)` makes text of it
    vocabulary(fare)
        at 11: argument `x` of `vocabulary`: `fare` is float, expected string or int
          hint: `cast(fare AS text)` makes text of it
    min(company)
        at 4: argument `x` of `min`: `company` is string, expected int or float
          hint: `cast(company AS float)` reads numbers from text
    bucketize(ln(company), 10)
        at 13: argument `x` of `ln`: `company` is string, expected int or float
          hint: `cast(company AS float)` reads numbers from text
    ");
}

#[test]
fn wrong_arguments_say_how_the_function_is_called() {
    let cases = [
        "ln()",
        "ln(fare, 2)",
        "bucketize(fare)",
        "bucketize(fare, num_bukets => 3)",
        "bucketize(fare, hour)",
        "bucketize(fare, 0)",
        "bucketize(fare, 2.5)",
        "bucketize(fare, 1 + 1)",
        "bucketize(x => fare, 10)",
        "vocabulary(company, top_k => 1, top_k => 2)",
        "vocabulary(company, top_k => 'x')",
        "vocabulary(company, num_oov_buckets => 1, default_value => 5)",
        "vocabulary(company, min_diff_from_avg => 1, coverage_top_k => 3)",
        "vocabulary(company, key => hour)",
        "vocabulary(company, key => hour, labels => hour, coverage_top_k => 1)",
        "vocabulary(company, frequency_threshold => -1)",
        "vocabulary(company, labels => fare)",
        "vocabulary(company, fingerprint_shuffle => 1)",
        "vocabulary(company, reserved_tokens => 'a,,b')",
        "vocabulary(company, reserved_tokens => 'a, b,a')",
        "vocabulary(company, vocab_filename => 'v') + vocabulary(hour, vocab_filename => 'v')",
        "vocabulary(company, vocab_filename => 'v') + vocabulary(company, vocab_filename => 'v')",
        "quantile(fare, 1.5)",
        "scale_to_z_score_per_key(fare, fare)",
        "mean_per_key(company, hour)",
        "estimated_probability_density(fare, 1)",
        "replace(company, 'a', company)",
        "scale_by_min_max(fare, 1, 0)",
        "apply_buckets(fare)",
        "apply_buckets(fare, 2, 1)",
        "hash_strings(company, 9, key_0 => 1)",
        "regexp_like(company, 'it''s (a')",
        "regexp_extract(company, 'a', 1)",
        "regexp_replace(company, '(a)', '\\2')",
        "regexp_replace(company, '(a)', 'b\\x')",
        "regexp_like(company, company)",
        "company LIKE 'a!c' ESCAPE '!'",
        "company LIKE 'a' ESCAPE '!!'",
        "normalize(company, 'nfx')",
        "split_part(company, ' ', 0)",
        "lpad(company, -1)",
        "parse_time(company, '%d.%m.')",
        "parse_time(company, tz => 'Europe/Berln')",
        "date_part('hours', hour)",
        "extract(hours FROM hour)",
        "date_trunc('day', fare)",
        "date_part('hour', hour, unit => 'sec')",
        "json_extract_int(company, '$.a..b')",
        "width_bucket(fare, 3, 2, 5)",
        "geohash(fare, fare, 13)",
        "regexp_replace(company, 'a', '', replace_global => 1)",
        "coalesce()",
    ];
    let shown: Vec<_> = cases.iter().map(|case| format!("{case}\n    {}", type_of(case))).collect();
    assert_snapshot!(shown.join("\n"), @r#"
    ln()
        at 0: argument `x` is not given, expected ln(x)
    ln(fare, 2)
        at 9: too many arguments: found 2, expected ln(x)
    bucketize(fare)
        at 0: argument `num_buckets` is not given, expected bucketize(x, num_buckets, weights => 1)
    bucketize(fare, num_bukets => 3)
        at 16: `bucketize` has no argument `num_bukets`, expected bucketize(x, num_buckets, weights => 1)
          hint: did you mean `num_buckets`?
    bucketize(fare, hour)
        at 16: argument `num_buckets` of `bucketize`: found `hour`, expected a whole number from 1 to 100000
    bucketize(fare, 0)
        at 16: argument `num_buckets` of `bucketize`: found 0, expected a whole number from 1 to 100000
    bucketize(fare, 2.5)
        at 16: argument `num_buckets` of `bucketize`: found 2.5, expected a whole number from 1 to 100000
    bucketize(fare, 1 + 1)
        at 16: argument `num_buckets` of `bucketize`: found an expression, expected a whole number from 1 to 100000
    bucketize(x => fare, 10)
        at 21: an argument without a name comes after `x`, which has one
          hint: put it before
    vocabulary(company, top_k => 1, top_k => 2)
        at 32: argument `top_k` is given twice
    vocabulary(company, top_k => 'x')
        at 29: argument `top_k` of `vocabulary`: found 'x', expected a whole number of at least 1
    vocabulary(company, num_oov_buckets => 1, default_value => 5)
        at 59: `default_value` has no effect where `num_oov_buckets` is not 0
          hint: leave one of them out
    vocabulary(company, min_diff_from_avg => 1, coverage_top_k => 3)
        at 41: `min_diff_from_avg` has no effect without `labels`
          hint: give `labels`, or leave it out
        features.x at 62: `coverage_top_k` has no effect without a `key`
          hint: give a `key`, or leave it out
    vocabulary(company, key => hour)
        at 27: `key` has no effect without a bound for what each key adds
          hint: give `coverage_top_k` or `coverage_frequency_threshold`
    vocabulary(company, key => hour, labels => hour, coverage_top_k => 1)
        at 27: `key` has no effect beside `labels`
          hint: leave one of them out
    vocabulary(company, frequency_threshold => -1)
        at 44: `frequency_threshold` is -1.0, expected at least 0
    vocabulary(company, labels => fare)
        at 30: argument `labels` of `vocabulary`: `fare` is float, expected int
          hint: `cast(fare AS int)` cuts it off towards 0
    vocabulary(company, fingerprint_shuffle => 1)
        at 43: argument `fingerprint_shuffle` of `vocabulary`: found 1, expected TRUE or FALSE
    vocabulary(company, reserved_tokens => 'a,,b')
        at 39: a reserved token is "", expected some text without line breaks
    vocabulary(company, reserved_tokens => 'a, b,a')
        at 39: the reserved token `a` is given twice
    vocabulary(company, vocab_filename => 'v') + vocabulary(hour, vocab_filename => 'v')
        at 80: two vocabularies are named `v`
    vocabulary(company, vocab_filename => 'v') + vocabulary(company, vocab_filename => 'v')
        INT
    quantile(fare, 1.5)
        at 15: `fraction` is 1.5, expected from 0 to 1
    scale_to_z_score_per_key(fare, fare)
        at 31: argument `key` of `scale_to_z_score_per_key`: `fare` is float, expected string or int
          hint: `cast(fare AS text)` makes text of it
    mean_per_key(company, hour)
        at 13: argument `x` of `mean_per_key`: `company` is string, expected int or float
          hint: `cast(company AS float)` reads numbers from text
    estimated_probability_density(fare, 1)
        at 36: argument `num_boundaries` of `estimated_probability_density`: found 1, expected a whole number from 2 to 100000
    replace(company, 'a', company)
        at 22: argument `to` of `replace`: found `company`, expected a text such as 'abc'
    scale_by_min_max(fare, 1, 0)
        at 23: `output_min` is 1.0, expected less than `output_max`, which is 0.0
    apply_buckets(fare)
        at 0: argument `boundary` is not given, expected apply_buckets(x, boundary, …)
    apply_buckets(fare, 2, 1)
        at 23: boundary 1.0 comes after 2.0, expected ascending ones
    hash_strings(company, 9, key_0 => 1)
        at 34: a key is two numbers: `key_1` is not given
    regexp_like(company, 'it''s (a')
        at 28: pattern 'it's (a': unclosed group
    regexp_extract(company, 'a', 1)
        at 29: found group 1, expected one that the pattern has, which has 0
          hint: parentheses make a group; `(?:…)` does not
    regexp_replace(company, '(a)', '\2')
        at 31: found group 2, expected one that the pattern has, which has 1
          hint: parentheses make a group; `(?:…)` does not
    regexp_replace(company, '(a)', 'b\x')
        at 33: replacement, character 2: found `\x`, expected `\0` to `\9` or `\\`
    regexp_like(company, company)
        at 21: argument `pattern` of `regexp_like`: found `company`, expected a text such as 'abc'
    company LIKE 'a!c' ESCAPE '!'
        at 13: pattern 'a!c': `!` stands before something else than `%`, `_` or itself
    company LIKE 'a' ESCAPE '!!'
        at 24: the escape of `LIKE`: found '!!', expected one character
    normalize(company, 'nfx')
        at 19: argument `form` of `normalize`: found 'nfx', expected 'nfc', 'nfd', 'nfkc' or 'nfkd'
          hint: did you mean 'nfc'?
    split_part(company, ' ', 0)
        at 25: argument `place` of `split_part`: found 0, expected 1 for the first part or -1 for the last
    lpad(company, -1)
        at 15: argument `length` of `lpad`: found -1, expected a whole number from 0 to 1000000
    parse_time(company, '%d.%m.')
        at 20: time format "%d.%m.": date required to parse datetime: year required to parse date
    parse_time(company, tz => 'Europe/Berln')
        at 26: no time zone `Europe/Berln`, expected a name as `Europe/Berlin` or an offset as `+05:30`
          hint: did you mean `Europe/Berlin`?
    date_part('hours', hour)
        at 10: argument `part` of `date_part`: found 'hours', expected 'year', 'isoyear', 'quarter', 'month', 'week', 'day', 'dayofweek', 'dow', 'isodow', 'dayofyear', 'doy', 'hour', 'minute' or 'second'
          hint: did you mean 'hour'?
    extract(hours FROM hour)
        at 19: argument `part` of `date_part`: found 'hours', expected 'year', 'isoyear', 'quarter', 'month', 'week', 'day', 'dayofweek', 'dow', 'isodow', 'dayofyear', 'doy', 'hour', 'minute' or 'second'
          hint: did you mean 'hour'?
    date_trunc('day', fare)
        at 18: argument `t` of `date_trunc`: `fare` is float, expected int
          hint: `cast(fare AS int)` cuts it off towards 0
    date_part('hour', hour, unit => 'sec')
        at 32: argument `unit` of `date_part`: found 'sec', expected 's', 'ms', 'us' or 'ns'
    json_extract_int(company, '$.a..b')
        at 31: path, character 5: found `.`, expected a name, in `['…']` unless it is of letters, digits, `_` and `-`
    width_bucket(fare, 3, 2, 5)
        at 19: `low` is 3.0, expected less than `high`, which is 2.0
    geohash(fare, fare, 13)
        at 20: argument `precision` of `geohash`: found 13, expected a whole number from 1 to 12
    regexp_replace(company, 'a', '', replace_global => 1)
        at 51: argument `replace_global` of `regexp_replace`: found 1, expected TRUE or FALSE
    coalesce()
        at 0: argument `x` is not given, expected coalesce(x, …)
    "#);
}

#[test]
fn names_are_helpers_then_columns_then_features() {
    // A feature named like its column reads the column, and so do all others.
    assert_snapshot!(types(&[], &[("fare", "lower(cast(fare AS text))"), ("b", "fare > 1")]), @"
    fare: STRING
    b: BOOL
    ");
    // A helper named like a column takes its place everywhere but in itself.
    let helpers = [("fare", "cast(fare AS text)")];
    assert_snapshot!(types(&helpers, &[("fare", "fare"), ("b", "lower(fare)")]), @"
    fare: STRING
    b: STRING
    ");
    // Order does not matter, and features use features.
    assert_snapshot!(types(&[("h", "z * 2")], &[("y", "h + z"), ("z", "hour")]), @"
    y: INT
    z: INT
    ");
}

#[test]
fn circles_are_found() {
    assert_snapshot!(types(&[], &[("x", "x + 1")]), @"features.x at 0: `x` is made from itself, and there is no column of that name");
    assert_snapshot!(types(&[("a", "b + 1"), ("b", "a + 1")], &[("c", "a"), ("d", "e"), ("e", "d")]), @"
    let.a at 0: `a` is made from itself: a -> b -> a
    features.d at 0: `d` is made from itself: d -> e -> d
    ");
}

#[test]
fn long_chains_of_helpers_do_not_exhaust_the_stack() {
    let mut helpers = vec![("h0".to_owned(), "fare".to_owned())];
    helpers.extend((1..20_000).map(|i| (format!("h{i}"), format!("h{} + 1", i - 1))));
    let features = [("x".to_owned(), "h19999".to_owned())].into();
    let config = Config { features, helpers: helpers.into_iter().rev().collect() };
    let fare = InputFeature {
        name: "fare".to_owned(),
        feature_type: Some(InputKind::Float),
        shape: graph::Shape::One,
        note: None,
    };
    assert_eq!(check(&config, &[fare]).unwrap().len(), 1);
}

#[test]
fn a_feature_that_is_always_missing_is_a_problem() {
    for expression in ["NULL", "nullif(NULL, NULL)", "CASE WHEN NULL THEN NULL END"] {
        let config = Config {
            features: [("x".to_owned(), expression.to_owned())].into(),
            ..Config::default()
        };
        let problems = check(&config, &[]).unwrap_err();
        assert_eq!(
            problems[0].message,
            "the value is always missing, expected one that has a type"
        );
    }
}

#[test]
fn no_features_are_a_problem() {
    assert_snapshot!(types(&[("a", "fare")], &[]), @"features at 0: there are no features, expected at least one");
}

#[test]
fn what_is_known_of_a_column_that_is_text_is_told_where_numbers_are_expected() {
    let note = "reads as numbers up to a.csv:3, which holds \"far\"".to_owned();
    let column = |name: &str, feature_type, note| InputFeature {
        name: name.to_owned(),
        feature_type: Some(feature_type),
        shape: graph::Shape::One,
        note,
    };
    let columns = [
        column("miles", InputKind::String, Some(note.clone())),
        column("company", InputKind::String, None),
        column("fare", InputKind::Float, Some(note)),
    ];
    let hint = |expression: &str| {
        let own = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let config = Config {
            features: [own("x", expression)].into(),
            helpers: [own("far", "fill_missing(miles, '')"), own("further", "far")].into(),
        };
        let problems = check(&config, &columns).unwrap_err();
        problems[0].hint.clone().unwrap_or_default()
    };
    assert_snapshot!(hint("ln(miles)"), @r#"`miles` reads as numbers up to a.csv:3, which holds "far"; `cast(miles AS float)` makes missing values of such cells"#);
    let told = hint("ln(miles)");
    for expression in [
        "ln(fill_missing(miles, 'none'))",
        "fill_missing(miles, 0.0)",
        "scale_to_z_score(fill_missing(miles, 0))",
        "miles > 3",
        "3 < miles",
        "miles * 2",
        "ln(further)",
        "ln(CASE WHEN fare > 1 THEN NULL ELSE miles END)",
        "CASE miles WHEN 1 THEN 2 END",
    ] {
        assert_eq!(hint(expression), told, "{expression}");
    }
    for expression in [
        "ln(company)",
        "ln(fill_missing(company, miles))",
        "ln(lower(miles))",
        "lower(fare)",
        "company > 3",
        "fill_missing(fare, 'none')",
        "CASE WHEN miles THEN 1 END",
    ] {
        assert!(!hint(expression).contains("a.csv"), "{expression}");
    }
}

#[test]
fn lists_are_known_by_their_types() {
    let shown = |expressions: &[&str]| {
        expressions.iter().map(|e| format!("{e}\n    {}\n", type_of(e))).collect::<String>()
    };
    assert_snapshot!(shown(&[
        "ln(prices + 1) / fare",
        "scale_to_z_score(prices)",
        "vocabulary(tags, top_k => 10)",
        "mean(prices)",
        "prices IS NULL",
        "list_get(tags, -1)",
        "list_pad(hash_strings(tags, 10), 4, 10)",
        "one_hot(hour, 24)",
        "list(fare, hour, 1) * 2",
        "list_concat(list(fare), list(hour, hour))",
        "cross(company, hour)",
        "cross(tags, hour)",
        "CASE WHEN fare > 1 THEN prices END",
        "list_sum(new)",
        "split(new)",
    ]), @"
    ln(prices + 1) / fare
        FLOAT list
    scale_to_z_score(prices)
        FLOAT list
    vocabulary(tags, top_k => 10)
        INT list
    mean(prices)
        FLOAT
    prices IS NULL
        BOOL
    list_get(tags, -1)
        STRING
    list_pad(hash_strings(tags, 10), 4, 10)
        INT × 4
    one_hot(hour, 24)
        FLOAT × 24
    list(fare, hour, 1) * 2
        FLOAT × 3
    list_concat(list(fare), list(hour, hour))
        FLOAT × 3
    cross(company, hour)
        STRING
    cross(tags, hour)
        STRING list
    CASE WHEN fare > 1 THEN prices END
        FLOAT list
    list_sum(new)
        unknown
    split(new)
        STRING list
    ");
    assert_snapshot!(shown(&[
        "list_length(company)",
        "split(tags)",
        "one_hot(fare, 3)",
        "list_sum(tags)",
        "list_get(tags, 0)",
        "list_pad(tags, 3, company)",
        "ngrams(tags, 2, 1)",
        "list(fare, fare) + list(hour, hour, hour)",
        "list(tags)",
    ]), @"
    list_length(company)
        at 12: argument `x` of `list_length`: `company` is one string, expected a list
    split(tags)
        at 6: argument `x` of `split`: `tags` is a list of string, expected one string
    one_hot(fare, 3)
        at 8: argument `x` of `one_hot`: `fare` is float, expected int
          hint: `cast(fare AS int)` cuts it off towards 0
    list_sum(tags)
        at 9: argument `x` of `list_sum`: `tags` is string, expected int or float
          hint: `cast(tags AS float)` reads numbers from text
    list_get(tags, 0)
        at 15: places count from 1, or from -1 at the back: found 0
    list_pad(tags, 3, company)
        at 18: argument `value` of `list_pad`: expected a constant
    ngrams(tags, 2, 1)
        at 13: `least` is 2, expected at most `most`, which is 1
    list(fare, fare) + list(hour, hour, hour)
        at 0: `+` of lists with 2 and 3 values, expected lists of one length
    list(tags)
        at 5: argument 1 of `list`: `tags` is a list of string, expected one value
    ");
}
