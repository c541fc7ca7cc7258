//! OpenAI's completions: whole and in events, one and several, what is refused, who is turned away, and who goes away.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use graph::{GraphBuilder, ListOp, Op, ValueType, Vocabulary, byte_tokens};
use language::{LanguageModel, Layout, Shape, WeightType};
use serde_json::{Value, json};
use serve::ModelConfig;
use serve::config::CompletionLimits;
use text_model::TokenizerFiles;

use crate::scene::{PATIENCE, Scene};

/// The token between documents.
const BOUNDARY: u32 = 256;

/// Pushes a language model that knows bytes and says what comes to its mind, for ever: it never ends a text.
pub(crate) fn push(dir: &Path, number: u64, max_positions: usize) {
    let shape = Shape {
        vocab_size: BOUNDARY as usize + 1,
        hidden_size: 32,
        intermediate_size: 64,
        num_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        head_dim: 8,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_embeddings: true,
        max_positions,
        bos_token: Some(BOUNDARY),
        eos_tokens: Vec::new(),
    };
    let len = Layout::new(&shape).unwrap().len();
    let mut state = 12345_u64;
    let weights = (0..len).map(|_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (state >> 40) as f32 / 16_777_216.0;
        (unit - 0.5) * 0.6
    });
    let model = LanguageModel::new(shape, weights.collect()).unwrap();
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    let words = builder.node(Op::OfList(ListOp::ByteWords), &[text]).unwrap();
    let vocabulary = Vocabulary::new(byte_tokens()).unwrap();
    let vocabulary = builder.vocabulary("bpe", vocabulary).unwrap();
    let ids = builder.node(Op::OfList(ListOp::BytePairs { vocabulary }), &[words]).unwrap();
    builder.output("tokens", ids).unwrap();
    let made = tempfile::tempdir().unwrap();
    model.save(made.path(), WeightType::F32).unwrap();
    let files = TokenizerFiles::of_graph(&builder.build(), "tokens", Some(BOUNDARY));
    files.unwrap().unwrap().write(made.path(), max_positions).unwrap();
    assert_eq!(push::push(made.path(), dir, number).unwrap().version, number);
}

/// A server of the language model `lm` beside `taxi`.
pub(crate) fn scene(max_positions: usize, change: impl FnOnce(&mut CompletionLimits)) -> Scene {
    Scene::with(|dir, config| {
        push(&dir.join("lm"), 7, max_positions);
        let mut model = ModelConfig::new("lm", dir.join("lm"));
        change(&mut model.completions);
        config.models.push(model);
    })
}

