//! What a curated schema says of how values are to be counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes;
use formats::metadata::feature::DomainInfo;
use formats::metadata::{Feature, FeatureType, NaturalLanguageDomain, Schema, SparseFeature};

use crate::composite::{Column, Composite, CompositeKind};
use crate::natural_language::Language;
use crate::pass::{Kind, Shape, Treatment, fields};
use crate::{Config, StatisticsError, Vocabulary};

/// Features that are not to be counted as their type says alone.
#[derive(Default)]
pub(crate) struct Said {
    /// By path, each with the kind of data for which that holds.
    treatments: BTreeMap<Vec<String>, (Kind, Treatment)>,
    languages: BTreeMap<Vec<String>, (Kind, Language)>,
}

impl Said {
    /// Returns what a schema says, with the vocabularies of its languages.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::MissingVocabulary`] when one of them is not there.
    ///
    /// # Source
    ///
    /// `get_categorical_numeric_feature_types` and `get_bytes_features` of TensorFlow Data Validation.
    pub(crate) fn of(
        schema: &Schema,
        vocabularies: &BTreeMap<String, Arc<Vocabulary>>,
    ) -> Result<Self, StatisticsError> {
        let mut said = Self::default();
        said.collect(&schema.feature, &[], vocabularies)?;
        Ok(said)
    }

    /// Returns how values of a kind are to be counted.
    pub(crate) fn treatment(&self, path: &[String], kind: Kind) -> Treatment {
        let found = self.treatments.get(path).filter(|(expected, _)| *expected == kind);
        found.map_or(Treatment::Plain, |&(_, treatment)| treatment)
    }

    /// Returns the language that the values of a feature are in.
    pub(crate) fn language(&self, path: &[String], shape: Shape) -> Option<Language> {
        let found = self.languages.get(path).filter(|(expected, _)| *expected == shape.kind);
        found.filter(|_| shape.num_levels <= 1).map(|(_, language)| language.clone())
    }

    fn collect(
        &mut self,
        features: &[Feature],
        parent: &[String],
        vocabularies: &BTreeMap<String, Arc<Vocabulary>>,
    ) -> Result<(), StatisticsError> {
        for feature in features {
            let mut path = parent.to_vec();
            path.push(feature.name().to_owned());
            if let Some(DomainInfo::StructDomain(domain)) = &feature.domain_info {
                self.collect(&domain.feature, &path, vocabularies)?;
            }
            if let Some(DomainInfo::NaturalLanguageDomain(domain)) = &feature.domain_info {
                let kind = match feature.r#type() {
                    FeatureType::Int => Kind::Int,
                    _ => Kind::String,
                };
                let vocabulary = vocabulary(&path, domain, vocabularies)?;
                let language = Language::new(domain, kind, vocabulary);
                self.languages.extend(language.map(|language| (path.clone(), (kind, language))));
            }
            self.treatments.extend(treatment(feature).map(|treatment| (path, treatment)));
        }
        Ok(())
    }
}

fn vocabulary(
    path: &[String],
    domain: &NaturalLanguageDomain,
    vocabularies: &BTreeMap<String, Arc<Vocabulary>>,
) -> Result<Option<Arc<Vocabulary>>, StatisticsError> {
    let name = domain.vocabulary();
    if name.is_empty() {
        return Ok(None);
    }
    match vocabularies.get(name) {
        Some(vocabulary) => Ok(Some(Arc::clone(vocabulary))),
        None => Err(StatisticsError::MissingVocabulary {
            feature: path.join("."),
            vocabulary: name.to_owned(),
            nearest: base::nearest(name, vocabularies.keys().map(String::as_str))
                .map(str::to_owned),
        }),
    }
}

