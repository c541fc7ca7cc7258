//! One array compared with one feature.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use formats::metadata::anomaly_info::Type;

use super::RowViolation;
use super::levels::{Levels, Lists};
use super::values::{Problem, Rule};

/// One feature, ready to look at an array.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) path: Arc<str>,
    /// What this is a part of: an example, or the struct above.
    pub(super) whole: String,
    pub(super) is_required: bool,
    pub(super) counts: Counts,
    pub(super) rule: Rule,
    /// The share of the values of a row that may be outside the domain.
    pub(super) max_off_domain: f64,
    /// The features below, each with the place of its column.
    pub(super) children: Vec<(usize, Compiled)>,
}

/// How many values there have to be.
#[derive(Debug)]
pub(super) enum Counts {
    Any,
    /// For each level of nesting, the fewest and the most.
    Levels(Vec<(usize, usize)>),
    /// This many together, the lists of one level all as long as each other.
    Shape(usize),
}

impl Compiled {
    /// Compares an array with the feature; `levels` are what is around it.
    pub(super) fn check(
        &self,
        array: &dyn Array,
        levels: &Levels,
        violations: &mut Vec<RowViolation>,
    ) {
        let mut sink = Sink { feature: self, levels, last: Vec::new(), violations };
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        if let Some(nulls) = &nulls {
            self.check_missing(nulls, &mut sink);
        }
        match levels.in_lists(array) {
            None => {
                if !matches!(self.counts, Counts::Any) {
                    let is_present = |&element: &usize| {
                        nulls.as_ref().is_none_or(|nulls| nulls.is_valid(element))
                    };
                    for element in (0..array.len()).filter(is_present) {
                        self.check_count(element, 0, 1, &mut sink);
                    }
                }
                self.check_values(array, levels, &mut sink);
            }
            Some(_) => self.check_lists(array, &mut sink),
        }
    }

    fn check_missing(&self, nulls: &NullBuffer, sink: &mut Sink<'_>) {
        let (kind, short_description, message) = match self.counts {
            _ if self.is_required => (
                Type::FeatureTypeLowFractionPresent,
                "Column dropped",
                format!("missing, expected in every {}", self.whole),
            ),
            Counts::Shape(size) => (
                Type::InvalidFeatureShape,
                "Invalid feature shape",
                format!("missing, expected {} as the shape says", num_values(size)),
            ),
            _ => return,
        };
        for element in (0..nulls.len()).filter(|&element| nulls.is_null(element)) {
            sink.push(element, Problem::new(kind, short_description, message.clone()));
        }
    }

