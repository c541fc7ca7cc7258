//! Which name a person probably meant.

/// Returns the candidate nearest to `name`, when one is near enough to be worth suggesting.
///
/// Near means a Jaro-Winkler similarity of at least 0.8, case ignored; ties go to the first candidate.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates {
        let score = strsim::jaro_winkler(&name, &candidate.to_lowercase());
        if score >= 0.8 && best.is_none_or(|(_, top)| score > top) {
            best = Some((candidate, score));
        }
    }
    best.map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let names = ["num_buckets", "top_k", "splits"];
        assert_eq!(nearest("num_bukets", names), Some("num_buckets"));
        assert_eq!(nearest("Top_K", names), Some("top_k"));
        assert_eq!(nearest("colour", names), None);
    }
}
