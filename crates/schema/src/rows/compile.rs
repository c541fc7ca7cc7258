//! Features of a schema made ready for the columns that hold them.

use arrow::datatypes::{DataType, Field, SchemaRef};
use formats::metadata::anomaly_info::{Reason, Severity, Type};
use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::{Feature, FeatureType, Schema, ValueCount};

use super::check::{Compiled, Counts};
use super::values::Rule;
use crate::relax::{
    Context, is_deprecated, is_in_environment, is_required, is_required_in_group, reason, repair,
};
use crate::text::serialize_path;
use crate::{Finding, lookup};

/// Returns the features that rows are to be compared with, and what is wrong with the columns themselves.
pub(super) fn compile(
    schema: &Schema,
    columns: &SchemaRef,
    environment: Option<&str>,
) -> (Vec<(usize, Compiled)>, Vec<Finding>) {
    let context =
        Context { environment, default_environments: &schema.default_environment, ..Context::NONE };
    let mut compiler = Compiler { schema, context, findings: Vec::new() };
    let fields: Vec<&Field> = columns.fields().iter().map(AsRef::as_ref).collect();
    let features = compiler.features(&schema.feature, &fields, &mut Vec::new());
    (features, compiler.findings)
}

struct Compiler<'a> {
    schema: &'a Schema,
    context: Context<'a>,
    findings: Vec<Finding>,
}

