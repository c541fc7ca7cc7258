//! Components that do next to nothing, in the shape of the real ones.
//!
//! `source` reads a file; `counter` counts its lines; `judge` is a gate that refuses a word; `learner` writes two
//! outputs; `latest_model` finds the newest model with other content; `comparer` compares the two.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use artifact::{
    Answer, Artifact, CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input,
    Kind, Ledger, LedgerError, Outcome, Output, Problem, Registry, RemoteFile, Resolver,
    RunContext, types,
};
use base::{BoxError, Classify, ErrorKind};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a toy complains about.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ToyError(pub String);

impl Classify for ToyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

type Run = Box<dyn Fn(&RunContext<'_>) -> Result<Outcome, BoxError> + Send + Sync>;
type Check = fn(&Value, &CheckContext<'_>) -> Checked;
type Resolve = fn(&str, &BTreeMap<String, Vec<Artifact>>, &dyn Ledger) -> Vec<Artifact>;

/// A component put together from parts.
pub(crate) struct Toy {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) inputs: &'static [Input],
    pub(crate) outputs: &'static [Output],
    pub(crate) schema: fn() -> schemars::Schema,
    pub(crate) check: Check,
    pub(crate) is_gate: bool,
    pub(crate) reads_file: bool,
    pub(crate) run: Run,
    pub(crate) resolve: Option<Resolve>,
}

impl Component for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn execution_type(&self) -> &'static str {
        "tests.Toy"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn description(&self) -> &'static str {
        "A toy."
    }

    fn inputs(&self) -> &'static [Input] {
        self.inputs
    }

    fn outputs(&self) -> &'static [Output] {
        self.outputs
    }

    fn config_schema(&self) -> schemars::Schema {
        (self.schema)()
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        (self.check)(config, context)
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        let file = config["file"].as_str().filter(|_| self.reads_file);
        let file = file.filter(|file| !file.ends_with(".remote") && !file.ends_with(".answer"));
        Ok(file.map(|file| base_dir.join(file)).into_iter().collect())
    }

    /// A file `x.remote` is one of a store elsewhere, whose content is its identity, unless it is `untold`.
    fn remote_files(&self, config: &Value, base_dir: &Path) -> Result<Vec<RemoteFile>, BoxError> {
        let file = config["file"].as_str().filter(|file| file.ends_with(".remote"));
        let file = file.filter(|_| self.reads_file);
        let remote = file.map(|file| {
            let identity = fs::read_to_string(base_dir.join(file)).unwrap();
            let identity = Some(identity).filter(|identity| !identity.contains("untold"));
            RemoteFile { url: format!("s3://bucket/{file}"), identity }
        });
        Ok(remote.into_iter().collect())
    }

    fn why_always_run(&self, config: &Value) -> Option<String> {
        let file = config["file"].as_str().filter(|file| file.ends_with(".answer"));
        file.filter(|_| self.reads_file).map(|_| "a database is asked".to_owned())
    }

    fn is_gate(&self, _config: &Value) -> bool {
        self.is_gate
    }

    fn kind(&self) -> Kind<'_> {
        if self.resolve.is_some() { Kind::Resolver(self) } else { Kind::Executor(self) }
    }
}

impl Executor for Toy {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        (self.run)(context)
    }
}

