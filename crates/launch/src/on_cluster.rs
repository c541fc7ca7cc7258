//! A job on a Kubernetes cluster: applied, followed, and taken away.
//!
//! The program works on a volume that this machine has too, at the same path: so its metrics are followed as those of a
//! local one, and its model is where it would be. The cluster starts workers again, not we.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::publish;
use kubernetes::{Kubectl, KubernetesError, to_yaml_documents};
use serde_json::Value;

use crate::job::Told;
use crate::manifest::{ClusterConfig, INSTANCE, JobKind, Pods};
use crate::{Job, LaunchError, Launched, Watch};

/// How often the cluster is asked.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// How often metrics are read, and how soon a cancel is heard.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a call of `kubectl` may take.
const KUBECTL_TIMEOUT: Duration = Duration::from_secs(60);

/// After how many questions in a row without an answer the job is given up.
const MAX_SILENCE: u32 = 10;

/// How many lines of the pods' output are shown when they fail.
const SHOWN_LINES: usize = 15;

/// The file that the manifest is kept in, below the job's folder.
const MANIFEST: &str = "manifest.yaml";

/// Runs a job on a cluster to its end. `name` is that of the cluster's objects, and the same when the same job is run
/// again: then one that still runs there is waited for, and one that failed is started anew.
///
/// # Errors
///
/// As [`launch`](crate::launch), and [`LaunchError::Kubernetes`], [`LaunchError::Kind`], [`LaunchError::NotOnVolume`],
/// [`LaunchError::OnCluster`] when the job fails there. Whatever happens but a loss of the cluster itself, nothing runs
/// there afterwards.
pub fn launch_on_cluster(
    job: &Job,
    cluster: &ClusterConfig,
    name: &str,
    base_dir: &Path,
    watch: &mut dyn Watch,
) -> Result<Launched, LaunchError> {
    kubernetes::check_name(name)?;
    for path in [&job.run_dir, &job.program.dir] {
        if !path.starts_with(&cluster.volume.path) {
            let (path, volume) = (path.clone(), cluster.volume.path.clone());
            return Err(LaunchError::NotOnVolume { path, volume });
        }
    }
    let pods = Pods {
        name,
        command: &job.program.command,
        dir: &job.program.dir,
        env: &job.program.env,
        strategy: job.strategy,
        limits: &job.limits,
        cluster,
    };
    let text = to_yaml_documents(&pods.manifests()?);
    let manifest = job.run_dir.join(MANIFEST);
    publish::write_file(&manifest, text.as_bytes())?;
    if let Some(copy) = &cluster.manifest {
        publish::write_file(&base_dir.join(copy), text.as_bytes())?;
    }
    let running = Running {
        kubectl: Kubectl {
            program: cluster.kubectl.clone(),
            context: cluster.context.clone(),
            namespace: cluster.namespace.clone(),
            timeout: KUBECTL_TIMEOUT,
        },
        object: object(cluster.kind(job.strategy), name),
        label: format!("{INSTANCE}={name}"),
        manifest,
    };
    let launched = running.run(job, watch);
    // The first error is the one to be told; what is not there any more is none.
    let removed = running.remove(cluster.kind(job.strategy), name);
    let launched = launched?;
    removed?;
    Ok(launched)
}

/// Returns what `kubectl` calls an object.
fn object(kind: JobKind, name: &str) -> String {
    let kind = match kind {
        JobKind::Job => "job.batch",
        JobKind::JobSet => "jobset.jobset.x-k8s.io",
        JobKind::PytorchJob => "pytorchjob.kubeflow.org",
    };
    format!("{kind}/{name}")
}

struct Running {
    kubectl: Kubectl,
    object: String,
    label: String,
    manifest: PathBuf,
}

/// What a job has come to.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Running,
    Done,
    Failed(String),
}

