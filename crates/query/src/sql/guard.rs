//! What a query may not do: write, set, or give another result each time.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::Mistake;

/// Says no to a plan that does more, or less, than select rows.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), Mistake> {
    let mistake = |message: String, hint: Option<&str>| {
        Err(Mistake { place: None, message, hint: hint.map(str::to_owned), may_be_of_types: false })
    };
    let mut statement = None;
    let mut unsteady = None;
    let walked = plan.apply_with_subqueries(|node| {
        statement = statement.or(statement_of(node));
        node.apply_expressions(|expression| {
            expression.apply(|expression| {
                unsteady = unsteady.take().or(unsteady_function(expression));
                Ok(go_on(unsteady.is_some()))
            })
        })?;
        Ok(go_on(statement.is_some() || unsteady.is_some()))
    });
    match (walked, statement, unsteady) {
        (Err(error), _, _) => mistake(error.strip_backtrace(), None),
        (Ok(_), Some(found), _) => mistake(format!("found {found}, expected a SELECT"), None),
        (Ok(_), None, Some(name)) => mistake(
            format!("function `{name}` gives another result each time"),
            Some("write its value into the query: the rows would not be the same in the next run"),
        ),
        (Ok(_), None, None) => Ok(()),
    }
}

fn go_on(is_found: bool) -> TreeNodeRecursion {
    if is_found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue }
}

/// Returns what a node is called that does something besides selecting.
fn statement_of(node: &LogicalPlan) -> Option<&'static str> {
    Some(match node {
        LogicalPlan::Ddl(_) => "a statement that defines something",
        LogicalPlan::Dml(_) => "a statement that changes rows",
        LogicalPlan::Copy(_) => "COPY",
        LogicalPlan::Statement(_) => "a statement about the session",
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => "EXPLAIN",
        LogicalPlan::DescribeTable(_) => "DESCRIBE",
        _ => return None,
    })
}

/// Returns the name of a function that gives another result each time.
pub(crate) fn unsteady_function(expression: &Expr) -> Option<String> {
    let (name, volatility) = match expression {
        Expr::ScalarFunction(call) => (call.func.name(), call.func.signature().volatility),
        Expr::AggregateFunction(call) => (call.func.name(), call.func.signature().volatility),
        _ => return None,
    };
    (volatility != Volatility::Immutable).then(|| name.to_owned())
}
