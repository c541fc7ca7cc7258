use insta::assert_snapshot;

use super::*;
use crate::ast::{ExprKind, Literal};

/// Shows an expression with the place of each name and call, or why it is none.
fn read(text: &str) -> String {
    match parse(text, &|name| name == "interval") {
        Ok(expr) => show(&expr),
        Err(error) => {
            let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("error at {}: {}{hint}", error.at, error.message)
        }
    }
}

fn show(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => format!("{name}@{}", expr.at),
        ExprKind::Literal(Literal::String(text)) => format!("'{text}'"),
        ExprKind::Literal(Literal::Null) => "NULL".to_owned(),
        ExprKind::Literal(Literal::Bool(value)) => value.to_string(),
        ExprKind::Literal(Literal::Int(value)) => value.to_string(),
        ExprKind::Literal(Literal::Float(value)) => format!("{value:?}"),
        ExprKind::Call { name, args } => {
            let args: Vec<_> = args
                .iter()
                .map(|arg| match &arg.name {
                    Some(name) => format!("{}=>{}", name.text, show(&arg.value)),
                    None => show(&arg.value),
                })
                .collect();
            format!("({name}@{} {})", expr.at, args.join(" "))
        }
        ExprKind::Case { operand, branches, otherwise } => {
            let operand = operand.as_ref().map(|operand| show(operand)).unwrap_or_default();
            let branches: Vec<_> = branches
                .iter()
                .map(|(when, then)| format!("{}:{}", show(when), show(then)))
                .collect();
            let otherwise = otherwise.as_ref().map(|value| show(value)).unwrap_or_default();
            format!("case[{operand}]{{{}|{otherwise}}}", branches.join(","))
        }
        ExprKind::Cast { value, to } => format!("<{to} {}>", show(value)),
    }
}

#[test]
fn operators_are_calls_and_bind_as_in_sql() {
    assert_snapshot!(read("a + b * -c > 2 AND NOT d"), @"(AND@0 (>@0 (+@0 a@0 (*@4 b@4 (-x@9 c@9))) 2) (NOT@23 d@23))");
    assert_snapshot!(read("a BETWEEN 1 AND 2 OR b IN ('x', 'y')"), @"(OR@0 (BETWEEN@0 a@0 1 2) (IN@21 b@21 'x' 'y'))");
    assert_snapshot!(read("a IS NOT NULL"), @"(NOT@0 (IS NULL@0 a@0))");
    assert_snapshot!(read("a IS FALSE"), @"(NOT@0 (coalesce@0 a@0 true))");
    assert_snapshot!(read("a NOT LIKE 'x%'"), @"(NOT@0 (LIKE@0 a@0 'x%'))");
    assert_snapshot!(read("a & 3 = b | 1"), @"(=@0 (&@0 a@0 3) (|@8 b@8 1))");
    assert_snapshot!(read("a NOT ILIKE 'x!%' ESCAPE '!'"), @"(NOT@0 (ILIKE@0 a@0 'x!%' '!'))");
    assert_snapshot!(read("extract(dow FROM a) + position('x' IN b)"), @"(+@17 (date_part@17 'dow' a@17) (strpos@31 b@38 'x'))");
    assert_snapshot!(read("left(a, 2) || right(a, 2) || xor(a, 1) || mod(a, 2)"), @"(||@0 (||@0 (||@0 (left@0 a@5 2) (right@14 a@20 2)) (xor@29 a@33 1)) (mod@42 a@46 2))");
    assert_snapshot!(read("a || 'it''s'"), @"(||@0 a@0 'it's')");
}

#[test]
fn literals_keep_their_type() {
    assert_snapshot!(read("f(1, -2, 1.0, -1e3, .5, TRUE, null, 'x')"), @"(f@0 1 -2 1.0 -1000.0 0.5 true NULL 'x')");
    assert_snapshot!(read("-9223372036854775808"), @"-9223372036854775808");
    assert_snapshot!(
        read("9223372036854775808"),
        @"error at 0: found 9223372036854775808, expected a number that a 64-bit integer can hold (write 9223372036854775808.0 for a float)"
    );
    assert_snapshot!(read("1e999"), @"error at 0: found 1e999, expected a number that a 64-bit float can hold");
}

