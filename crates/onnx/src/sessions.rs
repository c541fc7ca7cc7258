//! Models run by ONNX Runtime.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorElementType, TensorRef, ValueType};

use crate::file::{guard, shorten};
use crate::model::{Given, full_shape};
use crate::{Element, OnnxFile, Port, Values};

/// Sessions of one model. One thread at a time runs a session, so there are as many as threads have run at once, up to
/// one for each core; whoever comes then waits.
pub(crate) struct Sessions {
    environment: Environment,
    path: PathBuf,
    outputs: Vec<String>,
    most: usize,
    pool: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    idle: Vec<Session>,
    made: usize,
}

impl Sessions {
    /// Makes the first session; an error says what cannot be run.
    pub(crate) fn new(
        environment: &Environment,
        file: &OnnxFile,
        outputs: &[Port],
    ) -> Result<Self, String> {
        let first = session(environment, &file.path)?;
        Ok(Self {
            environment: environment.clone(),
            path: file.path.clone(),
            outputs: outputs.iter().map(|port| port.name.clone()).collect(),
            most: available_parallelism().map_or(1, usize::from),
            pool: Mutex::new(Pool { idle: vec![first], made: 1 }),
            returned: Condvar::new(),
        })
    }

    /// Runs the model; an error says why it stopped.
    pub(crate) fn run(
        &self,
        inputs: &[(Port, usize)],
        values: &[Values],
        num_rows: usize,
    ) -> Result<Vec<Given>, String> {
        let mut session = self.take()?;
        let given = call(|| run(&mut session, &self.outputs, inputs, values, num_rows));
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).idle.push(session);
        self.returned.notify_one();
        given
    }

    fn take(&self) -> Result<Session, String> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(session) = pool.idle.pop() {
                return Ok(session);
            }
            if pool.made < self.most {
                pool.made += 1;
                break;
            }
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        drop(pool);
        session(&self.environment, &self.path).inspect_err(|_| {
            self.pool.lock().unwrap_or_else(PoisonError::into_inner).made -= 1;
            self.returned.notify_one();
        })
    }
}

/// Calls into the library; what the code around it panics on is an error.
fn call<T>(work: impl FnOnce() -> ort::Result<T>) -> Result<T, String> {
    guard(|| Ok(work()))?.map_err(|error| shorten(&error.to_string()))
}

fn session(environment: &Environment, path: &std::path::Path) -> Result<Session, String> {
    call(|| {
        // Rows are what threads share out; a result must not depend on how many there are.
        Session::builder(environment)?
            .with_intra_threads(1)?
            .with_log_level(LogLevel::Fatal)?
            .commit_from_file(path)
    })
}

fn run(
    session: &mut Session,
    outputs: &[String],
    inputs: &[(Port, usize)],
    values: &[Values],
    num_rows: usize,
) -> ort::Result<Vec<Given>> {
    let inputs = inputs.iter().zip(values).map(|((port, width), values)| {
        Ok((port.name.as_str(), input(port, *width, values, num_rows)?))
    });
    let inputs: Vec<(&str, SessionInputValue<'_>)> = inputs.collect::<ort::Result<_>>()?;
    let wanted = outputs.iter().fold(OutputSelector::no_default(), OutputSelector::with);
    let options = RunOptions::new()?.with_outputs(wanted);
    let given = session.run_with_options(inputs, &options)?;
    given.values().map(|value| output(&value)).collect()
}

fn input<'a>(
    port: &Port,
    width: usize,
    values: &'a Values,
    num_rows: usize,
) -> ort::Result<SessionInputValue<'a>> {
    let mut shape = vec![num_rows];
    shape.extend(full_shape(port, width));
    Ok(match (port.element, values) {
        (Element::Float, Values::Floats(floats)) => {
            TensorRef::from_array_view((shape, floats.as_slice()))?.into()
        }
        (Element::Double, Values::Floats(floats)) => {
            let doubles: Vec<f64> = floats.iter().map(|value| f64::from(*value)).collect();
            Tensor::from_array((shape, doubles))?.into()
        }
        (Element::Int64, Values::Ints(ints)) => {
            TensorRef::from_array_view((shape, ints.as_slice()))?.into()
        }
        (Element::Int32, Values::Ints(ints)) => {
            let narrow = ints.iter().map(|value| i32::try_from(*value));
            let narrow: Result<Vec<i32>, _> = narrow.collect();
            let narrow = narrow.map_err(|_| {
                ort::Error::new(format!("input `{}` has a value beyond 32 bits", port.name))
            })?;
            Tensor::from_array((shape, narrow))?.into()
        }
        (Element::Bool, Values::Ints(ints)) => {
            let bools: Vec<bool> = ints.iter().map(|value| *value != 0).collect();
            Tensor::from_array((shape, bools))?.into()
        }
        (Element::Text, Values::Texts(texts)) => {
            Tensor::from_string_array((shape, texts.as_slice()))?.into()
        }
        _ => return Err(ort::Error::new(format!("input {port} takes values of another type"))),
    })
}

fn output(value: &DynValue) -> ort::Result<Given> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else {
        return Ok(Given { shape: Vec::new(), floats: Err("no tensor".to_owned()) });
    };
    let shape = shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "predictions are 32-bit floats"
    )]
    let floats = match ty {
        TensorElementType::Float32 => value.try_extract_tensor::<f32>()?.1.to_vec(),
        TensorElementType::Float64 => {
            value.try_extract_tensor::<f64>()?.1.iter().map(|value| *value as f32).collect()
        }
        TensorElementType::Int32 => {
            value.try_extract_tensor::<i32>()?.1.iter().map(|value| *value as f32).collect()
        }
        TensorElementType::Int64 => {
            value.try_extract_tensor::<i64>()?.1.iter().map(|value| *value as f32).collect()
        }
        TensorElementType::Bool => {
            let bools = value.try_extract_tensor::<bool>()?.1;
            bools.iter().map(|value| f32::from(u8::from(*value))).collect()
        }
        other => return Ok(Given { shape, floats: Err(other.to_string()) }),
    };
    Ok(Given { shape, floats: Ok(floats) })
}
