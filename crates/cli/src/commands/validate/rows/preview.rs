//! The first reasons why rows fail, so many that a person reads them all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Failure, Report};

/// How many reasons are kept.
const MAX_KEPT: usize = 10;

/// How many of them are of one type for one feature: what is wrong everywhere must not hide the rest.
const MAX_ALIKE: usize = 3;

/// Keeps the first reasons, each made into a `T`, and counts the others.
pub(super) struct Preview<T> {
    make: fn(&Failure<'_>) -> T,
    kept: Vec<T>,
    /// How many there are of one type for one feature.
    alike: BTreeMap<(Option<String>, String), usize>,
    /// The row that was kept last, and how many were.
    last: Option<(PathBuf, u64)>,
    num_rows: u64,
    num_left_out: u64,
}

impl<T> Preview<T> {
    pub(super) fn new(make: fn(&Failure<'_>) -> T) -> Self {
        let (kept, alike) = (Vec::new(), BTreeMap::new());
        Self { make, kept, alike, last: None, num_rows: 0, num_left_out: 0 }
    }

    /// Returns the reasons that were kept, in the order of the data.
    pub(super) fn into_kept(self) -> Vec<T> {
        self.kept
    }

    /// Returns what to say of those that were not, where so many rows fail.
    pub(super) fn more(&self, num_failing: u64) -> Option<String> {
        let what = match (num_failing.saturating_sub(self.num_rows), self.num_left_out) {
            (_, 0) => return None,
            (0, 1) => "1 more reason".to_owned(),
            (0, reasons) => format!("{reasons} more reasons"),
            (1, _) => "1 more row".to_owned(),
            (rows, _) => format!("{rows} more rows"),
        };
        Some(format!("and {what}; `--rows` lists all"))
    }
}

impl<T: Send> Report for Preview<T> {
    fn failure(&mut self, failure: &Failure<'_>) -> std::io::Result<()> {
        let kind = (failure.feature.map(str::to_owned), failure.code.to_owned());
        let alike = self.alike.entry(kind).or_default();
        if self.kept.len() == MAX_KEPT || *alike == MAX_ALIKE {
            self.num_left_out += 1;
            return Ok(());
        }
        *alike += 1;
        let is_same_row = self
            .last
            .as_ref()
            .is_some_and(|(path, place)| path == failure.path && *place == failure.place);
        if !is_same_row {
            self.last = Some((failure.path.to_path_buf(), failure.place));
            self.num_rows += 1;
        }
        self.kept.push((self.make)(failure));
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn preview(failures: &[(u64, &str)]) -> (Vec<String>, Option<String>) {
        let mut preview = Preview::new(|failure| failure.line());
        for &(place, feature) in failures {
            let (code, short_description, message) = ("CODE", "", "bad");
            let (path, unit, feature) = (Path::new("a"), "line", Some(feature));
            let failure = Failure { path, unit, place, feature, code, short_description, message };
            preview.failure(&failure).unwrap();
        }
        let mut places: Vec<_> = failures.iter().map(|(place, _)| place).collect();
        places.dedup();
        let more = preview.more(places.len() as u64);
        (preview.into_kept(), more)
    }

    #[test]
    fn what_is_wrong_everywhere_does_not_hide_the_rest() {
        let failures: Vec<_> = (1..=100).flat_map(|row| [(row, "x"), (row, "y")]).collect();
        let last = [(101, "z")];
        let (kept, more) = preview(&[failures.as_slice(), &last].concat());
        let expected = ["a:1: x", "a:1: y", "a:2: x", "a:2: y", "a:3: x", "a:3: y", "a:101: z"];
        assert_eq!(kept, expected.map(|line| format!("{line}: bad")));
        assert_eq!(more.as_deref(), Some("and 97 more rows; `--rows` lists all"));
    }

    #[test]
    fn no_more_is_kept_than_somebody_reads() {
        let names: Vec<String> = (0..12).map(|n| format!("f{n}")).collect();
        let failures: Vec<_> = names.iter().map(|name| (1, name.as_str())).collect();
        let (kept, more) = preview(&failures);
        assert_eq!(kept.len(), MAX_KEPT);
        assert_eq!(more.as_deref(), Some("and 2 more reasons; `--rows` lists all"));
        assert_eq!(
            preview(&failures[..11]).1.as_deref(),
            Some("and 1 more reason; `--rows` lists all")
        );
        assert_eq!(preview(&failures[..10]), (kept, None));
        assert_eq!(preview(&[]), (Vec::new(), None));
    }
}
