//! What a row takes of memory does not depend on how many tokens a vocabulary has.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use graph::{GraphBuilder, Op, ValueType, Vocabulary};

/// The system's allocator, which counts the bytes that each thread asks for.
struct Counting;

thread_local! {
    static NUM_BYTES: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is handed on to the system's allocator.
#[expect(unsafe_code, reason = "there is no other way to count what is allocated")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Where a thread is at its end nobody counts any more.
        let _ = NUM_BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller's layout is as `alloc` wants it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory is of the system's allocator, with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Returns how many bytes a known and an unknown token take, after the first.
fn num_bytes(num_tokens: usize) -> usize {
    let mut builder = GraphBuilder::new();
    let company = builder.input("company", ValueType::String).unwrap();
    let tokens = (0..num_tokens).map(|token| format!("company {token}"));
    let vocabulary = builder.vocabulary("company", Vocabulary::new(tokens).unwrap()).unwrap();
    let lookup = Op::Lookup { vocabulary, num_oov_buckets: 10, default_value: -1 };
    let id = builder.node(lookup, &[company]).unwrap();
    builder.output("id", id).unwrap();
    let graph = builder.build();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["company 3", "nobody's"]));
    let rows = RecordBatch::try_from_iter([("company", texts)]).unwrap();
    let apply = || {
        let before = NUM_BYTES.get();
        for rows in [rows.clone(), rows.slice(0, 1), rows.slice(1, 1)] {
            graph.apply(&rows).unwrap();
        }
        NUM_BYTES.get() - before
    };
    apply();
    apply()
}

#[test]
fn no_allocation_grows_with_the_vocabulary() {
    let few = num_bytes(10);
    assert!(few > 0, "it is counted");
    assert_eq!(num_bytes(200_000), few);
}
