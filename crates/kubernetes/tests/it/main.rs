//! `kubectl`, with a program in its place that writes down how it was called; and YAML, read by somebody else's reader.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod yaml;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kubernetes::Kubectl;
use tempfile::TempDir;

struct Scene {
    dir: TempDir,
}

impl Scene {
    fn new(script: &str) -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap() };
        let path = scene.path("kubectl");
        let here = scene.dir.path().display();
        fs::write(&path, format!("#!/bin/sh\necho \"$@\" >> {here}/calls\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(scene.path("taxi.yaml"), "kind: Job\n").unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn kubectl(&self) -> Kubectl {
        Kubectl {
            program: self.path("kubectl").display().to_string(),
            context: "prod".to_owned(),
            namespace: Some("models".to_owned()),
            timeout: Duration::from_secs(10),
        }
    }

    fn calls(&self) -> String {
        let here = self.dir.path().display().to_string();
        fs::read_to_string(self.path("calls")).unwrap().replace(&here, "[DIR]")
    }
}

#[test]
fn a_manifest_is_applied_under_the_context_and_waited_for() {
    let scene = Scene::new("echo done");
    let kubectl = scene.kubectl();
    assert_eq!(kubectl.apply(&scene.path("taxi.yaml"), &|| false).unwrap(), "done\n");
    kubectl.wait("inferenceservice/taxi", "Ready", Duration::from_secs(90), &|| false).unwrap();
    assert_eq!(
        scene.calls(),
        "--context=prod --namespace=models apply -f [DIR]/taxi.yaml\n\
         --context=prod --namespace=models wait inferenceservice/taxi --for=condition=Ready --timeout=90s\n"
    );
}

#[test]
fn what_it_says_no_to_is_said() {
    let scene = Scene::new("echo 'error: no such kind' >&2; exit 3");
    let said = scene.kubectl().apply(&scene.path("taxi.yaml"), &|| false).unwrap_err();
    assert_eq!(said.to_string(), "`kubectl apply` ended with exit code 3: error: no such kind");
    let said = scene.kubectl().apply(&scene.path("other.yaml"), &|| false).unwrap_err();
    assert!(said.to_string().ends_with("other.yaml: no such manifest"), "{said}");
    let mut kubectl = scene.kubectl();
    kubectl.program = scene.path("nothing").display().to_string();
    let said = kubectl.apply(&scene.path("taxi.yaml"), &|| false).unwrap_err();
    assert!(base::Classify::hint(&said).unwrap().contains("without a `context`"));
}

#[test]
fn one_that_does_not_end_is_ended() {
    let scene = Scene::new("echo waiting >&2; sleep 60");
    let mut kubectl = scene.kubectl();
    kubectl.timeout = Duration::from_millis(200);
    let began = Instant::now();
    let said = kubectl.apply(&scene.path("taxi.yaml"), &|| false).unwrap_err();
    assert!(said.to_string().contains("did not end within 0 s: waiting"), "{said}");
    let said = scene.kubectl().apply(&scene.path("taxi.yaml"), &|| true).unwrap_err();
    assert_eq!(said.to_string(), "cancelled");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn objects_are_looked_at_and_removed() {
    let scene = Scene::new("if [ \"$4\" = job/taxi ]; then echo '{\"kind\": \"Job\"}'; fi");
    let kubectl = scene.kubectl();
    assert_eq!(kubectl.get("job/taxi", &|| false).unwrap().unwrap()["kind"], "Job");
    assert_eq!(kubectl.get("job/bike", &|| false).unwrap(), None);
    kubectl.delete("job/taxi").unwrap();
    kubectl.logs("app=taxi", 5).unwrap();
    assert_eq!(
        scene.calls(),
        "--context=prod --namespace=models get job/taxi --ignore-not-found --output=json\n\
         --context=prod --namespace=models get job/bike --ignore-not-found --output=json\n\
         --context=prod --namespace=models delete job/taxi --ignore-not-found --wait=true\n\
         --context=prod --namespace=models logs --selector=app=taxi --tail=5 --prefix=true --ignore-errors=true\n"
    );
    let scene = Scene::new("echo '{'");
    let said = scene.kubectl().get("job/taxi", &|| false).unwrap_err();
    assert_eq!(said.to_string(), "`kubectl get job/taxi` said no JSON");
}
