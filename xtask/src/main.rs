//! Automation: `cargo xtask floors` checks which crate may use which, `cargo xtask bench` times ours and
//! others, `cargo xtask soak` does to a server all that clients do.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people at a terminal")]

mod bench;
mod floors;
mod load;
mod served;
mod soak;

use std::path::Path;
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((verb, [])) if verb == "floors" => floors::check(workspace),
        Some((verb, rest)) if verb == "bench" => bench::bench(workspace, rest),
        Some((verb, rest)) if verb == "soak" => soak::soak(workspace, rest),
        _ => Err(format!("usage: cargo xtask floors | {} | {}", bench::USAGE, soak::USAGE).into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