fn ask(scene: &Scene, body: &Value) -> Value {
    let answer = scene.client().post("/v1/completions", &body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Returns the objects of the events of an answer, which ends as it should.
fn events(scene: &Scene, body: &Value) -> Vec<Value> {
    let mut stream = TcpStream::connect(scene.address()).unwrap();
    let body = body.to_string();
    // HTTP/1.0 knows no chunks, so that the answer is the events as they are.
    let request =
        format!("POST /v1/completions HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    let mut events: Vec<&str> = body.split("\n\n").collect();
    assert_eq!(events.pop(), Some(""));
    assert_eq!(events.pop(), Some("data: [DONE]"), "{body}");
    let parse = |event: &str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    events.into_iter().map(parse).collect()
}

fn text(events: &[Value], index: u64) -> String {
    let choices = events.iter().filter_map(|event| event["choices"].get(0));
    let choices = choices.filter(|choice| choice["index"] == index);
    choices.map(|choice| choice["text"].as_str().unwrap()).collect()
}

#[test]
fn a_seed_gives_the_same_text_whole_and_in_events() {
    let scene = scene(256, |_| {});
    let mut body = json!({
        "model": "lm", "prompt": "Once upon", "max_tokens": 40, "seed": 11, "n": 2,
    });
    let whole = ask(&scene, &body);
    assert_eq!(whole["object"], "text_completion");
    assert_eq!(whole["model"], "lm");
    assert_eq!(whole["system_fingerprint"], "v7");
    assert_eq!(whole["choices"][1]["index"], 1);
    assert_eq!(whole["choices"][0]["finish_reason"], "length");
    // Nine bytes behind the token that begins a text.
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 80, "total_tokens": 90 });
    assert_eq!(whole["usage"], usage);
    assert_ne!(whole["choices"][0]["text"], whole["choices"][1]["text"]);
    assert_eq!(ask(&scene, &body)["choices"], whole["choices"]);

    body["stream"] = true.into();
    let without = events(&scene, &body);
    assert!(without.iter().all(|event| event.get("usage").is_none()));
    body["stream_options"] = json!({ "include_usage": true });
    let events = events(&scene, &body);
    assert!(events.len() > 20, "{}", events.len());
    for (place, index) in [(0, 0), (1, 1)] {
        assert_eq!(whole["choices"][place]["text"], text(&events, index));
    }
    let (last, others) = events.split_last().unwrap();
    assert_eq!(last["usage"], usage);
    assert_eq!(last["choices"], json!([]));
    assert!(others.iter().all(|event| event["usage"].is_null() && event["id"] == last["id"]));
    let finished = others.iter().filter(|event| event["choices"][0]["finish_reason"] == "length");
    assert_eq!(finished.count(), 2);

    body["seed"] = 12.into();
    body["stream"] = false.into();
    body.as_object_mut().unwrap().remove("stream_options");
    assert_ne!(ask(&scene, &body)["choices"], whole["choices"]);
}

#[test]
fn prompts_stop_echo_and_probabilities_are_as_openai_has_them() {
    let scene = scene(256, |_| {});
    let body = json!({
        "model": "lm", "prompt": ["ab", [0, 1, 2]], "max_tokens": 6, "temperature": 0,
        "logprobs": 2, "echo": true,
    });
    let found = ask(&scene, &body);
    let choices = found["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2);
    assert!(choices[0]["text"].as_str().unwrap().starts_with("ab"));
    // Tokens 0 to 2 are the first characters that stand for bytes.
    assert!(choices[1]["text"].as_str().unwrap().starts_with("!\"#"));
    for (choice, num_tokens) in choices.iter().zip([3 + 6, 3 + 6]) {
        let logprobs = &choice["logprobs"];
        for key in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            assert_eq!(logprobs[key].as_array().unwrap().len(), num_tokens, "{key}");
        }
        assert!(logprobs["token_logprobs"][0].is_null() && logprobs["top_logprobs"][0].is_null());
        // The likeliest is what was chosen, and there are two, or one where both look the same.
        for place in 3..num_tokens {
            let chosen = logprobs["token_logprobs"][place].as_f64().unwrap();
            let top = logprobs["top_logprobs"][place].as_object().unwrap();
            assert!((1..=2).contains(&top.len()), "{top:?}");
            assert!(top.values().all(|other| other.as_f64().unwrap() <= chosen));
        }
    }
    assert_eq!(choices[0]["logprobs"]["tokens"][0], "<|endoftext|>");
    assert_eq!(choices[0]["logprobs"]["tokens"][2], "b");
    // The token that begins a text takes no place in it, the others that of a character.
    let offsets = choices[0]["logprobs"]["text_offset"].as_array().unwrap();
    assert_eq!(offsets[..4], [0, 0, 1, 2].map(Value::from));

    // Only how likely a text is.
    let score =
        json!({ "model": "lm", "prompt": "ab", "max_tokens": 0, "echo": true, "logprobs": 0 });
    let found = ask(&scene, &score);
    assert_eq!(found["choices"][0]["text"], "ab");
    assert!(found["choices"][0]["logprobs"]["top_logprobs"].is_null());
    assert_eq!(found["usage"]["completion_tokens"], 0);

    let all = json!({ "model": "lm", "prompt": "x", "max_tokens": 60, "seed": 3 });
    let whole = ask(&scene, &all)["choices"][0]["text"].as_str().unwrap().to_owned();
    let stop: String = whole.chars().skip(10).take(2).collect();
    let mut with_stop = all;
    with_stop["stop"] = json!([stop]);
    let found = ask(&scene, &with_stop);
    assert_eq!(found["choices"][0]["text"], whole[..whole.find(&stop).unwrap()]);
    assert_eq!(found["choices"][0]["finish_reason"], "stop");

    // What was said already is said less.
    let text = |penalty: f32| {
        let body = json!({
            "model": "lm", "prompt": "x", "max_tokens": 60, "temperature": 0, "frequency_penalty": penalty,
        });
        ask(&scene, &body)["choices"][0]["text"].clone()
    };
    assert_ne!(text(2.0), text(-2.0));
}

#[test]
fn what_cannot_be_is_said_as_openai_says_it() {
    let scene = scene(32, |limits| limits.max_tokens = Some(20));
    let said = |body: &Value| {
        let answer = scene.client().post("/v1/completions", &body.to_string());
        let error = answer.json()["error"].clone();
        assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
        (answer.status, error)
    };
    let (status, error) = said(&json!({ "model": "other", "prompt": "a" }));
    assert_eq!((status, &error["code"]), (404, &json!("model_not_found")));
    let (status, error) = said(&json!({ "model": "taxi", "prompt": "a" }));
    assert_eq!((status, &error["param"]), (400, &json!("model")));
    let (status, error) = said(&json!({ "model": "lm", "suffix": "b" }));
    assert_eq!((status, &error["param"]), (400, &json!("suffix")));
    let (status, error) = said(&json!({ "model": "lm", "prompt": "a".repeat(40) }));
    assert_eq!((status, &error["code"]), (400, &json!("context_length_exceeded")));
    let (status, error) =
        said(&json!({ "model": "lm", "prompt": "a".repeat(20), "max_tokens": 15 }));
    assert_eq!((status, &error["code"]), (400, &json!("context_length_exceeded")), "{error}");
    let (status, error) = said(&json!({ "model": "lm", "max_tokens": 21 }));
    assert_eq!((status, &error["param"]), (400, &json!("max_tokens")));
    let (status, error) = said(&json!({ "model": "lm", "prompt": [999] }));
    assert_eq!((status, &error["param"]), (400, &json!("prompt")), "{error}");
    // Where it is not said how many, there are as many as there is room for.
    let body = json!({ "model": "lm", "prompt": "a".repeat(24) });
    assert_eq!(ask(&scene, &body)["usage"]["completion_tokens"], 32 + 1 - 25);

    let answer = scene.client().post("/v1/chat/completions", "{}");
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!("unknown_url")));
    let (status, _) = scene.client().get("/v1/completions");
    assert_eq!(status, 405);
}

