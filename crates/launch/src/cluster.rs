//! The workers of a job, and what each is told about the others.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many processes train together, and how they are one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Strategy {
    /// All devices of one machine: so many processes, one for each device, as PyTorch has it; or one process for all,
    /// as TensorFlow's MirroredStrategy and JAX have it.
    Mirrored {
        /// How many processes there are.
        #[serde(default = "one")]
        #[schemars(range(min = 1, max = 1024))]
        processes: usize,
    },
    /// Workers that take each step together: TensorFlow's MultiWorkerMirroredStrategy, PyTorch's DDP and FSDP, JAX's
    /// processes. Here they are processes of this machine.
    MultiWorker {
        /// How many workers there are; the first is the chief, which writes the model.
        #[schemars(range(min = 1, max = 1024))]
        workers: usize,
    },
    /// TensorFlow's ParameterServerStrategy: a chief that hands out steps, workers that compute them, and servers that
    /// hold the variables. The job is done when the chief is.
    ParameterServer {
        /// How many workers there are.
        #[schemars(range(min = 1, max = 1024))]
        workers: usize,
        /// How many servers hold the variables.
        #[serde(default = "one")]
        #[schemars(range(min = 1, max = 1024))]
        parameter_servers: usize,
    },
}

fn one() -> usize {
    1
}

/// One process of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its name, such as `worker-0`.
    pub name: String,
    /// The variables that tell it who it is and where the others are.
    pub env: Vec<(String, String)>,
    /// Whether the job is done when this worker is; the job is done when all such are.
    pub decides: bool,
}

impl Strategy {
    /// Returns how many addresses the workers need to meet.
    pub fn num_addresses(self) -> usize {
        match self {
            Self::Mirrored { .. } => 1,
            // One more for where PyTorch and JAX meet: TensorFlow listens at each worker's own.
            Self::MultiWorker { workers } => workers + 1,
            Self::ParameterServer { workers, parameter_servers } => 1 + workers + parameter_servers,
        }
    }
}

/// Returns the workers of a job; without a strategy it is one that is told nothing.
///
/// `addresses` are as many `host:port` as [`Strategy::num_addresses`] says. Every worker is told in the ways of all
/// three frameworks, but `TF_CONFIG` is there only where TensorFlow would use it.
///
/// # Source
///
/// `TF_CONFIG` as in TensorFlow's guides to multi-worker and parameter server training; the variables of PyTorch are
/// those that its `torchrun` sets; JAX reads `JAX_COORDINATOR_ADDRESS` itself, and is given the other two by the program.
pub fn workers(strategy: Option<Strategy>, addresses: &[String], attempt: u32) -> Vec<Worker> {
    workers_on(strategy, addresses, attempt, Machines::One)
}

/// On how many machines the workers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machines {
    /// All on one.
    One,
    /// Each on its own.
    Each,
}

/// Returns the workers of a job, as [`workers`], on one machine or each on its own.
pub(crate) fn workers_on(
    strategy: Option<Strategy>,
    addresses: &[String],
    attempt: u32,
    machines: Machines,
) -> Vec<Worker> {
    let ranked = |rank, size, meeting: &str| ranked(rank, size, meeting, attempt, machines);
    match strategy {
        None => vec![Worker { name: "trainer".to_owned(), env: Vec::new(), decides: true }],
        Some(Strategy::Mirrored { processes }) => (0..processes)
            .map(|rank| Worker {
                name: format!("worker-{rank}"),
                env: ranked(rank, processes, &addresses[0]),
                decides: true,
            })
            .collect(),
        Some(Strategy::MultiWorker { workers }) => {
            let (meeting, listening) = addresses.split_first().expect("there is one more address");
            let cluster = BTreeMap::from([("worker", listening)]);
            let worker = |rank| {
                let mut env = ranked(rank, workers, meeting);
                env.push(tf_config(&cluster, "worker", rank));
                Worker { name: format!("worker-{rank}"), env, decides: true }
            };
            (0..workers).map(worker).collect()
        }
        Some(Strategy::ParameterServer { workers, .. }) => {
            let (chief, rest) = addresses.split_at(1);
            let (worker, ps) = rest.split_at(workers);
            let cluster = BTreeMap::from([("chief", chief), ("ps", ps), ("worker", worker)]);
            let mut all = Vec::new();
            for (kind, addresses) in [("ps", ps), ("worker", worker), ("chief", chief)] {
                for index in 0..addresses.len() {
                    all.push(Worker {
                        name: format!("{kind}-{index}"),
                        env: vec![tf_config(&cluster, kind, index)],
                        decides: kind == "chief",
                    });
                }
            }
            all
        }
    }
}

