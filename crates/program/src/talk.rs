//! Programs that are kept running and asked over pipes.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};

use crate::json::Answer;
use crate::{Process, Program, ProgramError, Streams, ipc, json};

/// How questions and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One JSON object on a line.
    JsonLines,
    /// An Arrow IPC stream behind its length.
    Arrow,
}

/// How long a program may take, and how many of it there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TalkLimits {
    /// Until it says that it is ready.
    pub start: Duration,
    /// Until it has answered a question.
    pub answer: Duration,
    /// How many processes answer side by side.
    pub processes: usize,
}

/// A column of an answer: one float for each row, or so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The column's name.
    pub name: &'a str,
    /// How many floats a row has.
    pub width: usize,
}

/// How long a program that is no longer asked has for ending by itself, its input closed.
const FAREWELL: Duration = Duration::from_secs(2);

/// How much of standard error is kept for messages.
const KEPT_STDERR_BYTES: usize = 8 << 10;
const SHOWN_STDERR_LINES: usize = 15;

/// A program that answers questions, started when the first one comes and kept.
///
/// Its first line on standard output is `{"ready": true}`. Then it reads a question from standard input and writes the
/// answer, again and again, until its input ends. One that dies is started anew and asked again, once for each
/// question; one that does not answer in time is killed.
pub struct Talk {
    program: Program,
    protocol: Protocol,
    limits: TalkLimits,
    slots: Vec<Mutex<Option<Running>>>,
    next_slot: AtomicUsize,
    next_id: AtomicU64,
}

/// One process of the program.
struct Running {
    process: Process,
    questions: Option<Sender<Vec<u8>>>,
    answers: Receiver<io::Result<Vec<u8>>>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
}

impl Talk {
    /// Returns the talk with a program; nothing is started yet.
    pub fn new(program: Program, protocol: Protocol, limits: TalkLimits) -> Self {
        let slots = (0..limits.processes.max(1)).map(|_| Mutex::new(None)).collect();
        let (next_slot, next_id) = (AtomicUsize::new(0), AtomicU64::new(1));
        Self { program, protocol, limits, slots, next_slot, next_id }
    }

    /// Asks about the rows of a batch. The answer has the wanted columns, each `Float32`, or a list of so many, without
    /// missing values.
    ///
    /// # Errors
    ///
    /// [`ProgramError`]: that the program does not start, does not answer, dies twice, says that it cannot, or answers
    /// something else.
    pub fn ask(
        &self,
        batch: &RecordBatch,
        wanted: &[Wanted<'_>],
    ) -> Result<RecordBatch, ProgramError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let question = match self.protocol {
            Protocol::JsonLines => json::write_question(id, batch)?.into_bytes(),
            Protocol::Arrow => ipc::write_question(batch)?,
        };
        let mut slot = self.slot();
        let answer = match self.exchange(&mut slot, question.clone()) {
            // It may have died long ago, while nobody asked, or of something that happens once.
            Err(ProgramError::Died { .. }) => self.exchange(&mut slot, question),
            other => other,
        }?;
        self.read(&answer, id, batch.num_rows(), wanted, &mut slot)
    }

