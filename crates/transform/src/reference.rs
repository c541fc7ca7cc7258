//! The page about expressions, made from the table of functions.

use std::fmt::Write as _;

use graph::{ListOp, Op};

use crate::functions::{Arity, Function, GROUPS, Group};

const INTRODUCTION: &str = "\
<!-- Made from the table of functions in crates/transform/src/functions; \
`UPDATE=1 cargo test -p export` writes it. -->

# Feature expressions

A feature is an SQL expression over the columns of the raw examples:

    [nodes.transform.let]
    paid = \"fill_missing(fare, 0.0)\"

    [nodes.transform.features]
    fare = \"scale_to_z_score(ln(paid + 1))\"
    company = \"vocabulary(company, top_k => 1000, num_oov_buckets => 10)\"
    big_tipper = \"CASE WHEN tips > fare * 0.2 THEN 1 ELSE 0 END\"

`features` are what comes out, in this order. `let` holds helpers: they have names and can be used, and do not
come out. What two expressions have in common is computed once. `cupola check` finds every mistake before anything
runs.

## Names

A name in an expression is, in this order,

1. a helper of `let`,
2. a raw column,
3. another feature.

Within its own expression a name never means what is being defined: `fare = \"ln(fare)\"` reads the column `fare`,
and a helper `fare = \"fill_missing(fare, 0.0)\"` reads the column where everybody else then reads the helper.
Expressions may stand in any order, but not be made from themselves in a circle. Names of columns, helpers and
features are written in their own case; in double quotes where they are no plain words (`\"trip miles\"`) or are SQL
keywords (`\"interval\"`). Functions and keywords go in any case.

## Types

Values are int (64 bits), float (computed in 64 bits, given out in 32), string (UTF-8 text) and bool. A value
may be missing, which is not NaN, not 0 and not the empty text. An int becomes a float where a float is
expected, and where it meets one; nothing else is converted without a `cast`:

| from | to | `cast(x AS …)` |
| --- | --- | --- |
| int | float | the nearest float |
| float | int | cut off towards 0; missing for NaN and what 64 bits do not hold |
| bool | int, float | 0 or 1 |
| int, float | bool | whether it is not 0; NaN is true |
| int, float, bool | text | decimal digits; floats with a point (`3.0`), as short as reads back; `true`, `false` |
| text | int, float | the decimal number; missing where it is none |
| text | bool | `true`, `yes`, `1` and the like, or `false`, `no`, `0`; missing where it is none |

`try_cast` and `x::type` are other ways to write `cast`, which never fails: what cannot be converted is missing.
Types are written `int`, `float`, `text` and `bool` (`integer`, `bigint`, `double`, `real`, `string`, `varchar` and
`boolean` will do). `CASE WHEN … THEN … ELSE … END` gives the value behind the first condition that is true; a missing
condition is not. Without `ELSE` the value is missing where none is. `NULL` is a missing value.

## Lists

A column may hold many values of an example: a list, which may be missing, or there and empty, and whose values may be
missing too. Functions of one value are applied to each value of a list, and one value goes with each of a list:
`ln(prices + 1) / total` is a list where `prices` is one. Two lists go together value by value and have to be of one
length in each example, or the step fails and names the row. `IS NULL` asks for the whole list; `fill_missing(x, 0)`
fills in values within a list, `fill_missing(x, y)` of two lists whole lists. [Functions of lists](#lists-1) take them
as a whole. Lists of a length that is always the same (`list_pad`, `one_hot`, …) come out as fixed-size lists.

## Analyzers and mappers

Mappers look at one example. Analyzers look at all examples of the analyzed split first; what they learn is frozen into
the graph, so that a later example is transformed just as a training example was. Arguments of analyzers may be any
expressions, with analyzers in them too: all that do not depend on one another share one pass over the data.

Names and formulas are tf.Transform's. What differs: computation is in 64 bits; `bucketize` has no `epsilon`, as its
ranks are exact up to 65,536 distinct values; `min` and `max` of nothing are missing; the L-moments behind the functions
of Tukey's distribution are those of all examples, not of batches on average; boundaries of `bucketize_per_key` are not
moved apart where they are equal; `estimated_probability_density` does not move its boundaries by 0.0001; every
value of a list counts, so there are no `elementwise` and `reduce_instance_dims`.

A pass takes bounded memory: counts of texts, and of pairs of a key and a value, go to a temporary file beyond 128 MiB for
each argument. What a graph holds is in memory: vocabularies as they are chosen, and the constants of keys.
";

/// What an example of the reference comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The values that it gives for some rows, as people read them.
    pub output: String,
    /// Where it can be exported, as a sentence.
    pub exports: String,
}

