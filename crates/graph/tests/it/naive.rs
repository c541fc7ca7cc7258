//! What each operation does, once more: one row at a time, and as plainly as can be.

#![expect(clippy::cast_possible_truncation, reason = "conversions between numbers are operations")]
#![expect(clippy::float_cmp, reason = "so is equality")]

use farmhash::fingerprint64;
use graph::Literal::{Bool, Float, Int, Null};
use graph::{Literal, Op, TrimSide, ValueType};

/// Computes one operation of one row; `tokens` are the vocabulary of every lookup.
pub(crate) fn compute(op: &Op, operands: &[Literal], tokens: &[&str]) -> Literal {
    let types: Vec<_> = operands.iter().map(Literal::value_type).collect();
    let result = op.result_type(&types).unwrap();
    special(op, operands).unwrap_or_else(|| {
        let is_missing = operands.iter().any(|operand| matches!(operand, Null(_)));
        let value = if is_missing { None } else { present(op, operands, tokens) };
        value.unwrap_or(Null(result))
    })
}

/// Operations to which a missing operand is not the end of it.
fn special(op: &Op, operands: &[Literal]) -> Option<Literal> {
    let is_null = |place: usize| matches!(operands[place], Null(_));
    match (op, operands) {
        (Op::And, [Bool(false), _] | [_, Bool(false)]) => Some(Bool(false)),
        (Op::Or, [Bool(true), _] | [_, Bool(true)]) => Some(Bool(true)),
        (Op::IsNull, _) => Some(Bool(is_null(0))),
        (Op::Select, [Bool(true), a, _]) => Some(a.clone()),
        (Op::Select, [_, _, b]) => Some(b.clone()),
        (Op::Coalesce, [a, b]) => Some(if is_null(0) { b.clone() } else { a.clone() }),
        _ => None,
    }
}

fn present(op: &Op, operands: &[Literal], tokens: &[&str]) -> Option<Literal> {
    if let Some(result) = crate::grouped::present(op, operands) {
        return result;
    }
    match operands {
        [Int(a)] => int(op, *a),
        [Float(a)] => float(op, *a),
        [Literal::String(a)] => text(op, a, tokens),
        [Bool(a)] => boolean(op, *a),
        [Int(a), Int(b)] => ints(op, *a, *b),
        [Float(a), Float(b)] => Some(floats(op, *a, *b)),
        [Literal::String(a), Literal::String(b)] => Some(texts(op, a, b)),
        [Bool(a), Bool(b)] => Some(match op {
            Op::And => Bool(*a && *b),
            Op::Or => Bool(*a || *b),
            _ => compare(op, a, b),
        }),
        _ => panic!("{op:?} of {operands:?}"),
    }
}

fn compare<T: PartialOrd>(op: &Op, a: &T, b: &T) -> Literal {
    Bool(match op {
        Op::Equal => a == b,
        Op::NotEqual => a != b,
        Op::Less => a < b,
        Op::LessOrEqual => a <= b,
        Op::Greater => a > b,
        Op::GreaterOrEqual => a >= b,
        _ => panic!("{op:?}"),
    })
}

fn int(op: &Op, a: i64) -> Option<Literal> {
    Some(match op {
        Op::Negate => Int(0i64.wrapping_sub(a)),
        Op::Abs => Int(if a < 0 { a.wrapping_neg() } else { a }),
        Op::Sign => Int(i64::from(a > 0) - i64::from(a < 0)),
        Op::Cast { to } => match to {
            ValueType::Int => Int(a),
            ValueType::Float => Float(a as f64),
            ValueType::String => Literal::String(a.to_string()),
            ValueType::Bool => Bool(a != 0),
        },
        Op::IsIn(literals) => Bool(literals.values().contains(&Int(a))),
        _ => panic!("{op:?}"),
    })
}

fn float(op: &Op, a: f64) -> Option<Literal> {
    Some(Float(match op {
        Op::Negate => -a,
        Op::Abs => a.abs(),
        Op::Sign if a == 0.0 || a.is_nan() => a,
        Op::Sign => a.signum(),
        Op::Ln => a.ln(),
        Op::Log2 => a.log2(),
        Op::Log10 => a.log10(),
        Op::Exp => a.exp(),
        Op::Sqrt => a.sqrt(),
        Op::Floor => a.floor(),
        Op::Ceil => a.ceil(),
        Op::Round => a.round_ties_even(),
        Op::Sin => a.sin(),
        Op::Cos => a.cos(),
        Op::Tanh => a.tanh(),
        Op::Sigmoid => 1.0 / (1.0 + (-a).exp()),
        Op::IsNan => return Some(Bool(a.is_nan())),
        Op::IsIn(literals) => {
            let is_in = |literal: &Literal| matches!(literal, Float(b) if a == *b);
            return Some(Bool(literals.values().iter().any(is_in)));
        }
        Op::Bucketize(boundaries) => {
            let boundaries = boundaries.values();
            let bucket = match boundaries.iter().position(|boundary| a < *boundary) {
                Some(first_above) => first_above,
                None => boundaries.len(),
            };
            return Some(Int(bucket as i64));
        }
        Op::Cast { to: ValueType::Float } => a,
        Op::Cast { to: ValueType::Bool } => return Some(Bool(a != 0.0)),
        Op::Cast { to: ValueType::Int } => {
            let whole = a.trunc();
            let fits = (-(2f64.powi(63))..2f64.powi(63)).contains(&whole);
            return fits.then_some(Int(whole as i64));
        }
        Op::Cast { to: ValueType::String } => {
            let is_whole = a.fract() == 0.0 && a.abs() < 2f64.powi(53);
            let is_narrow = f64::from(a as f32) == a;
            return Some(Literal::String(match is_narrow && !is_whole {
                true => format!("{:?}", a as f32),
                false => format!("{a:?}"),
            }));
        }
        _ => panic!("{op:?}"),
    }))
}