    /// Goes down level by level, counting values, to the values themselves.
    fn check_lists(&self, array: &dyn Array, sink: &mut Sink<'_>) {
        let outer = sink.levels;
        let mut path: Vec<(Lists, Option<NullBuffer>)> = Vec::new();
        let mut levels = outer.clone();
        let mut current = array.slice(0, array.len());
        while let Some((lists, elements, within)) = levels.in_lists(current.as_ref()) {
            if let Counts::Levels(ranges) = &self.counts
                && ranges.get(path.len()).is_some_and(|range| *range != (0, usize::MAX))
            {
                let depth = path.len();
                let nulls = current.logical_nulls();
                let missing = elements.logical_nulls().filter(|nulls| nulls.null_count() > 0);
                let mut counter = Sink { levels: &levels, last: Vec::new(), ..sink.reborrow() };
                for list in 0..lists.num_lists() {
                    if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(list)) {
                        let count = lists.count(list, missing.as_ref());
                        self.check_count(list, depth, count, &mut counter);
                    }
                }
            }
            path.push((lists, current.logical_nulls()));
            (current, levels) = (elements, within);
        }
        if let Counts::Shape(expected) = self.counts {
            check_shape(&path, expected, sink);
        }
        let mut values = Sink { levels: outer, last: Vec::new(), ..sink.reborrow() };
        self.check_values(current.as_ref(), &levels, &mut values);
    }

    fn check_count(&self, element: usize, level: usize, count: usize, sink: &mut Sink<'_>) {
        let (kind, short, message) = match &self.counts {
            Counts::Any => return,
            Counts::Shape(size) if *size == count => return,
            Counts::Shape(size) => (
                Type::InvalidFeatureShape,
                "Invalid feature shape",
                format!("{}, expected {size} as the shape says", num_values(count)),
            ),
            Counts::Levels(ranges) => {
                let place = match ranges.len() {
                    1 => String::new(),
                    _ => format!(" at nestedness level {level}"),
                };
                match ranges.get(level) {
                    Some(&(min, _)) if count < min => (
                        Type::FeatureTypeLowNumberValues,
                        "Missing values",
                        format!("{}{place}, expected at least {min}", num_values(count)),
                    ),
                    Some(&(_, max)) if count > max => (
                        Type::FeatureTypeHighNumberValues,
                        "Superfluous values",
                        format!("{}{place}, expected at most {max}", num_values(count)),
                    ),
                    _ => return,
                }
            }
        };
        sink.push(element, Problem::new(kind, short, message));
    }

    /// `within` is what is around each value.
    fn check_values(&self, values: &dyn Array, within: &Levels, sink: &mut Sink<'_>) {
        if self.max_off_domain > 0.0 {
            self.check_mass(values, within, sink);
        } else {
            self.rule.check(values, &mut |element, problem| {
                if let Some(row) = within.row(element) {
                    sink.push_row(row, problem);
                }
            });
        }
        if !self.children.is_empty() && matches!(values.data_type(), DataType::Struct(_)) {
            let within = within.in_struct(values);
            for (index, child) in &self.children {
                child.check(values.as_struct().column(*index).as_ref(), &within, sink.violations);
            }
        }
    }

    /// Some of the values of a row may be outside the domain.
    fn check_mass(&self, values: &dyn Array, within: &Levels, sink: &mut Sink<'_>) {
        let mut rows: BTreeMap<usize, (usize, Problem)> = BTreeMap::new();
        self.rule.check(values, &mut |element, problem| {
            if let Some(row) = within.row(element) {
                rows.entry(row).or_insert((0, problem)).0 += 1;
            }
        });
        let nulls = values.logical_nulls();
        for (row, (count, problem)) in rows {
            let (first, end) = within.elements(row);
            let missing =
                nulls.as_ref().map_or(0, |nulls| nulls.slice(first, end - first).null_count());
            #[expect(clippy::cast_precision_loss, reason = "the values of one row are few")]
            let share = count as f64 / (end - first - missing) as f64;
            if share > self.max_off_domain {
                sink.push_row(row, problem);
            }
        }
    }
}

/// `path` is the lists of each level, and which of them are missing.
fn check_shape(path: &[(Lists, Option<NullBuffer>)], expected: usize, sink: &mut Sink<'_>) {
    let Some((outermost, nulls)) = path.first() else { return };
    for element in 0..outermost.num_lists() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(element)) {
            continue;
        }
        let (mut first, mut end) = (element, element + 1);
        let mut size = Some(1_usize);
        for (lists, nulls) in path {
            let mut lengths = (first..end).map(|list| {
                let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(list));
                if is_null { 0 } else { lists.count(list, None) }
            });
            let length = lengths.next().unwrap_or(0);
            let is_even = lengths.all(|other| other == length);
            size = size.filter(|_| is_even).map(|size| size.saturating_mul(length));
            (first, end) = (lists.start(first), lists.start(end));
        }
        if size != Some(expected) {
            let found = size.map_or_else(|| "lists of uneven lengths".to_owned(), num_values);
            let message = format!("{found}, expected {expected} as the shape says");
            let short = "Invalid feature shape";
            sink.push(element, Problem::new(Type::InvalidFeatureShape, short, message));
        }
    }
}

fn num_values(count: usize) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}

/// The violations of one feature; the first of each type in a row.
struct Sink<'a> {
    feature: &'a Compiled,
    /// What is around the elements that are pushed.
    levels: &'a Levels,
    last: Vec<(Type, usize)>,
    violations: &'a mut Vec<RowViolation>,
}

impl Sink<'_> {
    fn reborrow(&mut self) -> Sink<'_> {
        Sink {
            feature: self.feature,
            levels: self.levels,
            last: Vec::new(),
            violations: self.violations,
        }
    }

    /// Takes what is wrong with an element, unless something around it is missing.
    fn push(&mut self, element: usize, problem: Problem) {
        if let Some(row) = self.levels.row(element) {
            self.push_row(row, problem);
        }
    }

    fn push_row(&mut self, row: usize, problem: Problem) {
        let Problem { kind, short_description, message } = problem;
        match self.last.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, last)) if *last == row => return,
            Some((_, last)) => *last = row,
            None => self.last.push((kind, row)),
        }
        let feature = Arc::clone(&self.feature.path);
        self.violations.push(RowViolation { row, feature, kind, short_description, message });
    }
}
