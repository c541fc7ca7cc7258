//! Regular expressions at the edges.

use graph::{BuildError, GraphBuilder, Op, Pattern, RegexpOp, Replacement, ValueType};
use insta::assert_snapshot;

use crate::edges::text;

fn matches(pattern: &str, values: &[&str]) -> String {
    text(&Op::Regexp(RegexpOp::Matches(Pattern::new(pattern).unwrap())), values)
}

fn whole(pattern: &str, values: &[&str]) -> String {
    text(&Op::Regexp(RegexpOp::Matches(Pattern::whole(pattern).unwrap())), values)
}

fn extract(pattern: &str, group: u32, values: &[&str]) -> String {
    let pattern = Pattern::new(pattern).unwrap();
    text(&Op::Regexp(RegexpOp::Extract { pattern, group }), values)
}

fn replace(pattern: &str, replacement: &str, values: &[&str]) -> String {
    let (pattern, replacement) =
        (Pattern::new(pattern).unwrap(), Replacement::new(replacement).unwrap());
    text(&Op::Regexp(RegexpOp::Replace { pattern, replacement, is_global: true }), values)
}

#[test]
fn a_match_may_be_anywhere_or_has_to_be_whole() {
    assert_eq!(matches("b+", &["abbc", "", "ac"]), "true false false null");
    assert_eq!(matches("^b|c$", &["ab", "bc", "ac\n"]), "false true false null");
    assert_eq!(whole("a|ab", &["a", "ab", "abc", ""]), "true true false false null");
    // Longer alternatives are found although a shorter one comes first, and flags and comments stay inside.
    assert_eq!(whole("(?i)a", &["A", "AA"]), "true false null");
    assert_eq!(whole("(?x) a # the letter", &["a", "b"]), "true false null");
    assert_eq!(matches("a.c", &["a\nc", "aäc", "a🚕c"]), "false true true null");
}

#[test]
fn classes_know_ascii_only() {
    assert_eq!(matches(r"^\w+$", &["abc_9", "ä", "١"]), "true false false null");
    assert_eq!(matches(r"^\d$", &["7", "٧"]), "true false null");
    assert_eq!(matches(r"^\s$", &["\t", "\u{b}", "\u{a0}"]), "true false false null");
    assert_eq!(matches(r"^[^\W\d]+$", &["ab", "a1", "ä"]), "true false false null");
    assert_eq!(matches(r"(?x)^\s$", &[" "]), "true null");
    assert_eq!(matches(r"a\b", &["aä", "ab", "a"]), "true false true null");
    assert_eq!(matches(r"a\B", &["aä", "ab"]), "false true null");
    assert_eq!(matches(r"^\W\D\S$", &["äää", "a1 "]), "true false null");
    assert_eq!(matches("(?i)^STRASSE|ÄÖ$", &["strasse", "äö", "straße"]), "true true false null");
}

