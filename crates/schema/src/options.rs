//! What else statistics are compared with, and how serious each finding is.

use base::nearest;
use formats::metadata::anomaly_info::{Reason, Severity, Type};
use formats::metadata::{DatasetFeatureStatistics, Schema};

use crate::SchemaError;
use crate::relax::Context;
use crate::view::DatasetView;

/// What else statistics are compared with, and how serious each finding is.
#[derive(Clone, Copy, Debug, Default)]
pub struct ValidateOptions<'a> {
    /// The environment the data comes from, one of the schema's `default_environment`s; without one, every
    /// feature is expected.
    pub environment: Option<&'a str>,
    /// Statistics of the data before, for drift.
    pub previous: Option<&'a DatasetFeatureStatistics>,
    /// Statistics of the data in serving, for skew.
    pub serving: Option<&'a DatasetFeatureStatistics>,
    /// Statistics of the version before of the same data, for `num_examples_version_comparator`.
    pub previous_version: Option<&'a DatasetFeatureStatistics>,
    /// Whether columns that the schema does not have are warnings rather than errors.
    pub new_features_are_warnings: bool,
    /// How serious some types of anomalies are; the last one for a type counts, and all others are errors.
    pub severity_overrides: &'a [SeverityOverride],
}

/// How serious one type of anomaly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeverityOverride {
    /// The type of anomaly.
    pub kind: Type,
    /// How serious it is.
    pub severity: Severity,
}

impl SeverityOverride {
    /// Returns the override that two names say, for example `SCHEMA_NEW_COLUMN` and `WARNING`.
    ///
    /// # Errors
    ///
    /// [`SchemaError::UnknownAnomalyType`] and [`SchemaError::UnknownSeverity`].
    pub fn from_names(kind: &str, severity: &str) -> Result<Self, SchemaError> {
        let Some(kind) = Type::from_str_name(kind) else {
            let known = anomaly_type_names();
            let nearest = nearest(kind, known.iter().copied()).map(str::to_owned);
            return Err(SchemaError::UnknownAnomalyType { name: kind.to_owned(), nearest });
        };
        match Severity::from_str_name(severity) {
            Some(severity @ (Severity::Warning | Severity::Error)) => Ok(Self { kind, severity }),
            _ => Err(SchemaError::UnknownSeverity { name: severity.to_owned() }),
        }
    }
}

/// Returns the stable names of all types of anomalies, in the order of their numbers.
pub fn anomaly_type_names() -> Vec<&'static str> {
    // The numbers have gaps, but end well before this.
    (1..=255).filter_map(|number| Type::try_from(number).ok()).map(|it| it.as_str_name()).collect()
}

impl ValidateOptions<'_> {
    /// Returns how serious some reasons are together: as the most serious one.
    pub(crate) fn severity(&self, reasons: &[Reason]) -> Severity {
        let severity_of = |kind: Type| {
            let mut overrides = self.severity_overrides.iter().rev();
            match overrides.find(|it| it.kind == kind) {
                Some(it) => it.severity,
                None if self.new_features_are_warnings && kind == Type::SchemaNewColumn => {
                    Severity::Warning
                }
                None => Severity::Error,
            }
        };
        let severities = reasons.iter().map(|reason| severity_of(reason.r#type()));
        severities.max().unwrap_or(Severity::Unknown)
    }

    /// Returns whether the schema knows the environment.
    pub(crate) fn check_environment(&self, schema: &Schema) -> Result<(), SchemaError> {
        let known = &schema.default_environment;
        match self.environment {
            Some(environment) if !known.iter().any(|known| known == environment) => {
                let near = nearest(environment, known.iter().map(String::as_str));
                Err(SchemaError::UnknownEnvironment {
                    environment: environment.to_owned(),
                    known: known.clone(),
                    nearest: near.map(str::to_owned),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The other datasets, looked at as the one at hand is, so that like is compared with like.
pub(crate) struct Controls<'a> {
    previous: Option<DatasetView<'a>>,
    serving: Option<DatasetView<'a>>,
    previous_version: Option<DatasetView<'a>>,
}

impl<'a> Controls<'a> {
    pub(crate) fn new(options: &ValidateOptions<'a>, by_weight: bool) -> Result<Self, SchemaError> {
        let view = |data| DatasetView::new(data, by_weight);
        Ok(Self {
            previous: options.previous.map(view).transpose()?,
            serving: options.serving.map(view).transpose()?,
            previous_version: options.previous_version.map(view).transpose()?,
        })
    }

    pub(crate) fn context<'b>(
        &'b self,
        options: &ValidateOptions<'b>,
        default_environments: &'b [String],
    ) -> Context<'b> {
        Context {
            environment: options.environment,
            default_environments,
            previous: self.previous.as_ref(),
            serving: self.serving.as_ref(),
            previous_version: self.previous_version.as_ref(),
        }
    }
}
