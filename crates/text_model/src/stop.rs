//! Texts that end a text.

/// Looks for texts that end a text in what comes piece by piece, and holds back what could be the beginning of one.
#[derive(Clone, Debug)]
pub(crate) struct StopFinder {
    stops: Vec<String>,
    /// What was not given yet.
    held: String,
}

impl StopFinder {
    /// Returns a finder of some texts; empty ones are never found.
    pub(crate) fn new(stops: Vec<String>) -> Self {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self { stops, held: String::new() }
    }

    /// Takes text, and returns what can be given of it, and whether that is the end.
    pub(crate) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(end) = found {
            self.held.truncate(end);
            return (std::mem::take(&mut self.held), true);
        }
        let free = self.held.len() - self.num_held();
        let rest = self.held.split_off(free);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// Returns what was held back, when no more comes.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Returns how many bytes at the end could be the beginning of a text that ends it.
    fn num_held(&self) -> usize {
        let longest = |stop: &String| {
            let ends = stop.char_indices().map(|(end, _)| end).skip(1);
            ends.filter(|end| self.held.ends_with(&stop[..*end])).max().unwrap_or(0)
        };
        self.stops.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(stops: &[&str], pieces: &[&str]) -> (String, String, bool) {
        let mut finder = StopFinder::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut text = String::new();
        for piece in pieces {
            let (new, is_end) = finder.push(piece);
            text.push_str(&new);
            if is_end {
                return (text, finder.finish(), true);
            }
        }
        (text, finder.finish(), false)
    }

    #[test]
    fn what_ends_a_text_is_not_given_nor_a_part_of_it() {
        let found = |stops: &[&str], pieces: &[&str]| {
            let (text, held, is_end) = given(stops, pieces);
            (text + "|" + &held, is_end)
        };
        assert_eq!(found(&["\n\n"], &["a\n", "b\n", "\nc"]), ("a\nb|".to_owned(), true));
        assert_eq!(found(&["END"], &["the E", "N", "d"]), ("the ENd|".to_owned(), false));
        assert_eq!(found(&["END"], &["the E", "N"]), ("the |EN".to_owned(), false));
        // The one that begins first, wherever it stands in the list.
        assert_eq!(found(&["c", "ab"], &["xabc"]), ("x|".to_owned(), true));
        assert_eq!(found(&["aab"], &["aa", "ab"]), ("a|".to_owned(), true));
        assert_eq!(found(&["ü!"], &["zü", "x"]), ("züx|".to_owned(), false));
        assert_eq!(found(&[""], &["any"]), ("any|".to_owned(), false));
    }
}
