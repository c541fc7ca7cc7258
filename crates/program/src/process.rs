//! One program in a process group of its own.

use std::fmt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::ProgramError;
use crate::watchdog::Watchdog;

/// How often a program that was asked to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments. A program with a `/` in its name is looked for from [`Program::dir`], others on
    /// the search path.
    pub command: Vec<String>,
    /// The folder that it runs in.
    pub dir: PathBuf,
    /// Variables of its environment, beside those of this process.
    pub env: Vec<(String, String)>,
}

impl Program {
    /// Returns the program's name, for messages.
    pub fn name(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }
}

/// What a program's streams are.
pub enum Streams {
    /// Nothing to read; what it writes goes to these two.
    Logged {
        /// Standard output.
        stdout: Stdio,
        /// Standard error.
        stderr: Stdio,
    },
    /// Pipes for questions and answers; standard error goes to this.
    Piped {
        /// Standard error.
        stderr: Stdio,
    },
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(ExitStatus);

impl Ended {
    /// Returns whether it ended with exit code 0.
    pub fn is_success(self) -> bool {
        self.0.success()
    }

    /// Returns the exit code; nothing when a signal ended it.
    pub fn code(self) -> Option<i32> {
        self.0.code()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(number)) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "signal {number} ({signal})"),
                Err(_) => write!(f, "signal {number}"),
            },
            (None, None) => write!(f, "{}", self.0),
        }
    }
}

/// A running program, with all that it starts in turn: they are one process group.
///
/// Dropped, it is killed whole. When this process ends without dropping it, however that comes, the group is asked to
/// end and killed a little later.
pub struct Process {
    name: String,
    child: Child,
    group: Pid,
    watchdog: Option<Watchdog>,
    ended: Option<Ended>,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    ///
    /// [`ProgramError::NoCommand`], and [`ProgramError::Start`] when the operating system does not start it.
    pub fn start(program: &Program, streams: Streams) -> Result<Self, ProgramError> {
        let (name, args) = program.command.split_first().ok_or(ProgramError::NoCommand)?;
        // Relative to the program's own folder, whatever the platform makes of relative names.
        let path = if name.contains('/') { program.dir.join(name) } else { PathBuf::from(name) };
        let mut command = Command::new(path);
        command.args(args).current_dir(&program.dir).process_group(0);
        command.envs(program.env.iter().map(|(key, value)| (key, value)));
        match streams {
            Streams::Logged { stdout, stderr } => {
                command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
            }
            Streams::Piped { stderr } => {
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
            }
        }
        let failed = |source| ProgramError::Start { program: name.clone(), source };
        let child = command.spawn().map_err(failed)?;
        let id = child.id();
        let group = Pid::from_raw(i32::try_from(id).expect("process ids are positive `pid_t`s"));
        let watchdog = Watchdog::start(id);
        Ok(Self { name: name.clone(), child, group, watchdog, ended: None })
    }

    /// Returns the process id, which is the id of the group too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes the pipes, where there are some.
    pub fn take_pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }

    /// Takes the pipe of standard error, where it is one.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Returns how the program ended, if it did. What it started and left behind is killed then.
    ///
    /// # Errors
    ///
    /// [`ProgramError::Wait`] when the operating system does not tell.
    pub fn ended(&mut self) -> Result<Option<Ended>, ProgramError> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let failed = |source| ProgramError::Wait { program: self.name.clone(), source };
        if let Some(status) = self.child.try_wait().map_err(failed)? {
            self.ended = Some(Ended(status));
            // The group lives on as long as anything in it does; none of it is waited for.
            self.signal(Signal::SIGKILL);
            self.watchdog = None;
        }
        Ok(self.ended)
    }

    /// Waits until the program ends, but no longer than this.
    ///
    /// # Errors
    ///
    /// [`ProgramError::Wait`].
    pub fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, ProgramError> {
        let began = Instant::now();
        loop {
            let ended = self.ended()?;
            if ended.is_some() || began.elapsed() >= limit {
                return Ok(ended);
            }
            std::thread::sleep(LOOK_EVERY.min(limit.saturating_sub(began.elapsed())));
        }
    }

    /// Asks the whole group to end (SIGTERM) and returns at once.
    pub fn terminate(&self) {
        if self.ended.is_none() {
            self.signal(Signal::SIGTERM);
        }
    }

    /// Kills the whole group (SIGKILL) and waits for the program.
    ///
    /// # Errors
    ///
    /// [`ProgramError::Wait`].
    pub fn kill(&mut self) -> Result<Ended, ProgramError> {
        if let Some(ended) = self.ended()? {
            return Ok(ended);
        }
        self.signal(Signal::SIGKILL);
        let failed = |source| ProgramError::Wait { program: self.name.clone(), source };
        let ended = Ended(self.child.wait().map_err(failed)?);
        self.ended = Some(ended);
        self.watchdog = None;
        Ok(ended)
    }

    /// Asks the whole group to end, and kills what is left of it after a while.
    ///
    /// # Errors
    ///
    /// [`ProgramError::Wait`].
    pub fn end(&mut self, grace: Duration) -> Result<Ended, ProgramError> {
        self.terminate();
        match self.wait(grace)? {
            Some(ended) => Ok(ended),
            None => self.kill(),
        }
    }

    fn signal(&self, signal: Signal) {
        // The only errors are that nothing of the group is left, and that what is left is not ours.
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
