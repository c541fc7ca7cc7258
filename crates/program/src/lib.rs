//! Other people's programs as child processes: started, watched, asked, ended.
//!
//! Entry types: [`Process`], one program in a process group of its own, and [`Talk`], programs that are kept running
//! and asked over pipes, in JSON lines or Arrow. **Invariants:** nothing of a program outlives its [`Process`], the
//! processes that it started itself among them, and neither does it outlive this process, however that ends; nothing
//! that a program says is believed unchecked, and no length that it names is allocated before the bytes are there.
//! Not here: what programs are for (`model`, `launch`).

mod error;
mod ipc;
pub mod json;
mod lines;
mod process;
mod talk;
mod watchdog;

pub use error::ProgramError;
pub use lines::{LineReader, last_lines};
pub use process::{Ended, Process, Program, Streams};
pub use talk::{Protocol, Talk, TalkLimits, Wanted};
