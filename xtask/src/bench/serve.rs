//! `cargo xtask bench serve`: single-row predictions of the taxi model over loopback, REST and gRPC, at full load, at
//! half of it and at a steady one, with versions that change meanwhile; how soon a server answers; and FastAPI with ONNX
//! Runtime, which serves the same model exported, under the same load.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Options, Scratch};
use crate::Failure;
use crate::load::{Outcome, Plan, Target, ask, predict_request, request, run};
use crate::served::{Served, as_json, first_row, push_again, pushed};

const PREDICT: &str = "/v1/models/taxi:predict";
const GRPC: &str = "/tensorflow.serving.PredictionService/Predict";

/// Runs the benchmark.
pub(super) fn bench(options: &Options) -> Result<(), Failure> {
    let binary = options.cupola()?;
    let scratch = Scratch::new()?;
    let dir = pushed(&binary, &options.workspace, &scratch.0)?;
    let log = scratch.0.join("serve.log");
    println!("| cold start: from the command to the first answer | |\n| --- | --- |");
    println!(
        "| median of {} | {:.0} ms |\n",
        options.runs,
        cold_start(&binary, &dir, options, &log)? * 1e3
    );

    let served = Served::start(&binary, &dir, &log)?;
    served.wait_ready()?;
    let row = first_row(served.address, "taxi", &options.data)?;
    let body = serde_json::json!({ "instances": [as_json(&row)] }).to_string();
    let rest = Target::Rest(request("POST", PREDICT, &body));
    let grpc = Target::Grpc(GRPC.to_owned(), predict_request("taxi", &row));

    println!(
        "| single rows, {} s each | predictions/s | p50 | p99 | p99.9 | server's CPU | failed |",
        options.seconds
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let time = Duration::from_secs(options.seconds);
    let mut full = 0.0;
    for (name, target, connections, streams, steady) in
        [("REST", &rest, 16, 1, 7_500.0), ("gRPC", &grpc, 4, 8, 12_500.0)]
    {
        let plan = |rate| Plan { connections, streams, time, rate };
        let warm = Plan { time: Duration::from_secs(1), ..plan(None) };
        run(served.address, target, warm)?;
        let most = say(&format!("{name}, all that it takes"), &served, target, plan(None))?;
        if name == "REST" {
            full = most.rate();
        }
        let steadily = format!("{steady} a second");
        for (load, rate) in [("half of that", most.rate() / 2.0), (steadily.as_str(), steady)] {
            let plan = plan(Some(rate));
            say(&format!("{name}, {load}"), &served, target, plan)?;
            let ends = AtomicBool::new(false);
            std::thread::scope(|scope| -> Result<(), Failure> {
                scope.spawn(|| {
                    while !ends.load(Ordering::Relaxed) {
                        let _ = push_again(&dir);
                        std::thread::sleep(Duration::from_secs(1));
                    }
                });
                let name = format!("{name}, {load}, a new version every second");
                let outcome = say(&name, &served, target, plan);
                ends.store(true, Ordering::Relaxed);
                outcome.map(drop)
            })?;
        }
    }
    drop(served);
    match &options.peers {
        None => println!(
            "\nFastAPI with ONNX Runtime is left out: `--peers PYTHON` names a Python with it"
        ),
        Some(python) => {
            let ours = full;
            let theirs = peer(python, &binary, &dir, &body, &scratch.0, time)?;
            println!("\nREST over FastAPI: {:.1} times", ours / theirs);
        }
    }
    Ok(())
}

fn say(name: &str, served: &Served, target: &Target, plan: Plan) -> Result<Outcome, Failure> {
    let before = served.cpu()?;
    let outcome = run(served.address, target, plan)?;
    let cpu = (served.cpu()? - before).as_secs_f64() / outcome.took.as_secs_f64();
    print_row(name, &outcome, &format!("{:.0}%", cpu * 100.0));
    Ok(outcome)
}

fn print_row(name: &str, outcome: &Outcome, cpu: &str) {
    let ms = |share| format!("{:.2} ms", outcome.quantile(share).as_secs_f64() * 1e3);
    let (rate, failures) = (outcome.rate(), outcome.failures);
    println!(
        "| {name} | {rate:.0} | {} | {} | {} | {cpu} | {failures} |",
        ms(0.5),
        ms(0.99),
        ms(0.999)
    );
}

/// Returns the seconds from the command to the first answer, the median of several.
fn cold_start(binary: &Path, dir: &Path, options: &Options, log: &Path) -> Result<f64, Failure> {
    let mut times = Vec::new();
    let ask_something = request("POST", "/v1/models/taxi:classify", r#"{"examples": [{}]}"#);
    for _ in 0..options.runs.max(1) {
        let start = Instant::now();
        let served = Served::start(binary, dir, log)?;
        while !matches!(ask(served.address, &ask_something), Ok((200, _))) {
            if start.elapsed() > Duration::from_secs(30) {
                return Err(format!("no answer after 30 seconds; see {}", log.display()).into());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// The same model, exported, behind FastAPI, in one process.
const FASTAPI: &str = r#"
import sys
import numpy, onnxruntime, uvicorn
from fastapi import FastAPI, Request

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession(sys.argv[1], options)
types = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(int64)": numpy.int64, "tensor(string)": object, "tensor(bool)": bool}
inputs = [(i.name, types[i.type]) for i in session.get_inputs() if not i.name.endswith(".present")]
names = [o.name for o in session.get_outputs()]
app = FastAPI()

@app.post("/predict")
async def predict(request: Request):
    rows = (await request.json())["instances"]
    feed = {name: numpy.array([[row[name]] for row in rows], dtype=dtype) for name, dtype in inputs}
    outputs = session.run(names, feed)
    return {"predictions": [dict(zip(names, (o[i].tolist() for o in outputs))) for i in range(len(rows))]}

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"#;

/// A process that ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns what FastAPI takes under the same load.
fn peer(
    python: &Path,
    binary: &Path,
    dir: &Path,
    body: &str,
    scratch: &Path,
    time: Duration,
) -> Result<f64, Failure> {
    let (onnx, program) = (scratch.join("taxi.onnx"), scratch.join("peer.py"));
    let mut export = Command::new(binary);
    export.args(["export", "onnx"]).arg(dir).arg("-o").arg(&onnx).stdout(Stdio::null());
    if !export.status()?.success() {
        return Err("the model could not be exported".into());
    }
    fs::write(&program, FASTAPI)?;
    let free = TcpListener::bind("127.0.0.1:0")?;
    let address: SocketAddr = free.local_addr()?;
    drop(free);
    let port = address.port().to_string();
    let _process = Process(Command::new(python).arg(&program).arg(&onnx).arg(port).spawn()?);
    let request = request("POST", "/predict", body);
    let until = Instant::now() + Duration::from_secs(60);
    while !matches!(ask(address, &request), Ok((200, _))) {
        if Instant::now() > until {
            return Err("FastAPI does not answer".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let plan = Plan { connections: 16, streams: 1, time, rate: None };
    let outcome = run(address, &Target::Rest(request), plan)?;
    print_row("FastAPI and ONNX Runtime, REST, all that it takes", &outcome, "");
    Ok(outcome.rate())
}
