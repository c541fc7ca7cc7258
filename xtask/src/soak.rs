//! `cargo xtask soak`: a server under load for a long time, with versions that change, clients that go away, that are
//! slow, and that mean harm. Fails when an answer is wrong, a good request is not answered, or memory grows.

mod grpc;
mod rest;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::Failure;
use crate::load::{Plan, Target, ask, predict_request, request, run};
use crate::served::{Served, as_json, first_row, push_again, pushed};

/// What can be said to it.
pub(crate) const USAGE: &str = "cargo xtask soak [MINUTES] [--binary FILE]";

const PREDICT: &str = "/v1/models/taxi:predict";
const GRPC: &str = "/tensorflow.serving.PredictionService/Predict";

/// How often another version comes.
const PUSH: Duration = Duration::from_secs(5);

/// After so long the clients rest, and it is looked how much memory the server has left.
const ROUND: Duration = Duration::from_secs(30);

/// What the clients counted, of all that they asked.
#[derive(Default)]
struct Counts {
    answers: AtomicU64,
    wrong: AtomicU64,
    hostile: AtomicU64,
    versions: AtomicU64,
}

/// Runs the test.
pub(crate) fn soak(workspace: &Path, args: &[String]) -> Result<(), Failure> {
    let (mut minutes, mut binary) = (10.0, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--binary" => binary = Some(PathBuf::from(args.next().ok_or(USAGE)?)),
            number => minutes = number.parse::<f64>().map_err(|_| USAGE)?,
        }
    }
    let binary = match binary {
        Some(binary) => binary,
        None => {
            let build = ["build", "--release", "--locked", "-p", "cli"];
            if !Command::new("cargo").args(build).current_dir(workspace).status()?.success() {
                return Err("the release build failed".into());
            }
            workspace.join("target/release/cupola")
        }
    };
    let scratch = std::env::temp_dir().join(format!("cupola-soak-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let outcome = soak_in(workspace, &binary, &scratch, Duration::from_secs_f64(minutes * 60.0));
    fs::remove_dir_all(&scratch).ok();
    outcome
}

fn soak_in(workspace: &Path, binary: &Path, scratch: &Path, time: Duration) -> Result<(), Failure> {
    let dir = pushed(binary, workspace, scratch)?;
    let log = scratch.join("serve.log");
    let config = scratch.join("serve.toml");
    fs::write(
        &config,
        format!(
            "addresses = [\"127.0.0.1:0\"]\npoll = \"200ms\"\n\
             [limits]\nread_timeout = \"2s\"\nwrite_timeout = \"2s\"\nmax_request_bytes = \"1MiB\"\n\
             [models.taxi]\ndir = {dir:?}\nversions = {{ latest = 2 }}\n\
             challenger = {{ version = \"newest\", share = 0.1 }}\n\
             request_log = {{ dir = \"requests\", share = 0.01, max_age = \"10s\" }}\n"
        ),
    )?;
    let served = Served::start_with(binary, &config, &log)?;
    served.wait_ready()?;
    let address = served.address;
    let row = first_row(address, "taxi", &workspace.join("examples/taxi/data/trips.csv"))?;
    let body = serde_json::json!({ "instances": [as_json(&row)] }).to_string();
    let good = request("POST", PREDICT, &body);
    let (status, expected) = ask(address, &good)?;
    if status != 200 {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&expected)).into());
    }

    // A request whose answer does not fit into what the system keeps for those who do not read.
    let rows = vec![as_json(&row); 1500];
    let many = request("POST", PREDICT, &serde_json::json!({ "instances": rows }).to_string());
    if ask(address, &many)?.0 != 200 {
        return Err("many rows are not answered".into());
    }
    let message = predict_request("taxi", &row);

    let clients = Clients { address, good, expected, many, message, dir };
    let counts = Counts::default();
    let (mut loaded, mut most, mut rests) = (Duration::ZERO, 0, Vec::new());
    while loaded < time {
        let ends_at = loaded + ROUND.min(time - loaded);
        most = most.max(clients.load(&served, loaded, ends_at, &counts)?);
        loaded = ends_at;
        let rest = rest::resident(&served, &clients.dir)?;
        println!("{:.1} minutes: {:.1} MB at rest", loaded.as_secs_f64() / 60.0, rest as f64 / 1e6);
        rests.push((loaded, rest));
    }
    let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{:.1} minutes: {} answers, {} wrong or missing, {} hostile connections, {} versions",
        loaded.as_secs_f64() / 60.0,
        get(&counts.answers),
        get(&counts.wrong),
        get(&counts.hostile),
        get(&counts.versions),
    );
    let trend = rest::Trend::of(&rests);
    println!("memory under load at most {:.1} MB; {trend}", most as f64 / 1e6);
    let log = fs::read_to_string(&log)?;
    if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
        return Err(format!("the server panicked: {line}").into());
    }
    if get(&counts.wrong) > 0 {
        return Err("some answers were wrong or missing".into());
    }
    if trend.is_growth() {
        return Err("memory has grown".into());
    }
    Ok(())
}

/// All that asks the server at a time, well or ill, and what it asks.
struct Clients {
    address: SocketAddr,
    good: Bytes,
    expected: Vec<u8>,
    /// A good request whose answer is large.
    many: Bytes,
    message: Bytes,
    dir: PathBuf,
}

