//! A job as manifests: a Job, a JobSet or a PyTorchJob, whose pods are told what workers of one machine are.
//!
//! Each pod is a machine of its own: the variables are those of [`workers_on`](crate::cluster), with the pods' names in
//! the place of addresses. Which names pods get is the controllers' own rule, stated at each kind.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::cluster::{Machines, Strategy, Worker, workers_on};
use crate::{LaunchError, Limits};

/// Where workers meet: TensorFlow's servers, and the first worker of PyTorch and JAX.
const TENSORFLOW_PORT: u16 = 2222;
const MEETING_PORT: u16 = 29500;

/// The label that all pods of a job have.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";

/// The annotation of an indexed Job's pods that has their index.
const INDEX: &str = "metadata.annotations['batch.kubernetes.io/job-completion-index']";

/// The annotation of a JobSet's pods that says how often it was started again.
const ATTEMPT: &str = "metadata.annotations['jobset.sigs.k8s.io/restart-attempt']";

/// Trains on a Kubernetes cluster, with the machine that runs the pipeline only waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// The context of `kubectl`: which cluster, as whom.
    pub context: String,
    /// The image that the workers run in, with what the program needs.
    pub image: String,
    /// The volume that has the pipeline's folder and its root, here and in the pods.
    pub volume: VolumeConfig,
    /// Which kind of object. Without it: `job` for one pod, otherwise `job_set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
    /// The namespace; that of the context where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// How many GPUs each pod has.
    #[serde(default)]
    #[schemars(range(max = 64))]
    pub gpus: u32,
    /// What each pod may take besides, in Kubernetes' words: `{ requests = { cpu = "4", memory = "16Gi" } }`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub resources: Map<String, Value>,
    /// The service account of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// A file that the manifest is written to as well, relative to the pipeline file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The program that talks to the cluster.
    #[serde(default = "kubectl")]
    pub kubectl: String,
}

/// A volume that pods and this machine share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeConfig {
    /// The name of its PersistentVolumeClaim.
    pub claim: String,
    /// Where it is, here and in the pods.
    pub path: String,
}

/// Kinds of objects that a job can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A Job of Kubernetes itself: one pod, or an indexed one with a service for `multi_worker`.
    Job,
    /// A JobSet (`jobset.x-k8s.io/v1alpha2`), which starts all again when one dies.
    JobSet,
    /// A PyTorchJob of Kubeflow (`kubeflow.org/v1`), for `multi_worker` with PyTorch.
    PytorchJob,
}

fn kubectl() -> String {
    "kubectl".to_owned()
}

/// What the pods run.
pub(crate) struct Pods<'a> {
    pub(crate) name: &'a str,
    pub(crate) command: &'a [String],
    pub(crate) dir: &'a Path,
    pub(crate) env: &'a [(String, String)],
    pub(crate) strategy: Option<Strategy>,
    pub(crate) limits: &'a Limits,
    pub(crate) cluster: &'a ClusterConfig,
}

impl ClusterConfig {
    /// Returns the kind of object for a strategy.
    pub(crate) fn kind(&self, strategy: Option<Strategy>) -> JobKind {
        let default = match strategy {
            None | Some(Strategy::Mirrored { .. }) => JobKind::Job,
            Some(_) => JobKind::JobSet,
        };
        self.kind.unwrap_or(default)
    }
}

/// Says which kinds do not go with which strategies; nothing where they do.
pub(crate) fn misfit(kind: JobKind, strategy: Option<Strategy>) -> Option<&'static str> {
    match (kind, strategy) {
        (JobKind::Job, Some(Strategy::ParameterServer { .. })) => {
            Some("a Job has workers of one kind only, expected `job_set` for `parameter_server`")
        }
        (JobKind::PytorchJob, Some(Strategy::MultiWorker { .. })) => None,
        (JobKind::PytorchJob, _) => Some("expected the strategy `multi_worker` for a PyTorchJob"),
        _ => None,
    }
}

