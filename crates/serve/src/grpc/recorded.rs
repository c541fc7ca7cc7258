//! Requests that were written down, as warm-up files hold them.

use super::serving::{classification, decoded, examples, regression, rows, spec, task_result};
use crate::failure::{Code, Failure};
use crate::inputs::RowLimits;
use crate::outputs::outputs;
use crate::proto::tensorflow::serving::prediction_log::LogType;
use crate::proto::tensorflow::serving::{Input, ModelSpec, PredictionLog};
use crate::signature;
use crate::version::Version;

/// A request that was written down, as warm-up files hold them.
pub(crate) struct Recorded(LogType);

impl Recorded {
    /// Returns the request of a record.
    pub(crate) fn of(log: PredictionLog) -> Result<Self, Failure> {
        match log.log_type {
            None => Err(Failure::invalid("found no request")),
            Some(LogType::SessionRunLog(_) | LogType::PredictStreamedLog(_)) => {
                let message = "found a session's run or a stream, expected a request to predict, \
                    classify, regress, or several of them";
                Err(Failure::new(Code::Unimplemented, message))
            }
            Some(log) => Ok(Self(log)),
        }
    }

    /// Asks a version, in this thread; what it answers is made, and forgotten.
    pub(crate) fn ask(&self, version: &Version, limits: &RowLimits) -> Result<(), Failure> {
        let missing = || Failure::invalid("found no request");
        let ask = |input: Option<&Input>| {
            version.predict_now(&decoded(&examples(input)?, version, limits)?)
        };
        let check = |of: &Option<ModelSpec>, method| {
            signature::check_method(&spec(of.as_ref())?.signature_name, method)
        };
        match &self.0 {
            LogType::PredictLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                let batch = version.predict_now(&rows(request, version, &|_| false, limits)?)?;
                outputs(&batch).map(drop)
            }
            LogType::ClassifyLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                check(&request.model_spec, "classify")?;
                classification(version, &ask(request.input.as_ref())?).map(drop)
            }
            LogType::RegressLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                check(&request.model_spec, "regress")?;
                regression(&ask(request.input.as_ref())?).map(drop)
            }
            LogType::MultiInferenceLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                let batch = ask(request.input.as_ref())?;
                let mut tasks = request.tasks.iter();
                tasks.try_for_each(|task| task_result(&task.method_name, version, &batch).map(drop))
            }
            LogType::SessionRunLog(_) | LogType::PredictStreamedLog(_) => Err(missing()),
        }
    }
}
