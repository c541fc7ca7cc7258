//! Lists and the functions that take and make them.

use insta::assert_snapshot;

use super::type_of;

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
