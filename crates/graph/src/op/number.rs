//! More functions of a FLOAT, and operations of whole numbers.

/// A function of a FLOAT that gives a FLOAT; NaN stays NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatOp {
    /// The tangent of an angle in radians.
    Tan,
    /// The angle in radians whose sine it is; NaN beyond -1 and 1.
    Asin,
    /// The angle in radians whose cosine it is; NaN beyond -1 and 1.
    Acos,
    /// The angle in radians whose tangent it is.
    Atan,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The inverse of the hyperbolic sine.
    Asinh,
    /// The inverse of the hyperbolic cosine; NaN below 1.
    Acosh,
    /// The inverse of the hyperbolic tangent; NaN beyond -1 and 1.
    Atanh,
    /// The cube root.
    Cbrt,
    /// `ln(1 + a)`, exact where `a` is small.
    Log1p,
    /// `e^a - 1`, exact where `a` is small.
    Expm1,
    /// The number cut off towards 0.
    Trunc,
}

impl FloatOp {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Sinh,
        Self::Cosh,
        Self::Asinh,
        Self::Acosh,
        Self::Atanh,
        Self::Cbrt,
        Self::Log1p,
        Self::Expm1,
        Self::Trunc,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tan => "tan",
            Self::Asin => "asin",
            Self::Acos => "acos",
            Self::Atan => "atan",
            Self::Sinh => "sinh",
            Self::Cosh => "cosh",
            Self::Asinh => "asinh",
            Self::Acosh => "acosh",
            Self::Atanh => "atanh",
            Self::Cbrt => "cbrt",
            Self::Log1p => "log1p",
            Self::Expm1 => "expm1",
            Self::Trunc => "trunc",
        }
    }
}

/// An operation of two INTs that gives an INT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntOp {
    /// `a / b`, cut off towards 0; missing where `b` is 0. The least INT divided by -1 stays itself.
    Quotient,
    /// The bits that are set in both.
    BitAnd,
    /// The bits that are set in one.
    BitOr,
    /// The bits that are set in exactly one.
    BitXor,
    /// The bits of `a` moved `b` places up, what leaves the 64 being lost; missing where `b` is not from 0 to 63.
    ShiftLeft,
    /// The bits of `a` moved `b` places down, the sign staying; missing where `b` is not from 0 to 63.
    ShiftRight,
}

impl IntOp {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Quotient,
        Self::BitAnd,
        Self::BitOr,
        Self::BitXor,
        Self::ShiftLeft,
        Self::ShiftRight,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quotient => "quotient",
            Self::BitAnd => "bit_and",
            Self::BitOr => "bit_or",
            Self::BitXor => "bit_xor",
            Self::ShiftLeft => "shift_left",
            Self::ShiftRight => "shift_right",
        }
    }
}
