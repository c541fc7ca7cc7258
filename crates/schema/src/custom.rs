//! Custom validations: conditions of people's own on the statistics of features.

mod row;

use std::path::Path as FilePath;

use arrow::array::ArrayRef;
use base::{Classify, ErrorKind, IoError, nearest};
use formats::data_validation::{CustomValidationConfig, Validation};
use formats::metadata::anomaly_info::{Reason, Severity, Type};
use formats::metadata::feature_name_statistics::FieldId;
use formats::metadata::{
    Anomalies, AnomalyInfo, DatasetFeatureStatisticsList, FeatureNameStatistics, Path,
};
use query::QueryError;
use query::expression::Condition;

use crate::slices::ALL_EXAMPLES;
use crate::text::serialize_path;
use crate::{SchemaError, SeverityOverride};

/// Conditions on the statistics of features, and of pairs of features of two datasets.
///
/// Of a single feature, `feature` is its `FeatureNameStatistics`, such as
/// `feature.string_stats.common_stats.num_missing < 10`; of a pair, `feature_test` and `feature_base` are. A condition
/// that does not hold is an anomaly, `CUSTOM_VALIDATION`.
#[derive(Clone, Debug)]
pub struct CustomValidations {
    checks: Vec<Check>,
}

/// The conditions on one feature, or on a pair.
#[derive(Clone, Debug)]
struct Check {
    /// The slice; that of all examples without a name.
    dataset: String,
    path: Path,
    base: Option<Base>,
    conditions: Vec<(Validation, Condition)>,
}

/// The feature that another is compared with.
#[derive(Clone, Debug)]
struct Base {
    dataset: String,
    path: Path,
}

/// Why custom validations could not be read, or done.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum CustomError {
    /// An expression is wrong.
    #[error("feature `{feature}`: {}", with_text(.expression, .error))]
    Expression { feature: String, expression: String, error: Box<QueryError> },

    /// An expression's value is not known.
    #[error(
        "the expression {expression:?} of feature `{feature}` is NULL, expected true or false: \
         the statistics lack a value that it needs"
    )]
    Unknown { feature: String, expression: String },

    /// A validation names no feature.
    #[error("a validation without a {field}, expected the path of a feature")]
    NoPath { field: &'static str },

    /// The statistics do not have a feature that a validation names.
    #[error("there are no statistics of feature `{feature}` in {of}")]
    NoFeature { feature: String, of: String, nearest: Option<String> },

    /// The statistics do not have a slice that a validation names.
    #[error("there is no slice {dataset:?} in {of}")]
    NoDataset { dataset: String, of: &'static str, nearest: Option<String> },

    /// Features are compared with those of a dataset that is not there.
    #[error("`feature_pair_validations` compare with earlier statistics, and there are none")]
    NoBase,
}

/// Says what is wrong with an expression, and which it is unless its line is shown.
fn with_text(expression: &str, error: &QueryError) -> String {
    match error.mistake() {
        Some(mistake) if mistake.place.is_some() => error.to_string(),
        _ => format!("{error}, in {expression:?}"),
    }
}

impl Classify for CustomError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Expression { error, .. } => error.kind(),
            Self::NoPath { .. } | Self::NoBase => ErrorKind::Usage,
            Self::Unknown { .. } | Self::NoFeature { .. } | Self::NoDataset { .. } => {
                ErrorKind::Data
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Expression { error, .. } => error.hint(),
            Self::Unknown { .. } => Some(
                "features have only the statistics of their type: `num_stats`, `string_stats`, `bytes_stats` or \
                 `struct_stats`; `COALESCE(…, 0)` replaces what is missing, `feature.has_num_stats` asks for it"
                    .to_owned(),
            ),
            Self::NoFeature { nearest: Some(nearest), .. }
            | Self::NoDataset { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            _ => None,
        }
    }
}

