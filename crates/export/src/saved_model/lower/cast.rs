//! Conversions between types.

use graph::{TrimSide, ValueType};

use super::{BOOL, CHECKED, DOUBLE, INT, Lowering, Presence, STRING, computed_type, zero};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

/// A decimal integer of at most 19 digits, zeros in front apart.
const INTEGER: &str = "[+-]?0*[0-9]{1,19}";
/// A decimal number.
const NUMBER: &str = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?";
const INFINITY: &str = "[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?";
const NAN: &str = "[+-]?[nN][aA][nN]";
// RE2 would take more letters than ASCII has for those of any case.
const TRUE: &str = "[tT][rR][uU][eE]|[tT]|[yY][eE][sS]|[yY]|1";
const FALSE: &str = "[fF][aA][lL][sS][eE]|[fF]|[nN][oO]|[nN]|0";

/// TensorFlow reads no longer text as a number.
const LONGEST: i64 = 31;

/// As many digits as 64 bits can have.
const ZEROS: &str = "0000000000000000000";

impl Lowering<'_> {
    /// Converts values, by the rules of [`graph::Op::Cast`], and tells which can be converted.
    pub(super) fn convert(
        &mut self,
        from: ValueType,
        to: ValueType,
        a: &Tensor,
    ) -> (Tensor, Presence) {
        let tensor = match (from, to) {
            (from, to) if from == to => a.clone(),
            (ValueType::Int | ValueType::Float, ValueType::Bool) => {
                let zero = zero(self.writer, computed_type(from));
                self.writer.compare("NotEqual", a, &zero)
            }
            (ValueType::Float, ValueType::Int) => return self.cut(a),
            (ValueType::Int | ValueType::Bool, ValueType::Float | ValueType::Int) => {
                self.writer.cast(a, computed_type(to))
            }
            (ValueType::Int, ValueType::String) => {
                self.writer.node("AsString").input(a).data_type("T", INT).output(STRING)
            }
            (ValueType::Bool, ValueType::String) => {
                let [yes, no] =
                    ["true", "false"].map(|text| self.writer.constant(tensor::text(text)));
                self.writer.select(a, &yes, &no)
            }
            (ValueType::String, _) => {
                let text = self.trim(TrimSide::Both, a);
                return match to {
                    ValueType::Int => self.read_int(&text),
                    ValueType::Float => self.read_float(&text),
                    _ => self.read_bool(&text),
                };
            }
            _ => unreachable!("{CHECKED}"),
        };
        (tensor, Presence::Always)
    }

    /// Cuts floats towards 0, where the result fits.
    fn cut(&mut self, a: &Tensor) -> (Tensor, Presence) {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
        let (least, limit, zero) = (self.double(-LIMIT), self.double(LIMIT), self.double(0.0));
        let is_above = self.writer.compare("GreaterEqual", a, &least);
        let is_below = self.writer.compare("Less", a, &limit);
        let fits = self.writer.and(&is_above, &is_below);
        let safe = self.writer.select(&fits, a, &zero);
        (self.writer.cast(&safe, INT), Presence::Where(fits))
    }

    pub(super) fn matches(&mut self, text: &Tensor, pattern: &str) -> Tensor {
        let node = self.writer.node("StaticRegexFullMatch").input(text);
        node.bytes("pattern", pattern).output(BOOL)
    }

    pub(super) fn without(&mut self, text: &Tensor, pattern: &str) -> Tensor {
        let node = self.writer.node("StaticRegexReplace").input(text).bytes("pattern", pattern);
        node.bytes("rewrite", "").bool("replace_global", false).output(STRING)
    }

    /// Returns the number that a text of digits is.
    fn number(&mut self, text: &Tensor, data_type: formats::tensorflow::DataType) -> Tensor {
        let node = self.writer.node("StringToNumber").input(text);
        node.data_type("out_type", data_type).output(data_type)
    }

    /// Reads integers in two parts, because TensorFlow fails where 64 bits do not hold one.
    fn read_int(&mut self, text: &Tensor) -> (Tensor, Presence) {
        let is_number = self.matches(text, INTEGER);
        let is_negative = self.matches(text, "(?s)-.*");
        let zeros = self.writer.constant(tensor::text(ZEROS));
        let digits = self.without(text, "^[+-]?0*");
        let digits = self.concat(&zeros, &digits);
        let digits = self.writer.select(&is_number, &digits, &zeros);
        let all = self.num_bytes(&digits);
        let num_digits = self.int(tensor::len(ZEROS.as_bytes()));
        let start = self.writer.binary("Sub", &all, &num_digits);
        let length = self.writer.binary("Sub", &all, &start);
        let digits = self.part(&digits, &start, &length, "BYTE");

        let (start, ten, nine) = (self.int(0), self.int(10), self.int(9));
        let high = self.part(&digits, &start, &ten, "BYTE");
        let low = self.part(&digits, &ten, &nine, "BYTE");
        let (high, low) = (self.number(&high, INT), self.number(&low, INT));
        let (most_high, most_low) = (self.int(9_223_372_036), self.int(854_775_807));
        let one_more = self.writer.cast(&is_negative, INT);
        let most_low = self.writer.binary("AddV2", &most_low, &one_more);
        let is_less = self.writer.compare("Less", &high, &most_high);
        let is_same = self.writer.compare("Equal", &high, &most_high);
        let low_fits = self.writer.compare("LessEqual", &low, &most_low);
        let both_fit = self.writer.and(&is_same, &low_fits);
        let fits = self.writer.or(&is_less, &both_fit);
        let present = self.writer.and(&is_number, &fits);

        let billion = self.int(1_000_000_000);
        let value = self.writer.binary("Mul", &high, &billion);
        let value = self.writer.binary("AddV2", &value, &low);
        let negative = self.writer.unary("Neg", &value);
        (self.writer.select(&is_negative, &negative, &value), Presence::Where(present))
    }

    fn read_float(&mut self, text: &Tensor) -> (Tensor, Presence) {
        let [is_number, is_infinity, is_nan, is_negative] =
            [NUMBER, INFINITY, NAN, "(?s)-.*"].map(|pattern| self.matches(text, pattern));
        let zero = self.writer.constant(tensor::text("0"));
        let digits = self.writer.select(&is_number, text, &zero);
        let length = self.num_bytes(&digits);
        let most = self.int(LONGEST);
        let is_short = self.writer.compare("LessEqual", &length, &most);
        let long = self.writer.select(&is_short, &zero, &digits);
        let shortened = self.shorten(&long, &is_negative);
        let digits = self.writer.select(&is_short, &digits, &shortened);
        let value = self.number(&digits, DOUBLE);

        let [infinity, minus_infinity, nan] =
            [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(|value| self.double(value));
        let infinity = self.writer.select(&is_negative, &minus_infinity, &infinity);
        let value = self.writer.select(&is_infinity, &infinity, &value);
        let value = self.writer.select(&is_nan, &nan, &value);
        let present = self.writer.or(&is_number, &is_infinity);
        let present = self.writer.or(&present, &is_nan);
        (value, Presence::Where(present))
    }

    /// Returns numbers in fewer digits: of each the first 20 that count, and whether others follow.
    fn shorten(&mut self, number: &Tensor, is_negative: &Tensor) -> Tensor {
        let zero = self.writer.constant(tensor::text("0"));
        let mantissa = self.without(number, "[eE].*");
        let mantissa = self.without(&mantissa, "^[+-]");
        let whole = self.without(&mantissa, r"\..*");
        let fraction = self.without(&mantissa, r"^[0-9]*\.?");
        let digits = self.concat(&whole, &fraction);
        let digits = self.without(&digits, "^0+");

        // One digit more tells whether the number is above the digits that are kept.
        let (start, most, one) = (self.int(0), self.int(20), self.int(1));
        let num_digits = self.num_bytes(&digits);
        let num_kept = self.writer.binary("Minimum", &num_digits, &most);
        let from_start = self.writer.binary("Mul", &num_digits, &start);
        let kept = self.part(&digits, &from_start, &num_kept, "BYTE");
        let rest = self.part(&digits, &num_kept, &num_digits, "BYTE");
        let is_above = self.matches(&rest, "0*[1-9][0-9]*");
        let above = self.writer.constant(tensor::text("1"));
        let above = self.writer.select(&is_above, &above, &zero);

        let exponent = self.without(number, "^[^eE]*[eE]?");
        let is_below = self.matches(&exponent, "-.*");
        let exponent = self.without(&exponent, "^[+-]?0*");
        let exponent = self.concat(&zero, &exponent);
        // Whatever has so many digits is out of range by far.
        let is_huge = self.matches(&exponent, "[0-9]{19,}");
        let huge = self.writer.constant(tensor::text("999999999999999999"));
        let exponent = self.writer.select(&is_huge, &huge, &exponent);
        let exponent = self.number(&exponent, INT);
        let negative = self.writer.unary("Neg", &exponent);
        let exponent = self.writer.select(&is_below, &negative, &exponent);
        let num_fraction = self.num_bytes(&fraction);
        let num_dropped = self.writer.binary("Sub", &num_digits, &num_kept);
        let exponent = self.writer.binary("Sub", &exponent, &num_fraction);
        let exponent = self.writer.binary("AddV2", &exponent, &num_dropped);
        let exponent = self.writer.binary("Sub", &exponent, &one);
        let (least, limit) = (self.int(-9999), self.int(9999));
        let exponent = self.writer.binary("Maximum", &exponent, &least);
        let exponent = self.writer.binary("Minimum", &exponent, &limit);
        let exponent = self.writer.node("AsString").input(&exponent).data_type("T", INT);
        let exponent = exponent.output(STRING);

        let [minus, plus, e] =
            ["-0", "0", "e"].map(|text| self.writer.constant(tensor::text(text)));
        let sign = self.writer.select(is_negative, &minus, &plus);
        let parts = [&sign, &kept, &above, &e, &exponent];
        let node =
            parts.into_iter().fold(self.writer.node("StringJoin"), |node, part| node.input(part));
        node.int("N", tensor::len(&parts)).output(STRING)
    }

    fn read_bool(&mut self, text: &Tensor) -> (Tensor, Presence) {
        let (is_true, is_false) = (self.matches(text, TRUE), self.matches(text, FALSE));
        let present = self.writer.or(&is_true, &is_false);
        (is_true, Presence::Where(present))
    }
}
