//! Calls: which argument is for which parameter, and whether it fits.

use graph::{Literal, NodeType, Shape, ValueType};

use super::{Checker, as_float, graph_literal, type_name};
use crate::ast::{Arg, Expr, ExprKind};
use crate::functions::{self, Arity, Code, Count, Function, Param, Returns, Takes};
use crate::ir::{NodeCode, NodeId};

/// What one parameter was given: nothing, something, or for the last parameter of some functions more.
pub(super) struct Given<'a> {
    pub(super) exprs: Vec<&'a Expr>,
    /// Values, converted to the type that the function takes.
    pub(super) nodes: Vec<NodeId>,
    /// Constants, where the function takes them.
    pub(super) literals: Vec<Literal>,
}

impl Given<'_> {
    /// Returns the whole number given, if one was.
    pub(super) fn int(&self) -> Option<i64> {
        match self.literals.first() {
            Some(&Literal::Int(value)) => Some(value),
            _ => None,
        }
    }

    /// Returns the number given, if one was.
    pub(super) fn float(&self) -> Option<f64> {
        self.literals.first().and_then(number)
    }

    /// Returns the condition given, if one was.
    pub(super) fn bool(&self) -> Option<bool> {
        match self.literals.first() {
            Some(&Literal::Bool(value)) => Some(value),
            _ => None,
        }
    }

    /// Returns the text given, if one was.
    pub(super) fn text(&self) -> Option<&str> {
        match self.literals.first() {
            Some(Literal::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns whether `true` was given.
    pub(super) fn is_true(&self) -> bool {
        matches!(self.literals.first(), Some(Literal::Bool(true)))
    }

    /// Returns where it stands.
    pub(super) fn at(&self) -> Option<usize> {
        self.exprs.first().map(|expr| expr.at)
    }
}

/// Returns a constant as a float, if it is a number.
pub(super) fn number(literal: &Literal) -> Option<f64> {
    match *literal {
        Literal::Int(value) => Some(as_float(value)),
        Literal::Float(value) => Some(value),
        _ => None,
    }
}

impl Checker<'_> {
    pub(super) fn call(&mut self, name: &str, args: &[Arg], at: usize) -> NodeId {
        let Some(function) = functions::find(name) else {
            let hint = functions::nearest(name).map(|name| format!("did you mean `{name}`?"));
            self.report(at, format!("there is no function `{name}`"), hint);
            return self.give_up(args, None);
        };
        let fixed = match function.returns {
            Returns::Type(value_type) => Some(value_type),
            Returns::Common => None,
        };
        let Some(mut given) = self.assign(function, args, at) else {
            return self.give_up(args, fixed);
        };
        let num_problems = self.problems.len();
        let common = self.values(function, &mut given);
        self.constants(function, &mut given);
        self.lengths(function, &given, at);
        let value_type = fixed.or(common);
        if self.problems.len() > num_problems {
            return self.arena.mistake(value_type);
        }
        match &function.code {
            Code::Analyzer(code) => self.analyzer(function, *code, &given, value_type),
            Code::Op(op) => self.plain(op, &given, value_type),
            Code::Fold(op) => self.fold(op, &given, value_type),
            Code::Special(code) => self.special(*code, &given, value_type),
            Code::Mapper(code) => self.mapper(*code, &given, value_type),
        }
    }

    /// Checks the arguments of a call that makes no sense, for their own mistakes.
    fn give_up(&mut self, args: &[Arg], value_type: Option<ValueType>) -> NodeId {
        for arg in args {
            self.expr(&arg.value);
        }
        self.arena.mistake(value_type)
    }

    /// Gives each argument to its parameter; nothing when that fails, which is reported.
    fn assign<'a>(
        &mut self,
        function: &Function,
        args: &'a [Arg],
        at: usize,
    ) -> Option<Vec<Given<'a>>> {
        let params = function.params;
        let mut given: Vec<Given<'a>> = params
            .iter()
            .map(|_| Given { exprs: Vec::new(), nodes: Vec::new(), literals: Vec::new() })
            .collect();
        let num_problems = self.problems.len();
        let mut last_name: Option<&str> = None;
        for (place, arg) in args.iter().enumerate() {
            let index = match (&arg.name, last_name) {
                (Some(name), _) => {
                    last_name = Some(&name.text);
                    let wanted = name.text.to_lowercase();
                    let Some(index) = params.iter().position(|param| param.name == wanted) else {
                        let hint = base::nearest(&wanted, params.iter().map(|param| param.name));
                        let hint = hint.map(|name| format!("did you mean `{name}`?"));
                        let message = format!(
                            "`{}` has no argument `{}`, expected {}",
                            function.name,
                            name.text,
                            function.signature()
                        );
                        self.report(name.at, message, hint);
                        continue;
                    };
                    if !given[index].exprs.is_empty() {
                        let message = format!("argument `{}` is given twice", params[index].name);
                        self.report(name.at, message, None);
                        continue;
                    }
                    index
                }
                (None, Some(name)) => {
                    let message =
                        format!("an argument without a name comes after `{name}`, which has one");
                    self.report(arg.value.at, message, Some("put it before".to_owned()));
                    continue;
                }
                (None, None) => match params.get(place) {
                    Some(_) => place,
                    None if matches!(params.last(), Some(last) if last.arity == Arity::Repeated) => {
                        params.len() - 1
                    }
                    None => {
                        let message = format!(
                            "too many arguments: found {}, expected {}",
                            args.len(),
                            function.signature()
                        );
                        self.report(arg.value.at, message, None);
                        break;
                    }
                },
            };
            given[index].exprs.push(&arg.value);
        }
        if self.problems.len() > num_problems {
            return None;
        }
        for (param, given) in params.iter().zip(&given) {
            if given.exprs.is_empty() && !matches!(param.arity, Arity::Optional { .. }) {
                let message = format!(
                    "argument `{}` is not given, expected {}",
                    param.name,
                    function.signature()
                );
                self.report(at, message, None);
                return None;
            }
        }
        Some(given)
    }

    /// Checks the arguments that are values, converts them, and returns the type that the shared ones have.
    fn values(&mut self, function: &Function, given: &mut [Given<'_>]) -> Option<ValueType> {
        let mut shared: Vec<(String, &Expr)> = Vec::new();
        let mut shared_nodes = Vec::new();
        let mut places = Vec::new();
        for (index, (param, given)) in function.params.iter().zip(given.iter_mut()).enumerate() {
            if param.takes.is_literal() {
                continue;
            }
            for (nth, &expr) in given.exprs.iter().enumerate() {
                let node = self.expr(expr);
                let what = describe(function, param, nth);
                let node = self.counted(&what, param, expr, node);
                let node = self.value(&what, param.takes, expr, node);
                if matches!(param.takes, Takes::Number | Takes::Any) {
                    shared.push((what, expr));
                    shared_nodes.push(node);
                    places.push((index, nth));
                }
                given.nodes.push(node);
            }
        }
        let (fits, common) = self.unify(&shared, &shared_nodes);
        let common = common?;
        for (((index, nth), node), fits) in places.into_iter().zip(shared_nodes).zip(fits) {
            given[index].nodes[nth] =
                if fits { self.coerce(node, common) } else { self.arena.mistake(Some(common)) };
        }
        Some(common)
    }

    /// Checks whether a value is one or a list as it has to be, and takes a column of which nothing is known for it.
    fn counted(&mut self, what: &str, param: &Param, expr: &Expr, node: NodeId) -> NodeId {
        let found = self.arena.node(node);
        let is_many = found.shape.is_many();
        let fits = match (&found.code, param.count) {
            (NodeCode::Mistake | NodeCode::Null, _) | (_, Count::Each | Count::Both) => true,
            (NodeCode::Column(name), Count::List) if found.value_type.is_none() => {
                let name = name.clone();
                let value_type = found_type(param.takes).unwrap_or(ValueType::Float);
                self.taken_for.entry(name.clone()).or_insert(NodeType::list(value_type));
                let code = NodeCode::Column(name);
                return self.arena.add_shaped(code, Vec::new(), None, Shape::List);
            }
            (_, Count::One) => !is_many,
            (_, Count::List) => is_many,
        };
        if fits {
            return node;
        }
        let name = match &expr.kind {
            ExprKind::Name(name) => format!("`{name}` is "),
            _ => "found ".to_owned(),
        };
        let of = match (is_many, found.value_type.map(type_name)) {
            (true, Some(of)) => format!("a list of {of}"),
            (true, None) => "a list".to_owned(),
            (false, of) => format!("one {}", of.unwrap_or("value")),
        };
        let message = format!("{what}: {name}{of}, expected {}", param.describe());
        self.report(expr.at, message, None);
        self.arena.mistake(found_type(param.takes))
    }

    /// Checks that vectors which go together value by value are of one length.
    fn lengths(&mut self, function: &Function, given: &[Given<'_>], at: usize) {
        let by_value = function.params.iter().zip(given);
        let by_value = by_value.filter(|(param, _)| param.count == Count::Each);
        let shapes =
            by_value.flat_map(|(_, given)| &given.nodes).map(|node| self.arena.shape(*node));
        let shapes: Vec<Shape> = shapes.collect();
        if Shape::lifted(shapes.iter().copied()).is_none() {
            let lengths = shapes.iter().filter_map(|shape| match shape {
                Shape::Vector(length) => Some(length.to_string()),
                _ => None,
            });
            let lengths: Vec<_> = lengths.collect();
            let message = format!(
                "`{}` of lists with {} values, expected lists of one length",
                function.name,
                lengths.join(" and ")
            );
            self.report(at, message, None);
        }
    }

    /// Checks one value and converts it, unless its type depends on others.
    fn value(&mut self, what: &str, takes: Takes, expr: &Expr, node: NodeId) -> NodeId {
        let found = self.arena.value_type(node);
        let wanted = match takes {
            Takes::Float => ValueType::Float,
            Takes::Int => ValueType::Int,
            Takes::String | Takes::Token => ValueType::String,
            Takes::Bool => ValueType::Bool,
            Takes::Number => match found {
                None | Some(ValueType::Int | ValueType::Float) => return node,
                Some(_) => ValueType::Float,
            },
            _ => return node,
        };
        let fits = match found {
            None => true,
            Some(found) if found == wanted => true,
            Some(found) => matches!((found, takes), (ValueType::Int, Takes::Float | Takes::Token)),
        };
        if let (Some(found), false) = (found, fits) {
            self.wrong_type(what, expr, found, &takes.describe(), Some(wanted), None);
            return self.arena.mistake(Some(wanted));
        }
        self.coerce(node, wanted)
    }

    /// Checks the arguments that are constants.
    fn constants(&mut self, function: &Function, given: &mut [Given<'_>]) {
        for (param, given) in function.params.iter().zip(given) {
            if !param.takes.is_literal() {
                continue;
            }
            for (nth, &expr) in given.exprs.iter().enumerate() {
                let literal = match &expr.kind {
                    ExprKind::Literal(literal) => graph_literal(literal),
                    _ => None,
                };
                let fits = match (&literal, param.takes) {
                    (Some(Literal::Int(value)), Takes::LiteralInt { min, max }) => {
                        (min..=max).contains(value)
                    }
                    (
                        Some(Literal::Int(_) | Literal::Float(_)),
                        Takes::LiteralNumber | Takes::NumberOrWord(_),
                    ) => true,
                    (Some(Literal::String(found)), Takes::NumberOrWord(word)) => found == word,
                    (Some(Literal::String(_)), Takes::LiteralString) => true,
                    (Some(Literal::String(word)), Takes::LiteralWord(words)) => {
                        words.contains(&word.as_str())
                    }
                    (Some(Literal::Bool(_)), Takes::LiteralBool) => true,
                    _ => false,
                };
                let Some(literal) = literal.clone().filter(|_| fits) else {
                    let found = match &expr.kind {
                        ExprKind::Literal(literal) => shown(literal),
                        ExprKind::Name(name) => format!("`{name}`"),
                        _ => "an expression".to_owned(),
                    };
                    let what = describe(function, param, nth);
                    let expected = param.takes.describe();
                    let nearest = match (&literal, param.takes) {
                        (Some(Literal::String(word)), Takes::LiteralWord(words)) => {
                            base::nearest(word, words.iter().copied())
                        }
                        _ => None,
                    };
                    self.report(
                        expr.at,
                        format!("{what}: found {found}, expected {expected}"),
                        nearest.map(|word| format!("did you mean '{word}'?")),
                    );
                    continue;
                };
                given.literals.push(literal);
            }
        }
    }
}

/// Returns the type of an argument that is of one type only.
fn found_type(takes: Takes) -> Option<ValueType> {
    match takes {
        Takes::Float => Some(ValueType::Float),
        Takes::Int => Some(ValueType::Int),
        Takes::String | Takes::Token => Some(ValueType::String),
        Takes::Bool => Some(ValueType::Bool),
        _ => None,
    }
}

/// Returns `argument `x` of `ln`` or `the left side of `+``.
fn describe(function: &Function, param: &Param, nth: usize) -> String {
    let (name, function_name) = (param.name, function.name);
    if function_name == "-x" {
        return "the operand of `-`".to_owned();
    }
    if function.is_operator() {
        return format!("the {name} of `{function_name}`");
    }
    if param.arity == Arity::Repeated {
        let before = function.params.len() - 1;
        return format!("argument {} of `{function_name}`", before + nth + 1);
    }
    format!("argument `{name}` of `{function_name}`")
}

fn shown(literal: &crate::ast::Literal) -> String {
    match graph_literal(literal) {
        None => "NULL".to_owned(),
        Some(Literal::Int(value)) => value.to_string(),
        Some(Literal::Float(value)) => format!("{value:?}"),
        Some(Literal::Bool(value)) => value.to_string(),
        Some(Literal::String(text)) => format!("'{text}'"),
        Some(Literal::Null(value_type)) => type_name(value_type).to_owned(),
    }
}