impl CustomValidations {
    /// Reads a configuration in text form, `CustomValidationConfig`, and all expressions in it.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Io`], [`SchemaError::NotText`], [`SchemaError::NotACustomValidation`], and
    /// [`SchemaError::Custom`] with all that [`CustomValidations::new`] finds.
    pub fn read(path: &FilePath) -> Result<Self, SchemaError> {
        let bytes = std::fs::read(path).map_err(IoError::at("read", path))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|source| SchemaError::NotText { path: path.to_owned(), source })?;
        let config = formats::text::parse(text).map_err(|source| {
            SchemaError::NotACustomValidation { path: path.to_owned(), source }
        })?;
        Self::new(&config).map_err(|errors| SchemaError::Custom { path: path.to_owned(), errors })
    }

    /// Reads all expressions of a configuration.
    ///
    /// # Errors
    ///
    /// Every [`CustomError::Expression`] and [`CustomError::NoPath`].
    pub fn new(config: &CustomValidationConfig) -> Result<Self, Vec<CustomError>> {
        let data_type = row::data_type();
        let mut errors = Vec::new();
        let mut checks = Vec::new();
        let mut conditions = |path: &Path, validations: &[Validation], names: &[&str]| {
            let values: Vec<_> = names.iter().map(|name| (*name, &data_type)).collect();
            let mut conditions = Vec::new();
            for validation in validations {
                match Condition::new(validation.sql_expression(), &values) {
                    Ok(condition) => conditions.push((validation.clone(), condition)),
                    Err(error) => errors.push(CustomError::Expression {
                        feature: path.step.join("."),
                        expression: validation.sql_expression().to_owned(),
                        error: Box::new(error),
                    }),
                }
            }
            conditions
        };
        let mut without_path = Vec::new();
        for it in &config.feature_validations {
            let Some(path) = path_of(it.feature_path.as_ref()) else {
                without_path.push("feature_path");
                continue;
            };
            let conditions = conditions(path, &it.validations, &["feature"]);
            let dataset = it.dataset_name().to_owned();
            checks.push(Check { dataset, path: path.clone(), base: None, conditions });
        }
        for it in &config.feature_pair_validations {
            let (test, base) = (it.feature_test_path.as_ref(), it.feature_base_path.as_ref());
            let (Some(path), Some(base)) = (path_of(test), path_of(base)) else {
                let has_test = path_of(test).is_some();
                without_path.push(if has_test { "feature_base_path" } else { "feature_test_path" });
                continue;
            };
            let conditions = conditions(path, &it.validations, &["feature_test", "feature_base"]);
            let base = Base { dataset: it.base_dataset_name().to_owned(), path: base.clone() };
            let dataset = it.dataset_name().to_owned();
            checks.push(Check { dataset, path: path.clone(), base: Some(base), conditions });
        }
        errors.extend(without_path.into_iter().map(|field| CustomError::NoPath { field }));
        if errors.is_empty() { Ok(Self { checks }) } else { Err(errors) }
    }

    /// Returns whether features are compared with those of another dataset.
    pub fn needs_base(&self) -> bool {
        self.checks.iter().any(|check| check.base.is_some())
    }

    /// Returns the validations of single features alone.
    pub fn without_pairs(&self) -> Self {
        let single = self.checks.iter().filter(|check| check.base.is_none());
        Self { checks: single.cloned().collect() }
    }

    /// Adds an anomaly for every condition that does not hold, with what else is known of the feature.
    ///
    /// A validation with environments is looked at in those alone. Without a severity, an anomaly is an error, unless
    /// `overrides` say otherwise of `CUSTOM_VALIDATION`, and where they do, they count.
    ///
    /// # Errors
    ///
    /// [`CustomError`]: a feature or a slice that the statistics do not have, a value that is missing, a division by 0.
    ///
    /// # Source
    ///
    /// As TensorFlow Data Validation's `validate_statistics` with a `custom_validation_config`, to the wording.
    pub fn add_to(
        &self,
        anomalies: &mut Anomalies,
        statistics: &DatasetFeatureStatisticsList,
        base: Option<&DatasetFeatureStatisticsList>,
        environment: Option<&str>,
        overrides: &[SeverityOverride],
    ) -> Result<(), CustomError> {
        let severity = overrides.iter().rev().find(|it| it.kind == Type::CustomValidation);
        let mut found: Vec<(String, AnomalyInfo)> = Vec::new();
        for check in &self.checks {
            let feature = find(statistics, &check.dataset, &check.path, "the statistics")?;
            let mut values = vec![value_of(feature)];
            if let Some(Base { dataset, path }) = &check.base {
                let base = base.ok_or(CustomError::NoBase)?;
                values.push(value_of(find(base, dataset, path, "the earlier statistics")?));
            }
            let steps: Vec<&str> = check.path.step.iter().map(String::as_str).collect();
            let key = serialize_path(&steps);
            for (validation, condition) in &check.conditions {
                if !is_in(validation, environment) {
                    continue;
                }
                let expression = || validation.sql_expression().to_owned();
                let feature = || check.path.step.join(".");
                match condition.holds(&values) {
                    Ok(Some(true)) => continue,
                    Ok(Some(false)) => {}
                    Ok(None) => {
                        let (feature, expression) = (feature(), expression());
                        return Err(CustomError::Unknown { feature, expression });
                    }
                    Err(error) => {
                        let (feature, expression) = (feature(), expression());
                        let error = Box::new(error);
                        return Err(CustomError::Expression { feature, expression, error });
                    }
                }
                let severity = severity.map_or_else(|| severity_of(validation), |it| it.severity);
                let reason = check.reason(validation);
                match found.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, info)) => {
                        info.severity = Some(info.severity().max(severity).into());
                        info.reason.push(reason);
                    }
                    None => found.push((
                        key.clone(),
                        AnomalyInfo {
                            path: Some(check.path.clone()),
                            severity: Some(severity.into()),
                            reason: vec![reason],
                            ..AnomalyInfo::default()
                        },
                    )),
                }
            }
        }
        for (key, info) in found {
            merge(anomalies, key, info);
        }
        Ok(())
    }
}

