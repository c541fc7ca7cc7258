//! What runs models: `tract`, or ONNX Runtime from a library that somebody names.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;

use crate::OnnxError;
use crate::file::{guard, shorten};

/// The environment variable that names ONNX Runtime's library.
const LIBRARY: &str = "ORT_DYLIB_PATH";

/// What runs models: `tract`, unless ONNX Runtime is asked for.
#[derive(Clone, Debug, Default)]
pub struct Runtime(pub(crate) Loaded);

#[derive(Clone, Debug, Default)]
pub(crate) enum Loaded {
    #[default]
    Tract,
    OnnxRuntime {
        library: PathBuf,
        environment: Environment,
    },
}

/// The library of this process: there can be one only, and it is never unloaded.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

impl Runtime {
    /// Returns ONNX Runtime where the environment variable `ORT_DYLIB_PATH` names its library, else `tract`. A library
    /// is looked for nowhere else.
    ///
    /// # Errors
    ///
    /// As [`Runtime::onnx_runtime`]; a library that is named and cannot be used is never passed over.
    pub fn from_env() -> Result<Self, OnnxError> {
        match std::env::var_os(LIBRARY).filter(|path| !path.is_empty()) {
            Some(path) => Self::onnx_runtime(Path::new(&path)),
            None => Ok(Self::default()),
        }
    }

    /// Loads ONNX Runtime, or finds it loaded. A relative path is one from the working directory.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Library`] when the file is no such library, is older than 1.17, or is another one than was loaded
    /// before.
    pub fn onnx_runtime(library: &Path) -> Result<Self, OnnxError> {
        let wrong = |reason| OnnxError::Library { path: library.to_path_buf(), reason };
        // A bare name would be looked for along the system's paths.
        let path = std::path::absolute(library).map_err(|error| wrong(error.to_string()))?;
        if !path.is_file() {
            return Err(wrong("there is no such file".to_owned()));
        }
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let environment = match &*loaded {
            Some((before, environment)) if *before == path => environment.clone(),
            Some((before, _)) => {
                let reason =
                    format!("{} was loaded before, there can be one only", before.display());
                return Err(wrong(reason));
            }
            None => {
                let environment =
                    guard(|| Ok(load(&path))).and_then(|loaded| loaded).map_err(wrong)?;
                loaded.insert((path.clone(), environment)).1.clone()
            }
        };
        Ok(Self(Loaded::OnnxRuntime { library: path, environment }))
    }

    /// Returns its name: `tract` or `ONNX Runtime`.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Loaded::Tract => "tract",
            Loaded::OnnxRuntime { .. } => "ONNX Runtime",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Loaded::Tract => f.write_str(self.name()),
            Loaded::OnnxRuntime { library, .. } => {
                write!(f, "{} ({})", self.name(), library.display())
            }
        }
    }
}

fn load(path: &Path) -> Result<Environment, String> {
    let library = ort::init_from(path).map_err(|error| match error {
        // What the system says is behind "dlopen failed".
        LoadDynamicError::Dlopen { error, .. } => {
            shorten(&error.source().map_or_else(|| error.to_string(), ToString::to_string))
        }
        LoadDynamicError::MissingApi { .. } => "it has no `OrtGetApiBase`".to_owned(),
        LoadDynamicError::BadVersion { version_str, .. } => {
            format!("it is version {version_str}, expected 1.{} or newer", ort::MINOR_VERSION)
        }
        error @ LoadDynamicError::InvalidVersionString => error.to_string(),
    })?;
    // What goes wrong is in the errors, and nobody is told of it but the user.
    let quiet = library.with_telemetry(false).with_logger(Arc::new(|_, _, _, _, _| {}));
    quiet.build().map_err(|error| shorten(&error.to_string()))
}
