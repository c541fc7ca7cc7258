//! The command line: verbs, flags and their help.

mod data;
mod eval;
mod explain;
mod generate;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use data::{
    ReadArgs, SchemaCommand, SchemaInferArgs, StatsArgs, StatsCommand, StatsDiffArgs,
    StatsFilesArgs, ValidateArgs,
};
pub(crate) use eval::{EvalArgs, TaskName};
pub(crate) use explain::{ExplainArgs, MethodName, SelectName};
pub(crate) use generate::{GenerateArgs, SamplingArgs};

pub(crate) use serve::{Poll, ServeArgs};

/// From raw data to a pushed model: checked, transformed, trained, evaluated, with lineage.
#[derive(Debug, Parser)]
#[command(name = "cupola", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done; 1 done, and the answer is no (anomalies, not blessed); \
    2 the command or the configuration is wrong, nothing ran; 3 the run failed."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Flags of every command.
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Print the result as one JSON object.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Show no progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// Where artifacts and metadata are.
#[derive(Clone, Debug, Args)]
pub(crate) struct RootArg {
    /// Where artifacts and metadata are [default: the nearest `.cupola` here or in a folder above]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}

/// A pipeline file and changes to it.
#[derive(Clone, Debug, Args)]
pub(crate) struct PipelineArgs {
    /// The pipeline file.
    #[arg(value_name = "PIPELINE", default_value = "pipeline.toml")]
    pub(crate) pipeline: PathBuf,

    /// Set a value of the file, such as `nodes.example_gen.source.csv=trips.csv`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a pipeline; what did not change is not done again.
    Run(RunArgs),
    /// Check a pipeline file and everything it names; run nothing.
    Check(PipelineArgs),
    /// Make a new pipeline from a template.
    Init(InitArgs),
    /// What ran, and how it went.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// What was made.
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
    /// What an artifact was made from, and what was made from it.
    Lineage(LineageArgs),
    /// Statistics of data files, or of an artifact: a table, or a page with `--html`.
    Stats(Box<StatsArgs>),
    /// Schemas: of data files, of an artifact, and of the pipeline file.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Hold data files against a schema; exits with 1 when they do not fit.
    Validate(ValidateArgs),
    /// Where data did not fit its schema.
    #[command(subcommand)]
    Anomalies(AnomaliesCommand),
    /// The compiled transform: its operations, as a table or as a drawing.
    #[command(subcommand)]
    Graph(GraphCommand),
    /// A transform graph and its model as files that other runtimes run.
    #[command(subcommand)]
    Export(ExportCommand),
    /// Raw rows through a model: predictions in any format.
    Predict(Box<PredictArgs>),
    /// Let a language model go on from a prompt; the text is shown as it comes.
    Generate(GenerateArgs),
    /// Measure predictions that are columns of a file: metrics, slices, thresholds; exits with 1 when these do not hold.
    Eval(Box<EvalArgs>),
    /// Show which features a pushed model's predictions come from: Shapley values or local models, and what
    /// shuffling costs.
    Explain(Box<ExplainArgs>),
    /// Which models were pushed where; go back to one, or on to another place.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Answer requests for predictions of pushed models: REST and gRPC, of TensorFlow Serving and KServe; and for
    /// completions of language models, as OpenAI's clients ask for them.
    Serve(Box<ServeArgs>),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// `cupola run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// What to run.
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,

    /// Where artifacts and metadata go [default: `.cupola` beside the pipeline file]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,

    /// Say why each node would run or not; run nothing.
    #[arg(long)]
    pub(crate) explain: bool,

    /// Do everything again, whatever is there already.
    #[arg(long)]
    pub(crate) no_cache: bool,

    /// How many threads folds and maps use [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// `cupola init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder to make it in; made if need be.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,

    /// What to start from.
    #[arg(long, value_enum, default_value_t = Template::Taxi)]
    pub(crate) template: Template,

    /// The data file that the pipeline reads, for the template `csv`.
    #[arg(long, value_name = "FILE", required_if_eq("template", "csv"))]
    pub(crate) data: Option<PathBuf>,

