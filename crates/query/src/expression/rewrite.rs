//! An expression as ZetaSQL means it, written for the engine: names become columns, operators become calls that count
//! as ZetaSQL does, and functions get the engine's names.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType as SqlType, ExactNumberInfo, Expr,
    Function as SqlFunction, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, Query, Select, SetExpr, Spanned, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::functions::{Call, Function};
use super::names::{Names, Path, kind, place_of};
use super::parse_query;
use crate::{Mistake, Place};

/// The name of the table of the one row.
pub(super) const ROW: &str = "$row";

/// What an expression takes from its roots, once its names are columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// The values that are columns, `$0` and so on.
    pub(super) columns: Vec<Path>,
    /// The lists that are tables, `$table0` and so on, and what their one column is called if the items are no structs.
    pub(super) tables: Vec<(Path, String)>,
    /// The calls, each with a place.
    pub(super) calls: Vec<(Function, Option<Place>)>,
}

/// The name of a column.
pub(super) fn column_name(index: usize) -> String {
    format!("${index}")
}

/// The name of a table of a list's items.
pub(super) fn table_name(index: usize) -> String {
    format!("$table{index}")
}

/// Whether an expression may have queries in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queries {
    Allowed,
    /// With what is wrong about them.
    Refused(&'static str),
}

/// Rewrites an expression.
///
/// # Errors
///
/// The first name that is not there, and the first thing that is not supported.
pub(super) fn rewrite(
    expression: &mut Expr,
    names: &Names<'_>,
    queries: Queries,
    uses: &mut Uses,
) -> Result<(), Mistake> {
    let mut rewriter = Rewriter { names, queries, uses, depth: 0, span: Span::empty() };
    match VisitMut::visit(expression, &mut rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(mistake) => Err(*mistake),
    }
}

struct Rewriter<'a, 'b> {
    names: &'a Names<'b>,
    queries: Queries,
    uses: &'a mut Uses,
    /// In how many queries inside of the expression the visit is.
    depth: usize,
    /// Where the expression at hand is written.
    span: Span,
}

type Flow = ControlFlow<Box<Mistake>>;

impl Rewriter<'_, '_> {
    fn column(&mut self, path: Path, span: Span) -> Expr {
        let known = self.uses.columns.iter().position(|known| *known == path);
        let index = known.unwrap_or_else(|| {
            self.uses.columns.push(path);
            self.uses.columns.len() - 1
        });
        Expr::Identifier(Ident::with_quote_and_span('"', span, column_name(index)))
    }

    fn call(&mut self, function: Function, place: Option<Place>, arguments: Vec<Expr>) -> Expr {
        let index = self.uses.calls.len();
        self.uses.calls.push((function, place));
        call(&Call::name_of(function, index), arguments, self.span)
    }

    fn mistake(&self, place: Option<Place>, message: String, hint: Option<&str>) -> Flow {
        let hint = hint.map(str::to_owned);
        Flow::Break(Box::new(Mistake { place, message, hint, may_be_of_types: false }))
    }
}

