//! The texts of the template `language-model`: this project's own documentation, by sections.

use std::path::PathBuf;

/// The pages.
const PAGES: [(&str, &str); 11] = [
    ("readme", include_str!("../../../README.md")),
    ("architecture", include_str!("../../../ARCHITECTURE.md")),
    ("benchmarks", include_str!("../../../docs/benchmarks.md")),
    ("compatibility", include_str!("../../../docs/compatibility.md")),
    ("evaluation", include_str!("../../../docs/evaluation.md")),
    ("expressions", include_str!("../../../docs/expressions.md")),
    ("language_models", include_str!("../../../docs/language_models.md")),
    ("pipeline", include_str!("../../../docs/pipeline.md")),
    ("serving", include_str!("../../../docs/serving.md")),
    ("sources", include_str!("../../../docs/sources.md")),
    ("training", include_str!("../../../docs/training.md")),
];

/// Returns a text for each section of each page, with the path of its file.
pub(crate) fn documents() -> impl Iterator<Item = (PathBuf, &'static str)> {
    PAGES.into_iter().flat_map(|(page, text)| {
        let numbered = sections(text).into_iter().enumerate();
        numbered.map(move |(number, section)| {
            (PathBuf::from(page).join(format!("{number:03}.md")), section)
        })
    })
}

/// Returns the parts of a page that begin with a heading of their own, and what is before the first.
fn sections(page: &'static str) -> Vec<&'static str> {
    let (mut sections, mut start, mut at, mut is_code) = (Vec::new(), 0, 0, false);
    for line in page.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        if !is_code && line.starts_with('#') && at > start {
            sections.push(page[start..at].trim());
            start = at;
        }
        at += line.len();
    }
    sections.push(page[start..].trim());
    sections.retain(|section| !section.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_begins_with_its_heading() {
        let page = "# A\n\nOne.\n\n## B\n```toml\n# no heading\n```\n### C\nTwo.\n";
        assert_eq!(
            sections(page),
            ["# A\n\nOne.", "## B\n```toml\n# no heading\n```", "### C\nTwo."]
        );
        assert!(documents().count() > 150);
    }
}