fn boolean(op: &Op, a: bool) -> Option<Literal> {
    Some(match op {
        Op::Not => Bool(!a),
        Op::Cast { to } => match to {
            ValueType::Int => Int(i64::from(a)),
            ValueType::Float => Float(f64::from(a)),
            ValueType::String => Literal::String(a.to_string()),
            ValueType::Bool => Bool(a),
        },
        Op::IsIn(literals) => Bool(literals.values().contains(&Bool(a))),
        _ => panic!("{op:?}"),
    })
}

fn text(op: &Op, a: &str, tokens: &[&str]) -> Option<Literal> {
    let is_space = |c: &char| [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'].contains(c);
    let hash = |num_buckets: u64| fingerprint64(a.as_bytes()) % num_buckets;
    Some(Literal::String(match op {
        Op::Lower => a.to_lowercase(),
        Op::Upper => a.to_uppercase(),
        Op::Trim(side) => {
            let mut chars: Vec<char> = a.chars().collect();
            while *side != TrimSide::Right && chars.first().is_some_and(is_space) {
                chars.remove(0);
            }
            while *side != TrimSide::Left && chars.last().is_some_and(is_space) {
                chars.pop();
            }
            chars.into_iter().collect()
        }
        Op::Substring { start, length } => {
            let start = i128::from(*start);
            let end = length.map_or(i128::MAX, |length| start + i128::from(length));
            let is_kept = |place: usize| (start..end).contains(&(place as i128 + 1));
            a.chars().enumerate().filter(|(place, _)| is_kept(*place)).map(|(_, c)| c).collect()
        }
        Op::Replace { from, to } if !from.is_empty() => a.replace(from, to),
        Op::Replace { .. } => a.to_owned(),
        Op::Length => return Some(Int(a.chars().count() as i64)),
        Op::IsIn(literals) => return Some(Bool(literals.values().contains(&a.into()))),
        Op::Hash { num_buckets } => return Some(Int(hash(*num_buckets) as i64)),
        Op::KeyedHash { num_buckets, key } => {
            use std::hash::Hasher as _;
            let mut hasher = siphasher::sip::SipHasher24::new_with_keys(key[0], key[1]);
            hasher.write(a.as_bytes());
            return Some(Int((hasher.finish() % num_buckets) as i64));
        }
        Op::Lookup { num_oov_buckets, default_value, .. } => {
            return Some(Int(match tokens.iter().position(|token| *token == a) {
                Some(place) => place as i64,
                None if *num_oov_buckets == 0 => *default_value,
                None => tokens.len() as i64 + hash(*num_oov_buckets) as i64,
            }));
        }
        Op::Cast { to: ValueType::String } => a.to_owned(),
        Op::Cast { to } => {
            let word = a.trim_matches(|c| is_space(&c));
            return match to {
                ValueType::Int => word.parse().ok().map(Int),
                ValueType::Float => word.parse().ok().map(Float),
                _ => match word.to_ascii_lowercase().as_str() {
                    "true" | "t" | "yes" | "y" | "1" => Some(Bool(true)),
                    "false" | "f" | "no" | "n" | "0" => Some(Bool(false)),
                    _ => None,
                },
            };
        }
        _ => panic!("{op:?}"),
    }))
}

fn ints(op: &Op, a: i64, b: i64) -> Option<Literal> {
    let wrap = |wide: i128| Int(wide as i64);
    let (wide_a, wide_b) = (i128::from(a), i128::from(b));
    Some(match op {
        Op::Add => wrap(wide_a + wide_b),
        Op::Subtract => wrap(wide_a - wide_b),
        Op::Multiply => wrap(wide_a * wide_b),
        Op::Modulo => return (b != 0).then(|| wrap(wide_a % wide_b)),
        Op::Least => Int(a.min(b)),
        Op::Greatest => Int(a.max(b)),
        _ => compare(op, &a, &b),
    })
}

fn floats(op: &Op, a: f64, b: f64) -> Literal {
    let is_nan = a.is_nan() || b.is_nan();
    Float(match op {
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => a / b,
        Op::Modulo => a % b,
        Op::Power => a.powf(b),
        Op::Least | Op::Greatest if is_nan => f64::NAN,
        Op::Least => {
            if a < b {
                a
            } else {
                b
            }
        }
        Op::Greatest => {
            if a > b {
                a
            } else {
                b
            }
        }
        _ => return compare(op, &a, &b),
    })
}

fn texts(op: &Op, a: &str, b: &str) -> Literal {
    match op {
        Op::Concat => Literal::String([a, b].concat()),
        Op::StartsWith => Bool(a.as_bytes().starts_with(b.as_bytes())),
        Op::EndsWith => Bool(a.as_bytes().ends_with(b.as_bytes())),
        Op::Contains => Bool(a.find(b).is_some()),
        _ => compare(op, &a.as_bytes(), &b.as_bytes()),
    }
}
