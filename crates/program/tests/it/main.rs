//! Programs as their users see them: shells that answer, hang, die and leave others behind.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, AsArray, FixedSizeListArray, Float32Array, Float64Array, RecordBatch,
};
use arrow::datatypes::{DataType, Field, Float32Type};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use program::{Process, Program, ProgramError, Protocol, Streams, Talk, TalkLimits, Wanted};

fn shell(script: &str, dir: &Path) -> Program {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    Program { command, dir: dir.to_path_buf(), env: vec![("WORD".to_owned(), "yes".to_owned())] }
}

fn quiet() -> Streams {
    Streams::Logged { stdout: Stdio::null(), stderr: Stdio::null() }
}

/// Returns whether a process is there and no zombie.
fn is_alive(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Waits until something is so, for at most ten seconds.
#[track_caller]
fn eventually(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "it never came to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_program_ends_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = "sleep 600 & echo $! > pid.part; mv pid.part pid; exit 3";
    let mut process = Process::start(&shell(script, dir.path()), quiet()).unwrap();
    let ended = process.wait(Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!((ended.to_string().as_str(), ended.is_success()), ("exit code 3", false));
    let left = fs::read_to_string(&pid).unwrap();
    eventually(|| !is_alive(&left));
}

#[test]
fn one_that_does_not_want_to_end_is_killed_after_its_grace() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap 'echo asked > asked' TERM; echo > ready; while :; do sleep 0.05; done";
    let mut process = Process::start(&shell(script, dir.path()), quiet()).unwrap();
    eventually(|| dir.path().join("ready").exists());
    let ended = process.end(Duration::from_millis(300)).unwrap();
    assert_eq!(ended.to_string(), "signal 9 (SIGKILL)");
    assert!(dir.path().join("asked").exists());

    let script = "trap 'exit 0' TERM; echo > ready2; while :; do sleep 0.05; done";
    let mut process = Process::start(&shell(script, dir.path()), quiet()).unwrap();
    eventually(|| dir.path().join("ready2").exists());
    assert!(process.end(Duration::from_secs(10)).unwrap().is_success());
}

#[test]
fn nothing_outlives_a_killed_owner() {
    const OWNER: &str = "CUPOLA_TEST_OWNER_DIR";
    #[expect(clippy::disallowed_methods, reason = "the test runs itself as the owner")]
    if let Ok(dir) = std::env::var(OWNER) {
        let script = "trap '' TERM; sleep 600 & echo $! > pid.part; mv pid.part pid; wait";
        let process = Process::start(&shell(script, Path::new(&dir)), quiet()).unwrap();
        std::thread::sleep(Duration::from_secs(60));
        drop(process);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["nothing_outlives_a_killed_owner", "--exact"])
        .env(OWNER, dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = dir.path().join("pid");
    eventually(|| pid.exists());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let left = fs::read_to_string(&pid).unwrap();
    assert!(is_alive(&left));
    eventually(|| !is_alive(&left));
}

#[test]
fn what_cannot_be_started_is_named() {
    let missing = Program {
        command: vec!["no-such-program".to_owned()],
        dir: Path::new("/").to_path_buf(),
        env: Vec::new(),
    };
    let error = Process::start(&missing, quiet()).err().unwrap();
    assert_eq!(error.to_string(), "cannot start `no-such-program`");
    let empty = Program { command: Vec::new(), ..missing };
    assert!(matches!(Process::start(&empty, quiet()), Err(ProgramError::NoCommand)));
}

/// A program that answers with 0.5 for each of two rows, and does something else on the way.
fn answering(extra: &str) -> String {
    format!(
        r#"echo '{{"ready": true}}'
while read -r line; do
  id=${{line#*:}}; id=${{id%%,*}}
  {extra}
  echo "{{\"id\": $id, \"columns\": {{\"prediction\": [0.5, 0.25]}}}}"
done"#
    )
}

fn limits() -> TalkLimits {
    TalkLimits { start: Duration::from_secs(20), answer: Duration::from_secs(20), processes: 1 }
}

fn rows() -> RecordBatch {
    let fares: ArrayRef = Arc::new(Float32Array::from(vec![Some(4.5), None]));
    RecordBatch::try_from_iter([("fare", fares)]).unwrap()
}

fn ask(talk: &Talk) -> Result<Vec<f32>, String> {
    let wanted = [Wanted { name: "prediction", width: 1 }];
    let answer = talk.ask(&rows(), &wanted).map_err(|error| error.to_string())?;
    Ok(answer.column(0).as_primitive::<Float32Type>().values().to_vec())
}

#[test]
fn a_program_is_started_once_and_anew_when_it_died() {
    let dir = tempfile::tempdir().unwrap();
    let script = answering("[ -e die ] && { rm die; exit 7; }");
    let counted = format!("echo $$ >> starts\n{script}");
    let talk = Talk::new(shell(&counted, dir.path()), Protocol::JsonLines, limits());
    let starts = || fs::read_to_string(dir.path().join("starts")).unwrap_or_default();
    assert_eq!(starts(), "");
    for _ in 0..3 {
        assert_eq!(ask(&talk).unwrap(), [0.5, 0.25]);
    }
    assert_eq!(starts().lines().count(), 1);
    fs::write(dir.path().join("die"), "").unwrap();
    assert_eq!(ask(&talk).unwrap(), [0.5, 0.25]);
    assert_eq!(starts().lines().count(), 2);
    let last = starts().lines().last().unwrap().to_owned();
    assert!(is_alive(&last));
    drop(talk);
    assert!(!is_alive(&last));
}

#[test]
fn what_is_wrong_with_a_program_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let short = TalkLimits { answer: Duration::from_millis(200), ..limits() };
    let said = |script: &str, limits| {
        let talk = Talk::new(shell(script, dir.path()), Protocol::JsonLines, limits);
        ask(&talk).unwrap_err()
    };
    assert_eq!(
        said("echo no model here >&2; exit 4", limits()),
        "`/bin/sh` ended with exit code 4, expected an answer; the end of its standard error:\n  | no model here"
    );
    assert_eq!(
        said("echo Loading...", limits()),
        "`/bin/sh`: its first line is \"Loading...\", expected {\"ready\": true}"
    );
    let hangs = said(&answering("sleep 600"), short);
    assert_eq!(hangs, "`/bin/sh` gave no answer within 200ms");
    assert_eq!(
        said(&answering(r#"echo "{\"id\": $id, \"error\": \"bad fare\"}"; continue"#), limits()),
        "`/bin/sh`: bad fare"
    );
    assert_eq!(
        said(&answering("echo hello; continue"), limits()),
        "`/bin/sh`: printed \"hello\", expected one line with the question's `id` and `columns`"
    );
    assert_eq!(
        said(
            &answering(r#"echo "{\"id\": $id, \"columns\": {\"p\": [1, 2]}}"; continue"#),
            limits()
        ),
        "`/bin/sh`: column `prediction` is not in the answer, expected one number for each row"
    );
}

#[test]
fn the_environment_is_the_one_given() {
    let dir = tempfile::tempdir().unwrap();
    let script = "[ \"$WORD\" = yes ]";
    let mut process = Process::start(&shell(script, dir.path()), quiet()).unwrap();
    assert!(process.wait(Duration::from_secs(10)).unwrap().unwrap().is_success());
}

/// Answers each question, which goes to `question`, with what is in `answer`; both are behind their lengths.
const ARROW: &str = r#"echo '{"ready": true}'
while length=$(dd bs=1 count=8 2>/dev/null | od -An -tu8 | tr -d ' ') && [ -n "$length" ]; do
  dd bs=1 count="$length" of=question 2>/dev/null
  cat answer
done"#;

/// Returns a batch as an Arrow stream behind its length.
fn frame(batch: &RecordBatch) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    [&(stream.len() as u64).to_le_bytes()[..], &stream].concat()
}

#[test]
fn programs_are_asked_in_arrow() {
    let dir = tempfile::tempdir().unwrap();
    let answer = |columns: Vec<(&str, ArrayRef)>| {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        fs::write(dir.path().join("answer"), frame(&batch)).unwrap();
    };
    let talk = Talk::new(shell(ARROW, dir.path()), Protocol::Arrow, limits());
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![0.25, 0.75]));
    answer(vec![("other", Arc::clone(&doubles)), ("prediction", doubles)]);
    for _ in 0..3 {
        assert_eq!(ask(&talk).unwrap(), [0.25, 0.75]);
    }
    // What the program was asked is the columns, missing values and all.
    let question = fs::read(dir.path().join("question")).unwrap();
    let question: Vec<_> =
        StreamReader::try_new(&question[..], None).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(question, [rows()]);

    // Of several classes, a vector for each row.
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values: ArrayRef = Arc::new(Float32Array::from(vec![0.2, 0.3, 0.5, 1.0, 0.0, 0.0]));
    let vectors = FixedSizeListArray::new(item, 3, values, None);
    answer(vec![("prediction", Arc::new(vectors))]);
    let wanted = [Wanted { name: "prediction", width: 3 }];
    let vectors = talk.ask(&rows(), &wanted).unwrap();
    let vectors = vectors.column(0).as_fixed_size_list();
    assert_eq!(vectors.value(1).as_primitive::<Float32Type>().values(), &[1.0, 0.0, 0.0]);
    assert!(ask(&talk).unwrap_err().contains("has 3 values in row 0"), "{:?}", ask(&talk));

    answer(vec![("prediction", Arc::new(Float32Array::from(vec![0.5])))]);
    assert!(ask(&talk).unwrap_err().contains("has 1 values for 2 rows"), "{:?}", ask(&talk));
    answer(vec![("prediction", Arc::new(Float32Array::from(vec![Some(0.5), None])))]);
    assert!(ask(&talk).unwrap_err().contains("has missing values"), "{:?}", ask(&talk));
    fs::write(dir.path().join("answer"), [&3_u64.to_le_bytes()[..], b"abc"].concat()).unwrap();
    assert!(ask(&talk).unwrap_err().contains("no Arrow stream"), "{:?}", ask(&talk));
    // A length that no answer has is refused before anything is made of it.
    fs::write(dir.path().join("answer"), u64::MAX.to_le_bytes()).unwrap();
    let short = TalkLimits { answer: Duration::from_secs(2), ..limits() };
    let talk = Talk::new(shell(ARROW, dir.path()), Protocol::Arrow, short);
    assert!(ask(&talk).is_err());
}
