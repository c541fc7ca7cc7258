//! KServe's Open Inference Protocol over REST.

use serde_json::{Value, json};

use crate::scene::{Scene, logit};

const INFER: &str = "/v2/models/taxi/infer";

fn request() -> Value {
    json!({
        "id": "7",
        "inputs": [
            { "name": "fare", "shape": [2, 1], "datatype": "FP32", "data": [[12.0], [10.0]] },
            { "name": "company", "shape": [2], "datatype": "BYTES", "data": ["Yellow", "Blue"] },
        ],
    })
}

#[test]
fn tensors_are_answered_with_tensors() {
    let scene = Scene::new();
    let mut client = scene.client();
    let answer = client.post(INFER, &request().to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["model_name"], "taxi");
    assert_eq!(answer["model_version"], "1");
    assert_eq!(answer["id"], "7");
    assert_eq!(answer["outputs"][0]["name"], "prediction");
    assert_eq!(answer["outputs"][1]["shape"], json!([2, 1]));
    assert_eq!(answer["outputs"][1]["datatype"], "FP32");
    assert_eq!(answer["outputs"][1]["data"], json!([3.0, 1.0]));

    let mut only = request();
    only["outputs"] = json!([{ "name": "logit" }]);
    let answer = client.post("/v2/models/taxi/versions/1/infer", &only.to_string()).json();
    assert_eq!(answer["outputs"].as_array().unwrap().len(), 1);
}

#[test]
fn tensors_may_be_bytes() {
    let scene = Scene::new();
    let fares = [12.0f32, 10.0].map(f32::to_le_bytes).concat();
    let companies = [&6u32.to_le_bytes()[..], b"Yellow", &4u32.to_le_bytes(), b"Blue"].concat();
    let head = json!({
        "inputs": [
            { "name": "fare", "shape": [2, 1], "datatype": "FP32",
              "parameters": { "binary_data_size": fares.len() } },
            { "name": "company", "shape": [2, 1], "datatype": "BYTES",
              "parameters": { "binary_data_size": companies.len() } },
        ],
        "outputs": [{ "name": "logit", "parameters": { "binary_data": true } }],
    })
    .to_string();
    let body = [head.as_bytes(), &fares, &companies].concat();
    let headers = format!("inference-header-content-length: {}\r\n", head.len());
    let answer = scene.client().request("POST", INFER, &headers, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let length: usize = answer.header("inference-header-content-length").unwrap().parse().unwrap();
    let described: Value = serde_json::from_slice(&answer.body[..length]).unwrap();
    assert_eq!(described["outputs"][0]["parameters"]["binary_data_size"], 8);
    let expected = [logit(0.0), 1.0].map(f32::to_le_bytes).concat();
    assert_eq!(&answer.body[length..], expected);

    for (length, body) in
        [(head.len() + 100_000, &body[..]), (head.len(), &body[..body.len() - 1]), (3, &body)]
    {
        let headers = format!("inference-header-content-length: {length}\r\n");
        assert_eq!(scene.client().request("POST", INFER, &headers, body).status, 400);
    }
}

#[test]
fn what_is_missing_is_told_by_another_tensor() {
    let scene = Scene::new();
    let mut body = request();
    body["inputs"].as_array_mut().unwrap().push(
        json!({ "name": "fare.present", "shape": [2], "datatype": "BOOL", "data": [false, true] }),
    );
    let answer = scene.client().post(INFER, &body.to_string()).json();
    let null = r#"{"instances": [{"fare": null, "company": "Yellow"}]}"#;
    let null = scene.client().post("/v1/models/taxi:predict", null).json();
    assert_eq!(answer["outputs"][1]["data"][0], null["predictions"][0]["logit"][0]);
    assert_eq!(answer["outputs"][1]["data"][1], 1.0);
}

#[test]
fn server_and_models_are_described() {
    let scene = Scene::new();
    let mut client = scene.client();
    for (path, body) in [
        ("/v2/health/live", r#"{"live":true}"#),
        ("/v2/health/ready", r#"{"ready":true}"#),
        ("/v2/models/taxi/ready", r#"{"name":"taxi","ready":true}"#),
        ("/v2/models/taxi/versions/1/ready", r#"{"name":"taxi","ready":true}"#),
    ] {
        assert_eq!(client.get(path), (200, body.to_owned()), "{path}");
    }
    assert_eq!(client.get("/v2/models/nope/ready").0, 404);
    assert_eq!(client.get("/v2/models/taxi/versions/9/ready").0, 503);
    let server: Value = serde_json::from_str(&client.get("/v2").1).unwrap();
    assert_eq!(server["name"], "cupola");
    let model: Value = serde_json::from_str(&client.get("/v2/models/taxi").1).unwrap();
    assert_eq!(model["versions"], json!(["1"]));
    assert_eq!(
        model["inputs"],
        json!([
            { "name": "fare", "datatype": "FP32", "shape": [-1, 1] },
            { "name": "company", "datatype": "BYTES", "shape": [-1, 1] },
        ])
    );
    assert_eq!(
        model["outputs"][0],
        json!({ "name": "prediction", "datatype": "FP32", "shape": [-1, 1] })
    );
}

#[test]
fn mistakes_are_said() {
    let scene = Scene::new();
    let mut client = scene.client();
    let mut said = |change: &dyn Fn(&mut Value)| {
        let mut body = request();
        change(&mut body);
        client.post(INFER, &body.to_string()).error()
    };
    assert_eq!(
        said(&|b| b["inputs"][0]["datatype"] = json!("FP8")).split(',').next().unwrap(),
        "400 found datatype \"FP8\""
    );
    assert_eq!(
        said(&|b| b["inputs"][0]["shape"] = json!([3])),
        "400 tensor `fare`: found 2 values, expected 3 of its shape"
    );
    assert_eq!(
        said(&|b| b["inputs"][0]["shape"] = json!([-1])),
        "400 tensor `fare`: shape [-1] is not one"
    );
    assert_eq!(
        said(&|b| b["inputs"][0]["shape"] = json!([1, 2])),
        "400 tensor `company`: found 2 rows, expected 1 as others have"
    );
    assert_eq!(
        said(&|b| b["inputs"][0]["data"] = json!(["a", "b"])),
        "400 tensor `fare`: found a string among values of its datatype"
    );
    assert_eq!(
        said(&|b| b["inputs"][0]["name"] = json!("fair")),
        "400 feature `fair`: the model does not read it, expected `fare`?"
    );
    assert_eq!(
        said(&|b| b["outputs"] = json!([{ "name": "x" }])),
        "400 the model has no output \"x\""
    );
    assert_eq!(said(&|b| b["inputs"] = json!([])), "400 found no rows, expected at least one");
    assert_eq!(
        said(&|b| drop(b.as_object_mut().unwrap().remove("inputs"))),
        "400 found no \"inputs\", expected a list of tensors"
    );
    assert_eq!(client.post("/v2/models/nope/infer", &request().to_string()).status, 404);
    assert_eq!(
        client.post("/v2/models/taxi/versions/x/infer", "{}").error(),
        "400 model version \"x\" is not a number"
    );
}
