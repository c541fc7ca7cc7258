//! What statistics say of a feature beside the usual numbers, in words.

use formats::Message;
use formats::metadata::custom_statistic::Val;
use formats::metadata::{
    CustomStatistic, FeatureNameStatistics, NaturalLanguageStatistics, RankHistogram,
};

/// How many values of a ranking are said.
const RANKS: usize = 10;

/// Returns what a feature's custom statistics say, each with its name: what the values look like, images by format,
/// how much of a language is covered, where the columns of a sparse or weighted feature do not match, how much a
/// feature tells about a label. Histograms are left to pictures.
pub fn notes(feature: &FeatureNameStatistics) -> Vec<(String, String)> {
    feature.custom_stats.iter().flat_map(note).collect()
}

fn note(stat: &CustomStatistic) -> Vec<(String, String)> {
    let named = |text: String| vec![(stat.name.replace('_', " "), text)];
    match &stat.val {
        Some(Val::Str(text)) if stat.name == "domain_info" => {
            vec![("looks like".to_owned(), text.clone())]
        }
        Some(Val::Str(text)) => named(text.clone()),
        Some(Val::Num(number)) if stat.name == "adjusted_mutual_information" => {
            vec![("tells about the label".to_owned(), format!("{} bits", short(*number)))]
        }
        Some(Val::Num(number)) => named(short(*number)),
        Some(Val::RankHistogram(ranks)) => named(ranking(ranks)),
        Some(Val::Any(packed)) if stat.name == "nl_statistics" => {
            NaturalLanguageStatistics::decode(&*packed.value)
                .map_or_else(|_| Vec::new(), |language| language_notes(&language))
        }
        Some(Val::Any(_) | Val::Histogram(_)) | None => Vec::new(),
    }
}

fn ranking(ranks: &RankHistogram) -> String {
    let shown = ranks.buckets.iter().take(RANKS);
    let mut parts: Vec<String> =
        shown.map(|bucket| format!("{} {}", bucket.label, short(bucket.sample_count))).collect();
    if ranks.buckets.len() > RANKS {
        parts.push(format!("and {} more", ranks.buckets.len() - RANKS));
    }
    parts.join(", ")
}

fn language_notes(language: &NaturalLanguageStatistics) -> Vec<(String, String)> {
    let mut notes = vec![
        ("tokens covered".to_owned(), format!("{:.1} %", language.feature_coverage * 100.0)),
        ("average token length".to_owned(), short(language.avg_token_length)),
        (
            "tokens in a sequence".to_owned(),
            format!("{} to {}", language.min_sequence_length, language.max_sequence_length),
        ),
    ];
    if let Some(ranks) = &language.rank_histogram {
        notes.push(("most frequent tokens".to_owned(), ranking(ranks)));
    }
    for token in &language.token_statistics {
        use formats::metadata::natural_language_statistics::token_statistics::Token;
        let name = match &token.token {
            Some(Token::StringToken(text)) => format!("{text:?}"),
            Some(Token::IntToken(number)) => number.to_string(),
            None => continue,
        };
        let text = format!(
            "{} times, in {:.1} % of the sequences",
            short(token.frequency),
            token.fraction_of_sequences * 100.0
        );
        notes.push((format!("token {name}"), text));
    }
    notes
}

/// Returns a number with at most four digits behind the point.
fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_picture_is_said_in_words() {
        let feature: FeatureNameStatistics = formats::text::parse(
            "custom_stats { name: 'domain_info' str: 'image_domain {}' }
             custom_stats { name: 'image_format_histogram' rank_histogram {
               buckets { label: 'gif' sample_count: 2 } buckets { label: 'png' sample_count: 7 } } }
             custom_stats { name: 'image_max_width' num: 640 }
             custom_stats { name: 'adjusted_mutual_information' num: 0.123456 }
             custom_stats { name: 'level_2_value_list_length_standard' histogram { } }
             custom_stats { name: 'nl_statistics' any {
               [type.googleapis.com/tensorflow.metadata.v0.NaturalLanguageStatistics] {
                 feature_coverage: 0.75 avg_token_length: 3.5 min_sequence_length: 1 max_sequence_length: 9
                 rank_histogram { buckets { label: 'cat' sample_count: 3 } }
                 token_statistics { string_token: 'cat' frequency: 3 fraction_of_sequences: 0.5 } } } }",
        )
        .unwrap();
        let found = notes(&feature);
        let said: Vec<String> =
            found.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        let expected = [
            "looks like: image_domain {}",
            "image format histogram: gif 2, png 7",
            "image max width: 640",
            "tells about the label: 0.1235 bits",
            "tokens covered: 75.0 %",
            "average token length: 3.5",
            "tokens in a sequence: 1 to 9",
            "most frequent tokens: cat 3",
            "token \"cat\": 3 times, in 50.0 % of the sequences",
        ];
        assert_eq!(said, expected);
    }
}
