//! Manifests, held against those in `testdata/manifests`; `UPDATE=1` writes them anew.

use std::fs;
use std::path::PathBuf;

use kubernetes::to_yaml_documents;

use super::*;

fn cluster(kind: Option<JobKind>) -> ClusterConfig {
    let resources = json!({ "requests": { "cpu": "4", "memory": "16Gi" } });
    ClusterConfig {
        context: "prod".to_owned(),
        image: "registry.local/train:7".to_owned(),
        volume: VolumeConfig { claim: "work".to_owned(), path: "/work".to_owned() },
        kind,
        namespace: Some("training".to_owned()),
        gpus: 2,
        resources: resources.as_object().unwrap().clone(),
        service_account: Some("trainer".to_owned()),
        manifest: None,
        kubectl: "kubectl".to_owned(),
    }
}

fn manifests(strategy: Option<Strategy>, kind: Option<JobKind>) -> Result<Vec<Value>, LaunchError> {
    let command = ["python", "train.py"].map(str::to_owned);
    let limits = Limits {
        timeout: Some(Duration::from_secs(7200)),
        grace: Duration::from_secs(30),
        max_restarts: 3,
    };
    Pods {
        name: "trainer-1a2b",
        command: &command,
        dir: Path::new("/mnt/taxi"),
        env: &[("CUPOLA_FN_ARGS".to_owned(), "/mnt/taxi/run/fn_args.json".to_owned())],
        strategy,
        limits: &limits,
        cluster: &cluster(kind),
    }
    .manifests()
}

#[test]
fn manifests_are_as_they_were() {
    let two = Some(Strategy::MultiWorker { workers: 2 });
    let cases = [
        ("job", None, None),
        ("job-mirrored", Some(Strategy::Mirrored { processes: 1 }), None),
        ("job-mirrored-2", Some(Strategy::Mirrored { processes: 2 }), None),
        ("job-multi-worker", two, Some(JobKind::Job)),
        ("job-set-multi-worker", two, None),
        (
            "job-set-parameter-server",
            Some(Strategy::ParameterServer { workers: 2, parameter_servers: 1 }),
            None,
        ),
        ("pytorch-job", two, Some(JobKind::PytorchJob)),
    ];
    for (name, strategy, kind) in cases {
        let text = to_yaml_documents(&manifests(strategy, kind).unwrap());
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "testdata/manifests", &format!("{name}.yaml")]
                .iter()
                .collect();
        #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
        if std::env::var("UPDATE").is_ok() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == expected, "{}: is now\n{text}", path.display());
    }
}

/// Returns the value of a variable of a container.
fn variable<'a>(container: &'a Value, name: &str) -> &'a str {
    let env = container["env"].as_array().unwrap();
    let found = env.iter().find(|variable| variable["name"] == name);
    found.map_or("", |variable| variable["value"].as_str().unwrap_or("from a field"))
}

#[test]
fn every_framework_is_told_the_names_that_its_pods_have() {
    let two = Some(Strategy::MultiWorker { workers: 2 });
    let set = manifests(two, None).unwrap().remove(0);
    let second = &set["spec"]["replicatedJobs"][1];
    assert_eq!(second["name"], "worker-1");
    let container = &second["template"]["spec"]["template"]["spec"]["containers"][0];
    let config: Value = serde_json::from_str(variable(container, "TF_CONFIG")).unwrap();
    assert_eq!(config["task"], json!({ "type": "worker", "index": 1 }));
    assert_eq!(
        config["cluster"]["worker"],
        json!([
            "trainer-1a2b-worker-0-0-0.trainer-1a2b:2222",
            "trainer-1a2b-worker-1-0-0.trainer-1a2b:2222"
        ])
    );
    let of = |name| variable(container, name);
    assert_eq!([of("RANK"), of("WORLD_SIZE"), of("LOCAL_RANK")], ["1", "2", "0"]);
    assert_eq!(of("MASTER_ADDR"), "trainer-1a2b-worker-0-0-0.trainer-1a2b");
    assert_eq!(of("JAX_COORDINATOR_ADDRESS"), "trainer-1a2b-worker-0-0-0.trainer-1a2b:29500");

    // Of an indexed job the pods fill in their own number.
    let job = manifests(two, Some(JobKind::Job)).unwrap().remove(1);
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    for rank in ["0", "1"] {
        let config = variable(container, "TF_CONFIG").replace("$(RANK)", rank);
        let config: Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["task"]["index"].to_string(), rank);
        assert_eq!(config["cluster"]["worker"][1], "trainer-1a2b-1.trainer-1a2b:2222");
    }
    assert_eq!(variable(container, "JAX_PROCESS_ID"), "$(RANK)");
    assert_eq!(
        container["env"].as_array().unwrap().iter().filter(|v| v["name"] == "RANK").count(),
        1
    );
}

#[test]
fn the_chief_of_parameter_servers_decides_alone() {
    let strategy = Strategy::ParameterServer { workers: 2, parameter_servers: 1 };
    let set = manifests(Some(strategy), None).unwrap().remove(0);
    assert_eq!(set["spec"]["successPolicy"]["targetReplicatedJobs"], json!(["chief-0"]));
    assert_eq!(set["spec"]["replicatedJobs"].as_array().unwrap().len(), 4);
}

#[test]
fn what_does_not_go_together_is_said() {
    let servers = Some(Strategy::ParameterServer { workers: 1, parameter_servers: 1 });
    for (strategy, kind) in
        [(servers, JobKind::Job), (servers, JobKind::PytorchJob), (None, JobKind::PytorchJob)]
    {
        let said = manifests(strategy, Some(kind)).unwrap_err().to_string();
        assert!(said.contains("expected"), "{said}");
    }
}
