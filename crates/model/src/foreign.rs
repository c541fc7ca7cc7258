//! Models that are not built in: an ONNX file, or a program that predicts.
//!
//! On disk a foreign model is `foreign.json`, what it takes and gives and how that is done, and `files/`, what somebody
//! else's training wrote, as it was. What a missing value becomes is decided here alone: of floats NaN, of ids -1, of
//! text the empty one, where the model is an ONNX file; a program is told which values are missing.

mod description;
mod detect;
mod error;
mod onnx_file;
mod program_dir;

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use base::{BoxError, IoError};

pub use description::{Binding, Description, Kind};
pub use detect::{Feature, OnnxOptions, Wrote, describe, detect};
pub use error::ForeignError;

use crate::foreign::onnx_file::BoundOnnx;
use crate::foreign::program_dir::PredictProgram;
use crate::{Predictor, Signature};

const DESCRIPTION: &str = "foreign.json";
const FILES: &str = "files";

/// A model that is not built in.
///
/// Of its signature's inputs the names matter, and of ids how many there are; what else they are, the graph says.
pub struct ForeignModel {
    description: Description,
    runs: Runs,
}

/// What does the work.
enum Runs {
    Onnx(Box<BoundOnnx>),
    Program(PredictProgram),
}

impl ForeignModel {
    /// Returns whether a folder holds a foreign model.
    pub fn is_at(dir: &Path) -> bool {
        dir.join(DESCRIPTION).is_file()
    }

    /// Reads a model that [`ForeignModel::save`] wrote. A program is not started before it is asked.
    ///
    /// # Errors
    ///
    /// [`ForeignError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, ForeignError> {
        let description = Description::load(&dir.join(DESCRIPTION))?;
        let files = dir.join(FILES);
        let runs = match &description.kind {
            Kind::Onnx(binding) => {
                Runs::Onnx(Box::new(BoundOnnx::load(&files, binding, description.signature.task)?))
            }
            Kind::Program => Runs::Program(PredictProgram::load(&files)?),
        };
        Ok(Self { description, runs })
    }

    /// Writes a model: its description, and a copy of all that is in `written`. The folder is made if need be.
    ///
    /// # Errors
    ///
    /// [`ForeignError::Io`] when the disk refuses.
    pub fn save(dir: &Path, description: &Description, written: &Path) -> Result<(), ForeignError> {
        fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
        base::copy_tree(written, &dir.join(FILES))?;
        description.save(&dir.join(DESCRIPTION))
    }

    /// Returns what runs the model, in a few words for people.
    pub fn describe(&self) -> &'static str {
        match self.runs {
            Runs::Onnx(_) => "an ONNX model",
            Runs::Program(_) => "a program that predicts",
        }
    }

    /// Returns what an ONNX model is run by, such as `tract`; nothing for a program.
    pub fn runtime(&self) -> Option<String> {
        match &self.runs {
            Runs::Onnx(model) => Some(model.runtime().to_string()),
            Runs::Program(_) => None,
        }
    }
}

impl fmt::Debug for ForeignModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignModel").field("description", &self.description).finish()
    }
}

impl Predictor for ForeignModel {
    fn signature(&self) -> &Signature {
        &self.description.signature
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let inputs = inputs(self.signature(), examples)?;
        if examples.num_rows() == 0 {
            // Many a program cannot make a table of no rows; what it would say is known.
            let outputs = self.signature().outputs.iter();
            let fields: Vec<_> =
                outputs.map(|output| Field::new(&output.name, output.data_type(), false)).collect();
            return Ok(RecordBatch::new_empty(Schema::new(fields).into()));
        }
        match &self.runs {
            Runs::Onnx(model) => Ok(model.predict(&inputs)?),
            Runs::Program(program) => Ok(program.predict(&inputs, self.signature())?),
        }
    }
}

/// Returns the columns that a model reads, in its order.
fn inputs(signature: &Signature, examples: &RecordBatch) -> Result<RecordBatch, ForeignError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for input in &signature.inputs {
        let Some(column) = examples.column_by_name(&input.name) else {
            return Err(ForeignError::MissingColumn { column: input.name.clone() });
        };
        fields.push(Field::new(&input.name, column.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(examples.num_rows()));
    Ok(RecordBatch::try_new_with_options(Schema::new(fields).into(), columns, &options)?)
}