impl<'a> Compiler<'a> {
    fn features(
        &mut self,
        features: &'a [Feature],
        fields: &[&'a Field],
        parents: &mut Vec<&'a str>,
    ) -> Vec<(usize, Compiled)> {
        let mut compiled = Vec::new();
        for feature in features.iter().filter(|feature| !is_deprecated(feature)) {
            parents.push(feature.name());
            match fields.iter().position(|field| field.name() == feature.name()) {
                Some(index) => {
                    let ready = self.feature(feature, fields[index], parents);
                    compiled.extend(ready.map(|ready| (index, ready)));
                }
                None => self.missing(feature, parents),
            }
            parents.pop();
        }
        for field in fields {
            if self.knows(features, field.name(), parents) {
                continue;
            }
            parents.push(field.name());
            let description = "New column (column in data but not in schema)";
            self.found(parents, &reason(Type::SchemaNewColumn, "New column", description));
            parents.pop();
        }
        compiled
    }

    /// Whether the schema has anything of a name at a place.
    fn knows(&self, features: &[Feature], name: &str, parents: &[&str]) -> bool {
        let mut path = parents.to_vec();
        path.push(name);
        features.iter().any(|feature| feature.name() == name)
            || lookup::sparse_feature(self.schema, &path).is_some()
            || lookup::weighted_feature(self.schema, &path).is_some()
    }

    fn missing(&mut self, feature: &Feature, path: &[&str]) {
        let is_missed = is_required(feature, &self.context)
            || path.len() > 1 && is_required_in_group(feature, &self.context);
        if is_missed {
            let description = "Column is completely missing";
            self.found(path, &reason(Type::SchemaMissingColumn, "Column dropped", description));
        }
    }

    fn feature(
        &mut self,
        feature: &'a Feature,
        field: &'a Field,
        path: &mut Vec<&'a str>,
    ) -> Option<Compiled> {
        let domain = lookup::string_domain(self.schema, feature);
        let mut repaired = feature.clone();
        let mut reasons = Vec::new();
        repair(&mut repaired, domain.is_some(), &mut reasons);
        reasons.iter().for_each(|why| self.found(path, why));
        if is_deprecated(&repaired) {
            return None;
        }
        if let Some(environment) =
            self.context.environment.filter(|_| !is_in_environment(feature, &self.context))
        {
            let description = format!(
                "New column {} found in data but not in the environment {environment} in the schema.",
                serialize_path(path)
            );
            let short = "Column missing in environment";
            self.found(path, &reason(Type::SchemaNewColumn, short, description));
        }
        let (depth, leaf) = unwrap_lists(field.data_type());
        let expected = repaired.r#type();
        if *leaf != DataType::Null && feature_type(leaf) != Some(expected) {
            let description =
                format!("Expected data of type: {} but got {leaf}", expected.as_str_name());
            let short = "Unexpected data type";
            self.found(path, &reason(Type::UnexpectedDataType, short, description));
            return None;
        }
        let counts = self.counts(&repaired, depth.max(1), path);
        let children = match (&feature.domain_info, leaf) {
            (Some(DomainInfo::StructDomain(domain)), DataType::Struct(fields)) => {
                let fields: Vec<&Field> = fields.iter().map(AsRef::as_ref).collect();
                self.features(&domain.feature, &fields, path)
            }
            _ => Vec::new(),
        };
        let mass = repaired.distribution_constraints.as_ref().and_then(|it| it.min_domain_mass);
        Some(Compiled {
            path: serialize_path(path).into(),
            whole: match path.split_last() {
                Some((_, parents)) if !parents.is_empty() => serialize_path(parents),
                _ => "example".to_owned(),
            },
            is_required: self.is_in_every_example(&repaired, path),
            counts,
            rule: Rule::new(&repaired, domain),
            max_off_domain: mass.map_or(0.0, |mass| 1.0 - mass),
            children,
        })
    }

    fn is_in_every_example(&self, feature: &Feature, path: &[&str]) -> bool {
        if !is_in_environment(feature, &self.context) {
            return false;
        }
        match &feature.presence_constraints {
            Some(PresenceConstraints::Presence(presence)) => presence.min_fraction() >= 1.0,
            Some(PresenceConstraints::GroupPresence(presence)) => {
                presence.required() && path.len() > 1
            }
            None => false,
        }
    }

    fn counts(&mut self, feature: &Feature, depth: usize, path: &[&str]) -> Counts {
        let range = |count: &ValueCount| {
            let limit = |limit: i64| usize::try_from(limit).unwrap_or(usize::MAX);
            (count.min.map_or(0, limit), count.max.map_or(usize::MAX, limit))
        };
        let ranges: Vec<(usize, usize)> = match &feature.shape_type {
            None => return Counts::Any,
            Some(ShapeType::Shape(shape)) => {
                let sizes = shape.dim.iter().map(|dim| usize::try_from(dim.size()).unwrap_or(0));
                return Counts::Shape(sizes.fold(1, usize::saturating_mul));
            }
            Some(ShapeType::ValueCount(count)) => vec![range(count)],
            Some(ShapeType::ValueCounts(counts)) => counts.value_count.iter().map(range).collect(),
        };
        if ranges.len() == depth {
            return Counts::Levels(ranges);
        }
        let description = format!(
            "The values are nested {depth} levels deep, the schema counts those of {}. Value counts will not be checked.",
            ranges.len()
        );
        let short = "Mismatched value nest level";
        self.found(path, &reason(Type::ValueNestednessMismatch, short, description));
        Counts::Any
    }

    fn found(&mut self, path: &[&str], why: &Reason) {
        self.findings.push(Finding {
            path: path.join("."),
            severity: Severity::Error,
            code: why.r#type().as_str_name(),
            short_description: why.short_description().to_owned(),
            description: why.description().to_owned(),
        });
    }
}

/// Returns how many lists are around a type, and the type within.
fn unwrap_lists(mut data_type: &DataType) -> (usize, &DataType) {
    let mut depth = 0;
    while let DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) =
        data_type
    {
        depth += 1;
        data_type = item.data_type();
    }
    (depth, data_type)
}

/// Returns the schema's type for columns of a type, as statistics have it.
fn feature_type(data_type: &DataType) -> Option<FeatureType> {
    match data_type {
        DataType::Boolean => Some(FeatureType::Int),
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => Some(FeatureType::Bytes),
        DataType::Struct(_) => Some(FeatureType::Struct),
        DataType::Dictionary(_, values) => feature_type(values),
        data_type if data_type.is_integer() => Some(FeatureType::Int),
        data_type if data_type.is_floating() => Some(FeatureType::Float),
        _ => None,
    }
}