impl Check {
    fn reason(&self, validation: &Validation) -> Reason {
        let of = |dataset: &str| match dataset {
            "" => "default slice".to_owned(),
            name => name.to_owned(),
        };
        let mut description = format!(
            "Custom validation triggered anomaly. Query: {} Test dataset: {}",
            validation.sql_expression(),
            of(&self.dataset)
        );
        if let Some(Base { dataset, path }) = &self.base {
            let steps: Vec<&str> = path.step.iter().map(String::as_str).collect();
            description.push_str(&format!(
                " Base dataset: {dataset} Base path: {}",
                serialize_path(&steps)
            ));
        }
        Reason {
            r#type: Some(Type::CustomValidation.into()),
            short_description: Some(validation.description().to_owned()),
            description: Some(description),
        }
    }
}

/// Puts an anomaly beside what is known of the feature, with descriptions that are made of all reasons.
fn merge(anomalies: &mut Anomalies, key: String, custom: AnomalyInfo) {
    let info = anomalies.anomaly_info.entry(key).or_insert_with(|| AnomalyInfo {
        path: custom.path.clone(),
        severity: custom.severity,
        ..AnomalyInfo::default()
    });
    info.severity = Some(info.severity().max(custom.severity()).into());
    info.reason.extend(custom.reason);
    let descriptions: Vec<&str> = info.reason.iter().map(Reason::description).collect();
    info.description = Some(descriptions.join(" "));
    info.short_description = Some(match info.reason.as_slice() {
        [only] => only.short_description().to_owned(),
        _ => "Multiple errors".to_owned(),
    });
}

fn severity_of(validation: &Validation) -> Severity {
    match validation.severity() {
        Severity::Unknown => Severity::Error,
        known => known,
    }
}

/// Returns whether a validation is for an environment.
fn is_in(validation: &Validation, environment: Option<&str>) -> bool {
    validation.in_environment.is_empty()
        || validation.in_environment.iter().any(|it| Some(it.as_str()) == environment)
}

fn path_of(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.step.is_empty())
}

fn value_of(feature: &FeatureNameStatistics) -> ArrayRef {
    row::value(feature).expect("types and values are made of one descriptor")
}

fn find<'a>(
    statistics: &'a DatasetFeatureStatisticsList,
    dataset: &str,
    path: &Path,
    of: &'static str,
) -> Result<&'a FeatureNameStatistics, CustomError> {
    let named = |name: &str| statistics.datasets.iter().find(|it| it.name == name);
    let found = named(dataset).or_else(|| {
        let only = || match statistics.datasets.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        if dataset.is_empty() { named(ALL_EXAMPLES).or_else(only) } else { None }
    });
    let Some(found) = found else {
        let names = statistics.datasets.iter().map(|it| it.name.as_str());
        let nearest = nearest(dataset, names).map(str::to_owned);
        return Err(CustomError::NoDataset { dataset: dataset.to_owned(), of, nearest });
    };
    let is_of_path = |feature: &&FeatureNameStatistics| match &feature.field_id {
        Some(FieldId::Path(it)) => it == path,
        Some(FieldId::Name(name)) => *name == path.step.join("."),
        None => false,
    };
    found.features.iter().find(is_of_path).ok_or_else(|| {
        let feature = path.step.join(".");
        let names: Vec<String> = found.features.iter().map(|it| it.dotted_name()).collect();
        let nearest = nearest(&feature, names.iter().map(String::as_str)).map(str::to_owned);
        let of = match dataset {
            "" => of.to_owned(),
            name => format!("the slice {name:?} of {of}"),
        };
        CustomError::NoFeature { feature, of, nearest }
    })
}
