//! A model with a plan that runs it.

use std::path::PathBuf;

use crate::runtime::Loaded;
use crate::sessions::Sessions;
use crate::tract::Plan;
use crate::{OnnxError, OnnxFile, Port, Runtime};

/// The values of one input or output, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Text.
    Texts(Vec<String>),
}

/// What a runtime gave of one output.
pub(crate) struct Given {
    pub(crate) shape: Vec<usize>,
    /// Its values as floats, or which type it has instead.
    pub(crate) floats: Result<Vec<f32>, String>,
}

/// An ONNX model that can be run.
pub struct OnnxModel {
    path: PathBuf,
    inputs: Vec<(Port, usize)>,
    outputs: Vec<Port>,
    runs: Runs,
}

enum Runs {
    Tract(Plan),
    OnnxRuntime(Sessions),
}

impl OnnxModel {
    /// Plans a model whose inputs have so many values in each row, in their order, and whose outputs with these names
    /// are wanted.
    ///
    /// # Errors
    ///
    /// [`OnnxError::FixedRows`], and [`OnnxError::Unsupported`] when the runtime cannot run it.
    pub fn new(
        file: &OnnxFile,
        widths: &[usize],
        wanted: &[&str],
        runtime: &Runtime,
    ) -> Result<Self, OnnxError> {
        let path = file.path.clone();
        let inputs: Vec<(Port, usize)> =
            file.inputs().iter().cloned().zip(widths.iter().copied()).collect();
        for (port, _) in &inputs {
            if let Some(Some(size)) = port.shape.first() {
                let (port, size) = (port.name.clone(), *size);
                return Err(OnnxError::FixedRows { path, port, size });
            }
        }
        let outputs = wanted
            .iter()
            .filter_map(|name| file.outputs().iter().find(|port| port.name == **name).cloned());
        let outputs: Vec<Port> = outputs.collect();
        let runs = match &runtime.0 {
            Loaded::Tract => Plan::new(file, &inputs, &outputs).map(Runs::Tract),
            Loaded::OnnxRuntime { environment, .. } => {
                Sessions::new(environment, file, &outputs).map(Runs::OnnxRuntime)
            }
        };
        let runs = runs.map_err(|reason| OnnxError::Unsupported {
            path: path.clone(),
            runtime: runtime.name(),
            reason,
        })?;
        Ok(Self { path, inputs, outputs, runs })
    }

    /// Runs the model. `inputs` are in the order of the model's; the answer is in the order of the wanted outputs, each
    /// with how many values a row has.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Failed`], [`OnnxError::Shape`] when an output is not of so many rows, [`OnnxError::PortType`] when
    /// it holds no numbers.
    pub fn run(
        &self,
        inputs: &[Values],
        num_rows: usize,
    ) -> Result<Vec<(Vec<f32>, usize)>, OnnxError> {
        if num_rows == 0 {
            return Ok(self
                .outputs
                .iter()
                .map(|port| (Vec::new(), port.width().unwrap_or(1)))
                .collect());
        }
        let given = match &self.runs {
            Runs::Tract(plan) => plan.run(&self.inputs, inputs, num_rows),
            Runs::OnnxRuntime(sessions) => sessions.run(&self.inputs, inputs, num_rows),
        };
        let given =
            given.map_err(|reason| OnnxError::Failed { path: self.path.clone(), reason })?;
        let given = self.outputs.iter().zip(given);
        given.map(|(port, given)| self.rows(port, given, num_rows)).collect()
    }

    /// Returns an output's values and how many a row has, if it is one of numbers in so many rows.
    fn rows(
        &self,
        port: &Port,
        given: Given,
        num_rows: usize,
    ) -> Result<(Vec<f32>, usize), OnnxError> {
        let (path, port) = (self.path.clone(), port.name.clone());
        let count: usize = given.shape.iter().product();
        if given.shape.first() != Some(&num_rows) || !count.is_multiple_of(num_rows) {
            return Err(OnnxError::Shape { path, port, found: given.shape, num_rows });
        }
        match given.floats {
            Ok(floats) => Ok((floats, count / num_rows)),
            Err(found) => {
                Err(OnnxError::PortType { path, port, found: format!("a tensor of {found}") })
            }
        }
    }
}

/// Returns the sizes behind the rows of an input that has so many values in each.
pub(crate) fn full_shape(port: &Port, width: usize) -> Vec<usize> {
    match port.shape.len() {
        0 | 1 => Vec::new(),
        2 => vec![width],
        // Only the sizes that are fixed; where all are, they are the width.
        _ => port.shape[1..].iter().map(|size| size.unwrap_or(width)).collect(),
    }
}
