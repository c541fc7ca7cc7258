//! Natural language: how much of it a vocabulary covers, and how often single tokens occur.

use formats::Message;
use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::custom_statistic::Val;
use formats::metadata::natural_language_statistics::TokenStatistics;
use formats::metadata::natural_language_statistics::token_statistics::Token;
use formats::metadata::sequence_value_constraints::Value;
use formats::metadata::{
    NaturalLanguageDomain, NaturalLanguageStatistics, SequenceValueConstraints,
};

use super::reason;
use crate::domain::single;
use crate::text::six_digits;
use crate::view::FeatureView;

/// The message that the statistics of a language are packed as.
const PACKED_AS: &str = "/tensorflow.metadata.v0.NaturalLanguageStatistics";

/// Lowers what has to be covered and widens how often tokens may occur; returns whether the domain can be
/// checked at all.
pub(super) fn relax(
    domain: &mut NaturalLanguageDomain,
    view: &FeatureView<'_>,
    reasons: &mut Vec<Reason>,
) -> bool {
    let has_limits = domain.coverage.as_ref().is_some_and(|coverage| {
        coverage.min_coverage.is_some() || coverage.min_avg_token_length.is_some()
    });
    if !has_limits && domain.token_constraints.is_empty() {
        return true;
    }
    let Some(statistics) = statistics(view) else {
        reasons.push(not_available());
        return false;
    };
    relax_coverage(domain, &statistics, reasons);
    for constraints in &mut domain.token_constraints {
        let Some(value) = &constraints.value else { continue };
        let (name, token) = match value {
            Value::IntValue(number) => (number.to_string(), Token::IntToken(*number)),
            Value::StringValue(text) => (text.clone(), Token::StringToken(text.clone())),
        };
        let mut tokens = statistics.token_statistics.iter();
        let Some(found) = tokens.find(|it| it.token.as_ref() == Some(&token)) else {
            reasons.push(not_available());
            return false;
        };
        relax_token(constraints, &name, found, reasons);
    }
    true
}

fn statistics(view: &FeatureView<'_>) -> Option<NaturalLanguageStatistics> {
    let stat = view.custom_stats().iter().find(|stat| stat.name == "nl_statistics")?;
    let Some(Val::Any(packed)) = &stat.val else { return None };
    if !packed.type_url.ends_with(PACKED_AS) {
        return None;
    }
    NaturalLanguageStatistics::decode(packed.value.as_slice()).ok()
}

fn not_available() -> Reason {
    reason(
        Type::StatsNotAvailable,
        "Natural language stats are not computed.",
        "Constraints specified in natural language domain cannot be verified because natural language stats have not been computed.",
    )
}

fn relax_coverage(
    domain: &mut NaturalLanguageDomain,
    statistics: &NaturalLanguageStatistics,
    reasons: &mut Vec<Reason>,
) {
    let Some(coverage) = &mut domain.coverage else { return };
    let found = single(statistics.feature_coverage);
    if let Some(limit) = coverage.min_coverage.filter(|&limit| limit > found) {
        reasons.push(reason(
            Type::FeatureCoverageTooLow,
            "Feature coverage is too low.",
            format!(
                "Fraction of tokens in the vocabulary: {} is lower than the threshold set in the Schema: {}.",
                six_digits(statistics.feature_coverage),
                six_digits(limit.into())
            ),
        ));
        coverage.min_coverage = Some(found);
    }
    let found = single(statistics.avg_token_length);
    if let Some(limit) = coverage.min_avg_token_length.filter(|&limit| found < limit) {
        reasons.push(reason(
            Type::FeatureCoverageTooShortAvgTokenLength,
            "Average token length is too short.",
            format!(
                "Average token length is: {} which is lower than the threshold set in the Schema: {}.",
                six_digits(statistics.avg_token_length),
                six_digits(limit.into())
            ),
        ));
        coverage.min_avg_token_length = Some(found);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "frequencies are counts, and stay far below 2^53"
)]
fn relax_token(
    constraints: &mut SequenceValueConstraints,
    name: &str,
    found: &TokenStatistics,
    reasons: &mut Vec<Reason>,
) {
    let mut fraction = |limit: f32, kind, size: &str, relation: &str| {
        reasons.push(reason(
            kind,
            &format!("Value occurs in too {size} a fraction of sequences."),
            format!(
                "Fraction of sequences with value: {name} is: {} which is {relation} than the threshold set in the Schema: {}.",
                six_digits(found.fraction_of_sequences),
                six_digits(limit.into())
            ),
        ));
        Some(single(found.fraction_of_sequences))
    };
    let seen = single(found.fraction_of_sequences);
    if let Some(limit) = constraints.min_fraction_of_sequences.filter(|&limit| limit > seen) {
        let kind = Type::SequenceValueTooSmallFraction;
        constraints.min_fraction_of_sequences = fraction(limit, kind, "small", "lower");
    }
    if let Some(limit) = constraints.max_fraction_of_sequences.filter(|&limit| limit < seen) {
        let kind = Type::SequenceValueTooLargeFraction;
        constraints.max_fraction_of_sequences = fraction(limit, kind, "large", "higher");
    }

    let mut occurrences = |limit: i64, kind, size: &str, side: &str, seen: f64, relation: &str| {
        reasons.push(reason(
            kind,
            &format!("Value has too {size} per-sequence occurrences."),
            format!(
                "Value: {name} occurs at {side}: {} times within a sequence, which is {relation} than the threshold set in the Schema: {limit}.",
                six_digits(seen)
            ),
        ));
    };
    let (fewest, most) = (found.per_sequence_min_frequency, found.per_sequence_max_frequency);
    if let Some(limit) = constraints.min_per_sequence.filter(|&limit| limit as f64 > fewest) {
        let kind = Type::SequenceValueTooFewOccurrences;
        occurrences(limit, kind, "few", "least", fewest, "lower");
        constraints.min_per_sequence = Some(fewest.floor() as i64);
    }
    if let Some(limit) = constraints.max_per_sequence.filter(|&limit| (limit as f64) < most) {
        let kind = Type::SequenceValueTooManyOccurrences;
        occurrences(limit, kind, "many", "most", most, "higher");
        constraints.max_per_sequence = Some(most.ceil() as i64);
    }
}