fn tf_config<A: Serialize>(
    cluster: &BTreeMap<&str, A>,
    kind: &str,
    index: usize,
) -> (String, String) {
    let value = json!({ "cluster": cluster, "task": { "type": kind, "index": index } });
    ("TF_CONFIG".to_owned(), value.to_string())
}

fn ranked(
    rank: usize,
    size: usize,
    meeting: &str,
    attempt: u32,
    machines: Machines,
) -> Vec<(String, String)> {
    let (host, port) = meeting.rsplit_once(':').unwrap_or((meeting, "29500"));
    let (local_rank, local_size, machine) = match machines {
        Machines::One => (rank, size, 0),
        Machines::Each => (0, 1, rank),
    };
    [
        ("MASTER_ADDR", host.to_owned()),
        ("MASTER_PORT", port.to_owned()),
        ("RANK", rank.to_string()),
        ("WORLD_SIZE", size.to_string()),
        ("LOCAL_RANK", local_rank.to_string()),
        ("LOCAL_WORLD_SIZE", local_size.to_string()),
        ("GROUP_RANK", machine.to_string()),
        ("TORCHELASTIC_RESTART_COUNT", attempt.to_string()),
        ("JAX_COORDINATOR_ADDRESS", meeting.to_owned()),
        ("JAX_NUM_PROCESSES", size.to_string()),
        ("JAX_PROCESS_ID", rank.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(strategy: Strategy) -> Vec<String> {
        (0..strategy.num_addresses()).map(|n| format!("10.0.0.{n}:{}", 2000 + n)).collect()
    }

    fn variable<'a>(worker: &'a Worker, key: &str) -> Option<&'a str> {
        worker.env.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    #[test]
    fn alone_a_program_is_told_nothing() {
        let all = workers(None, &[], 0);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].env, []);
    }

    #[test]
    fn workers_are_told_in_the_ways_of_all_frameworks() {
        let strategy = Strategy::MultiWorker { workers: 2 };
        let all = workers(Some(strategy), &addresses(strategy), 3);
        assert_eq!(
            variable(&all[1], "TF_CONFIG"),
            Some(
                r#"{"cluster":{"worker":["10.0.0.1:2001","10.0.0.2:2002"]},"task":{"type":"worker","index":1}}"#
            )
        );
        let of = |key| variable(&all[1], key).unwrap();
        assert_eq!([of("RANK"), of("WORLD_SIZE"), of("LOCAL_RANK")], ["1", "2", "1"]);
        assert_eq!([of("MASTER_ADDR"), of("MASTER_PORT")], ["10.0.0.0", "2000"]);
        assert_eq!(of("JAX_COORDINATOR_ADDRESS"), "10.0.0.0:2000");
        assert_eq!(of("TORCHELASTIC_RESTART_COUNT"), "3");
        assert!(all.iter().all(|worker| worker.decides));
    }

    #[test]
    fn one_machine_needs_no_tf_config() {
        let strategy = Strategy::Mirrored { processes: 2 };
        let all = workers(Some(strategy), &addresses(strategy), 0);
        assert_eq!(all.len(), 2);
        assert_eq!(variable(&all[0], "TF_CONFIG"), None);
        assert_eq!(variable(&all[1], "LOCAL_RANK"), Some("1"));
    }

    #[test]
    fn the_chief_of_parameter_servers_decides_alone() {
        let strategy = Strategy::ParameterServer { workers: 2, parameter_servers: 1 };
        let all = workers(Some(strategy), &addresses(strategy), 0);
        let names: Vec<_> = all.iter().map(|w| (w.name.as_str(), w.decides)).collect();
        assert_eq!(
            names,
            [("ps-0", false), ("worker-0", false), ("worker-1", false), ("chief-0", true)]
        );
        assert_eq!(
            variable(&all[3], "TF_CONFIG"),
            Some(
                r#"{"cluster":{"chief":["10.0.0.0:2000"],"ps":["10.0.0.3:2003"],"worker":["10.0.0.1:2001","10.0.0.2:2002"]},"task":{"type":"chief","index":0}}"#
            )
        );
    }
}
