//! Checks.
use formats::metadata::Schema;
use std::fmt;
/// Something in a schema that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// Where it is, for example ``feature `fare` ``.
    pub location: String,
    /// What was found there.
    pub found: String,
    /// What was expected instead.
    pub expected: String,
    /// The name that was probably meant, if one is near.
    pub nearest: Option<String>,
}
impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, expected {}", self.location, self.found, self.expected)?;
        self.nearest.as_ref().map_or(Ok(()), |name| write!(f, " (did you mean `{name}`?)"))
    }
}
/// Checks.
pub fn check_schema(schema: &Schema) -> Vec<SchemaProblem> {
    let _ = schema;
    Vec::new()
}
