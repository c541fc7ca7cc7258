//! How a command ends: exit codes, and errors as people read them.

use std::path::PathBuf;
use std::process::ExitCode;

use base::{BoxError, Classify, ErrorKind, IoError};
use dataflow::EngineError;

/// How a command that worked ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Done,
    /// Done, and the answer is no: anomalies, not blessed.
    No,
    /// It was found before anything ran that the configuration is wrong; that was said already.
    Wrong,
    /// The run failed; that was said already.
    Failed,
}

impl Outcome {
    /// Returns the exit code.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Wrong => 2,
            Self::Failed => 3,
        })
    }
}

/// What only the command line can get wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// There is no root here.
    #[error("no `{name}` folder in {} or above it", .start.display())]
    NoRoot { name: &'static str, start: PathBuf, below: Option<PathBuf> },

    /// There is nothing of that kind yet.
    #[error("{what} not found in {}", .root.display())]
    Nothing { what: String, root: PathBuf },

    /// An artifact of another type than the command shows.
    #[error("artifact {id} is of type {found}, expected {expected}")]
    WrongType { id: i64, found: String, expected: &'static str },

    /// A split that an artifact does not have.
    #[error("artifact {id} has no split `{split}`, expected one of {available}")]
    NoSplit { id: i64, split: String, available: String },

    /// A file would be overwritten.
    #[error("{} exists already", .path.display())]
    Exists { path: PathBuf },

    /// What is there would be replaced, and is something else.
    #[error("{} is no SavedModel, expected a folder with a `saved_model.pb` to write over", .path.display())]
    NoSavedModel { path: PathBuf },

    /// A folder holds no pushed model.
    #[error("{}: no pushed model found, expected a folder named by a number with a `READY` file", .path.display())]
    NoModel { path: PathBuf },

    /// A row that is not there.
    #[error("no row {row}: {num_rows} rows were read, the first is 0")]
    NoRow { row: usize, num_rows: usize },

    /// A folder holds no language model.
    #[error("{}: no language model found, expected `config.json` and `model.safetensors`, there or in a pushed version", .path.display())]
    NotLanguage { path: PathBuf },

    /// A flag that says how new text is made, where none is.
    #[error("`{flag}` says how new text is made, expected `--complete` beside it")]
    WithoutComplete { flag: &'static str },

    /// A serving directory does not have a version to push again.
    #[error("{}: {}, the versions there are {}", .dir.display(), wanted_version(.wanted), numbers(.there))]
    NoVersion { dir: PathBuf, wanted: Option<u64>, there: Vec<u64> },

    /// The version to go back to is the one that is served.
    #[error("{}: version {version} is the one that is served", .dir.display())]
    IsServed { dir: PathBuf, version: u64 },

    /// A model by that name is not known.
    #[error("no model `{model}` was pushed, {}", pushed_models(.there))]
    NoPushedModel { model: String, there: Vec<String> },

    /// A name that several serving directories have.
    #[error("model `{model}` could be {}", .candidates.join(", "))]
    SeveralModels { model: String, candidates: Vec<String> },

    /// A version that nobody pushed, as far as is written down.
    #[error("{model}: no version {version}, expected one of {there}")]
    NoPushedVersion { model: String, version: String, there: String },

    /// There is nothing to give a name back to.
    #[error("{model}: `{name}` was not another version before")]
    NoEarlier { model: String, name: String },

    /// Somebody else changed a name meanwhile.
    #[error("{model}: `{name}` is {found}, expected {expected}; nothing was changed")]
    AliasMoved { model: String, name: String, found: String, expected: String },

    /// A model that is not exported, because others made it.
    #[error("{}: the model is {what}, expected a built-in one", .path.display())]
    ForeignModel { path: PathBuf, what: &'static str },

    /// A folder holds no graph.
    #[error("{}: no graph found, expected the folder of a graph, of a model or of pushed models", .path.display())]
    NoGraph { path: PathBuf },

    /// An input does not have a column that a model needs.
    #[error("{}: column `{column}` is missing, the model needs {needed}", .path.display())]
    MissingColumn { path: PathBuf, column: String, needed: String },

    /// A file stands where a verb allows none.
    #[error("found `{file}` before `{verb}`, expected nothing there")]
    FileBeforeVerb { file: String, verb: &'static str },

    /// Files of one dataset that are not of one format.
    #[error("{}: found {found}, expected {expected} as {} is", .path.display(), .first.display())]
    MixedFiles { path: PathBuf, found: &'static str, first: PathBuf, expected: &'static str },

    /// A file of which nothing says what it is.
    #[error("{}: neither its name nor its first bytes say what it is, expected CSV, JSON Lines, Parquet, Avro, Arrow IPC or TFRecord", .path.display())]
    UnknownFormat { path: PathBuf },

    /// A file that should hold statistics.
    #[error("{}: not statistics, expected a DatasetFeatureStatisticsList in binary form", .path.display())]
    NotStatistics { path: PathBuf },

    /// A delimiter is given for files that have none.
    #[error("{}: found {found}, expected CSV for `--delimiter`", .path.display())]
    DelimiterOf { path: PathBuf, found: &'static str },

    /// A form that is no text is asked for where somebody reads.
    #[error("{format} is no text, expected a file or a pipe for it")]
    NotText { format: String },

    /// Rows are asked for where there are none.
    #[error("{}: statistics have no rows, expected files of data for `--rows`", .path.display())]
    NoRows { path: PathBuf },

    /// Slices are asked for where there are no rows.
    #[error("{}: statistics have no rows, expected files of data for slices of them", .path.display())]
    NoSlices { path: PathBuf },

    /// Custom validations compare with data that is not there.
    #[error("`feature_pair_validations` compare with earlier data, expected `--previous`")]
    NoPrevious,

    /// The file of `--config` is no configuration.
    #[error("{}: not a configuration of an evaluation", .path.display())]
    EvalConfig { path: PathBuf, source: toml::de::Error },

    /// What is asked of an evaluation does not make sense.
    #[error("{}", .problems.join("\n  "))]
    Evaluation { problems: Vec<String> },

    /// A column should hold vectors, and has none.
    #[error(
        "column `{column}`: no vector of numbers found, expected one probability for each class"
    )]
    NoVectors { column: String },

    /// A column that the command needs is not among the rows.
    #[error("column `{column}` is missing")]
    NoColumn { column: String },

    /// Rows could not be put together.
    #[error("cannot put the rows together")]
    Rows(#[source] arrow::error::ArrowError),

    /// A run that is given by the beginning of its id is not the only one.
    #[error("run `{run}` could be {candidates}")]
    Ambiguous { run: String, candidates: String },

    /// A file of tokens without any.
    #[error("{}: no tokens found, expected one a line", .path.display())]
    NoTokens { path: PathBuf },

    /// The process may not hear signals.
    #[error("cannot listen for signals")]
    Signals(#[source] ctrlc::Error),

    /// Standard output or a file did not take what was written.
    #[error("cannot write the result")]
    Write(#[source] std::io::Error),
}

impl Classify for CliError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoRoot { .. }
            | Self::Nothing { .. }
            | Self::NoModel { .. }
            | Self::NoRow { .. }
            | Self::NoVersion { .. }
            | Self::NoPushedModel { .. }
            | Self::NoPushedVersion { .. }
            | Self::NoEarlier { .. }
            | Self::NotLanguage { .. }
            | Self::NoGraph { .. } => ErrorKind::NotFound,
            Self::ForeignModel { .. } | Self::WithoutComplete { .. } => ErrorKind::Usage,
            Self::WrongType { .. }
            | Self::NoSplit { .. }
            | Self::Ambiguous { .. }
            | Self::SeveralModels { .. }
            | Self::EvalConfig { .. }
            | Self::Evaluation { .. }
            | Self::FileBeforeVerb { .. }
            | Self::MixedFiles { .. }
            | Self::UnknownFormat { .. }
            | Self::DelimiterOf { .. }
            | Self::NotText { .. }
            | Self::NoRows { .. }
            | Self::NoSlices { .. }
            | Self::NoPrevious
            | Self::NoTokens { .. } => ErrorKind::Usage,
            Self::Exists { .. }
            | Self::NoSavedModel { .. }
            | Self::IsServed { .. }
            | Self::AliasMoved { .. } => ErrorKind::Conflict,
            Self::MissingColumn { .. }
            | Self::NotStatistics { .. }
            | Self::NoVectors { .. }
            | Self::NoColumn { .. }
            | Self::Rows(_) => ErrorKind::Data,
            Self::Signals(_) | Self::Write(_) => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoRoot { below: Some(root), .. } => {
                Some(format!("there is one below: `--root {}`", root.display()))
            }
            Self::NoRoot { .. } => Some(
                "name it with `--root DIR`; `cupola run PIPELINE` makes one beside the pipeline file"
                    .to_owned(),
            ),
            Self::Nothing { .. } => Some("`cupola artifacts list` shows what there is".to_owned()),
            Self::FileBeforeVerb { verb, .. } => {
                Some(format!("a file of that name is meant by `./{verb}`"))
            }
            Self::SeveralModels { .. } => Some("name the directory".to_owned()),
            Self::UnknownFormat { .. } => Some(
                "give it the ending of its format, such as `.csv`; `--delimiter ,` reads CSV whatever its name"
                    .to_owned(),
            ),
            Self::NoModel { path } if path.extension().is_some_and(|ending| ending == "onnx") => Some(
                "in a pipeline, a Trainer whose program leaves the file makes it a model with features, see docs/training.md; what other programs predicted, as a column, `cupola eval` measures"
                    .to_owned(),
            ),
            Self::NotText { .. } => Some("say where with `--output`".to_owned()),
            Self::Exists { .. } => Some("`--force` writes over it".to_owned()),
            _ => None,
        }
    }
}

fn pushed_models(there: &[String]) -> String {
    match there {
        [] => "and no other was".to_owned(),
        there => format!("expected one of {}", there.join(", ")),
    }
}

fn wanted_version(wanted: &Option<u64>) -> String {
    match wanted {
        Some(version) => format!("no version {version}"),
        None => "no version to push again".to_owned(),
    }
}

fn numbers(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") }
}

/// Says an error on standard error and returns the exit code for it.
pub(crate) fn report(error: &BoxError) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    print_error(&error.to_string(), error.hint().as_deref());
    if error.kind() == ErrorKind::Bug {
        print_hint("this is a mistake in Cupola; please report it with the command and its output");
    }
    ExitCode::from(match error.kind() {
        ErrorKind::Usage => 2,
        _ => 3,
    })
}

/// Prints `error: <message>` and, on lines of its own, the hint.
pub(crate) fn print_error(message: &str, hint: Option<&str>) {
    anstream::eprintln!("{}error:{} {message}", style::ERROR.render(), style::ERROR.render_reset());
    if let Some(hint) = hint {
        print_hint(hint);
    }
}

/// Prints `warning: <message>`.
pub(crate) fn print_warning(message: &str) {
    anstream::eprintln!(
        "{}warning:{} {message}",
        style::WARNING.render(),
        style::WARNING.render_reset()
    );
}

/// Prints a line about what was done beside the result.
pub(crate) fn print_note(message: &str) {
    anstream::eprintln!("{message}");
}

/// Prints `  hint: <hint>`.
pub(crate) fn print_hint(hint: &str) {
    anstream::eprintln!("  {}hint:{} {hint}", style::HINT.render(), style::HINT.render_reset());
}

/// Somebody like `head` took what they wanted; that is no error.
fn is_closed_pipe(error: &BoxError) -> bool {
    let mut cause = Some(error.as_error());
    while let Some(current) = cause {
        if let Some(EngineError::Work(within)) = current.downcast_ref() {
            return is_closed_pipe(within);
        }
        let kind = current.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let io_kind = current.downcast_ref::<IoError>().map(IoError::io_kind);
        if kind.or(io_kind) == Some(std::io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = current.source();
    }
    false
}

/// Colours, which mean nothing that the words do not say.
pub(crate) mod style {
    use clap::builder::styling::{AnsiColor, Style};

    /// For `error:`.
    pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
    /// For `hint:`.
    pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
    /// For `warning:`.
    pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
    /// For what went well.
    pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
    /// For what did not.
    pub(crate) const BAD: Style = AnsiColor::Red.on_default();
    /// For what matters less.
    pub(crate) const DIM: Style = Style::new().dimmed();
}