    /// Returns a process that nobody asks, or else the next one in turn.
    fn slot(&self) -> MutexGuard<'_, Option<Running>> {
        let free = self.slots.iter().find_map(|slot| slot.try_lock().ok());
        free.unwrap_or_else(|| {
            let index = self.next_slot.fetch_add(1, Ordering::Relaxed) % self.slots.len();
            self.slots[index].lock().unwrap_or_else(PoisonError::into_inner)
        })
    }

    /// Sends a question and waits for the answer; a process that fails is gone afterwards.
    fn exchange(
        &self,
        slot: &mut Option<Running>,
        question: Vec<u8>,
    ) -> Result<Vec<u8>, ProgramError> {
        let running = match slot.take() {
            Some(running) => running,
            None => self.start()?,
        };
        if let Some(questions) = &running.questions {
            // Where nobody takes it, no answer comes either.
            let _ = questions.send(question);
        }
        let (running, answer) = self.receive(running, "answer", self.limits.answer)?;
        *slot = Some(running);
        Ok(answer)
    }

    fn receive(
        &self,
        mut running: Running,
        what: &'static str,
        limit: Duration,
    ) -> Result<(Running, Vec<u8>), ProgramError> {
        let program = self.program.name().to_owned();
        match running.answers.recv_timeout(limit) {
            Ok(Ok(answer)) => Ok((running, answer)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.not_an_answer(format!("gave {error}")))
            }
            Err(RecvTimeoutError::Timeout) => {
                let stderr = running.stop(Duration::ZERO)?.1;
                Err(ProgramError::Slow { program, what, limit, stderr })
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                // Its output has ended; the process follows, or it closed what it should not have.
                let (ended, stderr) = running.stop(FAREWELL)?;
                Err(ProgramError::Died { program, ended: ended.to_string(), stderr })
            }
        }
    }

    fn start(&self) -> Result<Running, ProgramError> {
        let streams = Streams::Piped { stderr: Stdio::piped() };
        let mut process = Process::start(&self.program, streams)?;
        let (stdin, stdout) = process.take_pipes().expect("both are pipes, and taken once");
        let stderr = Arc::default();
        if let Some(pipe) = process.take_stderr() {
            let kept = Arc::clone(&stderr);
            std::thread::spawn(move || keep_last(pipe, &kept));
        }
        let (questions, asked) = channel();
        let (answered, answers) = channel();
        let protocol = self.protocol;
        std::thread::spawn(move || talk(protocol, stdin, stdout, &asked, &answered));
        let running = Running { process, questions: Some(questions), answers, stderr };
        let (running, first) = self.receive(running, "sign that it is ready", self.limits.start)?;
        let line = String::from_utf8_lossy(&first);
        let is_ready = json::parse(&line).is_ok_and(|line| line["ready"] == true);
        if !is_ready {
            return Err(ProgramError::NotAnAnswer {
                program: self.program.name().to_owned(),
                found: format!("its first line is {}", json::shorten(&line)),
                expected: "{\"ready\": true}".to_owned(),
            });
        }
        Ok(running)
    }

    fn read(
        &self,
        answer: &[u8],
        id: u64,
        num_rows: usize,
        wanted: &[Wanted<'_>],
        slot: &mut Option<Running>,
    ) -> Result<RecordBatch, ProgramError> {
        let columns = match self.protocol {
            Protocol::JsonLines => {
                let line = String::from_utf8_lossy(answer);
                match json::read_answer(&line, id) {
                    Ok(Answer::Columns(columns)) => self.columns(wanted, |column| {
                        let values = columns.get(column.name)?;
                        Some(json::read_column(values, num_rows, column.width))
                    }),
                    Ok(Answer::Error(message)) => {
                        let stderr = slot.as_ref().map_or(String::new(), Running::stderr);
                        let program = self.program.name().to_owned();
                        return Err(ProgramError::Refused { program, message, stderr });
                    }
                    Err(found) => Err(self.not_an_answer(found)),
                }
            }
            Protocol::Arrow => match ipc::read_answer(answer) {
                Ok(batch) => self.columns(wanted, |column| {
                    let values = batch.column_by_name(column.name)?;
                    Some(ipc::read_column(values, num_rows, column.width))
                }),
                Err(found) => Err(self.not_an_answer(found)),
            },
        };
        // One that says something else than answers is out of step for good.
        let columns = columns.inspect_err(|_| *slot = None)?;
        let fields: Vec<Field> = wanted.iter().map(|wanted| field(*wanted)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
    }

    fn columns(
        &self,
        wanted: &[Wanted<'_>],
        column: impl Fn(&Wanted<'_>) -> Option<Result<Vec<f32>, String>>,
    ) -> Result<Vec<ArrayRef>, ProgramError> {
        let one = |wanted: &Wanted<'_>| match column(wanted) {
            Some(Ok(floats)) => Ok(array(*wanted, floats)),
            Some(Err(found)) => Err(self.wrong_column(wanted, &found)),
            None => Err(self.wrong_column(wanted, "is not in the answer")),
        };
        wanted.iter().map(one).collect()
    }

    fn wrong_column(&self, wanted: &Wanted<'_>, found: &str) -> ProgramError {
        let expected = match wanted.width {
            1 => "one number for each row".to_owned(),
            width => format!("{width} numbers for each row"),
        };
        ProgramError::NotAnAnswer {
            program: self.program.name().to_owned(),
            found: format!("column `{}` {found}", wanted.name),
            expected,
        }
    }

    fn not_an_answer(&self, found: String) -> ProgramError {
        let expected = match self.protocol {
            Protocol::JsonLines => "one line with the question's `id` and `columns`",
            Protocol::Arrow => "an Arrow IPC stream behind its length in eight bytes",
        };
        ProgramError::NotAnAnswer {
            program: self.program.name().to_owned(),
            found,
            expected: expected.to_owned(),
        }
    }
}

impl Running {
    /// Closes its input, waits a while and kills it; returns how it ended and what it said last.
    fn stop(&mut self, patience: Duration) -> Result<(crate::Ended, String), ProgramError> {
        self.questions = None;
        let ended = match self.process.wait(patience)? {
            Some(ended) => ended,
            None => self.process.kill()?,
        };
        // The last words may still be in the pipe.
        std::thread::sleep(Duration::from_millis(20));
        Ok((ended, self.stderr()))
    }

    fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(SHOWN_STDERR_LINES)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop(FAREWELL);
    }
}

/// Writes questions and reads answers until one of the two pipes ends.
fn talk(
    protocol: Protocol,
    mut stdin: ChildStdin,
    stdout: ChildStdout,
    questions: &Receiver<Vec<u8>>,
    answers: &Sender<io::Result<Vec<u8>>>,
) {
    let mut stdout = BufReader::new(stdout);
    let mut answer = read_line(&mut stdout);
    loop {
        let failed = answer.is_err();
        if answers.send(answer).is_err() || failed {
            return;
        }
        let Ok(question) = questions.recv() else { return };
        answer =
            stdin.write_all(&question).and_then(|()| stdin.flush()).and_then(|()| match protocol {
                Protocol::JsonLines => read_line(&mut stdout),
                Protocol::Arrow => ipc::read_frame(&mut stdout),
            });
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(ipc::MAX_ANSWER_BYTES).read_until(b'\n', &mut line)?;
    if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
}

fn keep_last(mut pipe: ChildStderr, kept: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..read]);
        let surplus = kept.len().saturating_sub(KEPT_STDERR_BYTES);
        kept.drain(..surplus);
    }
}

fn field(wanted: Wanted<'_>) -> Field {
    let data_type = match wanted.width {
        1 => DataType::Float32,
        width => DataType::FixedSizeList(item(), i32::try_from(width).unwrap_or(i32::MAX)),
    };
    Field::new(wanted.name, data_type, false)
}

fn array(wanted: Wanted<'_>, floats: Vec<f32>) -> ArrayRef {
    let values: ArrayRef = Arc::new(Float32Array::from(floats));
    match i32::try_from(wanted.width) {
        Ok(1) | Err(_) => values,
        Ok(width) => Arc::new(FixedSizeListArray::new(item(), width, values, None)),
    }
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}