    /// The column to predict, for the template `csv`: 0 or 1, or a comparison such as `tips > 2`.
    #[arg(long, value_name = "EXPRESSION", required_if_eq("template", "csv"))]
    pub(crate) label: Option<String>,

    /// How many trips to generate, for the template `taxi`.
    #[arg(long, value_name = "N", default_value_t = 15_000)]
    pub(crate) rows: u64,

    /// Write over files that are there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a new pipeline starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// Taxi trips with generated data: will the passenger tip well?
    Taxi,
    /// Your own CSV file, every column a feature by its type.
    Csv,
    /// A small language model of this project's own documentation.
    LanguageModel,
}

/// `cupola runs`.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first.
    List {
        #[command(flatten)]
        root: RootArg,
        /// Only runs of this pipeline.
        #[arg(long)]
        pipeline: Option<String>,
        /// How many to show.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Show the nodes of a run.
    Show {
        /// The run's id, or the beginning of it [default: the newest run]
        run: Option<String>,
        #[command(flatten)]
        root: RootArg,
    },
}

/// `cupola models`.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the serving directories with the version that each serves.
    List {
        #[command(flatten)]
        root: RootArg,
    },
    /// List what was pushed, when and by which run, newest first.
    History {
        /// Only what was pushed there.
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
        #[command(flatten)]
        root: RootArg,
    },
    /// Show one model: its versions, who pushed them, what they were made of, and their names.
    Show {
        /// The serving directory, its URL, or its last part alone.
        #[arg(value_name = "MODEL")]
        model: String,
        #[command(flatten)]
        root: RootArg,
    },
    /// Give a version a name such as `champion`; servers that watch the directory have it as a label.
    Alias(AliasArgs),
    /// Serve an earlier version again, as a new version: servers change to it as to any other.
    Rollback {
        /// The serving directory.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// The version to go back to [default: the newest that holds something else than the one that is served]
        #[arg(long, value_name = "VERSION")]
        to: Option<u64>,
        #[command(flatten)]
        root: RootArg,
    },
    /// Push a version of one serving directory to another, such as from staging to production.
    Promote {
        /// The serving directory that has it.
        #[arg(value_name = "FROM")]
        from: PathBuf,
        /// The serving directory that gets it; made if need be.
        #[arg(value_name = "TO")]
        to: PathBuf,
        /// Which version [default: the newest]
        #[arg(long, value_name = "VERSION")]
        version: Option<u64>,
        #[command(flatten)]
        root: RootArg,
    },
}

/// `cupola models alias`.
#[derive(Debug, Args)]
pub(crate) struct AliasArgs {
    /// The serving directory, its URL, or its last part alone.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// The name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The version that gets it, by its number, by another name that it has, or `newest`.
    #[arg(value_name = "VERSION", required_unless_present_any = ["remove", "back"])]
    pub(crate) version: Option<String>,
    /// Take the name away.
    #[arg(long, conflicts_with_all = ["version", "back"])]
    pub(crate) remove: bool,
    /// Give the name back to the version that had it before.
    #[arg(long, conflicts_with = "version")]
    pub(crate) back: bool,
    /// Change it only if the name stands for this version now, or for `none`.
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect: Option<String>,
    #[command(flatten)]
    pub(crate) root: RootArg,
}

/// `cupola artifacts`.
#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactsCommand {
    /// List artifacts, newest first.
    List {
        #[command(flatten)]
        root: RootArg,
        /// Only artifacts of this type, such as `Model`.
        #[arg(long = "type", value_name = "TYPE")]
        type_name: Option<String>,
        /// Only artifacts of this pipeline.
        #[arg(long)]
        pipeline: Option<String>,
        /// How many to show.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Show one artifact.
    Show {
        /// The artifact's number.
        artifact: i64,
        #[command(flatten)]
        root: RootArg,
    },
}

/// `cupola lineage`.
#[derive(Debug, Args)]
pub(crate) struct LineageArgs {
    /// The artifact's number.
    pub(crate) artifact: i64,
    #[command(flatten)]
    pub(crate) root: RootArg,
    /// Which way to look.
    #[arg(long, value_enum, default_value_t = Direction::Both)]
    pub(crate) direction: Direction,
    /// How many executions to go through at the most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) hops: usize,
}

