//! A model of taxi trips, pushed, and `cupola serve` in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::load::{Value, ask, request};

/// Runs the taxi example; returns its serving directory, which has one version.
pub(crate) fn pushed(binary: &Path, workspace: &Path, scratch: &Path) -> Result<PathBuf, Failure> {
    let serving = scratch.join("serving/taxi");
    let set = format!("nodes.pusher.destination.directory={}", serving.display());
    let status = Command::new(binary)
        .arg("run")
        .arg(workspace.join("examples/taxi/pipeline.toml"))
        .args(["--quiet", "--set", &set, "--root"])
        .arg(scratch.join("root"))
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("the taxi pipeline did not push a model".into());
    }
    Ok(serving)
}

/// A server in a process of its own, which ends with this value.
pub(crate) struct Served {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Starts `cupola serve` with a free port.
    pub(crate) fn start(binary: &Path, dir: &Path, log: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(binary);
        command.arg("serve").arg(dir).args(["--port", "0", "--poll", "200ms"]);
        Self::spawn(&mut command, log)
    }

    /// Starts `cupola serve` as a file says.
    pub(crate) fn start_with(binary: &Path, config: &Path, log: &Path) -> Result<Self, Failure> {
        Self::spawn(Command::new(binary).args(["serve", "--config"]).arg(config), log)
    }

    fn spawn(command: &mut Command, log: &Path) -> Result<Self, Failure> {
        let mut process = command
            .args(["--json", "--quiet"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::options().create(true).append(true).open(log)?)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        let mut text = String::new();
        for line in BufReader::new(stdout).lines() {
            text.push_str(&line?);
            if let Ok(said) = serde_json::from_str::<serde_json::Value>(&text) {
                let url = said["serving"]["urls"][0].as_str().unwrap_or_default();
                let address = url.trim_start_matches("http://").parse()?;
                return Ok(Self { process, address });
            }
        }
        let _ = process.kill();
        Err(format!("the server did not start; see {}", log.display()).into())
    }

    /// Waits until all models answer.
    pub(crate) fn wait_ready(&self) -> Result<(), Failure> {
        let until = Instant::now() + Duration::from_secs(30);
        let ready = request("GET", "/health/ready", "");
        loop {
            if matches!(ask(self.address, &ready), Ok((200, _))) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err("the server is not ready after 30 seconds".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Returns how much memory the process has, in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        let text = fs::read_to_string(format!("/proc/{}/statm", self.process.id()))?;
        let pages: u64 = text.split(' ').nth(1).ok_or("no statm")?.parse()?;
        Ok(pages * 4096)
    }

    /// Returns which processor time the process took.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let after_name = text.rsplit(") ").next().ok_or("no stat")?;
        let fields: Vec<&str> = after_name.split(' ').collect();
        let ticks = |place: usize| fields.get(place).and_then(|f| f.parse::<u64>().ok());
        let ticks = ticks(11).zip(ticks(12)).ok_or("no times in stat")?;
        Ok(Duration::from_millis((ticks.0 + ticks.1) * 10))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the first row of a CSV with the features that the served model reads.
pub(crate) fn first_row(
    address: SocketAddr,
    model: &str,
    csv: &Path,
) -> Result<BTreeMap<String, Value>, Failure> {
    let (_, described) = ask(address, &request("GET", &format!("/v2/models/{model}"), ""))?;
    let described: serde_json::Value = serde_json::from_slice(&described)?;
    let file = BufReader::new(fs::File::open(csv)?);
    let mut lines = file.lines();
    let (names, cells) = (lines.next().ok_or("no header")??, lines.next().ok_or("no row")??);
    let cells: BTreeMap<&str, &str> = names.split(',').zip(cells.split(',')).collect();
    let mut row = BTreeMap::new();
    for input in described["inputs"].as_array().ok_or("the model has no inputs")? {
        let name = input["name"].as_str().unwrap_or_default();
        let cell = cells.get(name).copied().unwrap_or_default();
        let value = match input["datatype"].as_str() {
            Some("FP32") => Value::Float(cell.parse().unwrap_or(1.0)),
            Some("INT64") => Value::Int(cell.parse().unwrap_or(1)),
            _ => Value::Text(cell.to_owned()),
        };
        row.insert(name.to_owned(), value);
    }
    Ok(row)
}

/// Returns a row as an object.
pub(crate) fn as_json(row: &BTreeMap<String, Value>) -> serde_json::Value {
    let value = |value: &Value| match value {
        Value::Float(float) => serde_json::json!(float),
        Value::Int(int) => serde_json::json!(int),
        Value::Text(text) => serde_json::json!(text),
    };
    row.iter().map(|(name, of)| (name.clone(), value(of))).collect::<serde_json::Map<_, _>>().into()
}

/// Makes another version of what is served: the same files under the next number.
pub(crate) fn push_again(dir: &Path) -> Result<u64, Failure> {
    let mut numbers: Vec<u64> = fs::read_dir(dir)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let newest = *numbers.last().ok_or("there is no version")?;
    let staged = dir.join(".staged");
    copy(&dir.join(newest.to_string()), &staged)?;
    fs::rename(&staged, dir.join((newest + 1).to_string()))?;
    // The one before stays for those who read it still.
    for number in numbers.iter().rev().skip(1) {
        fs::remove_dir_all(dir.join(number.to_string()))?;
    }
    Ok(newest + 1)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