impl Pods<'_> {
    /// Returns the objects, the one to be waited for last.
    pub(crate) fn manifests(&self) -> Result<Vec<Value>, LaunchError> {
        let kind = self.cluster.kind(self.strategy);
        if let Some(reason) = misfit(kind, self.strategy) {
            return Err(LaunchError::Kind { reason });
        }
        Ok(match (kind, self.strategy) {
            (JobKind::Job, Some(Strategy::MultiWorker { workers })) => {
                vec![self.service(), self.indexed_job(workers)]
            }
            (JobKind::Job, _) => vec![self.single_job()],
            (JobKind::JobSet, _) => vec![self.job_set()],
            (JobKind::PytorchJob, strategy) => {
                let workers = match strategy {
                    Some(Strategy::MultiWorker { workers }) => workers,
                    _ => 1,
                };
                vec![self.pytorch_job(workers)]
            }
        })
    }

    /// One pod: one process for all of its devices, or `torchrun` with one for each.
    fn single_job(&self) -> Value {
        let (command, env) = self.alone();
        let template = self.template("trainer", &command, env, None, Some("Never"));
        let mut spec = json!({ "backoffLimit": self.limits.max_restarts });
        self.deadline(&mut spec);
        spec["template"] = template;
        self.object("batch/v1", "Job", &spec)
    }

    /// Returns the command and the variables of a pod that is the whole job.
    fn alone(&self) -> (Vec<String>, Vec<Value>) {
        match self.strategy {
            Some(Strategy::Mirrored { processes }) if processes > 1 => {
                let launcher = [
                    "torchrun".to_owned(),
                    "--standalone".to_owned(),
                    format!("--nproc-per-node={processes}"),
                    "--no-python".to_owned(),
                ];
                (launcher.into_iter().chain(self.command.iter().cloned()).collect(), Vec::new())
            }
            strategy => {
                let meeting = [format!("127.0.0.1:{MEETING_PORT}")];
                let workers = workers_on(strategy, &meeting, 0, Machines::Each);
                let env = workers.first().map_or(&[][..], |worker| &worker.env);
                (
                    self.command.to_vec(),
                    env.iter().map(|(name, value)| plain(name, value)).collect(),
                )
            }
        }
    }

    /// Pods of one kind, told apart by their index. They are called `NAME-INDEX`, and reached below the service.
    fn indexed_job(&self, workers: usize) -> Value {
        let name = self.name;
        let host = |index: usize| format!("{name}-{index}.{name}");
        let mut addresses = vec![format!("{}:{MEETING_PORT}", host(0))];
        addresses.extend((0..workers).map(|index| format!("{}:{TENSORFLOW_PORT}", host(index))));
        let all = workers_on(self.strategy, &addresses, 0, Machines::Each);
        let first = all.first().map_or(&[][..], |worker| &worker.env);
        let mut env =
            vec![json!({ "name": "RANK", "valueFrom": { "fieldRef": { "fieldPath": INDEX } } })];
        for (name, value) in first {
            env.push(match name.as_str() {
                "RANK" => continue,
                "GROUP_RANK" | "JAX_PROCESS_ID" => plain(name, "$(RANK)"),
                // The only number in it that differs is the task's own, which stands last.
                "TF_CONFIG" => plain(name, &value.replace("\"index\":0}", "\"index\":$(RANK)}")),
                _ => plain(name, value),
            });
        }
        let template = self.template("trainer", self.command, env, Some(name), Some("Never"));
        let mut spec = json!({
            "completionMode": "Indexed",
            "completions": workers,
            "parallelism": workers,
            "backoffLimit": self.limits.max_restarts,
        });
        self.deadline(&mut spec);
        spec["template"] = template;
        self.object("batch/v1", "Job", &spec)
    }

    /// The names of an indexed job's pods.
    fn service(&self) -> Value {
        let mut labels = Map::new();
        labels.insert(INSTANCE.to_owned(), self.name.into());
        // Workers look for each other before they are ready.
        let spec = json!({
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": labels,
        });
        self.object("v1", "Service", &spec)
    }

    /// A replicated job for each worker. Its pod is called `NAME-WORKER-0-0`, and reached below `NAME`.
    fn job_set(&self) -> Value {
        let name = self.name;
        let host = |worker: &str| format!("{name}-{worker}-0-0.{name}");
        let tensorflow = |kind: &str, count: usize| -> Vec<String> {
            let address = |index| format!("{}:{TENSORFLOW_PORT}", host(&format!("{kind}-{index}")));
            (0..count).map(address).collect()
        };
        let addresses = match self.strategy {
            None => Vec::new(),
            Some(Strategy::Mirrored { .. }) => vec![format!("127.0.0.1:{MEETING_PORT}")],
            Some(Strategy::MultiWorker { workers }) => {
                let meeting = vec![format!("{}:{MEETING_PORT}", host("worker-0"))];
                [meeting, tensorflow("worker", workers)].concat()
            }
            Some(Strategy::ParameterServer { workers, parameter_servers }) => [
                tensorflow("chief", 1),
                tensorflow("worker", workers),
                tensorflow("ps", parameter_servers),
            ]
            .concat(),
        };
        let one_pod = matches!(self.strategy, None | Some(Strategy::Mirrored { .. }));
        let workers = match one_pod {
            true => vec![Worker { name: "trainer-0".to_owned(), env: Vec::new(), decides: true }],
            false => workers_on(self.strategy, &addresses, 0, Machines::Each),
        };
        let job = |worker: &Worker| {
            let (command, mut env) = match one_pod {
                true => self.alone(),
                false => {
                    let env = worker.env.iter();
                    let env = env.filter(|(name, _)| name != "TORCHELASTIC_RESTART_COUNT");
                    let env = env.map(|(name, value)| plain(name, value)).collect();
                    (self.command.to_vec(), env)
                }
            };
            for name in ["CUPOLA_ATTEMPT", "TORCHELASTIC_RESTART_COUNT"] {
                let from = json!({ "fieldRef": { "fieldPath": ATTEMPT } });
                env.push(json!({ "name": name, "valueFrom": from }));
            }
            let mut spec = json!({
                "completionMode": "Indexed",
                "completions": 1,
                "parallelism": 1,
                // Whoever dies ends all; then all start again.
                "backoffLimit": 0,
            });
            self.deadline(&mut spec);
            spec["template"] = self.template("trainer", &command, env, None, Some("Never"));
            json!({ "name": worker.name, "replicas": 1, "template": { "spec": spec } })
        };
        let deciding = workers.iter().filter(|worker| worker.decides);
        let deciding: Vec<&str> = deciding.map(|worker| worker.name.as_str()).collect();
        let spec = json!({
            "failurePolicy": { "maxRestarts": self.limits.max_restarts },
            "successPolicy": { "operator": "All", "targetReplicatedJobs": deciding },
            "network": { "enableDNSHostnames": true, "publishNotReadyAddresses": true },
            "replicatedJobs": workers.iter().map(job).collect::<Vec<_>>(),
        });
        self.object("jobset.x-k8s.io/v1alpha2", "JobSet", &spec)
    }

    /// A master and workers, which Kubeflow's operator tells their ranks and where the master is.
    fn pytorch_job(&self, workers: usize) -> Value {
        // The container has to have this name.
        let env = vec![plain("LOCAL_RANK", "0"), plain("LOCAL_WORLD_SIZE", "1")];
        let template = self.template("pytorch", self.command, env, None, None);
        let replicas = |count: usize| json!({ "replicas": count, "restartPolicy": "OnFailure", "template": template });
        let mut specs = json!({ "Master": replicas(1) });
        if workers > 1 {
            specs["Worker"] = replicas(workers - 1);
        }
        let mut policy = json!({
            "backoffLimit": self.limits.max_restarts,
            "cleanPodPolicy": "Running",
        });
        self.deadline(&mut policy);
        let spec = json!({ "runPolicy": policy, "pytorchReplicaSpecs": specs });
        self.object("kubeflow.org/v1", "PyTorchJob", &spec)
    }

    fn deadline(&self, spec: &mut Value) {
        if let Some(limit) = self.limits.timeout {
            spec["activeDeadlineSeconds"] = seconds(limit).into();
        }
    }

    fn object(&self, version: &str, kind: &str, spec: &Value) -> Value {
        let mut metadata = json!({ "name": self.name });
        if let Some(namespace) = &self.cluster.namespace {
            metadata["namespace"] = namespace.as_str().into();
        }
        metadata["labels"] = self.labels();
        json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec })
    }

    fn labels(&self) -> Value {
        json!({ INSTANCE: self.name, "app.kubernetes.io/managed-by": "cupola" })
    }

    fn template(
        &self,
        container: &str,
        command: &[String],
        env: Vec<Value>,
        subdomain: Option<&str>,
        restart_policy: Option<&str>,
    ) -> Value {
        let cluster = self.cluster;
        let own = self.env.iter().map(|(name, value)| plain(name, value));
        let env: Vec<Value> = own.chain(env).collect();
        let mut container = json!({
            "name": container,
            "image": cluster.image,
            "command": command,
            "workingDir": self.dir,
            "env": env,
        });
        let mut resources = Value::Object(cluster.resources.clone());
        if cluster.gpus > 0 {
            resources["limits"]["nvidia.com/gpu"] = cluster.gpus.to_string().into();
        }
        if resources.as_object().is_some_and(|resources| !resources.is_empty()) {
            container["resources"] = resources;
        }
        container["volumeMounts"] = json!([{ "name": "data", "mountPath": cluster.volume.path }]);
        let mut spec = Map::new();
        spec.extend(restart_policy.map(|policy| ("restartPolicy".to_owned(), policy.into())));
        spec.extend(subdomain.map(|name| ("subdomain".to_owned(), name.into())));
        let grace = seconds(self.limits.grace);
        spec.insert("terminationGracePeriodSeconds".to_owned(), grace.into());
        if let Some(account) = &cluster.service_account {
            spec.insert("serviceAccountName".to_owned(), account.as_str().into());
        }
        spec.insert("containers".to_owned(), json!([container]));
        let claim = json!({ "claimName": cluster.volume.claim });
        let volumes = json!([{ "name": "data", "persistentVolumeClaim": claim }]);
        spec.insert("volumes".to_owned(), volumes);
        json!({ "metadata": { "labels": self.labels() }, "spec": spec })
    }
}

fn plain(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn seconds(time: Duration) -> u64 {
    time.as_secs().max(1)
}

#[cfg(test)]
mod tests;