impl Clients {
    /// Asks from one time to another; returns the most memory that the server was seen to have.
    fn load(
        &self,
        served: &Served,
        from: Duration,
        to: Duration,
        counts: &Counts,
    ) -> Result<u64, Failure> {
        let Self { address, good, expected, many, message, dir } = self;
        let ends = AtomicBool::new(false);
        let (start, time) = (Instant::now(), to - from);
        // Each time others.
        let seed = from.as_secs();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| check_answers(*address, good, expected, &ends, counts));
            }
            scope.spawn(|| hostilities(*address, good, many, seed, &ends, counts));
            scope.spawn(|| grpc::check_answers(*address, message, &ends, counts));
            scope.spawn(|| grpc::hostilities(*address, message, seed, &ends, counts));
            scope.spawn(|| {
                let mut next = PUSH;
                while !ends.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(50));
                    if start.elapsed() >= next && push_again(dir).is_ok() {
                        counts.versions.fetch_add(1, Ordering::Relaxed);
                        next += PUSH;
                    }
                }
            });
            let grpc = Target::Grpc(GRPC.to_owned(), message.clone());
            let mut most = 0;
            let outcome = (|| {
                while let Some(left) = time.checked_sub(start.elapsed()).filter(|l| !l.is_zero()) {
                    let time = left.min(Duration::from_secs(2));
                    let plan = Plan { connections: 2, streams: 4, time, rate: Some(2000.0) };
                    let outcome = run(*address, &grpc, plan)?;
                    counts.wrong.fetch_add(outcome.failures, Ordering::Relaxed);
                    counts.answers.fetch_add(outcome.latencies.len() as u64, Ordering::Relaxed);
                    most = most.max(served.resident()?);
                }
                Ok(most)
            })();
            ends.store(true, Ordering::Relaxed);
            outcome
        })
    }
}

/// Asks, and holds every answer against the expected one.
fn check_answers(
    address: SocketAddr,
    good: &[u8],
    expected: &[u8],
    ends: &AtomicBool,
    counts: &Counts,
) {
    while !ends.load(Ordering::Relaxed) {
        match ask(address, good) {
            Ok((200, answer)) if answer == expected => {
                counts.answers.fetch_add(1, Ordering::Relaxed);
            }
            other => {
                counts.wrong.fetch_add(1, Ordering::Relaxed);
                let other = other
                    .map(|(status, body)| (status, String::from_utf8_lossy(&body).into_owned()));
                eprintln!("wrong: {other:?}");
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Does one bad thing after the other.
fn hostilities(
    address: SocketAddr,
    good: &[u8],
    many: &[u8],
    seed: u64,
    ends: &AtomicBool,
    counts: &Counts,
) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ seed);
    let mut slow: Vec<TcpStream> = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let bytes = hostile(&mut random, good, many);
        if let Ok(mut stream) = TcpStream::connect(address) {
            let _ = stream.set_write_timeout(Some(Duration::from_millis(500)));
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let _ = stream.write_all(&bytes);
            match random.below(3) {
                // Gone before the answer, after some of it, or never reading at all.
                0 => {}
                1 => drop(stream.read(&mut [0; 64])),
                _ => slow.push(stream),
            }
            if slow.len() > 32 {
                slow.remove(0);
            }
        }
        counts.hostile.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Returns the bytes of a request that is none, or too much of one.
fn hostile(random: &mut Random, good: &[u8], many: &[u8]) -> Vec<u8> {
    let post = |path: &str, headers: &str, body: &[u8]| {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    };
    match random.below(13) {
        // A part of a good request, and a good request with other bytes in it.
        0 => good[..random.below(good.len())].to_vec(),
        1 | 2 => {
            let mut bytes = good.to_vec();
            for _ in 0..=random.below(8) {
                let place = random.below(bytes.len());
                bytes[place] = u8::try_from(random.below(256)).unwrap_or_default();
            }
            bytes
        }
        3 => post(PREDICT, "", "[".repeat(200_000).as_bytes()),
        4 => post(PREDICT, "content-encoding: gzip\r\n", zeros_in_gzip()),
        5 => post("/v1/models/..%2f..%2f..%2fetc%2fpasswd:predict", "", b"{\"instances\": [{}]}"),
        6 => format!("GET / HTTP/1.1\r\nhost: a\r\n{}", "x: y\r\n".repeat(3000)).into_bytes(),
        7 => b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n".to_vec(),
        8 => {
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n"
                .to_vec()
        }
        9 => {
            // The beginning of HTTP/2, and then anything.
            let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
            bytes.extend(
                (0..random.below(400)).map(|_| u8::try_from(random.below(256)).unwrap_or_default()),
            );
            bytes
        }
        10 => good.repeat(50),
        11 => many.repeat(4),
        _ => (0..random.below(2000))
            .map(|_| u8::try_from(random.below(256)).unwrap_or_default())
            .collect(),
    }
}

/// Returns 256 MiB of zeros in a quarter of one.
fn zeros_in_gzip() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..256 {
            let written = encoder.write_all(&[0; 1 << 20]);
            written.expect("memory takes what is written");
        }
        encoder.finish().expect("memory takes what is written")
    })
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % end.max(1)
    }
}