#[test]
fn models_are_listed_for_both_kinds_of_clients() {
    let scene = scene(32, |_| {});
    let (status, body) = scene.client().get("/v1/models");
    assert_eq!(status, 200);
    let listed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed["data"][0]["id"], "lm");
    let (_, body) = scene.client().get("/v1/models/lm");
    let model: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(model["object"], "model");
    assert_eq!(model["model_version_status"][0]["state"], "AVAILABLE");
    let (_, body) = scene.client().get("/v1/models/taxi");
    assert!(!body.contains("\"object\""), "{body}");
    // Asked for predictions, it says how well it foresees texts.
    let answer =
        scene.client().post("/v1/models/lm:predict", r#"{"instances": [{"text": "abc"}]}"#);
    assert_eq!(answer.json()["predictions"][0]["num_tokens"], json!([3.0]), "{}", answer.text());
}

#[test]
fn a_token_is_asked_for() {
    let scene = Scene::with(|dir, config| {
        push(&dir.join("lm"), 7, 32);
        config.models.push(ModelConfig::new("lm", dir.join("lm")));
        config.tokens = vec!["secret".to_owned()];
    });
    let answer = scene.client().post("/v1/completions", r#"{"model": "lm"}"#);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
    let headers = "authorization: Bearer secret\r\n";
    let answer = scene.client().request("POST", "/v1/completions", headers, b"{\"model\": \"lm\"}");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A long text, which takes a while.
fn long(stream: bool) -> String {
    let body = json!({ "model": "lm", "prompt": "a", "max_tokens": 60_000, "stream": stream });
    let body = body.to_string();
    format!(
        "POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn wait_for(scene: &Scene, metric: &str, value: u64) {
    let until = Instant::now() + PATIENCE;
    while scene.metric(metric) != value {
        assert!(Instant::now() < until, "{metric} {}", scene.client().get("/metrics").1);
        std::thread::sleep(Duration::from_millis(10));
    }
}

const RUNNING: &str = "cupola_running_completions{model_name=\"lm\"}";
pub(crate) const CANCELLED: &str = "cupola_cancelled_completions_total{model_name=\"lm\"}";

#[test]
fn nothing_is_generated_for_those_who_went_away() {
    let scene = scene(1 << 16, |limits| limits.max_concurrency = 1);
    for (place, stream) in [true, false].into_iter().enumerate() {
        let mut client = TcpStream::connect(scene.address()).unwrap();
        client.write_all(long(stream).as_bytes()).unwrap();
        if stream {
            // Some of it has come.
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().starts_with("data: ")));
        }
        wait_for(&scene, RUNNING, 1);
        drop(client);
        wait_for(&scene, CANCELLED, place as u64 + 1);
        wait_for(&scene, RUNNING, 0);
    }
    let (_, metrics) = scene.client().get("/metrics");
    assert!(
        metrics.contains("API=\"Completions\",entrypoint=\"REST\",status=\"CANCELLED\"} 2"),
        "{metrics}"
    );
}

#[test]
fn those_who_find_too_many_waiting_are_turned_away_and_others_get_their_turn() {
    let scene = scene(1 << 16, |limits| {
        limits.max_concurrency = 1;
        limits.max_queued = 1;
    });
    let mut first = TcpStream::connect(scene.address()).unwrap();
    first.write_all(long(true).as_bytes()).unwrap();
    wait_for(&scene, RUNNING, 1);
    let address = scene.address();
    let second = std::thread::spawn(move || {
        let body = r#"{"model": "lm", "max_tokens": 2}"#;
        crate::client::Client::new(address).post("/v1/completions", body).status
    });
    wait_for(&scene, "cupola_waiting_completions{model_name=\"lm\"}", 1);
    let third = scene.client().post("/v1/completions", r#"{"model": "lm", "max_tokens": 2}"#);
    assert_eq!(third.status, 429);
    assert_eq!(third.json()["error"]["type"], "rate_limit_error");
    assert_eq!(third.header("retry-after"), Some("1"));
    drop(first);
    assert_eq!(second.join().unwrap(), 200);
}

#[test]
fn what_takes_too_long_is_ended() {
    let scene = Scene::with(|dir, config| {
        push(&dir.join("lm"), 7, 1 << 16);
        config.models.push(ModelConfig::new("lm", dir.join("lm")));
        config.limits.request_timeout = Duration::from_millis(300);
    });
    let body = json!({ "model": "lm", "prompt": "a", "max_tokens": 60_000 });
    let answer = scene.client().post("/v1/completions", &body.to_string());
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert_eq!(answer.json()["error"]["type"], "server_error");
    // In the middle of events, the last one says so.
    let mut client = TcpStream::connect(scene.address()).unwrap();
    client.write_all(long(true).as_bytes()).unwrap();
    let lines = BufReader::new(client).lines().map_while(Result::ok);
    let last =
        lines.take_while(|line| line != "0").filter(|line| line.starts_with("data: ")).last();
    assert!(last.as_ref().is_some_and(|last| last.contains("took longer")), "{last:?}");
}

#[test]
fn events_come_over_http_2_and_end_with_the_stream() {
    let scene = scene(1 << 16, |_| {});
    let address = scene.address();
    let ask = |max_tokens: u32, most: usize| {
        let body = json!({
            "model": "lm", "prompt": "a", "max_tokens": max_tokens, "seed": 2, "stream": true,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (client, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let mut client = client.ready().await.unwrap();
            let request = http::Request::builder().method("POST");
            let request = request.uri(format!("http://{address}/v1/completions")).body(()).unwrap();
            let (response, mut sending) = client.send_request(request, false).unwrap();
            sending.send_data(body.to_string().into(), true).unwrap();
            let (head, mut body) = response.await.unwrap().into_parts();
            assert_eq!(head.status, 200);
            let mut text = String::new();
            while let Some(data) = body.data().await {
                let data = data.unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                text.push_str(std::str::from_utf8(&data).unwrap());
                if text.len() >= most {
                    sending.send_reset(h2::Reason::CANCEL);
                    break;
                }
            }
            // What was sent has to go out before the connection ends.
            tokio::time::sleep(Duration::from_millis(50)).await;
            text
        })
    };
    let text = ask(12, usize::MAX);
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert!(text.matches("data: {").count() > 5, "{text}");
    // One stream is given up, and nothing is generated for it any longer.
    ask(60_000, 1000);
    wait_for(&scene, CANCELLED, 1);
    wait_for(&scene, RUNNING, 0);
}