/// Returns the reference of expressions as Markdown: rules of names and types, and all functions.
///
/// `rows` describes the rows of the examples, and `show` says of each example what it comes to over them.
pub fn reference(rows: &str, show: &dyn Fn(&str) -> Shown) -> String {
    let mut page = INTRODUCTION.to_owned();
    let _ = write!(page, "\n## The rows of the examples\n\n{}\n", rows.trim_end());
    for group in &GROUPS {
        let _ = write!(page, "\n## {}\n", group.title);
        if group.functions.iter().all(Function::is_operator) {
            operators(&mut page, group, show);
        } else {
            group.functions.iter().for_each(|function| entry(&mut page, function, show));
        }
    }
    page
}

fn entry(page: &mut String, function: &Function, show: &dyn Fn(&str) -> Shown) {
    let _ = write!(page, "\n### {}\n\n", function.name);
    let _ = write!(page, "`{}`", function.signature());
    if let Some(alias) = function.alias {
        let _ = write!(page, " (also `{alias}`)");
    }
    let _ = write!(page, "\n\n{} {}\n", function.summary, function.edges);
    let takes: Vec<_> = function
        .params
        .iter()
        .map(|param| format!("`{}`: {}", param.name, param.describe()))
        .collect();
    let takes = if takes.is_empty() { "nothing".to_owned() } else { takes.join("; ") };
    let _ = write!(page, "\nTakes {takes}. Gives {}.\n", function.gives());
    let Shown { output, exports } = show(function.example);
    let _ = write!(page, "\n    {}\n    -> {output}\n\n{exports}\n", function.example);
}

fn operators(page: &mut String, group: &Group, show: &dyn Fn(&str) -> Shown) {
    page.push_str("\nFrom those that bind tightest: `-x`; `* / %`; `+ - ||`; `&`; `|`; comparisons, `IN`, `BETWEEN`, `LIKE`, `ILIKE`, ");
    page.push_str(
        "`IS`; `NOT`; `AND`; `OR`.\n\n| operator | gives | example | exported |\n| --- | --- | --- | --- |\n",
    );
    for function in group.functions {
        let cell = |text: &str| text.replace('|', "\\|");
        let Shown { output, exports } = show(function.example);
        let _ = writeln!(
            page,
            "| `{}` | {}: {} {} | `{}` -> `{}` | {} |",
            cell(function.name),
            function.gives(),
            cell(function.summary),
            cell(function.edges),
            cell(function.example),
            cell(&output),
            cell(&exports),
        );
    }
}

impl Function {
    /// Returns how it is called: `bucketize(x, num_buckets)`.
    pub(crate) fn signature(&self) -> String {
        let params: Vec<_> = self
            .params
            .iter()
            .map(|param| match param.arity {
                Arity::Required => param.name.to_owned(),
                Arity::Optional { default } => format!("{} => {default}", param.name),
                Arity::Repeated => format!("{}, …", param.name),
            })
            .collect();
        format!("{}({})", self.name, params.join(", "))
    }

    fn gives(&self) -> String {
        use crate::functions::{Returns, Takes};
        let of = match self.returns {
            Returns::Type(graph::ValueType::Int) => "int",
            Returns::Type(graph::ValueType::Float) => "float",
            Returns::Type(graph::ValueType::String) => "string",
            Returns::Type(graph::ValueType::Bool) => "bool",
            Returns::Common if self.params.iter().any(|param| param.takes == Takes::Any) => {
                "the common type"
            }
            Returns::Common => "int or float, as it takes",
        };
        if self.makes_list() { format!("a list of {of}") } else { of.to_owned() }
    }

    fn makes_list(&self) -> bool {
        use crate::functions::{AnalyzerCode, Code, ListCode, Mapper, Special};
        match &self.code {
            Code::Analyzer(code) => matches!(
                code,
                AnalyzerCode::TermWeights
                    | AnalyzerCode::TokenizeBpe
                    | AnalyzerCode::TokenizeWordPiece
                    | AnalyzerCode::Histogram
                    | AnalyzerCode::Covariance
                    | AnalyzerCode::PrincipalComponents
            ),
            Code::Mapper(code) => {
                matches!(code, Mapper::Tokenize | Mapper::RegexpSplit | Mapper::RegexpExtractAll)
            }
            Code::Op(Op::OfList(op)) | Code::Fold(Op::OfList(op)) => {
                matches!(op, ListOp::Make | ListOp::Distinct | ListOp::Sort | ListOp::Append)
            }
            Code::Special(Special::Lists(code)) => {
                !matches!(code, ListCode::Get | ListCode::Join | ListCode::Cross)
            }
            _ => false,
        }
    }
}
