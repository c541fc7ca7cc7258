//! A folder of its own for each test, with a pipeline in it, and the binary to run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A pipeline that has every component and takes well under a second.
pub(crate) const PIPELINE: &str = r#"
[pipeline]
name = "taxi"

[nodes.example_gen]
source = { csv = "data/*.csv" }

[nodes.statistics_gen]
[nodes.schema_gen]

[nodes.example_validator]
fail_on = "error"

[nodes.transform.features]
trip_miles = "scale_to_z_score(fill_missing(trip_miles, 0.0))"
fare = "scale_to_z_score(ln(fare + 1.0))"
payment_type = "vocabulary(payment_type, num_oov_buckets => 1)"
company = "vocabulary(fill_missing(company, 'none'), top_k => 50, num_oov_buckets => 5)"
big_tipper = "CASE WHEN tips > fare * 0.2 THEN 1 ELSE 0 END"

[nodes.trainer]
model = { wide_and_deep = { label = "big_tipper", hidden = [16, 8] } }
num_steps = 300
seed = 1

[nodes.evaluator]
slices = [[], ["payment_type"]]
[[nodes.evaluator.thresholds]]
metric = "auc"
lower_bound = 0.7
min_change = -0.05

[nodes.pusher]
destination = { directory = "serving" }
"#;

/// What a command printed and how it ended, with the scene's folder shown as `[DIR]`.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Fails the test, showing everything, when the command ended otherwise.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Returns the object that `--json` printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }
}

/// A folder with a pipeline.
pub(crate) struct Scene {
    dir: TempDir,
}

impl Scene {
    /// Makes a folder with [`PIPELINE`] and 1,500 generated trips.
    pub(crate) fn taxi() -> Self {
        let scene = Self::empty();
        scene.cupola(&["init", "init", "--rows", "1500", "--quiet"]).expect_code(0);
        fs::rename(scene.path("init/data"), scene.path("data")).unwrap();
        scene.write("pipeline.toml", PIPELINE);
        scene
    }

    /// Makes a folder with [`PIPELINE`] and one data file.
    pub(crate) fn with_data(csv: impl AsRef<[u8]>) -> Self {
        let scene = Self::empty();
        fs::create_dir(scene.path("data")).unwrap();
        fs::write(scene.path("data/trips.csv"), csv).unwrap();
        scene.write("pipeline.toml", PIPELINE);
        scene
    }

    /// Makes an empty folder.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        fs::write(self.path(relative), text).unwrap();
    }

    /// Changes a file by replacing text that must be there.
    #[track_caller]
    pub(crate) fn replace(&self, relative: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(relative)).unwrap();
        assert!(text.contains(from), "`{from}` is not in {relative}");
        self.write(relative, &text.replace(from, to));
    }

    /// Returns a command that runs the binary in this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cupola"));
        command.args(args).current_dir(self.dir.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// Runs the binary in this folder.
    pub(crate) fn cupola(&self, args: &[&str]) -> Said {
        self.said(self.command(args).output().unwrap())
    }

    /// Reads what a command printed.
    pub(crate) fn said(&self, output: Output) -> Said {
        let dir = self.dir.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&dir, "[DIR]");
        Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs the pipeline and returns the report.
    #[track_caller]
    pub(crate) fn run_json(&self, args: &[&str], code: i32) -> Value {
        let args: Vec<&str> = ["run", "--json", "--quiet"].iter().chain(args).copied().collect();
        self.cupola(&args).expect_code(code).json()["run"].clone()
    }

    /// Returns the folder of the newest artifact of a type.
    #[track_caller]
    pub(crate) fn artifact(&self, type_name: &str) -> PathBuf {
        let listed =
            self.cupola(&["artifacts", "list", "--type", type_name, "--json"]).expect_code(0);
        let uri = listed.json()["artifacts"][0]["uri"].as_str().unwrap().to_owned();
        PathBuf::from(uri.replace("[DIR]", &self.dir.path().display().to_string()))
    }

    /// Returns the newest LIVE artifact of each type with its content digest, from the store.
    pub(crate) fn digests(&self) -> Vec<(String, String)> {
        let said = self.cupola(&["artifacts", "list", "--json", "--limit", "1000"]).expect_code(0);
        let mut newest: Vec<(String, String)> = Vec::new();
        for artifact in said.json()["artifacts"].as_array().unwrap() {
            let name = artifact["type"].as_str().unwrap().to_owned();
            // The first listed is the newest; Examples come twice: raw and transformed.
            let digest = artifact["digest"].as_str().unwrap().to_owned();
            if name != "PushedModel" && !newest.iter().any(|n| n.0 == name && n.1 == digest) {
                newest.push((name, digest));
            }
        }
        newest.sort();
        newest
    }
}

/// Returns the state of every node of a run report, as `node state` lines.
pub(crate) fn states(report: &Value) -> Vec<String> {
    let nodes = report["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|n| format!("{} {}", n["node"].as_str().unwrap(), n["state"].as_str().unwrap()))
        .collect()
}

/// Returns the folder with real data and outputs of other systems, or says that a test is skipped.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if shared.is_dir() {
        return Some(shared.canonicalize().unwrap());
    }
    println!("SKIPPED {test}: there is no folder `shared` beside the checkout");
    None
}
