//! Regular expressions, which TensorFlow leaves to RE2.

use graph::{Pattern, RegexpOp};

use super::{Lowering, Presence, STRING};
use crate::Support;
use crate::saved_model::writer::Tensor;

/// Returns whether RE2 gives the same for an operation.
pub(crate) fn support(op: &RegexpOp) -> Support {
    let (RegexpOp::Matches(pattern)
    | RegexpOp::Extract { pattern, .. }
    | RegexpOp::Replace { pattern, .. }) = op;
    if pattern.beyond_re2().is_some() {
        return Support::None("the pattern uses what RE2, the engine of TensorFlow, does not have");
    }
    match op {
        RegexpOp::Extract { group, .. } if *group > 8 => {
            Support::None("TensorFlow extracts one of the first eight groups at most")
        }
        RegexpOp::Extract { pattern, group } if !always_takes_part(pattern.source(), *group) => {
            Support::None(
                "TensorFlow does not tell an empty group from one that took no part in the match; \
                 put the group outside of alternatives, repetitions and other groups",
            )
        }
        RegexpOp::Replace { replacement, .. } if replacement.highest_group() > 9 => {
            Support::None("TensorFlow replaces by the first nine groups at most")
        }
        _ => Support::Full,
    }
}

/// Returns whether a group takes part in every match: it is part of the one sequence that the pattern is, and is not
/// repeated. What is not sure does not.
fn always_takes_part(source: &str, group: u32) -> bool {
    if group == 0 {
        return true;
    }
    let mut chars = source.chars().peekable();
    let (mut depth, mut num_groups, mut is_class) = (0u32, 0u32, false);
    let (mut is_open, mut was_found) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                // What `\Q` quotes, and other long escapes, could hide a parenthesis.
                if matches!(chars.next(), Some('Q' | 'p' | 'P' | 'x')) {
                    return false;
                }
            }
            ']' if is_class => is_class = false,
            _ if is_class => {}
            // A bracket or a class within a class is too much to follow.
            '[' => {
                is_class = true;
                let _ = chars.next_if_eq(&'^');
                if chars.next_if(|c| matches!(c, ']' | '[')).is_some() {
                    return false;
                }
            }
            '|' if depth == 0 => return false,
            '(' => {
                let is_plain = chars.peek() != Some(&'?');
                let mut rest = chars.clone();
                let is_named = !is_plain && {
                    let _ = rest.next();
                    matches!(rest.next(), Some('P' | '<'))
                };
                if is_plain || is_named {
                    num_groups += 1;
                    if num_groups == group {
                        if depth > 0 {
                            return false;
                        }
                        is_open = true;
                    }
                }
                depth += 1;
            }
            ')' => {
                depth = depth.saturating_sub(1);
                if is_open && depth == 0 {
                    is_open = false;
                    was_found = true;
                    if matches!(chars.peek(), Some('?' | '*' | '+' | '{')) {
                        return false;
                    }
                }
            }
            _ => {}
        }
    }
    was_found && !is_class
}

impl Lowering<'_> {
    /// Returns an operation of a regular expression, and which results there are.
    pub(super) fn regexp(&mut self, op: &RegexpOp, a: &Tensor) -> (Tensor, Presence) {
        match op {
            RegexpOp::Matches(pattern) => (self.is_match(a, pattern), Presence::Always),
            RegexpOp::Extract { pattern, group } => {
                let is_match = self.is_match(a, pattern);
                let source = pattern.source();
                let all = match pattern.is_whole() {
                    true => format!(r"\A({source})\z"),
                    false => format!(r"\A(?s:.*?)({source})(?s:.*)\z"),
                };
                // The whole match is a group too.
                let group = format!(r"\{}", group + 1);
                (self.rewrite(a, &all, &group, false), Presence::Where(is_match))
            }
            RegexpOp::Replace { pattern, replacement, is_global } => {
                let source = pattern.source();
                let source = match pattern.is_whole() {
                    true => format!(r"\A(?:{source})\z"),
                    false => source.to_owned(),
                };
                (self.rewrite(a, &source, replacement.source(), *is_global), Presence::Always)
            }
        }
    }

    fn is_match(&mut self, a: &Tensor, pattern: &Pattern) -> Tensor {
        let source = pattern.source();
        match pattern.is_whole() {
            true => self.matches(a, &format!("(?:{source})")),
            false => self.matches(a, &format!("(?s:.*?)(?:{source})(?s:.*)")),
        }
    }

    fn rewrite(&mut self, a: &Tensor, pattern: &str, rewrite: &str, is_global: bool) -> Tensor {
        let node = self.writer.node("StaticRegexReplace").input(a).bytes("pattern", pattern);
        node.bytes("rewrite", rewrite).bool("replace_global", is_global).output(STRING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_always_take_part_are_known() {
        for (source, group, expected) in [
            ("a(b*)c", 1, true),
            ("(a)(b)", 2, true),
            (r"\((a)\)", 1, true),
            ("(?:x)(?P<n>a)", 1, true),
            ("[(](a)", 1, true),
            ("a|(b)", 1, false),
            ("(a)?", 1, false),
            ("(a){0,1}", 1, false),
            ("((a)|b)", 1, true),
            ("((a)|b)", 2, false),
            ("(?:(a))*", 1, false),
            (r"\Q(\E(a)", 1, false),
        ] {
            assert_eq!(always_takes_part(source, group), expected, "{source} {group}");
        }
    }
}
