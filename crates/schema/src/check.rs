//! What in a schema cannot be meant: the check of one that a person wrote.

mod comparators;
mod domains;
mod features;

use std::collections::BTreeSet;
use std::fmt;

use base::nearest;
use formats::metadata::{Schema, StringDomain};

use crate::text::serialize_path;

/// Something in a schema that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// Where it is, for example ``feature `fare` ``.
    pub location: String,
    /// What was found there.
    pub found: String,
    /// What was expected instead.
    pub expected: String,
    /// The name that was probably meant, if one is near.
    pub nearest: Option<String>,
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}", self.location, self.found, self.expected)?;
        self.nearest.as_ref().map_or(Ok(()), |name| write!(f, "; did you mean `{name}`?"))
    }
}

/// Returns everything in a schema that cannot be meant, features first and in the schema's order.
///
/// Such as: a name that is missing or there twice, a type that is missing or cannot have the feature's
/// domain, a domain, a column or an environment that does not exist, a limit that no data can keep, a minimum
/// above its maximum, a comparator or a number of unique values that statistics of the feature's type cannot
/// tell. Deprecated features are checked too. An empty list means that validation will find
/// anomalies in data only, never in the schema.
pub fn check_schema(schema: &Schema) -> Vec<SchemaProblem> {
    let mut problems = Problems::default();
    features::check(schema, &schema.feature, &mut Vec::new(), &mut problems);
    check_composites(schema, &mut problems);
    for domain in &schema.string_domain {
        check_string_domain(domain, &format!("string_domain `{}`", domain.name()), &mut problems);
        if domain.name().is_empty() {
            problems.push("string_domain", "no name", "a name that features refer to");
        }
    }
    let domains = schema.string_domain.iter().map(StringDomain::name);
    check_repeats("string_domain", domains, &mut problems);
    let environments = schema.default_environment.iter().map(String::as_str);
    check_repeats("default_environment", environments, &mut problems);
    if let Some(constraints) = &schema.dataset_constraints {
        let location = "dataset_constraints";
        let (min, max) = (constraints.min_examples_count, constraints.max_examples_count);
        check_range(location, "examples_count", (min, max), &mut problems);
        for comparator in [
            &constraints.num_examples_drift_comparator,
            &constraints.num_examples_version_comparator,
        ]
        .into_iter()
        .flatten()
        {
            let limits = (comparator.min_fraction_threshold, comparator.max_fraction_threshold);
            check_range(location, "fraction_threshold", limits, &mut problems);
        }
    }
    problems.0
}

/// Problems in the order in which they are found.
#[derive(Default)]
struct Problems(Vec<SchemaProblem>);

impl Problems {
    fn push(&mut self, location: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.0.push(SchemaProblem {
            location: location.to_owned(),
            found: found.into(),
            expected: expected.into(),
            nearest: None,
        });
    }

    /// A name that has to be one of some others, and is not.
    fn push_unknown<'a>(
        &mut self,
        location: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        self.0.push(SchemaProblem {
            location: location.to_owned(),
            found: format!("{what} {name:?}"),
            expected: "one that the schema has".to_owned(),
            nearest: nearest(name, known).map(str::to_owned),
        });
    }
}

/// Names that are there twice are reported once.
fn check_repeats<'a>(what: &str, names: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let (mut seen, mut repeated) = (BTreeSet::new(), BTreeSet::new());
    for name in names.filter(|name| !name.is_empty()) {
        if !seen.insert(name) && repeated.insert(name) {
            problems.push(&format!("{what} `{name}`"), "the name more than once", "it once");
        }
    }
}

/// A minimum is not negative and not above its maximum; NaN is neither.
fn check_range<T: PartialOrd + Default + fmt::Display>(
    location: &str,
    name: &str,
    (min, max): (Option<T>, Option<T>),
    problems: &mut Problems,
) {
    if let Some(min) = min.as_ref().filter(|&min| !at_least(min, &T::default())) {
        problems.push(location, format!("min {name} {min}"), "0 or more");
    } else if let Some(max) = max.as_ref().filter(|&max| !at_least(max, &T::default())) {
        problems.push(location, format!("max {name} {max}"), "0 or more");
    } else {
        check_order(location, name, (min, max), problems);
    }
}

/// A minimum is not above its maximum; NaN is neither.
fn check_order<T: PartialOrd + fmt::Display>(
    location: &str,
    name: &str,
    limits: (Option<T>, Option<T>),
    problems: &mut Problems,
) {
    if let (Some(min), Some(max)) = limits
        && !at_least(&max, &min)
    {
        problems.push(location, format!("max {name} {max}"), format!("at least its min, {min}"));
    }
}

fn at_least<T: PartialOrd>(value: &T, limit: &T) -> bool {
    value >= limit
}

fn check_string_domain(domain: &StringDomain, location: &str, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    let repeated: BTreeSet<&str> =
        domain.value.iter().map(String::as_str).filter(|value| !seen.insert(*value)).collect();
    for value in repeated {
        problems.push(location, format!("value {value:?} more than once"), "it once");
    }
}

/// Sparse and weighted features: their names are their own, and their columns exist.
fn check_composites(schema: &Schema, problems: &mut Problems) {
    let columns: Vec<&str> = schema.feature.iter().map(|feature| feature.name()).collect();
    let composites = schema.sparse_feature.iter().map(|sparse| sparse.name());
    let composites = composites.chain(schema.weighted_feature.iter().map(|it| it.name()));
    check_repeats("feature", columns.iter().copied().chain(composites), problems);

    for sparse in &schema.sparse_feature {
        let location = format!("sparse_feature `{}`", sparse.name());
        let indices = sparse.index_feature.iter().map(|index| ("index_feature", index.name()));
        let values = sparse.value_feature.iter().map(|value| ("value_feature", value.name()));
        if sparse.index_feature.is_empty() {
            problems.push(&location, "no index_feature", "at least one");
        }
        if sparse.value_feature.is_none() {
            problems.push(&location, "no value_feature", "one");
        }
        for (what, name) in indices.chain(values).filter(|(_, name)| !columns.contains(name)) {
            problems.push_unknown(&location, what, name, columns.iter().copied());
        }
    }
    for weighted in &schema.weighted_feature {
        let location = format!("weighted_feature `{}`", weighted.name());
        for (what, path) in
            [("feature", &weighted.feature), ("weight_feature", &weighted.weight_feature)]
        {
            let steps = path.iter().flat_map(|path| &path.step).map(String::as_str);
            let steps: Vec<&str> = steps.collect();
            if crate::lookup::feature(&schema.feature, &steps).is_none() {
                let name = serialize_path(&steps);
                problems.push_unknown(&location, what, &name, columns.iter().copied());
            }
        }
    }
}
