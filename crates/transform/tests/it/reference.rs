//! `docs/expressions.md` is what the table of functions says.

use std::path::Path;

#[test]
fn the_page_about_expressions_is_fresh() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/expressions.md"));
    let expected = transform::reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/expressions.md is stale: run `UPDATE=1 cargo test -p transform`"
    );
}
