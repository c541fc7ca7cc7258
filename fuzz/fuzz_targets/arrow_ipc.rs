//! Any bytes as an Arrow IPC file or stream: rows or an error, and each column alone is what it is among all.

#![no_main]

use std::sync::LazyLock;

use dataset::ArrowFiles;
use fuzz::{File, check_columns};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<File> = LazyLock::new(|| File::named("file.arrow"));

fuzz_target!(|input: &[u8]| {
    let path = FILE.write(input);
    if let Ok(files) = ArrowFiles::open(&[path.to_path_buf()]) {
        check_columns(&files);
    }
});