#[test]
fn calls_go_by_place_and_by_name() {
    assert_snapshot!(read("Vocabulary(\"a b\", top_k => 10)"), @"(vocabulary@0 a b@11 top_k=>10)");
    assert_snapshot!(read("substring(a FROM 2 FOR 3)"), @"(substring@10 a@10 2 3)");
    assert_snapshot!(read("trim(LEADING a) || ceil(b)"), @"(||@13 (ltrim@13 a@13) (ceil@24 b@24))");
    assert_snapshot!(read("try_cast(a AS int)"), @"<INT a@9>");
    assert_snapshot!(read("cast(a AS text) = b::double precision"), @"(=@5 <STRING a@5> <FLOAT b@18>)");
}

#[test]
fn case_has_both_forms() {
    assert_snapshot!(read("CASE WHEN a THEN 1 ELSE 0 END"), @"case[]{a@10:1|0}");
    assert_snapshot!(read("CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END"), @"case[a@5]{1:'x',2:'y'|}");
}

#[test]
fn mistakes_have_a_place_also_on_later_lines() {
    assert_snapshot!(read(""), @"error at 0: found nothing, expected an expression");
    assert_snapshot!(read("a +"), @"error at 3: found the end, expected an expression");
    assert_snapshot!(read("ln(a"), @"error at 4: found the end, expected )");
    assert_snapshot!(read("a b"), @"error at 2: found `b`, expected an operator or the end of the expression");
    assert_snapshot!(read("a +\n  * b"), @"error at 6: found `*`, expected an expression");
    assert_snapshot!(read("a = 'x"), @"error at 4: unterminated string literal");
    assert_snapshot!(read("fahrpreisé = 'ü"), @"error at 13: unterminated string literal");
}

#[test]
fn what_is_sql_but_no_feature_is_named() {
    assert_snapshot!(read("(SELECT 1)"), @"error at 1: feature expressions do not know `(SELECT 1)`");
    assert_snapshot!(read("trim('x' FROM a)"), @"error at 5: feature expressions do not know `TRIM('x' FROM a)`");
    assert_snapshot!(read("fare >> 2"), @"error at 5: found `>>`, expected an operator of expressions");
    assert_snapshot!(read("t.fare"), @r#"error at 0: found `t.fare`, expected one name (write "t.fare", in double quotes, if a column has a dot in its name)"#);
    assert_snapshot!(read("sum(a) OVER ()"), @"error at 0: feature expressions do not know `DISTINCT`, `FILTER`, `OVER` and the like");
    assert_snapshot!(read("cast(a AS date)"), @"error at 5: cast to `DATE`: expected int, float, text or bool");
    assert_snapshot!(read("a ^ b"), @"error at 0: feature expressions do not know the operator `^`");
    assert_snapshot!(read("count(*)"), @"error at 0: feature expressions do not know `*` as an argument");
}

#[test]
fn a_column_named_like_a_keyword_is_explained() {
    assert_snapshot!(read("a + interval"), @r#"error at 12: found the end, expected an expression (write "interval", in double quotes, for the column of that name)"#);
    assert_snapshot!(read("a + \"interval\""), @"(+@0 a@0 interval@4)");
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_snapshot!(read(&deep), @"error at 0: parentheses and calls are nested more than 64 deep (give parts of it names in `let`)");
    let long = vec!["a"; 100_000].join(" + ");
    assert_snapshot!(read(&long), @"error at 1026: found more than 256 operators in one expression (give parts of it names in `let`)");
    let longest = vec!["a"; 257].join(" + ");
    assert!(parse(&longest, &|_| false).is_ok());
    let list = format!("a IN ({})", vec!["'x'"; 5_000].join(", "));
    assert!(parse(&list, &|_| false).is_ok());
}
