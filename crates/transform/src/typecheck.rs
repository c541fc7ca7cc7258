//! Expressions to typed nodes, with every mistake of every expression.
//!
//! Types are int, float, string and bool. An int becomes a float where a float is expected; nothing else is
//! converted without a `cast`. A column of unknown type fits everywhere.

mod analyzers;
mod call;
mod emit;
mod emit_lists;
mod evidence;
mod mappers;
mod patterns;
mod tokenizers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use graph::{Literal, NodeType, Op, Tokenizer, ValueType};

use crate::ast::{self, Expr, ExprKind};
use crate::definitions::{Definitions, Kind, Target};
use crate::ir::{Arena, NodeCode, NodeId};
use crate::{Config, InputFeature, InputKind, Problem};

pub use tokenizers::files;

/// All expressions, checked.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) arena: Arena,
    /// The features, in the order of the configuration.
    pub(crate) outputs: Vec<(String, NodeId)>,
    /// What columns of unknown type were first taken for.
    pub(crate) taken_for: BTreeMap<String, NodeType>,
}

/// Checks all expressions of a configuration.
///
/// # Errors
///
/// Every problem found, in the order of the configuration, helpers first.
pub(crate) fn check(config: &Config, inputs: &[InputFeature]) -> Result<Program, Vec<Problem>> {
    let mut problems = Vec::new();
    if config.features.is_empty() {
        problems.push(Problem {
            key: "features".to_owned(),
            offset: 0,
            message: "there are no features, expected at least one".to_owned(),
            hint: None,
        });
    }
    let definitions = Definitions::read(config, inputs, &mut problems);
    let mut checker = Checker {
        definitions: &definitions,
        inputs,
        arena: Arena::default(),
        results: vec![None; definitions.all.len()],
        taken_for: BTreeMap::new(),
        base_dir: &config.base_dir,
        tokenizers: BTreeMap::new(),
        problems,
        current: 0,
    };
    for &index in &definitions.order {
        checker.define(index);
    }
    let Checker { mut problems, arena, results, taken_for, .. } = checker;
    if !problems.is_empty() {
        let place = |problem: &Problem| {
            definitions.all.iter().position(|definition| definition.key() == problem.key)
        };
        problems.sort_by_cached_key(|problem| (place(problem), problem.offset));
        return Err(problems);
    }
    let features = definitions.all.iter().zip(results);
    let features = features.filter(|(definition, _)| definition.kind == Kind::Feature);
    let outputs = features
        .filter_map(|(definition, node)| Some((definition.name.to_owned(), node?)))
        .collect();
    Ok(Program { arena, outputs, taken_for })
}

struct Checker<'a> {
    definitions: &'a Definitions<'a>,
    inputs: &'a [InputFeature],
    arena: Arena,
    /// The node of each definition that was checked.
    results: Vec<Option<NodeId>>,
    taken_for: BTreeMap<String, NodeType>,
    base_dir: &'a Path,
    /// The tokenizer files that were read so far, or why they could not be.
    tokenizers: BTreeMap<PathBuf, Result<Tokenizer, tokenizers::Unreadable>>,
    problems: Vec<Problem>,
    /// The definition at hand.
    current: usize,
}