impl VisitorMut for Rewriter<'_, '_> {
    type Break = Box<Mistake>;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        if let Queries::Refused(message) = self.queries {
            let place = self.names.place(query.span().start);
            return self.mistake(place, message.to_owned(), None);
        }
        self.depth += 1;
        Flow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> Flow {
        self.depth -= 1;
        Flow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        // What the row has is there beside the items of its lists.
        if self.depth > 0 && !select.from.is_empty() {
            let row = TableWithJoins { relation: table(ROW, None), joins: Vec::new() };
            select.from.push(row);
        }
        Flow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        let TableFactor::UNNEST { alias, array_exprs, with_offset, .. } = factor else {
            return Flow::Continue(());
        };
        let [list] = array_exprs.as_slice() else {
            return self.mistake(None, "UNNEST needs one list".to_owned(), None);
        };
        let place = place_of(self.names.query, list);
        if *with_offset {
            return self.mistake(place, "UNNEST WITH OFFSET is not supported".to_owned(), None);
        }
        let path = match self.names.path(list) {
            Ok(Some(path)) => path,
            Ok(None) => {
                let roots: Vec<String> =
                    self.names.roots.iter().map(|root| format!("`{}`", root.name)).collect();
                let message =
                    format!("UNNEST of `{list}`, expected a list in {} itself", roots.join(" or "));
                return self.mistake(place, message, Some("lists in the items of another list cannot be unnested; `[OFFSET(0)]` picks one item"));
            }
            Err(mistake) => return Flow::Break(Box::new(mistake)),
        };
        if !matches!(path.data_type, DataType::List(_) | DataType::LargeList(_)) {
            let message = format!("UNNEST needs a list, `{list}` is {}", kind(&path.data_type));
            return self.mistake(place, message, None);
        }
        let index = self.uses.tables.len();
        let column = alias.as_ref().map_or_else(|| "value".to_owned(), |it| it.name.value.clone());
        self.uses.tables.push((path, column));
        let alias = alias.take().map(|alias| TableAlias {
            name: Ident { quote_style: Some('"'), ..alias.name },
            ..alias
        });
        *factor = table(&table_name(index), alias);
        Flow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> Flow {
        match self.names.path(expression) {
            Ok(Some(path)) => *expression = self.column(path, expression.span()),
            Ok(None) => {}
            Err(mistake) => return Flow::Break(Box::new(mistake)),
        }
        Flow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> Flow {
        let place = place_of(self.names.query, expression);
        self.span = expression.span();
        let taken = std::mem::replace(expression, Expr::value(Value::Null));
        *expression = match taken {
            Expr::BinaryOp { left, op, right } => match operator(&op) {
                Some(function) => self.call(function, place, vec![*left, *right]),
                None => Expr::BinaryOp { left, op, right },
            },
            Expr::Between { expr, negated, low, high } => {
                let (above, below) = (vec![*expr.clone(), *low], vec![*expr, *high]);
                let above = self.call(Function::GreaterOrEqual, place.clone(), above);
                let below = self.call(Function::LessOrEqual, place, below);
                not_if(negated, both(above, BinaryOperator::And, below))
            }
            Expr::InList { expr, list, negated } => {
                let mut any: Option<Expr> = None;
                for item in list {
                    let equal =
                        self.call(Function::Equal, place.clone(), vec![*expr.clone(), item]);
                    any = Some(match any {
                        Some(before) => both(before, BinaryOperator::Or, equal),
                        None => equal,
                    });
                }
                match any {
                    Some(any) => not_if(negated, any),
                    None => Expr::value(Value::Boolean(negated)),
                }
            }
            Expr::InUnnest { expr, array_expr, negated } => {
                not_if(negated, call("array_has", vec![*array_expr, *expr], self.span))
            }
            Expr::Exists { subquery, negated } => {
                match over_rows("SELECT COUNT(*) > 0 FROM (SELECT 1) AS `$rows`", subquery) {
                    Ok(is_any) => not_if(negated, is_any),
                    Err(mistake) => return Flow::Break(mistake),
                }
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let list = "SELECT ARRAY_AGG(`value`) FROM (SELECT 1) AS `$rows`";
                match over_rows(list, subquery) {
                    Ok(list) => {
                        let has = call("array_has", vec![list, *expr], self.span);
                        let or_not = vec![has, Expr::value(Value::Boolean(false))];
                        not_if(negated, call("coalesce", or_not, self.span))
                    }
                    Err(mistake) => return Flow::Break(mistake),
                }
            }
            Expr::Cast { kind, expr, data_type, array, format } => Expr::Cast {
                kind: if kind == CastKind::SafeCast { CastKind::TryCast } else { kind },
                expr,
                data_type: plain_type(data_type),
                array,
                format,
            },
            Expr::Function(function) => match self.function(function, place) {
                ControlFlow::Continue(expression) => expression,
                ControlFlow::Break(mistake) => return Flow::Break(mistake),
            },
            Expr::Identifier(name) if self.is_unknown(&name) => {
                return Flow::Break(Box::new(self.names.unknown(&name)));
            }
            Expr::CompoundIdentifier(names)
                if names.first().is_some_and(|it| self.is_unknown(it)) =>
            {
                return Flow::Break(Box::new(self.names.unknown(&names[0])));
            }
            Expr::CompoundFieldAccess { .. } => {
                let message =
                    "items of lists and their fields are only found by name here".to_owned();
                return self.mistake(
                    place,
                    message,
                    Some("such as `feature.string_stats.top_values[OFFSET(0)].value`"),
                );
            }
            other => other,
        };
        Flow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> Flow {
        let text = match &value.value {
            Value::DoubleQuotedString(text)
            | Value::TripleSingleQuotedString(text)
            | Value::TripleDoubleQuotedString(text)
            | Value::SingleQuotedByteStringLiteral(text)
            | Value::DoubleQuotedByteStringLiteral(text)
            | Value::TripleSingleQuotedByteStringLiteral(text)
            | Value::TripleDoubleQuotedByteStringLiteral(text)
            | Value::SingleQuotedRawStringLiteral(text)
            | Value::DoubleQuotedRawStringLiteral(text)
            | Value::TripleSingleQuotedRawStringLiteral(text)
            | Value::TripleDoubleQuotedRawStringLiteral(text) => text.clone(),
            _ => return Flow::Continue(()),
        };
        value.value = Value::SingleQuotedString(text);
        Flow::Continue(())
    }
}

impl Rewriter<'_, '_> {
    /// Returns whether a name means nothing: outside of queries there are none but those of the roots. Inside, the
    /// engine knows the tables.
    fn is_unknown(&self, name: &Ident) -> bool {
        self.depth == 0 && !(name.quote_style == Some('"') && name.value.starts_with('$'))
    }

    fn function(
        &mut self,
        mut function: SqlFunction,
        place: Option<Place>,
    ) -> ControlFlow<Box<Mistake>, Expr> {
        let name = function.name.to_string().to_ascii_lowercase();
        let arguments = match &mut function.args {
            FunctionArguments::List(list) => plain_arguments(list),
            _ => None,
        };
        let Some(arguments) = arguments else {
            return ControlFlow::Continue(Expr::Function(function));
        };
        let wrong_number = |expected: usize| {
            let message = format!(
                "{} needs {expected} argument{}, found {}",
                name.to_ascii_uppercase(),
                if expected == 1 { "" } else { "s" },
                arguments.len()
            );
            let hint = None;
            Flow::Break(Box::new(Mistake {
                place: place.clone(),
                message,
                hint,
                may_be_of_types: false,
            }))
        };
        if let Some(known) = Function::of_name(&name) {
            if arguments.len() != known.num_arguments() {
                return broken(wrong_number(known.num_arguments()));
            }
            return ControlFlow::Continue(self.call(known, place, arguments));
        }
        ControlFlow::Continue(match (name.as_str(), arguments.as_slice()) {
            ("if", [condition, result, otherwise]) => Expr::Case {
                case_token: AttachedToken::empty(),
                end_token: AttachedToken::empty(),
                operand: None,
                conditions: vec![CaseWhen { condition: condition.clone(), result: result.clone() }],
                else_result: Some(Box::new(otherwise.clone())),
            },
            ("if", _) => return broken(wrong_number(3)),
            ("coalesce" | "ifnull", [others @ .., last]) => coalesce(others, last),
            ("regexp_contains", _) => call("regexp_like", arguments, self.span),
            _ => {
                put_back(&mut function, arguments);
                Expr::Function(function)
            }
        })
    }
}

fn broken(flow: Flow) -> ControlFlow<Box<Mistake>, Expr> {
    match flow {
        ControlFlow::Break(mistake) => ControlFlow::Break(mistake),
        ControlFlow::Continue(()) => ControlFlow::Continue(Expr::value(Value::Null)),
    }
}

/// Takes the arguments out of a list, if they are nothing but expressions.
fn plain_arguments(list: &mut FunctionArgumentList) -> Option<Vec<Expr>> {
    let is_plain = list.duplicate_treatment.is_none()
        && list.clauses.is_empty()
        && list
            .args
            .iter()
            .all(|argument| matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(_))));
    is_plain.then(|| {
        let arguments = std::mem::take(&mut list.args).into_iter();
        arguments
            .filter_map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
                _ => None,
            })
            .collect()
    })
}

