//! What is told about wrong arguments of calls.

use insta::assert_snapshot;

use super::type_of;

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
        "vocabulary(company, labels => hour, min_diff_from_avg => 'automatic')",
        "tokenize(company, 'none.json')",
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
        INT
    vocabulary(company, labels => hour, min_diff_from_avg => 'automatic')
        at 57: argument `min_diff_from_avg` of `vocabulary`: found 'automatic', expected a number such as 0.5, or 'auto'
    tokenize(company, 'none.json')
        at 18: cannot read none.json: No such file or directory (os error 2)
          hint: paths are relative to the folder of the pipeline file
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