impl Checker<'_> {
    fn define(&mut self, index: usize) {
        self.current = index;
        let definitions = self.definitions;
        let definition = &definitions.all[index];
        let node = match &definition.expr {
            Some(expr) => self.expr(expr),
            None => self.arena.mistake(None),
        };
        let all_types_known = self.inputs.iter().all(|input| input.feature_type.is_some());
        let is_mistake = self.arena.node(node).code == NodeCode::Mistake;
        if all_types_known
            && definition.kind == Kind::Feature
            && self.arena.value_type(node).is_none()
            && !is_mistake
            && self.problems.is_empty()
        {
            self.report(
                0,
                "the value is always missing, expected one that has a type".to_owned(),
                None,
            );
        }
        self.results[index] = Some(node);
    }

    fn report(&mut self, at: usize, message: String, hint: Option<String>) {
        let key = self.definitions.all[self.current].key();
        self.problems.push(Problem { key, offset: at, message, hint });
    }

    fn expr(&mut self, expr: &Expr) -> NodeId {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, expr.at),
            ExprKind::Literal(literal) => match graph_literal(literal) {
                Some(literal) => self.arena.literal(literal),
                None => self.arena.add(NodeCode::Null, Vec::new(), None),
            },
            ExprKind::Call { name, args } => self.call(name, args, expr.at),
            ExprKind::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref())
            }
            ExprKind::Cast { value, to } => {
                let node = self.expr(value);
                self.cast(node, *to)
            }
        }
    }

    fn name(&mut self, name: &str, at: usize) -> NodeId {
        match self.definitions.target(name, self.current) {
            Some(Target::Definition(index)) => {
                self.results[index].unwrap_or_else(|| self.arena.mistake(None))
            }
            Some(Target::Column(index)) => match self.inputs[index].feature_type {
                Some(kind) => {
                    let (value_type, shape) = (kind.value_type(), self.inputs[index].shape);
                    let op = Op::Input { name: name.to_owned(), value_type, shape };
                    self.arena.op(op, Vec::new(), Some(value_type))
                }
                None => self.arena.add(NodeCode::Column(name.to_owned()), Vec::new(), None),
            },
            None => {
                let hint = self.definitions.nearest(name, self.current);
                let hint = hint.map(|name| format!("did you mean `{name}`?"));
                // Only double quotes make a name of it.
                let is_plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
                let in_quotes = || format!("texts are in single quotes, as in '{name}'");
                let hint = hint.or_else(|| (!is_plain).then(in_quotes));
                let own = self.definitions.all[self.current].name == name;
                let message = if own {
                    format!("`{name}` is made from itself, and there is no column of that name")
                } else {
                    format!("there is no column, helper or feature `{name}`")
                };
                self.report(at, message, hint);
                self.arena.mistake(None)
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> NodeId {
        let mut conditions = Vec::new();
        if let Some(operand) = operand {
            let mut compared = vec![("the operand of `CASE`".to_owned(), operand)];
            compared.extend(
                branches.iter().map(|(when, _)| ("a value behind `WHEN`".to_owned(), when)),
            );
            let (nodes, _) = self.same_type(&compared);
            for &when in &nodes[1..] {
                conditions.push(self.arena.op(
                    Op::Equal,
                    vec![nodes[0], when],
                    Some(ValueType::Bool),
                ));
            }
        } else {
            for (when, _) in branches {
                conditions.push(self.condition("a condition behind `WHEN`", when));
            }
        }
        let mut values: Vec<(String, &Expr)> =
            branches.iter().map(|(_, then)| ("a value behind `THEN`".to_owned(), then)).collect();
        values.extend(otherwise.map(|value| ("the value behind `ELSE`".to_owned(), value)));
        let (values, common) = self.same_type(&values);
        let mut result = match values.get(branches.len()) {
            Some(&node) => node,
            None => self.null(common),
        };
        for (&condition, &value) in conditions.iter().zip(&values).rev() {
            result = self.arena.op(Op::Select, vec![condition, value, result], common);
        }
        result
    }

    fn condition(&mut self, what: &str, expr: &Expr) -> NodeId {
        let node = self.expr(expr);
        match self.arena.value_type(node) {
            None | Some(ValueType::Bool) => self.coerce(node, ValueType::Bool),
            Some(found) => {
                self.wrong_type(what, expr, found, "bool", Some(ValueType::Bool), None);
                self.arena.mistake(Some(ValueType::Bool))
            }
        }
    }

    /// Checks expressions that have to be of one type, int and float being float together, and converts them to it.
    fn same_type(&mut self, exprs: &[(String, &Expr)]) -> (Vec<NodeId>, Option<ValueType>) {
        let nodes: Vec<NodeId> = exprs.iter().map(|(_, expr)| self.expr(expr)).collect();
        let (fits, common) = self.unify(exprs, &nodes);
        let nodes = nodes.into_iter().zip(fits);
        let nodes = nodes.map(|(node, fits)| match common {
            Some(common) if fits => self.coerce(node, common),
            Some(_) => self.arena.mistake(common),
            None => node,
        });
        (nodes.collect(), common)
    }

    /// Returns the common type of some nodes, and for each whether it is of it.
    fn unify(
        &mut self,
        exprs: &[(String, &Expr)],
        nodes: &[NodeId],
    ) -> (Vec<bool>, Option<ValueType>) {
        let mut common: Option<(ValueType, &str, &Expr)> = None;
        let mut fits = Vec::with_capacity(nodes.len());
        for ((what, expr), &node) in exprs.iter().zip(nodes) {
            let Some(found) = self.arena.value_type(node) else {
                fits.push(true);
                continue;
            };
            match common {
                None => common = Some((found, what, expr)),
                Some((known, ..)) if known == found => {}
                Some((known, first, by)) if known.is_number() && found.is_number() => {
                    common = Some((ValueType::Float, first, by));
                }
                Some((known, first, by)) => {
                    let first = first.split_once(" of `").map_or(first, |(short, _)| short);
                    let expected = format!("{}, as {first} is", type_name(known));
                    self.wrong_type(what, expr, found, &expected, Some(known), Some(by));
                    fits.push(false);
                    continue;
                }
            }
            fits.push(true);
        }
        (fits, common.map(|(value_type, ..)| value_type))
    }

    /// Reports `what: found this, expected that`; `by` is the expression that it has to be like, if there is one.
    fn wrong_type(
        &mut self,
        what: &str,
        expr: &Expr,
        found: ValueType,
        expected: &str,
        wanted: Option<ValueType>,
        by: Option<&Expr>,
    ) {
        let evidence = match (found, wanted) {
            (ValueType::String, Some(ValueType::Int | ValueType::Float)) => self.evidence(expr),
            (ValueType::Int | ValueType::Float, Some(ValueType::String)) => {
                by.and_then(|by| self.evidence(by))
            }
            _ => None,
        };
        let found_name = type_name(found);
        let (found_text, name) = match &expr.kind {
            ExprKind::Name(name) => (format!("`{name}` is {found_name}"), name.as_str()),
            _ => (format!("found {found_name}"), "…"),
        };
        let wanted = wanted.filter(|_| !matches!(expr.kind, ExprKind::Literal(_)));
        let hint = match (found, wanted) {
            (ValueType::String, Some(ValueType::Int)) => {
                Some(format!("`cast({name} AS int)` reads integers from text"))
            }
            (ValueType::String, Some(ValueType::Float)) => {
                Some(format!("`cast({name} AS float)` reads numbers from text"))
            }
            (ValueType::Int | ValueType::Float, Some(ValueType::String)) => {
                Some(format!("`cast({name} AS text)` makes text of it"))
            }
            (ValueType::Int | ValueType::Float, Some(ValueType::Bool)) => {
                Some(format!("compare it, as in `{name} > 0`"))
            }
            (ValueType::String, Some(ValueType::Bool)) => {
                Some(format!("compare it, as in `{name} = 'yes'`"))
            }
            (ValueType::Bool, Some(ValueType::Int | ValueType::Float)) => {
                Some(format!("`cast({name} AS int)` makes 0 and 1 of it"))
            }
            (ValueType::Float, Some(ValueType::Int)) => {
                Some(format!("`cast({name} AS int)` cuts it off towards 0"))
            }
            _ => None,
        };
        let message = format!("{what}: {found_text}, expected {expected}");
        self.report(expr.at, message, evidence.or(hint));
    }

    /// Returns a node as a type that it is of, or becomes without being asked.
    fn coerce(&mut self, node: NodeId, to: ValueType) -> NodeId {
        if self.arena.value_type(node) == Some(to) {
            return node;
        }
        match &self.arena.node(node).code {
            NodeCode::Mistake => self.arena.mistake(Some(to)),
            NodeCode::Null => self.arena.literal(Literal::Null(to)),
            NodeCode::Column(name) => {
                let name = name.clone();
                let shape = self.arena.shape(node);
                let taken_for = NodeType { value_type: to, shape };
                self.taken_for.entry(name.clone()).or_insert(taken_for);
                self.arena.add_shaped(NodeCode::Column(name), Vec::new(), Some(to), shape)
            }
            _ => self.cast(node, to),
        }
    }

    /// Returns a node converted to a type, a constant at once where that is an int to a float.
    fn cast(&mut self, node: NodeId, to: ValueType) -> NodeId {
        let found = self.arena.value_type(node);
        if found == Some(to) {
            return node;
        }
        match (&self.arena.node(node).code, self.arena.as_literal(node), to) {
            (NodeCode::Mistake, ..) => self.arena.mistake(Some(to)),
            (NodeCode::Null, ..) | (_, Some(Literal::Null(_)), _) => self.null(Some(to)),
            (_, Some(&Literal::Int(value)), ValueType::Float) => {
                self.arena.literal(Literal::Float(as_float(value)))
            }
            _ => self.arena.op(Op::Cast { to }, vec![node], Some(to)),
        }
    }

    fn null(&mut self, value_type: Option<ValueType>) -> NodeId {
        match value_type {
            Some(value_type) => self.arena.literal(Literal::Null(value_type)),
            None => self.arena.add(NodeCode::Null, Vec::new(), None),
        }
    }
}

impl InputKind {
    pub(crate) fn value_type(self) -> ValueType {
        match self {
            Self::Int => ValueType::Int,
            Self::Float => ValueType::Float,
            Self::String => ValueType::String,
        }
    }
}

/// Returns a type as people write it in a `cast`, but for text.
fn type_name(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Int => "int",
        ValueType::Float => "float",
        ValueType::String => "string",
        ValueType::Bool => "bool",
    }
}

fn graph_literal(literal: &ast::Literal) -> Option<Literal> {
    Some(match literal {
        ast::Literal::Null => return None,
        ast::Literal::Bool(value) => Literal::Bool(*value),
        ast::Literal::Int(value) => Literal::Int(*value),
        ast::Literal::Float(value) => Literal::Float(*value),
        ast::Literal::String(text) => Literal::String(text.clone()),
    })
}

/// Integers beyond 2^53 become the nearest float, as in a cast.
#[expect(clippy::cast_precision_loss, reason = "as documented")]
fn as_float(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