fn treatment(feature: &Feature) -> Option<(Kind, Treatment)> {
    match (feature.r#type(), &feature.domain_info) {
        (_, Some(DomainInfo::ImageDomain(_))) => Some((Kind::String, Treatment::Bytes)),
        (FeatureType::Int, Some(domain)) if is_categorical(domain) => {
            Some((Kind::Int, Treatment::Categorical))
        }
        (FeatureType::Float, Some(DomainInfo::FloatDomain(domain))) if domain.is_categorical() => {
            Some((Kind::Float, Treatment::Categorical))
        }
        _ => None,
    }
}

fn is_categorical(domain: &DomainInfo) -> bool {
    match domain {
        DomainInfo::IntDomain(domain) => domain.is_categorical(),
        DomainInfo::BoolDomain(_) | DomainInfo::NaturalLanguageDomain(_) => true,
        _ => false,
    }
}

/// Returns the sparse and weighted features that a schema makes of columns, but for those of which no column is among
/// the features to look at.
///
/// # Errors
///
/// [`StatisticsError::DifferentStructs`] when values and weights are not in one struct.
pub(crate) fn composites(
    curated: &Schema,
    schema: &datatypes::Schema,
    config: &Config,
) -> Result<Vec<Composite>, StatisticsError> {
    let mut found = Vec::new();
    collect_sparse(&curated.sparse_feature, &curated.feature, &[], schema, &mut found);
    for weighted in &curated.weighted_feature {
        let steps = |path: &Option<formats::metadata::Path>| {
            path.as_ref().map(|path| path.step.clone()).unwrap_or_default()
        };
        let (value, weight) = (steps(&weighted.feature), steps(&weighted.weight_feature));
        let (Some((value_name, parent)), Some((weight_name, parent_of_weights))) =
            (value.split_last(), weight.split_last())
        else {
            continue;
        };
        if parent != parent_of_weights {
            return Err(StatisticsError::DifferentStructs {
                feature: weighted.name().to_owned(),
                value: value.join("."),
                weight: weight.join("."),
            });
        }
        found.push(Composite {
            path: vec![weighted.name().to_owned()],
            kind: CompositeKind::Weighted,
            parent: parent.to_vec(),
            columns: [value_name, weight_name].map(|name| column(schema, parent, name)).into(),
        });
    }
    found.retain(|composite| {
        let is_chosen =
            |name: &String| config.features.is_empty() || config.features.contains(name);
        match composite.parent.first() {
            Some(parent) => is_chosen(parent),
            None => composite.columns.iter().any(|column| is_chosen(&column.name)),
        }
    });
    Ok(found)
}

fn collect_sparse(
    sparse: &[SparseFeature],
    features: &[Feature],
    parent: &[String],
    schema: &datatypes::Schema,
    found: &mut Vec<Composite>,
) {
    for feature in sparse {
        let value = feature.value_feature.as_ref().map_or("", |value| value.name());
        let mut indices: Vec<&str> = feature.index_feature.iter().map(|it| it.name()).collect();
        indices.sort_unstable();
        indices.dedup();
        let mut path = parent.to_vec();
        path.push(feature.name().to_owned());
        let names = std::iter::once(value).chain(indices);
        found.push(Composite {
            path,
            kind: CompositeKind::Sparse,
            parent: parent.to_vec(),
            columns: names.map(|name| column(schema, parent, name)).collect(),
        });
    }
    for feature in features {
        if let Some(DomainInfo::StructDomain(domain)) = &feature.domain_info {
            let mut path = parent.to_vec();
            path.push(feature.name().to_owned());
            collect_sparse(&domain.sparse_feature, &domain.feature, &path, schema, found);
        }
    }
}

fn column(schema: &datatypes::Schema, parent: &[String], name: &str) -> Column {
    let mut columns: &[datatypes::FieldRef] = schema.fields();
    for step in parent {
        let parent = columns.iter().find(|field| field.name() == step);
        columns = parent.map_or(&[], |field| fields(field.data_type()));
    }
    Column { name: name.to_owned(), is_there: columns.iter().any(|field| field.name() == name) }
}
