//! The cupola command line.
fn main() {}
