//! TensorFlow Serving's REST API.

use base64::Engine as _;
use model::Task;
use serde_json::{Value, json};

use crate::scene::{Scene, logit, push};

const PREDICT: &str = "/v1/models/taxi:predict";
const ROW: &str = r#"{"fare": 12.0, "company": "Yellow"}"#;

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Reads floats with their own precision.
fn float(value: &Value) -> f32 {
    value.to_string().parse().unwrap()
}

#[test]
fn rows_are_answered_row_by_row() {
    let scene = Scene::new();
    let mut client = scene.client();
    let body = format!(r#"{{"instances": [{ROW}, {{"company": ["Blue"], "fare": [10]}}]}}"#);
    let answer = client.post(PREDICT, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let rows = answer.json()["predictions"].as_array().unwrap().clone();
    assert_eq!(float(&rows[0]["logit"][0]).to_bits(), logit(0.0).to_bits());
    assert_eq!(float(&rows[0]["prediction"][0]).to_bits(), sigmoid(logit(0.0)).to_bits());
    assert_eq!(float(&rows[1]["logit"][0]).to_bits(), 1.0f32.to_bits());

    // The same connection, and every way to say which version.
    for path in [
        "/v1/models/taxi/versions/1:predict",
        "/v1/models/taxi/versions/001:predict",
        "/V1/Models/taxi/Versions/1:Predict",
        "/v1/models/t%61xi:predict",
    ] {
        assert_eq!(client.post(path, &body).json(), answer.json(), "{path}");
    }
}

#[test]
fn columns_are_answered_column_by_column() {
    let scene = Scene::new();
    let body = r#"{"signature_name": "serving_default",
        "inputs": {"fare": [[12.0], [10.0]], "company": ["Yellow", "Blue"]}}"#;
    let outputs = scene.client().post(PREDICT, body).json()["outputs"].clone();
    assert_eq!(float(&outputs["logit"][0][0]).to_bits(), logit(0.0).to_bits());
    assert_eq!(outputs["prediction"].as_array().unwrap().len(), 2);
}

#[test]
fn one_output_is_bare() {
    let dir = tempfile::tempdir().unwrap();
    push(&dir.path().join("taxi"), 1, Task::Regression, 0.5);
    let scene = Scene::of(dir, |_, _| {});
    let mut client = scene.client();
    let answer = client.post(PREDICT, &format!(r#"{{"instances": [{ROW}]}}"#));
    assert_eq!(answer.text(), r#"{"predictions": [[3.5]]}"#);
    let answer = client.post(PREDICT, r#"{"inputs": {"fare": [12], "company": ["Yellow"]}}"#);
    assert_eq!(answer.text(), r#"{"outputs": [[3.5]]}"#);
    let answer =
        client.post("/v1/models/taxi:regress", &format!(r#"{{"examples": [{ROW}, {ROW}]}}"#));
    assert_eq!(answer.text(), r#"{"results": [3.5, 3.5]}"#);
    let answer = client.post("/v1/models/taxi:classify", &format!(r#"{{"examples": [{ROW}]}}"#));
    assert_eq!(
        answer.error(),
        "400 the model does not classify; ask it with `:regress` or `:predict`"
    );
}

#[test]
fn several_classes_have_a_score_each() {
    let dir = tempfile::tempdir().unwrap();
    let task = Task::MultiClassClassification { num_classes: 3 };
    push(&dir.path().join("taxi"), 1, task, 0.0);
    let scene = Scene::of(dir, |_, _| {});
    let mut client = scene.client();
    let predictions = client.post(PREDICT, &format!(r#"{{"instances": [{ROW}]}}"#)).json();
    let predictions = predictions["predictions"][0]["prediction"].clone();
    let classes = client.post("/v1/models/taxi:classify", &format!(r#"{{"examples": [{ROW}]}}"#));
    let classes = classes.json()["results"][0].clone();
    assert_eq!(predictions.as_array().unwrap().len(), 3);
    for (place, label) in ["0", "1", "2"].into_iter().enumerate() {
        assert_eq!(classes[place], json!([label, predictions[place]]));
    }
    let regress = client.post("/v1/models/taxi:regress", &format!(r#"{{"examples": [{ROW}]}}"#));
    assert_eq!(regress.status, 400);
}

#[test]
fn examples_have_a_context_and_may_lack_features() {
    let scene = Scene::new();
    let mut client = scene.client();
    let classify = |client: &mut crate::client::Client, body: &str| {
        let answer = client.post("/v1/models/taxi:classify", body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["results"].clone()
    };
    let plain = classify(&mut client, &format!(r#"{{"examples": [{ROW}]}}"#));
    let scores = plain[0].as_array().unwrap();
    assert_eq!((&scores[0][0], &scores[1][0]), (&json!("0"), &json!("1")));
    assert_eq!(float(&scores[1][1]).to_bits(), sigmoid(logit(0.0)).to_bits());

    let with_context =
        r#"{"context": {"company": "Yellow", "fare": 1}, "examples": [{"fare": 12.0}]}"#;
    assert_eq!(classify(&mut client, with_context), plain);
    let missing = classify(&mut client, r#"{"examples": [{"company": "Yellow"}]}"#);
    let null = r#"{"instances": [{"company": "Yellow", "fare": null}]}"#;
    let null = client.post(PREDICT, null).json()["predictions"][0]["prediction"][0].clone();
    assert_eq!(missing[0][1][1], null);
}

#[test]
fn numbers_are_floats_of_32_bits_and_words() {
    let scene = Scene::new();
    let mut client = scene.client();
    for (fare, expected) in [
        ("12.000000000001", "3.0"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e39", "Infinity"),
    ] {
        let body = format!(r#"{{"instances": [{{"fare": {fare}, "company": "Yellow"}}]}}"#);
        let text = client.post(PREDICT, &body).text();
        assert!(text.contains(&format!(r#""logit": [{expected}]"#)), "{fare}: {text}");
    }
}

#[test]
fn bytes_are_base64_and_examples_too() {
    let scene = Scene::new();
    let mut client = scene.client();
    let plain = client.post(PREDICT, &format!(r#"{{"instances": [{ROW}]}}"#)).text();
    let body = r#"{"instances": [{"fare": 12.0, "company": {"b64": "WWVsbG93"}}]}"#;
    assert_eq!(client.post(PREDICT, body).text(), plain);
    // A tf.Example of the same row.
    let example = base64::engine::general_purpose::STANDARD.encode(example());
    for body in [
        format!(r#"{{"instances": [{{"b64": "{example}"}}]}}"#),
        format!(r#"{{"instances": [{{"examples": {{"b64": "{example}"}}}}]}}"#),
        format!(r#"{{"inputs": {{"examples": [{{"b64": "{example}"}}]}}}}"#),
    ] {
        let answer = client.post(PREDICT, &body);
        let text = answer.text().replace("outputs", "predictions");
        assert_eq!(answer.status, 200, "{text}");
        assert!(text.contains("[3.0]"), "{text}");
    }
    for wrong in
        [r#"{"b64": "WWVsbG93", "x": 1}"#, r#"{"b64": "!"}"#, r#"{"b64": 1}"#, r#"{"b64": "/w=="}"#]
    {
        let body = format!(r#"{{"instances": [{{"fare": 1, "company": {wrong}}}]}}"#);
        assert_eq!(client.post(PREDICT, &body).status, 400, "{wrong}");
    }
}

/// Returns the row as a tf.Example.
pub(crate) fn example() -> Vec<u8> {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }
    let feature = |name: &str, list: Vec<u8>| {
        field(1, &[field(1, name.as_bytes()), field(2, &list)].concat())
    };
    let fare = feature("fare", field(2, &field(1, &12.0f32.to_le_bytes())));
    let company = feature("company", field(1, &field(1, b"Yellow")));
    field(1, &[fare, company].concat())
}

#[test]
fn states_and_signatures_are_told() {
    let scene = Scene::new();
    let mut client = scene.client();
    let available = json!({ "model_version_status": [{
        "version": "1",
        "state": "AVAILABLE",
        "status": { "error_code": "OK", "error_message": "" },
    }]});
    for path in ["/v1/models/taxi", "/v1/models/taxi/versions/1"] {
        let (status, body) = client.get(path);
        assert_eq!(
            (status, serde_json::from_str::<Value>(&body).unwrap()),
            (200, available.clone())
        );
    }
    let (status, body) = client.get("/v1/models/taxi/metadata");
    assert_eq!(status, 200);
    let metadata: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        metadata["model_spec"],
        json!({ "name": "taxi", "signature_name": "", "version": "1" })
    );
    let signatures = &metadata["metadata"]["signature_def"]["signature_def"];
    let names: Vec<_> = signatures.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["classify", "raw_features", "raw_features_with_missing", "regress", "serving_default"]
    );
    assert_eq!(
        signatures["raw_features"]["inputs"]["fare"],
        json!({
            "dtype": "DT_FLOAT",
            "tensor_shape": {
                "dim": [{ "size": "-1", "name": "" }, { "size": "1", "name": "" }],
                "unknown_rank": false,
            },
            "name": "fare:0",
        })
    );
    assert_eq!(signatures["raw_features"]["method_name"], "tensorflow/serving/predict");
    assert_eq!(signatures["serving_default"]["inputs"]["examples"]["dtype"], "DT_STRING");
}

#[test]
fn mistakes_are_said() {
    let scene = Scene::new();
    let mut client = scene.client();
    let mut said = |method: &str, path: &str, body: &str| {
        client.request(method, path, "", body.as_bytes()).error()
    };
    for (method, path, body, expected) in [
        (
            "POST",
            "/v1/models/nope:predict",
            "{\"instances\": []}",
            "404 Servable not found for request: Latest(nope)",
        ),
        (
            "POST",
            "/v1/models/taxi/versions/7:predict",
            &format!("{{\"instances\": [{ROW}]}}"),
            "404 Servable not found for request: Specific(taxi, 7)",
        ),
        (
            "POST",
            "/v1/models/taxi/labels/x:predict",
            &format!("{{\"instances\": [{ROW}]}}"),
            "400 Unrecognized servable version label: x",
        ),
        ("GET", "/v1/models/nope", "", "404 Could not find any versions of model nope"),
        ("GET", "/v1/models/taxi/versions/7", "", "404 Could not find version 7 of model taxi"),
        ("GET", "/v1/models", "", "400 Missing model name in request."),
        ("GET", PREDICT, "", "400 Malformed request: GET /v1/models/taxi:predict"),
        (
            "POST",
            "/v1/models/taxi:explain",
            "{}",
            "400 Malformed request: POST /v1/models/taxi:explain",
        ),
        (
            "POST",
            "/v1/models/taxi/versions/x:predict",
            "{}",
            "400 Malformed request: POST /v1/models/taxi/versions/x:predict",
        ),
        (
            "POST",
            "/v1/models/..%2f..%2fetc%2fpasswd:predict",
            "{\"instances\": [1]}",
            "404 Servable not found for request: Latest(../../etc/passwd)",
        ),
        (
            "GET",
            "/v1/models/../../etc/passwd",
            "",
            "400 Malformed request: GET /v1/models/../../etc/passwd",
        ),
        ("GET", "/etc/passwd", "", "404 there is nothing at /etc/passwd"),
        ("POST", PREDICT, "", "400 JSON parse error at byte 0: expected a value"),
        (
            "POST",
            PREDICT,
            "[]",
            "400 JSON Value: found no object, expected one with \"instances\" or \"inputs\"",
        ),
        ("POST", PREDICT, "{}", "400 Missing 'inputs' or 'instances' key"),
        (
            "POST",
            PREDICT,
            "{\"instances\": [], \"inputs\": []}",
            "400 Not formatted correctly: expected one of the keys \"instances\" and \"inputs\"",
        ),
        ("POST", PREDICT, "{\"instances\": []}", "400 found no rows, expected at least one"),
        ("POST", PREDICT, "{\"instances\": 7}", "400 found another value, expected a list of rows"),
        (
            "POST",
            PREDICT,
            "{\"instances\": [7]}",
            "400 row 0: found a bare value, expected an object of 2 features",
        ),
        (
            "POST",
            PREDICT,
            "{\"instances\": [{\"fare\": 1}]}",
            "400 instance 0: feature `company` is not there; where its value is not known, send null, or a tensor `company.present`",
        ),
        (
            "POST",
            PREDICT,
            "{\"instances\": [{\"fair\": 1}]}",
            "400 feature `fair`: the model does not read it, expected `fare`?",
        ),
        (
            "POST",
            PREDICT,
            "{\"instances\": [{\"fare\": \"x\"}]}",
            "400 feature `fare`, row 0: found a string, expected FLOAT",
        ),
        (
            "POST",
            PREDICT,
            "{\"instances\": [{\"fare\": [1, 2]}]}",
            "400 feature `fare`, row 0: found several values, expected one",
        ),
        (
            "POST",
            PREDICT,
            "{\"instances\": [{\"fare\": 1, \"fare\": 2}]}",
            "400 row 0: feature `fare` stands twice",
        ),
        (
            "POST",
            PREDICT,
            "{\"inputs\": {\"fare\": [1, 2], \"company\": [\"a\"]}}",
            "400 feature `company`: found 1 rows, expected 2 as others have",
        ),
        (
            "POST",
            PREDICT,
            "{\"signature_name\": \"x\", \"instances\": []}",
            "400 Serving signature name: \"x\" not found, expected serving_default, raw_features or raw_features_with_missing",
        ),
        (
            "POST",
            PREDICT,
            "{\"signature_name\": 1, \"instances\": []}",
            "400 'signature_name' key must be a string value.",
        ),
        (
            "POST",
            "/v1/models/taxi:classify",
            "{\"instances\": []}",
            "400 When method is classify or regress, key 'examples' is expected and was not found.",
        ),
    ] {
        assert_eq!(said(method, path, body), expected, "{method} {path} {body}");
    }
    // Nothing of this ended the connection.
    assert_eq!(client.get("/health/ready").0, 200);
}

#[test]
fn requests_and_answers_may_be_compressed() {
    use flate2::write::GzEncoder;
    use std::io::{Read, Write};

    let scene = Scene::new();
    let mut client = scene.client();
    let rows = vec![ROW; 200].join(",");
    let body = format!("{{\"instances\": [{rows}]}}");
    let plain = client.post(PREDICT, &body);
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let compressed = encoder.finish().unwrap();
    let headers = "content-encoding: gzip\r\naccept-encoding: deflate, gzip\r\n";
    let answer = client.request("POST", PREDICT, headers, &compressed);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text());
    assert_eq!(client.request("POST", PREDICT, "content-encoding: br\r\n", b"x").status, 415);
}

#[test]
fn every_answer_has_an_id_and_a_date() {
    let scene = Scene::new();
    let mut client = scene.client();
    let answer = client.request("GET", "/health/live", "x-request-id: abc-7\r\n", b"");
    assert_eq!(answer.header("x-request-id"), Some("abc-7"));
    assert_eq!(answer.header("date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
    let other = client.request("GET", "/health/live", "", b"");
    assert_eq!(other.header("x-request-id").unwrap().len(), 16);
}