fn put_back(function: &mut SqlFunction, arguments: Vec<Expr>) {
    if let FunctionArguments::List(list) = &mut function.args {
        list.args = unnamed(arguments);
    }
}

fn unnamed(arguments: Vec<Expr>) -> Vec<FunctionArg> {
    arguments.into_iter().map(|it| FunctionArg::Unnamed(FunctionArgExpr::Expr(it))).collect()
}

/// Returns a call of a function of the engine.
fn call(name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
    Expr::Function(SqlFunction {
        name: ObjectName::from(vec![Ident::with_quote_and_span('"', span, name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: unnamed(arguments),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Returns a table of that name.
pub(super) fn table(name: &str, alias: Option<TableAlias>) -> TableFactor {
    TableFactor::Table {
        name: ObjectName::from(vec![Ident::with_quote('"', name)]),
        alias,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

/// Returns the first value that is there; the engine has a function for it that only its optimizer knows.
fn coalesce(others: &[Expr], last: &Expr) -> Expr {
    if others.is_empty() {
        return last.clone();
    }
    let when = |value: &Expr| CaseWhen {
        condition: Expr::IsNotNull(Box::new(value.clone())),
        result: value.clone(),
    };
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: others.iter().map(when).collect(),
        else_result: Some(Box::new(last.clone())),
    }
}

/// Returns a query over the rows of another, which are called `$rows` and of which the first column is `value`.
fn over_rows(outer: &str, rows: Box<Query>) -> Result<Expr, Box<Mistake>> {
    let mut outer = match parse_query(outer) {
        Ok(outer) => outer,
        Err(crate::QueryError::Mistake(mistake)) => return Err(Box::new(mistake)),
        Err(_) => return Ok(Expr::value(Value::Null)),
    };
    if let SetExpr::Select(select) = outer.body.as_mut()
        && let Some(TableWithJoins {
            relation: TableFactor::Derived { subquery, alias, .. }, ..
        }) = select.from.first_mut()
    {
        *subquery = rows;
        if let Some(alias) = alias {
            let name = Ident::with_quote('"', "value");
            alias.columns = vec![TableAliasColumnDef { name, data_type: None }];
        }
    }
    Ok(Expr::Subquery(Box::new(outer)))
}

fn both(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }))
}

fn not_if(negated: bool, expression: Expr) -> Expr {
    use datafusion::sql::sqlparser::ast::UnaryOperator;
    if negated {
        Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expression) }
    } else {
        expression
    }
}

fn operator(op: &BinaryOperator) -> Option<Function> {
    Some(match op {
        BinaryOperator::Eq => Function::Equal,
        BinaryOperator::NotEq => Function::NotEqual,
        BinaryOperator::Lt => Function::Less,
        BinaryOperator::LtEq => Function::LessOrEqual,
        BinaryOperator::Gt => Function::Greater,
        BinaryOperator::GtEq => Function::GreaterOrEqual,
        BinaryOperator::Plus => Function::Add,
        BinaryOperator::Minus => Function::Subtract,
        BinaryOperator::Multiply => Function::Multiply,
        BinaryOperator::Divide => Function::Divide,
        _ => return None,
    })
}

/// Returns the engine's name for a type.
fn plain_type(data_type: SqlType) -> SqlType {
    match data_type {
        SqlType::Float64 => SqlType::Double(ExactNumberInfo::None),
        SqlType::Int64 => SqlType::BigInt(None),
        SqlType::Bool => SqlType::Boolean,
        other => other,
    }
}
