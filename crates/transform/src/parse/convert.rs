//! The parser's tree to ours: what feature expressions can say, and a clear word about the rest.

use graph::ValueType;
use sqlparser::ast::{
    self as sql, BinaryOperator, CaseWhen, CeilFloorKind, DataType, DateTimeField, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, ObjectNamePart, Spanned, TrimWhereField,
    UnaryOperator, Value,
};

use super::{ParseError, Places};
use crate::ast::{Arg, ArgName, Expr, ExprKind, Literal};

type Converted<T = Expr> = Result<T, ParseError>;

/// Returns the expression that the parser's tree stands for.
pub(super) fn convert(expr: &sql::Expr, places: &Places) -> Converted {
    Converter { places }.expr(expr)
}

struct Converter<'a> {
    places: &'a Places,
}

impl Converter<'_> {
    fn expr(&self, expr: &sql::Expr) -> Converted {
        let at = self.places.start(expr.span());
        let not = |negated: bool, inner: Expr| {
            if negated { Expr::call("NOT", vec![inner], at) } else { inner }
        };
        match expr {
            sql::Expr::Identifier(name) => {
                Ok(Expr { kind: ExprKind::Name(name.value.clone()), at })
            }
            sql::Expr::Nested(inner) => self.expr(inner),
            sql::Expr::Value(value) => literal(&value.value, at),
            sql::Expr::BinaryOp { left, op, right } => {
                let Some(name) = binary(op) else {
                    return Err(unsupported(at, &format!("the operator `{op}`")));
                };
                self.call(name, &[left, right], at)
            }
            sql::Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            sql::Expr::IsNull(inner) => self.call("IS NULL", &[inner], at),
            sql::Expr::IsNotNull(inner) => Ok(not(true, self.call("IS NULL", &[inner], at)?)),
            sql::Expr::IsTrue(inner) => self.is(inner, false, at),
            sql::Expr::IsNotTrue(inner) => Ok(not(true, self.is(inner, false, at)?)),
            sql::Expr::IsFalse(inner) => Ok(not(true, self.is(inner, true, at)?)),
            sql::Expr::IsNotFalse(inner) => self.is(inner, true, at),
            sql::Expr::Between { expr, negated, low, high } => {
                Ok(not(*negated, self.call("BETWEEN", &[expr, low, high], at)?))
            }
            sql::Expr::InList { expr, list, negated } => {
                let mut args = vec![&**expr];
                args.extend(list);
                Ok(not(*negated, self.call("IN", &args, at)?))
            }
            sql::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                Ok(not(*negated, self.like("LIKE", expr, pattern, escape_char.as_ref(), at)?))
            }
            sql::Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                Ok(not(*negated, self.like("ILIKE", expr, pattern, escape_char.as_ref(), at)?))
            }
            sql::Expr::Extract { field, expr, .. } => {
                let part = Literal::String(field.to_string().to_lowercase());
                let part = Expr { kind: ExprKind::Literal(part), at };
                Ok(Expr::call("date_part", vec![part, self.expr(expr)?], at))
            }
            sql::Expr::Position { expr, r#in } => self.call("strpos", &[r#in, expr], at),
            sql::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), at)
            }
            // No cast fails: what cannot be converted is missing, as `TRY_CAST` has it.
            sql::Expr::Cast { expr, data_type, array: false, format: None, .. } => {
                self.cast(expr, data_type, at)
            }
            sql::Expr::Ceil { expr, field } => self.rounded("ceil", expr, field, at),
            sql::Expr::Floor { expr, field } => self.rounded("floor", expr, field, at),
            sql::Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let mut args = vec![&**expr, from];
                args.extend(substring_for.as_deref());
                self.call("substring", &args, at)
            }
            sql::Expr::Trim { expr, trim_where, trim_what: None, trim_characters: None } => {
                let name = match trim_where {
                    None | Some(TrimWhereField::Both) => "trim",
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                };
                self.call(name, &[expr], at)
            }
            sql::Expr::Function(function) => self.function(function, at),
            sql::Expr::CompoundIdentifier(parts) => Err(compound(parts, at)),
            other => Err(unsupported(at, &format!("`{}`", shortened(&other.to_string())))),
        }
    }

    fn call(&self, name: &str, args: &[&sql::Expr], at: usize) -> Converted {
        let args = args.iter().map(|arg| self.expr(arg)).collect::<Converted<_>>()?;
        Ok(Expr::call(name, args, at))
    }

    fn like(
        &self,
        name: &str,
        text: &sql::Expr,
        pattern: &sql::Expr,
        escape: Option<&sql::ValueWithSpan>,
        at: usize,
    ) -> Converted {
        let mut args = vec![self.expr(text)?, self.expr(pattern)?];
        if let Some(escape) = escape {
            args.push(literal(&escape.value, self.places.start(escape.span))?);
        }
        Ok(Expr::call(name, args, at))
    }

    /// `x IS TRUE` and its kin: a missing value counts as `missing`, and the result is never missing.
    fn is(&self, inner: &sql::Expr, missing: bool, at: usize) -> Converted {
        let missing = Expr { kind: ExprKind::Literal(Literal::Bool(missing)), at };
        Ok(Expr::call("coalesce", vec![self.expr(inner)?, missing], at))
    }

    fn unary(&self, op: UnaryOperator, inner: &sql::Expr) -> Converted {
        let inner_at = self.places.start(inner.span());
        match op {
            UnaryOperator::Plus => self.expr(inner),
            UnaryOperator::Not => self.call("NOT", &[inner], inner_at),
            UnaryOperator::Minus => {
                // The least integer is a number only with its sign.
                if let sql::Expr::Value(value) = inner
                    && let Value::Number(digits, _) = &value.value
                {
                    return number(&format!("-{digits}"), inner_at);
                }
                self.call("-x", &[inner], inner_at)
            }
            other => Err(unsupported(inner_at, &format!("the operator `{other}`"))),
        }
    }

    fn case(
        &self,
        operand: Option<&sql::Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&sql::Expr>,
        at: usize,
    ) -> Converted {
        let operand = operand.map(|operand| self.expr(operand)).transpose()?.map(Box::new);
        let branch = |when: &CaseWhen| Ok((self.expr(&when.condition)?, self.expr(&when.result)?));
        let branches = conditions.iter().map(branch).collect::<Converted<_>>()?;
        let otherwise = otherwise.map(|value| self.expr(value)).transpose()?.map(Box::new);
        Ok(Expr { kind: ExprKind::Case { operand, branches, otherwise }, at })
    }

    fn cast(&self, value: &sql::Expr, data_type: &DataType, at: usize) -> Converted {
        let Some(to) = value_type(data_type) else {
            return Err(ParseError {
                at,
                message: format!("cast to `{data_type}`: expected int, float, text or bool"),
                hint: None,
            });
        };
        Ok(Expr { kind: ExprKind::Cast { value: Box::new(self.expr(value)?), to }, at })
    }

    fn rounded(
        &self,
        name: &str,
        value: &sql::Expr,
        field: &CeilFloorKind,
        at: usize,
    ) -> Converted {
        match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => {
                self.call(name, &[value], at)
            }
            other => Err(unsupported(at, &format!("`{name}` with `{other:?}`"))),
        }
    }

    fn function(&self, function: &sql::Function, at: usize) -> Converted {
        let [ObjectNamePart::Identifier(name)] = &function.name.0[..] else {
            return Err(unsupported(at, &format!("`{}`", function.name)));
        };
        let at = self.places.start(name.span);
        let plain = function.filter.is_none()
            && function.over.is_none()
            && function.null_treatment.is_none()
            && function.within_group.is_empty()
            && matches!(function.parameters, FunctionArguments::None);
        let FunctionArguments::List(list) = &function.args else {
            return Err(ParseError {
                at,
                message: format!("found `{name}` without arguments, expected a column or a call"),
                hint: Some(format!("write \"{name}\", in double quotes, if a column is meant")),
            });
        };
        if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(unsupported(at, "`DISTINCT`, `FILTER`, `OVER` and the like"));
        }
        let args = list.args.iter().map(|arg| self.arg(arg, at)).collect::<Converted<_>>()?;
        Ok(Expr { kind: ExprKind::Call { name: name.value.to_lowercase(), args }, at })
    }

    fn arg(&self, arg: &FunctionArg, call_at: usize) -> Converted<Arg> {
        let (name, value) = match arg {
            FunctionArg::Unnamed(value) => (None, value),
            FunctionArg::Named { name, arg, .. } => {
                let at = self.places.start(name.span);
                (Some(ArgName { text: name.value.clone(), at }), arg)
            }
            FunctionArg::ExprNamed { name, arg, .. } => {
                let at = self.places.start(name.span());
                (Some(ArgName { text: name.to_string(), at }), arg)
            }
        };
        match value {
            FunctionArgExpr::Expr(value) => Ok(Arg { name, value: self.expr(value)? }),
            _ => Err(unsupported(call_at, "`*` as an argument")),
        }
    }
}

