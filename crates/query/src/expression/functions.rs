//! Operators and functions as ZetaSQL has them, where the engine's own differ: `/` of integers is no integer, nothing
//! is equal to NaN or less than it, sums that overflow and divisions by 0 are errors, and text is no number.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::cmp;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::names::kind;

/// What a call computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    /// Always of floats.
    Divide,
    /// Infinite, or NaN, where divided by 0.
    IeeeDivide,
    /// Missing where divided by 0.
    SafeDivide,
    /// Whole numbers without the remainder.
    Div,
    Mod,
    Abs,
    IsNan,
    IsInf,
    Sqrt,
    Exp,
    Ln,
    Log10,
    Pow,
    Floor,
    Ceil,
    Round,
    Sign,
}

impl Function {
    /// Returns the function of a name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "ieee_divide" => Self::IeeeDivide,
            "safe_divide" => Self::SafeDivide,
            "div" => Self::Div,
            "mod" => Self::Mod,
            "abs" => Self::Abs,
            "is_nan" => Self::IsNan,
            "is_inf" => Self::IsInf,
            "sqrt" => Self::Sqrt,
            "exp" => Self::Exp,
            "ln" => Self::Ln,
            "log10" => Self::Log10,
            "pow" | "power" => Self::Pow,
            "floor" => Self::Floor,
            "ceil" | "ceiling" => Self::Ceil,
            "round" => Self::Round,
            "sign" => Self::Sign,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::IeeeDivide => "IEEE_DIVIDE",
            Self::SafeDivide => "SAFE_DIVIDE",
            Self::Div => "DIV",
            Self::Mod => "MOD",
            Self::Abs => "ABS",
            Self::IsNan => "IS_NAN",
            Self::IsInf => "IS_INF",
            Self::Sqrt => "SQRT",
            Self::Exp => "EXP",
            Self::Ln => "LN",
            Self::Log10 => "LOG10",
            Self::Pow => "POW",
            Self::Floor => "FLOOR",
            Self::Ceil => "CEIL",
            Self::Round => "ROUND",
            Self::Sign => "SIGN",
        }
    }

    pub(super) fn num_arguments(self) -> usize {
        match self {
            Self::Abs
            | Self::IsNan
            | Self::IsInf
            | Self::Sqrt
            | Self::Exp
            | Self::Ln
            | Self::Log10
            | Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Sign => 1,
            _ => 2,
        }
    }

    fn compares(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
        )
    }

    /// Returns the type that all arguments are cast to, and that of the result.
    fn types(self, arguments: &[DataType]) -> Result<(DataType, DataType), String> {
        let common = common_type(arguments);
        let is_number =
            |data_type: &DataType| data_type == &DataType::Null || data_type.is_numeric();
        if self.compares() {
            return match common {
                Some(common) => Ok((common, DataType::Boolean)),
                None => Err(format!(
                    "cannot compare {} with {}",
                    kind(&arguments[0]),
                    kind(&arguments[1])
                )),
            };
        }
        if let Some(other) = arguments.iter().find(|argument| !is_number(argument)) {
            return Err(format!("{} needs numbers, found {}", self.name(), kind(other)));
        }
        let common = common.unwrap_or(DataType::Float64);
        match self {
            Self::Add | Self::Subtract | Self::Multiply | Self::Abs => match common {
                DataType::Int64 => Ok((DataType::Int64, DataType::Int64)),
                _ => Ok((DataType::Float64, DataType::Float64)),
            },
            Self::Div | Self::Mod => match common {
                DataType::Float64 => {
                    Err(format!("{} needs whole numbers, found others", self.name()))
                }
                _ => Ok((DataType::Int64, DataType::Int64)),
            },
            Self::IsNan | Self::IsInf => Ok((DataType::Float64, DataType::Boolean)),
            _ => Ok((DataType::Float64, DataType::Float64)),
        }
    }
}

/// Returns the type in which all values can be compared.
fn common_type(types: &[DataType]) -> Option<DataType> {
    let class = |data_type: &DataType| match data_type {
        DataType::Null => Some(DataType::Null),
        DataType::Boolean => Some(DataType::Boolean),
        _ if data_type.is_integer() => Some(DataType::Int64),
        _ if data_type.is_numeric() => Some(DataType::Float64),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(DataType::Utf8),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Some(DataType::Binary),
        _ => None,
    };
    let mut common = DataType::Null;
    for data_type in types {
        common = match (common, class(data_type)?) {
            (DataType::Null, other) | (other, DataType::Null) => other,
            (one, other) if one == other => one,
            (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => {
                DataType::Float64
            }
            (DataType::Utf8, DataType::Binary) | (DataType::Binary, DataType::Utf8) => {
                DataType::Binary
            }
            _ => return None,
        };
    }
    Some(common)
}

/// A call at a place of a query.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    function: Function,
    /// Its place among the calls of the query.
    index: usize,
    name: String,
    signature: Signature,
}

impl Call {
    pub(super) fn new(function: Function, index: usize) -> Self {
        Self {
            function,
            index,
            name: Self::name_of(function, index),
            signature: Signature::any(function.num_arguments(), Volatility::Immutable),
        }
    }

    pub(super) fn name_of(function: Function, index: usize) -> String {
        format!("{} #{index}", function.name())
    }

    fn error(&self, message: impl Into<String>, is_of_value: bool) -> DataFusionError {
        let (index, message) = (self.index, message.into());
        DataFusionError::External(Box::new(CallError { index, message, is_of_value }))
    }
}

