//! What is told about wrong types, all at once.

use insta::assert_snapshot;

use super::{type_of, types};
use crate::{Config, InputFeature, InputKind, check};

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
        "CASE WHEN company THEN 1 END",
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
    CASE WHEN company THEN 1 END
        at 10: a condition behind `WHEN`: `company` is string, expected bool
          hint: compare it, as in `company = 'yes'`
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
            ..Config::default()
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
