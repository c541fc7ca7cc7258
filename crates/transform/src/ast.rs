//! Expressions as they were written: names, literals and calls, each with its place.
//!
//! Operators are calls too, so that one table of functions types all of them.

use graph::ValueType;

/// A part of an expression and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    /// How many characters of the expression come before it.
    pub(crate) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExprKind {
    /// A column, a helper or another feature.
    Name(String),
    Literal(Literal),
    /// A function or an operator, named as in the table of functions.
    Call {
        name: String,
        args: Vec<Arg>,
    },
    /// The first branch whose condition is true, or equal to the operand, gives the value; a missing value where
    /// none is.
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        value: Box<Expr>,
        to: ValueType,
    },
}

/// What a function is given, by place or by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arg {
    pub(crate) name: Option<ArgName>,
    pub(crate) value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArgName {
    pub(crate) text: String,
    pub(crate) at: usize,
}

/// A value written in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// A missing value of any type.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
}

impl Expr {
    /// Returns a call with arguments by place.
    pub(crate) fn call(name: &str, args: Vec<Self>, at: usize) -> Self {
        let args = args.into_iter().map(|value| Arg { name: None, value }).collect();
        Self { kind: ExprKind::Call { name: name.to_owned(), args }, at }
    }

    /// Calls `visit` with every name.
    pub(crate) fn names<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        self.parts(&mut |part| {
            if let ExprKind::Name(name) = &part.kind {
                visit(name);
            }
        });
    }

    /// Calls `visit` with every call.
    pub(crate) fn calls<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        self.parts(&mut |part| {
            if let ExprKind::Call { .. } = &part.kind {
                visit(part);
            }
        });
    }

    /// Calls `visit` with the expression and every one within.
    fn parts<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match &self.kind {
            ExprKind::Name(_) | ExprKind::Literal(_) => {}
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| arg.value.parts(visit)),
            ExprKind::Case { operand, branches, otherwise } => {
                if let Some(operand) = operand {
                    operand.parts(visit);
                }
                for (condition, value) in branches {
                    condition.parts(visit);
                    value.parts(visit);
                }
                if let Some(value) = otherwise {
                    value.parts(visit);
                }
            }
            ExprKind::Cast { value, .. } => value.parts(visit),
        }
    }
}
