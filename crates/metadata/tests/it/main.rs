//! The store as a ledger, as a file, in many hands, and through a crash.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and talk")]

mod aliases;
mod conformance;
mod crash;
mod file;
mod interop;
mod lineage;
mod scene;
mod together;

#[test]
fn the_sqlite_ledger_conforms() {
    conformance::check(|| {
        let dir = tempfile::tempdir().unwrap();
        let ledger = metadata::SqliteLedger::open(&dir.path().join("metadata.sqlite")).unwrap();
        (ledger, dir)
    });
}