impl Running {
    fn run(&self, job: &Job, watch: &mut dyn Watch) -> Result<Launched, LaunchError> {
        let mut told = Told::behind(&job.metrics_path);
        let there = self.kubectl.get(&self.object, &|| false)?;
        match there.as_ref().map(state) {
            // Somebody who is gone began it; what it has written is as good.
            Some(State::Running | State::Done) => told = Told::all(&job.metrics_path),
            Some(State::Failed(_)) => {
                self.kubectl.delete(&self.object)?;
                self.begin(watch)?;
            }
            None => self.begin(watch)?,
        }
        let began = Instant::now();
        let (mut last_question, mut silence) = (None::<Instant>, 0);
        loop {
            told.hear(watch, false)?;
            if watch.is_cancelled() {
                return Err(LaunchError::Cancelled);
            }
            if let Some(limit) = job.limits.timeout.filter(|limit| began.elapsed() >= *limit) {
                let (stderr, log) = (self.logs(), self.manifest.clone());
                return Err(LaunchError::Timeout { limit, stderr, log });
            }
            if last_question.is_none_or(|last| last.elapsed() >= ASK_EVERY) {
                last_question = Some(Instant::now());
                match self.kubectl.get(&self.object, &|| false) {
                    Ok(Some(found)) => {
                        silence = 0;
                        match state(&found) {
                            State::Running => {}
                            State::Done => {
                                told.hear(watch, true)?;
                                return Ok(told.launched);
                            }
                            State::Failed(reason) => {
                                let (object, logs) = (self.object.clone(), self.logs());
                                return Err(LaunchError::OnCluster { object, reason, logs });
                            }
                        }
                    }
                    Ok(None) => {
                        let object = self.object.clone();
                        let reason = "somebody removed it".to_owned();
                        return Err(LaunchError::OnCluster { object, reason, logs: String::new() });
                    }
                    // The network may be back in a moment, and the job goes on without us.
                    Err(_) if silence < MAX_SILENCE => silence += 1,
                    Err(error) => return Err(error.into()),
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn begin(&self, watch: &mut dyn Watch) -> Result<(), LaunchError> {
        watch.begins(0).map_err(LaunchError::Watch)?;
        self.kubectl.apply(&self.manifest, &|| watch.is_cancelled())?;
        Ok(())
    }

    fn logs(&self) -> String {
        self.kubectl.logs(&self.label, SHOWN_LINES).unwrap_or_default()
    }

    fn remove(&self, kind: JobKind, name: &str) -> Result<(), KubernetesError> {
        self.kubectl.delete(&self.object)?;
        if kind == JobKind::Job {
            // That of an indexed job; of another there is none.
            self.kubectl.delete(&format!("service/{name}"))?;
        }
        Ok(())
    }
}

/// Returns what an object has come to, by its conditions: a Job's `Complete` and `Failed`, a JobSet's `Completed` and
/// `Failed`, a PyTorchJob's `Succeeded` and `Failed`.
fn state(object: &Value) -> State {
    let conditions = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let holds = |condition: &&Value| condition["status"] == "True";
    for condition in conditions.iter().filter(holds) {
        match condition["type"].as_str() {
            Some("Complete" | "Completed" | "Succeeded") => return State::Done,
            Some("Failed") => {
                let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
                return State::Failed(format!("{}: {}", text("reason"), text("message")));
            }
            _ => {}
        }
    }
    State::Running
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_job_has_come_to_is_in_its_conditions() {
        let of = |kind: &str, status: &str| {
            let condition =
                json!({ "type": kind, "status": status, "reason": "Why", "message": "so" });
            state(&json!({ "status": { "conditions": [condition] } }))
        };
        for kind in ["Complete", "Completed", "Succeeded"] {
            assert_eq!(of(kind, "True"), State::Done);
            assert_eq!(of(kind, "False"), State::Running);
        }
        assert_eq!(of("Failed", "True"), State::Failed("Why: so".to_owned()));
        assert_eq!(of("Restarting", "True"), State::Running);
        assert_eq!(state(&json!({})), State::Running);
    }
}