impl Resolver for Toy {
    fn resolve(
        &self,
        _config: &Value,
        pipeline: &str,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        ledger: &dyn Ledger,
    ) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
        let found = self.resolve.unwrap()(pipeline, inputs, ledger);
        Ok(BTreeMap::from([("baseline_model".to_owned(), found)]))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoConfig {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SourceConfig {
    /// The file to read.
    file: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct JudgeConfig {
    /// The word to refuse.
    refuse: String,
    /// Whether that stops what follows.
    #[serde(default)]
    stop: bool,
}

/// The whole range of what configurations look like.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
pub(crate) struct LearnerConfig {
    /// The model.
    pub(crate) model: Model,
    /// How many steps.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) num_steps: Option<u32>,
    /// How fast.
    #[serde(default)]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(crate) rate: Option<f64>,
    /// Expressions by name.
    #[serde(default)]
    pub(crate) features: IndexMap<String, String>,
    /// What to reach.
    #[serde(default)]
    pub(crate) thresholds: Vec<Threshold>,
    /// Where.
    #[serde(default)]
    pub(crate) slices: Option<Slices>,
    /// How loud.
    #[serde(default)]
    pub(crate) level: Level,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Model {
    /// A line.
    Linear(Linear),
    /// Layers.
    Deep(Deep),
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linear {
    /// What to predict.
    pub(crate) label: String,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
pub(crate) struct Deep {
    /// What to predict.
    pub(crate) label: String,
    /// Widths.
    #[serde(default)]
    #[schemars(inner(range(min = 1)))]
    pub(crate) hidden: Vec<u16>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
pub(crate) struct Threshold {
    /// Which.
    pub(crate) metric: String,
    /// At least.
    #[serde(default)]
    pub(crate) lower_bound: Option<f64>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
#[expect(dead_code, reason = "read for its shape")]
pub(crate) enum Slices {
    /// By name.
    Named(Named),
    /// By features.
    Features(Vec<Vec<String>>),
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Named {
    /// All together.
    Overall,
    /// Every one.
    All,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Not at all.
    #[default]
    Never,
    /// A little.
    Warning,
    /// Much.
    Error,
}

pub(crate) fn schema_of<T: JsonSchema>() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

fn read<T: DeserializeOwned>(config: &Value) -> Option<T> {
    T::deserialize(config).ok()
}

const EXAMPLES: Input = Input::required("examples", types::EXAMPLES);
const MODEL: Input = Input::required("model", types::MODEL);

/// Returns a toy that has no ports, takes no keys and does what `run` says.
pub(crate) fn toy(
    name: &'static str,
    run: impl Fn(&RunContext<'_>) -> Result<Outcome, BoxError> + Send + Sync + 'static,
) -> Toy {
    Toy {
        name,
        version: 1,
        inputs: &[],
        outputs: &[],
        schema: schema_of::<NoConfig>,
        check: |_, _| Checked::default(),
        is_gate: false,
        reads_file: false,
        run: Box::new(run),
        resolve: None,
    }
}

/// Called in the middle of each toy's work, with the folder of its first output.
pub(crate) type Midway = Arc<dyn Fn(&RunContext<'_>) + Send + Sync>;

/// Returns the toys.
pub(crate) fn toys(midway: &Midway) -> Vec<Toy> {
    let write = |midway: &Midway, context: &RunContext<'_>, key: &str, text: &str| {
        let path = context.outputs[key].join("data");
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        midway(context);
        fs::write(&path, text).unwrap();
    };
    let input = |context: &RunContext<'_>, key: &str| {
        fs::read_to_string(context.input(key).unwrap().uri.join("data")).unwrap()
    };
    let summary = |text: String| Ok(Outcome { summary: text, ..Outcome::default() });
    let source = {
        let midway = Arc::clone(midway);
        toy("Source", move |context| {
            let path = context.base_dir.join(context.config["file"].as_str().unwrap());
            let text = fs::read_to_string(&path).map_err(|error| ToyError(error.to_string()))?;
            write(&midway, context, "examples", &text);
            summary(format!("{} bytes", text.len()))
        })
    };
    let counter = {
        let midway = Arc::clone(midway);
        toy("Counter", move |context| {
            let text = input(context, "examples").lines().count().to_string();
            write(&midway, context, "statistics", &text);
            summary(format!("{text} lines"))
        })
    };
    let judge = toy("Judge", move |context| {
        let word = context.config["refuse"].as_str().unwrap();
        let count = input(context, "examples").matches(word).count();
        fs::write(context.outputs["anomalies"].join("data"), count.to_string()).unwrap();
        let stop = context.config["stop"].as_bool().unwrap_or(false);
        let reason = format!("{count} times `{word}`");
        let details = format!("  {word}  {count}");
        let answer = if count > 0 {
            Answer::No { reason: reason.clone(), details, stop }
        } else {
            Answer::Yes
        };
        Ok(Outcome { summary: reason, answer, ..Outcome::default() })
    });
    let learner = {
        let midway = Arc::clone(midway);
        toy("Learner", move |context| {
            let text = format!("{}\n{}", input(context, "examples").to_uppercase(), context.config);
            fs::write(context.outputs["model_run"].join("loss"), "1\n").unwrap();
            write(&midway, context, "model", &text);
            summary("learnt".to_owned())
        })
    };
    let comparer = toy("Comparer", move |context| {
        let model = input(context, "model");
        let baseline = context
            .input("baseline_model")
            .map(|b| fs::read_to_string(b.uri.join("data")).unwrap());
        let text = format!("{} against {:?}", model.len(), baseline.map(|text| text.len()));
        fs::write(context.outputs["blessing"].join("data"), &text).unwrap();
        summary(text)
    });
    vec![
        Toy {
            outputs: &[Output { key: "examples", artifact_type: types::EXAMPLES }],
            schema: schema_of::<SourceConfig>,
            check: check_source,
            reads_file: true,
            ..source
        },
        Toy {
            inputs: &[EXAMPLES],
            outputs: &[Output { key: "statistics", artifact_type: types::EXAMPLE_STATISTICS }],
            ..counter
        },
        Toy {
            inputs: &[EXAMPLES],
            outputs: &[Output { key: "anomalies", artifact_type: types::EXAMPLE_ANOMALIES }],
            schema: schema_of::<JudgeConfig>,
            is_gate: true,
            ..judge
        },
        Toy {
            inputs: const { &[EXAMPLES, Input::required("statistics", types::EXAMPLE_STATISTICS)] },
            outputs: &[
                Output { key: "model", artifact_type: types::MODEL },
                Output { key: "model_run", artifact_type: types::MODEL_RUN },
            ],
            schema: schema_of::<LearnerConfig>,
            check: check_learner,
            ..learner
        },
        Toy {
            inputs: &[MODEL],
            outputs: &[Output { key: "baseline_model", artifact_type: types::MODEL }],
            resolve: Some(newest_other),
            ..toy("LatestModel", move |_| summary(String::new()))
        },
        Toy {
            inputs: const { &[MODEL, Input::provided("baseline_model", types::MODEL, "LatestModel")] },
            outputs: &[Output { key: "blessing", artifact_type: types::MODEL_BLESSING }],
            ..comparer
        },
    ]
}

/// Returns the toys as a registry, with others before them.
pub(crate) fn registry(others: Vec<Toy>, midway: &Midway) -> Registry {
    let all = others.into_iter().chain(toys(midway));
    Registry::new(all.map(|toy| Arc::new(toy) as Arc<dyn Component>).collect())
}

pub(crate) fn quiet() -> Midway {
    Arc::new(|_: &RunContext<'_>| {})
}

fn newest_other(
    pipeline: &str,
    inputs: &BTreeMap<String, Vec<Artifact>>,
    ledger: &dyn Ledger,
) -> Vec<Artifact> {
    let candidate = inputs["model"][0].digest();
    let models = ledger.artifacts(Some(types::MODEL.name), Some(pipeline)).unwrap();
    models.into_iter().filter(|model| model.digest() != candidate).take(1).collect()
}

/// The features are the words of the file's first line.
fn check_source(config: &Value, context: &CheckContext<'_>) -> Checked {
    let mut checked = Checked::default();
    let Some(config) = read::<SourceConfig>(config) else { return checked };
    match fs::read_to_string(context.base_dir.join(&config.file)) {
        Ok(text) => {
            let words = text.lines().next().unwrap_or_default().split(',');
            let feature = |name: &str| FeatureInfo {
                name: name.to_owned(),
                kind: Some(FeatureKind::Int),
                is_list: Some(false),
                num_buckets: None,
                note: None,
            };
            checked.features.insert("examples", words.map(feature).collect());
        }
        Err(_) => checked.problems.push(Problem {
            key: "file".to_owned(),
            offset: None,
            message: format!("no such file {}", config.file),
            hint: None,
        }),
    }
    checked
}

/// Each word of an expression has to be a feature, and so has the label.
fn check_learner(config: &Value, context: &CheckContext<'_>) -> Checked {
    let mut checked = Checked::default();
    let Some(config) = read::<LearnerConfig>(config) else { return checked };
    let Some(Some(known)) = context.inputs.get("examples") else { return checked };
    let names: Vec<&str> = known.iter().map(|feature| feature.name.as_str()).collect();
    let mut complain = |key: String, offset: Option<usize>, word: &str| {
        checked.problems.push(Problem {
            key,
            offset,
            message: format!("there is no feature `{word}`"),
            hint: base::nearest(word, names.iter().copied())
                .map(|near| format!("did you mean `{near}`?")),
        });
    };
    for (name, expression) in &config.features {
        let mut offset = 0;
        for word in expression.split(' ') {
            let trimmed = word.trim();
            if !trimmed.is_empty() && !names.contains(&trimmed) {
                let before = word.chars().take_while(|c| c.is_whitespace()).count();
                complain(format!("features.{name}"), Some(offset + before), trimmed);
            }
            offset += word.chars().count() + 1;
        }
    }
    let (key, label) = match &config.model {
        Model::Linear(linear) => ("model.linear.label", &linear.label),
        Model::Deep(deep) => ("model.deep.label", &deep.label),
    };
    if !names.contains(&label.as_str()) {
        complain(key.to_owned(), None, label);
    }
    for (index, threshold) in config.thresholds.iter().enumerate() {
        if threshold.metric != "auc" {
            complain(format!("thresholds.{index}.metric"), None, &threshold.metric);
        }
    }
    checked
}