fn compound(parts: &[Ident], at: usize) -> ParseError {
    let written: Vec<_> = parts.iter().map(|part| part.value.as_str()).collect();
    let written = written.join(".");
    ParseError {
        at,
        message: format!("found `{written}`, expected one name"),
        hint: Some(format!(
            "write \"{written}\", in double quotes, if a column has a dot in its name"
        )),
    }
}

fn unsupported(at: usize, what: &str) -> ParseError {
    ParseError { at, message: format!("feature expressions do not know {what}"), hint: None }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(39).chain(['…']).collect()
}

fn binary(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::BitwiseAnd => "&",
        BinaryOperator::BitwiseOr => "|",
        _ => return None,
    })
}

fn value_type(data_type: &DataType) -> Option<ValueType> {
    // The first word of what was written: types here have no lengths or precisions.
    let written = data_type.to_string().to_lowercase();
    Some(match written.split([' ', '(']).next().unwrap_or_default() {
        "int" | "integer" | "bigint" | "int64" | "int8" => ValueType::Int,
        "float" | "double" | "real" | "float8" | "float64" | "float4" | "float32" => {
            ValueType::Float
        }
        "text" | "string" | "varchar" | "char" | "character" => ValueType::String,
        "bool" | "boolean" => ValueType::Bool,
        _ => return None,
    })
}

fn literal(value: &Value, at: usize) -> Converted {
    let literal = match value {
        Value::Number(digits, _) => return number(digits, at),
        Value::SingleQuotedString(text) => Literal::String(text.clone()),
        Value::Boolean(value) => Literal::Bool(*value),
        Value::Null => Literal::Null,
        other => return Err(unsupported(at, &format!("`{}`", shortened(&other.to_string())))),
    };
    Ok(Expr { kind: ExprKind::Literal(literal), at })
}

fn number(digits: &str, at: usize) -> Converted {
    let is_int = digits.trim_start_matches('-').chars().all(|c| c.is_ascii_digit());
    let literal = if is_int {
        digits.parse().ok().map(Literal::Int)
    } else {
        digits.parse().ok().filter(|value: &f64| value.is_finite()).map(Literal::Float)
    };
    let Some(literal) = literal else {
        let expected = if is_int { "a 64-bit integer" } else { "a 64-bit float" };
        return Err(ParseError {
            at,
            message: format!("found {digits}, expected a number that {expected} can hold"),
            hint: is_int.then(|| format!("write {digits}.0 for a float")),
        });
    };
    Ok(Expr { kind: ExprKind::Literal(literal), at })
}