/// Which way lineage is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    /// To what it was made from.
    Up,
    /// To what was made from it.
    Down,
    /// Both ways.
    Both,
}

/// `cupola anomalies`.
#[derive(Debug, Subcommand)]
pub(crate) enum AnomaliesCommand {
    /// Show the anomalies of an artifact; exits with 1 when there are any.
    Show(ShowArgs),
}

/// Which artifact to show.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The artifact's number [default: the newest of its type]
    pub(crate) artifact: Option<i64>,
    #[command(flatten)]
    pub(crate) root: RootArg,
    /// Only this split.
    #[arg(long)]
    pub(crate) split: Option<String>,
}

/// Which graph.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The folder of a graph, of a model or of pushed models, or an artifact's number [default: the newest artifact]
    #[arg(value_name = "DIR|NUMBER")]
    pub(crate) what: Option<String>,
    #[command(flatten)]
    pub(crate) root: RootArg,
}

/// `cupola graph`.
#[derive(Debug, Subcommand)]
pub(crate) enum GraphCommand {
    /// Print every operation with its constants, and the features.
    Show(WhichArgs),
    /// Print the graph in Graphviz's language: `cupola graph dot | dot -Tsvg > graph.svg`.
    Dot(WhichArgs),
}

/// `cupola export`.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// One ONNX file: raw features in, predictions (or features) out.
    Onnx(ExportArgs),
    /// A TensorFlow SavedModel: serialized tf.Examples or raw features in, predictions (or features) out.
    SavedModel(ExportArgs),
}

/// What is exported, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Where it goes.
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: PathBuf,
    /// Leave the model out: raw features in, transformed features out.
    #[arg(long)]
    pub(crate) graph_only: bool,
    /// Write over what is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `cupola predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// A pushed model: its serving directory (the newest version is taken) or one version of it.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Files of raw rows in any format, with the columns that the model was trained on; the label is not needed.
    #[arg(long, value_name = "FILES", num_args = 1.., required = true)]
    pub(crate) input: Vec<String>,
    /// Where the predictions go: a file, or a folder that is filled shard by shard, so that work that was interrupted
    /// goes on when the command is given again. A path that ends with a slash is a folder [default: standard output]
    #[arg(long, short, value_name = "FILE|DIR/")]
    pub(crate) output: Option<PathBuf>,
    /// In which form [default: as the file's name says, Parquet in a folder, otherwise CSV]
    #[arg(long, value_enum)]
    pub(crate) format: Option<PredictionFormat>,
    /// Columns of the rows to put before the predictions, such as an identifier.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "keep_all")]
    pub(crate) keep: Option<Vec<String>>,
    /// Put all columns of the rows before the predictions.
    #[arg(long)]
    pub(crate) keep_all: bool,
    /// Remove predictions of other rows or of another model from the folder.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// What stands between the cells of CSV files [default: a comma]
    #[arg(long, value_name = "CHARACTER", value_parser = data::delimiter)]
    pub(crate) delimiter: Option<String>,
    /// Of a language model: predict what follows each text, and not how well it is foreseen.
    #[arg(long)]
    pub(crate) complete: bool,
    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
    /// How many threads predict [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// In which form predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PredictionFormat {
    /// Comma-separated text.
    Csv,
    /// A JSON object in each line.
    Jsonl,
    /// Parquet.
    Parquet,
    /// TFRecord files of `tf.Example`.
    Tfrecord,
    /// The same, compressed with gzip.
    TfrecordGz,
}

impl From<PredictionFormat> for infer::Format {
    fn from(format: PredictionFormat) -> Self {
        use formats::tfrecord::Compression;
        match format {
            PredictionFormat::Csv => Self::Csv,
            PredictionFormat::Jsonl => Self::JsonLines,
            PredictionFormat::Parquet => Self::Parquet,
            PredictionFormat::Tfrecord => Self::TfRecord(Compression::None),
            PredictionFormat::TfrecordGz => Self::TfRecord(Compression::Gzip),
        }
    }
}
