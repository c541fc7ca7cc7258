//! Any bytes as JSON Lines: rows and what is wrong with some, or an error; rows of types that go together are read
//! as columns, and rows written again are read again.

#![no_main]

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Field, Schema};
use dataset::{JsonFiles, JsonRows, JsonType};
use fuzz::{File, read_all};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<File> = LazyLock::new(|| File::named("file.jsonl"));

/// Returns the objects as text, and whether all lines are objects.
fn read(input: &[u8]) -> Option<(Vec<String>, bool)> {
    let paths = [FILE.write(input).to_path_buf()];
    let files = JsonFiles::open(&paths, u64::MAX).ok()?;
    let (mut lines, mut is_whole) = (Vec::new(), true);
    let mut types = JsonType::default();
    for pieces in files.pieces() {
        let mut rows = JsonRows::open(&paths[0], pieces.to_vec()).ok()?;
        while let Some(row) = rows.next_row().ok()? {
            match row {
                Ok(row) => {
                    types.widen_fields(&row.object, (0, row.line));
                    lines.push(
                        serde_json::to_string(&row.object).expect("an object can be written"),
                    );
                }
                Err(_) => is_whole = false,
            }
        }
    }
    let fields = types.fields().map(|(name, found)| {
        found.data_type(name, &paths).map(|data_type| Field::new(name, data_type, true))
    });
    if let Ok(fields) = fields.collect::<Result<Vec<_>, _>>() {
        let files =
            files.with_schema(Arc::new(Schema::new(fields))).expect("these are types of JSON");
        if is_whole {
            let batches = read_all(&files, None).expect("every value is of its column's type");
            assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), lines.len());
        } else {
            read_all(&files.skip_misfits(), None);
        }
    }
    Some((lines, is_whole))
}

fuzz_target!(|input: &[u8]| {
    let Some((lines, _)) = read(input) else { return };
    let mut again = String::new();
    for line in &lines {
        again.push_str(line);
        again.push('\n');
    }
    assert_eq!(read(again.as_bytes()), Some((lines, true)));
});
