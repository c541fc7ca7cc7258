//! Which expression uses which: names, what they refer to, and an order in which to check.
//!
//! A name in an expression is, in this order: a helper; a raw column; another feature. Within its own expression
//! a name never means what is being defined, so `fare = "ln(fare)"` reads the column `fare`.

use std::collections::BTreeMap;

use crate::ast::Expr;
use crate::parse::parse;
use crate::{Config, InputFeature, Problem};

/// An expression with its name.
#[derive(Debug)]
pub(crate) struct Definition<'a> {
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
    /// None when it could not be read, which was reported.
    pub(crate) expr: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Feature,
    Helper,
}

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// By its place in the inputs.
    Column(usize),
    /// By its place in the definitions.
    Definition(usize),
}

/// All expressions, read, with an order in which each comes after those that it uses.
#[derive(Debug)]
pub(crate) struct Definitions<'a> {
    pub(crate) all: Vec<Definition<'a>>,
    pub(crate) order: Vec<usize>,
    helpers: BTreeMap<&'a str, usize>,
    features: BTreeMap<&'a str, usize>,
    columns: BTreeMap<&'a str, usize>,
}

impl<'a> Definitions<'a> {
    /// Reads all expressions. Those that cannot be read, or are made from themselves, are reported and have no
    /// expression then.
    pub(crate) fn read(
        config: &'a Config,
        inputs: &'a [InputFeature],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let columns: BTreeMap<&str, usize> =
            inputs.iter().enumerate().map(|(index, input)| (input.name.as_str(), index)).collect();
        let mut all = Vec::new();
        let (mut helpers, mut features) = (BTreeMap::new(), BTreeMap::new());
        let helper = config.helpers.iter().map(|(name, text)| (Kind::Helper, name, text));
        let feature = config.features.iter().map(|(name, text)| (Kind::Feature, name, text));
        for (kind, name, text) in helper.chain(feature) {
            let names = match kind {
                Kind::Helper => &mut helpers,
                Kind::Feature => &mut features,
            };
            names.insert(name.as_str(), all.len());
            let mut definition = Definition { kind, name, expr: None };
            match parse(text, &|name| columns.contains_key(name)) {
                Ok(expr) => definition.expr = Some(expr),
                Err(error) => problems.push(Problem {
                    key: definition.key(),
                    offset: error.at,
                    message: error.message,
                    hint: error.hint,
                }),
            }
            all.push(definition);
        }
        let mut definitions = Self { all, order: Vec::new(), helpers, features, columns };
        definitions.sort(problems);
        definitions
    }

    /// Returns what a name refers to within a definition.
    pub(crate) fn target(&self, name: &str, within: usize) -> Option<Target> {
        let other = |names: &BTreeMap<&str, usize>| {
            names.get(name).copied().filter(|&index| index != within).map(Target::Definition)
        };
        let column = || self.columns.get(name).copied().map(Target::Column);
        other(&self.helpers).or_else(column).or_else(|| other(&self.features))
    }

    /// Returns the name that was probably meant within a definition.
    pub(crate) fn nearest(&self, name: &str, within: usize) -> Option<&'a str> {
        let defined = self.helpers.iter().chain(&self.features);
        let defined = defined.filter(|(_, index)| **index != within).map(|(name, _)| *name);
        base::nearest(name, self.columns.keys().copied().chain(defined))
    }

    /// Puts definitions behind what they use, without recursion; what is left over goes in circles.
    fn sort(&mut self, problems: &mut Vec<Problem>) {
        let uses: Vec<Vec<usize>> = (0..self.all.len()).map(|index| self.used_by(index)).collect();
        let mut users = vec![Vec::new(); self.all.len()];
        let mut num_open: Vec<usize> = uses.iter().map(Vec::len).collect();
        for (index, used) in uses.iter().enumerate() {
            used.iter().for_each(|&used| users[used].push(index));
        }
        let mut ready: Vec<usize> =
            (0..self.all.len()).rev().filter(|&index| num_open[index] == 0).collect();
        while let Some(index) = ready.pop() {
            self.order.push(index);
            for &user in users[index].iter().rev() {
                num_open[user] -= 1;
                if num_open[user] == 0 {
                    ready.push(user);
                }
            }
        }
        self.report_circles(&uses, &num_open, problems);
        let left_over = (0..self.all.len()).filter(|&index| num_open[index] > 0);
        self.order.extend(left_over);
    }

    fn report_circles(
        &mut self,
        uses: &[Vec<usize>],
        num_open: &[usize],
        problems: &mut Vec<Problem>,
    ) {
        let mut seen = vec![false; self.all.len()];
        for start in 0..self.all.len() {
            if num_open[start] == 0 || seen[start] {
                continue;
            }
            // Every one that is left over uses another one, so a walk ends where it has been before.
            let mut walk = vec![start];
            let circle = loop {
                let last = walk[walk.len() - 1];
                seen[last] = true;
                let Some(&next) = uses[last].iter().find(|&&used| num_open[used] > 0) else {
                    break None;
                };
                if let Some(first) = walk.iter().position(|&index| index == next) {
                    break Some(walk[first..].to_vec());
                }
                if seen[next] {
                    break None;
                }
                walk.push(next);
            };
            let Some(circle) = circle else { continue };
            let first = circle[0];
            let names = circle.iter().chain([&first]).map(|&index| self.all[index].name);
            let names: Vec<_> = names.collect();
            problems.push(Problem {
                key: self.all[first].key(),
                offset: 0,
                message: format!("`{}` is made from itself: {}", names[0], names.join(" -> ")),
                hint: None,
            });
        }
        for (definition, &num_open) in self.all.iter_mut().zip(num_open) {
            if num_open > 0 {
                definition.expr = None;
            }
        }
    }

    fn used_by(&self, index: usize) -> Vec<usize> {
        let mut used = Vec::new();
        if let Some(expr) = &self.all[index].expr {
            expr.names(&mut |name| {
                if let Some(Target::Definition(target)) = self.target(name, index) {
                    used.push(target);
                }
            });
        }
        used.sort_unstable();
        used.dedup();
        used
    }
}

impl Definition<'_> {
    /// Returns the key under which it stands in the configuration.
    pub(crate) fn key(&self) -> String {
        match self.kind {
            Kind::Feature => format!("features.{}", self.name),
            Kind::Helper => format!("let.{}", self.name),
        }
    }
}