/// Why a call gives nothing.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct CallError {
    pub(super) index: usize,
    pub(super) message: String,
    /// Whether it is a value that does not go, and not the types.
    pub(super) is_of_value: bool,
}

impl ScalarUDFImpl for Call {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        let types = self.function.types(arguments);
        types.map(|(_, result)| result).map_err(|message| self.error(message, false))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let arguments = ColumnarValue::values_to_arrays(&args.args)?;
        let types: Vec<DataType> = arguments.iter().map(|it| it.data_type().clone()).collect();
        let (common, _) =
            self.function.types(&types).map_err(|message| self.error(message, false))?;
        let arguments: Vec<ArrayRef> =
            arguments.iter().map(|argument| cast(argument, &common)).collect::<Result<_, _>>()?;
        let result = self.function.compute(&arguments);
        let result = result.map_err(|message| self.error(message, true))?;
        Ok(ColumnarValue::Array(result))
    }
}

impl Function {
    /// Computes of arguments that are of the type that [`Function::types`] gives.
    fn compute(self, arguments: &[ArrayRef]) -> Result<ArrayRef, String> {
        if self.compares() {
            let (left, right) = (&arguments[0], &arguments[1]);
            return self.compare(left, right).map(|it| Arc::new(it) as ArrayRef);
        }
        if arguments[0].data_type() == &DataType::Int64 {
            let numbers = |array: &ArrayRef| array.as_primitive::<Int64Type>().clone();
            let left = numbers(&arguments[0]);
            let right = arguments.get(1).map_or_else(|| left.clone(), numbers);
            let pairs = left.iter().zip(right.iter());
            let result = pairs.map(|(left, right)| match (left, right) {
                (Some(left), Some(right)) => self.of_integers(left, right).map(Some),
                _ => Ok(None),
            });
            return Ok(Arc::new(result.collect::<Result<Int64Array, String>>()?));
        }
        let numbers = |array: &ArrayRef| array.as_primitive::<Float64Type>().clone();
        let left = numbers(&arguments[0]);
        let right = arguments.get(1).map_or_else(|| left.clone(), numbers);
        if matches!(self, Self::IsNan | Self::IsInf) {
            let is =
                |value: f64| if self == Self::IsNan { value.is_nan() } else { value.is_infinite() };
            let result: BooleanArray = left.iter().map(|value| value.map(is)).collect();
            return Ok(Arc::new(result));
        }
        let pairs = left.iter().zip(right.iter());
        let result = pairs.map(|(left, right)| match (left, right) {
            (Some(left), Some(right)) => self.of_floats(left, right),
            _ => Ok(None),
        });
        Ok(Arc::new(result.collect::<Result<Float64Array, String>>()?))
    }

    #[expect(clippy::float_cmp, reason = "it is what the query asks for")]
    fn compare(self, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray, String> {
        if left.data_type() == &DataType::Float64 {
            let holds: fn(f64, f64) -> bool = match self {
                Self::NotEqual => |a, b| a != b,
                Self::Less => |a, b| a < b,
                Self::LessOrEqual => |a, b| a <= b,
                Self::Greater => |a, b| a > b,
                Self::GreaterOrEqual => |a, b| a >= b,
                _ => |a, b| a == b,
            };
            let right = right.as_primitive::<Float64Type>();
            let pairs = left.as_primitive::<Float64Type>().iter().zip(right.iter());
            return Ok(pairs.map(|(a, b)| Some(holds(a?, b?))).collect());
        }
        if left.data_type() == &DataType::Null {
            return Ok(BooleanArray::new_null(left.len()));
        }
        let compare = match self {
            Self::NotEqual => cmp::neq,
            Self::Less => cmp::lt,
            Self::LessOrEqual => cmp::lt_eq,
            Self::Greater => cmp::gt,
            Self::GreaterOrEqual => cmp::gt_eq,
            _ => cmp::eq,
        };
        compare(left, right).map_err(|error| error.to_string())
    }

    fn of_integers(self, left: i64, right: i64) -> Result<i64, String> {
        if right == 0 && matches!(self, Self::Div | Self::Mod) {
            return Err(format!("{left} is divided by 0"));
        }
        let result = match self {
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Div => left.checked_div(right),
            Self::Mod => Some(left.wrapping_rem(right)),
            Self::Abs => left.checked_abs(),
            _ => left.checked_add(right),
        };
        result.ok_or_else(|| format!("{} of {left} and {right} is too large", self.name()))
    }

    fn of_floats(self, left: f64, right: f64) -> Result<Option<f64>, String> {
        Ok(Some(match self {
            Self::Divide if right == 0.0 => return Err(format!("{left} is divided by 0")),
            Self::SafeDivide if right == 0.0 => return Ok(None),
            Self::Divide | Self::SafeDivide | Self::IeeeDivide => left / right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Abs => left.abs(),
            Self::Sqrt if left < 0.0 => return Err(format!("{left} has no square root")),
            Self::Sqrt => left.sqrt(),
            Self::Exp => left.exp(),
            Self::Ln | Self::Log10 if left <= 0.0 => {
                return Err(format!("{left} has no logarithm"));
            }
            Self::Ln => left.ln(),
            Self::Log10 => left.log10(),
            Self::Pow => left.powf(right),
            Self::Floor => left.floor(),
            Self::Ceil => left.ceil(),
            Self::Round => left.round(),
            Self::Sign if left == 0.0 || left.is_nan() => left,
            Self::Sign => left.signum(),
            _ => left + right,
        }))
    }
}
