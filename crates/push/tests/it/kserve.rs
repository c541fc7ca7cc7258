//! KServe: the manifest, and `kubectl`, with a program in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use kubernetes::Kubectl;
use push::{Destination, Kserve};
use serde_json::json;

use crate::scene::Scene;

fn service(scene: &Scene) -> Kserve {
    let resources = json!({ "limits": { "cpu": "2", "memory": "1Gi" } });
    Kserve {
        manifest: scene.path("deploy/taxi.yaml"),
        name: "taxi".to_owned(),
        namespace: Some("models".to_owned()),
        image: "registry.local/cupola:0.1".to_owned(),
        storage_uri: Some("s3://models/taxi/{version}".to_owned()),
        service_account: Some("reader".to_owned()),
        min_replicas: Some(0),
        max_replicas: Some(3),
        resources: resources.as_object().unwrap().clone(),
        kubectl: None,
        ready_timeout: Duration::from_secs(90),
    }
}

#[test]
fn the_manifest_is_written() {
    let scene = Scene::new();
    let told = scene.deliver(&scene.model(1.0), &[Destination::Kserve(Box::new(service(&scene)))]);
    assert_eq!(told[0]["place"], "s3://models/taxi/1767225600");
    let written = fs::read_to_string(scene.path("deploy/taxi.yaml")).unwrap();
    assert_eq!(
        written,
        r#"apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: taxi
  labels:
    app.kubernetes.io/name: taxi
    app.kubernetes.io/version: "1767225600"
    app.kubernetes.io/managed-by: cupola
  namespace: models
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 3
    serviceAccountName: reader
    containers:
    - name: kserve-container
      image: "registry.local/cupola:0.1"
      command:
      - cupola
      args:
      - serve
      - "--model"
      - "taxi=/mnt/models"
      - "--host"
      - "0.0.0.0"
      - "--port"
      - "8080"
      env:
      - name: STORAGE_URI
        value: "s3://models/taxi/1767225600"
      ports:
      - containerPort: 8080
        protocol: TCP
      readinessProbe:
        httpGet:
          path: /health/ready
          port: 8080
      livenessProbe:
        httpGet:
          path: /health/live
          port: 8080
      resources:
        limits:
          cpu: "2"
          memory: "1Gi"
"#
    );
}

#[test]
fn it_is_applied_where_there_is_a_context() {
    let scene = Scene::new();
    let kubectl = scene.path("kubectl");
    let here = scene.dir.path().display();
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {here}/calls\nif [ -e {here}/refuse ]; then echo 'forbidden' >&2; exit 1; fi\n"
    );
    fs::write(&kubectl, script).unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let mut service = service(&scene);
    service.kubectl = Some(Kubectl {
        program: kubectl.display().to_string(),
        context: "prod".to_owned(),
        namespace: Some("models".to_owned()),
        timeout: Duration::from_secs(20),
    });
    let to = [Destination::Kserve(Box::new(service))];
    assert_eq!(scene.deliver(&scene.model(1.0), &to)[0]["state"], "placed");
    let calls = fs::read_to_string(scene.path("calls")).unwrap();
    assert_eq!(
        calls.replace(&here.to_string(), "[DIR]"),
        "--context=prod --namespace=models apply -f [DIR]/deploy/taxi.yaml\n\
         --context=prod --namespace=models wait inferenceservice/taxi --for=condition=Ready --timeout=90s\n"
    );
    fs::write(scene.path("refuse"), "").unwrap();
    let told = scene.deliver(&scene.model(1.0), &to);
    assert_eq!(told[0]["error"], "`kubectl apply` ended with exit code 1: forbidden");
}

#[test]
fn a_service_takes_the_model_from_where_it_is() {
    let scene = Scene::new();
    let mut service = service(&scene);
    service.storage_uri = None;
    let to = [Destination::Kserve(Box::new(service.clone()))];
    let told = scene.deliver(&scene.model(1.0), &to);
    assert!(told[0]["error"].as_str().unwrap().starts_with("service `taxi`: no `storage_uri`"));
    service.storage_uri = Some("pvc://models/taxi/{version}".to_owned());
    service.name = "Taxi".to_owned();
    let told = scene.deliver(&scene.model(1.0), &[Destination::Kserve(Box::new(service))]);
    assert!(told[0]["error"].as_str().unwrap().contains("lower case"), "{told:?}");
    assert!(!scene.path("deploy/taxi.yaml").exists());
}