#[test]
fn groups_are_extracted_or_missing() {
    assert_eq!(extract("b(c?)", 0, &["abcbc", "ab", "a"]), r#""bc" "b" null null"#);
    assert_eq!(extract("b(c?)", 1, &["abcbc", "ab", "a"]), r#""c" "" null null"#);
    assert_eq!(extract("(a)|(b)", 1, &["a", "b"]), r#""a" null null"#);
    assert_eq!(extract("", 0, &["a", ""]), r#""" "" null"#);
    let pattern = || Pattern::new("(a)").unwrap();
    let op = Op::Regexp(RegexpOp::Extract { pattern: pattern(), group: 2 });
    assert_snapshot!(refused(op), @"group 2 of a pattern that has 1");
    let replacement = Replacement::new(r"\2").unwrap();
    let op = Op::Regexp(RegexpOp::Replace { pattern: pattern(), replacement, is_global: true });
    assert_snapshot!(refused(op), @"group 2 of a pattern that has 1");
}

fn refused(op: Op) -> BuildError {
    let mut builder = GraphBuilder::new();
    let x = builder.input("x", ValueType::String).unwrap();
    builder.node(op, &[x]).unwrap_err()
}

#[test]
fn matches_are_replaced_from_the_left() {
    assert_eq!(replace("a", "<\\0>", &["banana", ""]), r#""b<a>n<a>n<a>" "" null"#);
    assert_eq!(replace("(a)(n)?", "\\2\\1", &["bana"]), r#""bnaa" null"#);
    // An empty match directly behind another one is none.
    assert_eq!(replace("a*", "-", &["baac", ""]), r#""-b-c-" "-" null"#);
    assert_eq!(replace("", "-", &["äb"]), r#""-ä-b-" null"#);
    assert_eq!(replace("b", "$1\\\\", &["abc"]), r#""a$1\\c" null"#);
    let (pattern, replacement) = (Pattern::new("a").unwrap(), Replacement::new("").unwrap());
    let op = Op::Regexp(RegexpOp::Replace { pattern, replacement, is_global: false });
    assert_eq!(text(&op, &["banana", "b"]), r#""bnana" "b" null"#);
}

#[test]
fn what_is_no_pattern_is_told_by_place() {
    let patterns = [
        "a(b",
        "a)b",
        "ä[b-a]",
        "*a",
        "a{2,1}",
        r"(a)\1",
        "(?=a)",
        r"\p{Nothing}",
        r"a\y",
        "(?P<a>x)(?P<a>y)",
    ];
    let told =
        patterns.map(|pattern| format!("{pattern}    {}", Pattern::new(pattern).unwrap_err()));
    assert_snapshot!(told.join("\n"), @r#"
    a(b    pattern, character 2: unclosed group
    a)b    pattern, character 2: unopened group
    ä[b-a]    pattern, character 3: invalid character class range, the start must be <= the end
    *a    pattern, character 1: repetition operator missing expression
    a{2,1}    pattern, character 2: invalid repetition count range, the start must be <= the end
    (a)\1    pattern, character 4: backreferences are not supported
    (?=a)    pattern, character 1: look-around, including look-ahead and look-behind, is not supported
    \p{Nothing}    pattern, character 1: Unicode property not found
    a\y    pattern, character 2: unrecognized escape sequence
    (?P<a>x)(?P<a>y)    pattern, character 13: duplicate capture group name
    "#);
    let told = [r"\a", r"a\", r"\10"].map(|source| match Replacement::new(source) {
        Ok(_) => format!("{source}    taken"),
        Err(error) => format!("{source}    {error}"),
    });
    assert_snapshot!(told.join("\n"), @r#"
    \a    replacement, character 1: found `\a`, expected `\0` to `\9` or `\\`
    a\    replacement, character 2: found `\` at the end, expected `\0` to `\9` or `\\`
    \10    taken
    "#);
}

#[test]
fn large_patterns_are_refused_and_none_takes_longer_than_its_text() {
    assert!(Pattern::new(&"a".repeat(10_001)).is_err());
    assert!(Pattern::new(&"(".repeat(9_000)).is_err());
    assert!(Pattern::new("((a{100}){100}){100}").is_err());
    assert!(Pattern::new(r"(\p{L}{100}){100}").is_err());
    // With backtracking, neither would end.
    let long = "a".repeat(1 << 20);
    assert_eq!(matches("^(a+)+$", &[&format!("{long}b")]), "false null");
    assert_eq!(matches("(a|a)*(a|a)*(a|a)*c", &[&long[..100_000]]), "false null");
    let replaced = replace("a", "", &[&long]);
    assert_eq!(replaced, r#""" null"#);
}

#[test]
fn what_re2_does_not_know_is_told() {
    for pattern in [
        "a|b",
        r"\w\d\s\b\A\z",
        "(?i)a(?s).(?m)^(?U)a*",
        "(?P<name>a)",
        r"\x{e4}\pL\p{Lu}",
        "[[:alpha:]-z]",
        "a{1000}",
    ] {
        assert_eq!(Pattern::new(pattern).unwrap().beyond_re2(), None, "{pattern}");
    }
    for pattern in [
        "[a&&b]",
        r"a\B",
        "[a[b]]",
        "(?x)a",
        "(?-u:a)",
        "(?<name>a)",
        r"\u{e4}",
        r"\<a",
        r"\b{start}",
        r"\p{Letter}",
        r"[\p{sc=Greek}]",
        "a{1001}",
    ] {
        assert!(Pattern::new(pattern).unwrap().beyond_re2().is_some(), "{pattern}");
    }
}
