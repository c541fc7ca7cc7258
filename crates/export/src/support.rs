//! How far a target can express an operation.

/// How far a target can express an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Always.
    Full,
    /// On a condition, which the text tells.
    Partial(&'static str),
    /// Never, for the reason that the text tells.
    None(&'static str),
}
