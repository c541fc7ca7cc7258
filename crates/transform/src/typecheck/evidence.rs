//! Why an expression is text: the raw column that its type comes from, when something is known about it.

use super::Checker;
use crate::InputKind;
use crate::ast::{Expr, ExprKind, Literal};
use crate::definitions::Target;
use crate::functions::{self, Returns};

impl Checker<'_> {
    /// Returns what is known about the column that makes an expression text, and what to do.
    pub(super) fn evidence(&self, expr: &Expr) -> Option<String> {
        let (name, note) = self.noted_text(expr)?;
        Some(format!("`{name}` {note}; `cast({name} AS float)` makes missing values of such cells"))
    }

    /// Returns the text column with a note that an expression has its type from, and the note.
    ///
    /// Goes by what decides the type: a helper's expression, the first value of those that have to be of one type.
    fn noted_text<'a>(&'a self, expr: &'a Expr) -> Option<(&'a str, &'a str)> {
        let mut expr = expr;
        let mut within = self.current;
        // Ends, as expressions that are made from themselves were taken away.
        loop {
            expr = match &expr.kind {
                ExprKind::Name(name) => match self.definitions.target(name, within)? {
                    Target::Column(index) => {
                        let input = &self.inputs[index];
                        let is_text = input.feature_type == Some(InputKind::String);
                        let note = input.note.as_deref().filter(|_| is_text)?;
                        return Some((&input.name, note));
                    }
                    Target::Definition(index) => {
                        within = index;
                        self.definitions.all[index].expr.as_ref()?
                    }
                },
                ExprKind::Call { name, args } => {
                    functions::find(name).filter(|function| function.returns == Returns::Common)?;
                    first_with_type(args.iter().map(|arg| &arg.value))?
                }
                ExprKind::Case { branches, otherwise, .. } => {
                    let values = branches.iter().map(|(_, then)| then);
                    first_with_type(values.chain(otherwise.as_deref()))?
                }
                ExprKind::Literal(_) | ExprKind::Cast { .. } => return None,
            }
        }
    }
}

fn first_with_type<'a>(mut values: impl Iterator<Item = &'a Expr>) -> Option<&'a Expr> {
    values.find(|value| value.kind != ExprKind::Literal(Literal::Null))
}
