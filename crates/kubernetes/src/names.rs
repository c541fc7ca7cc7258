//! Names of objects.

use crate::KubernetesError;

/// The longest label of DNS, which names of most objects have to be.
const MAX_LEN: usize = 63;

/// Makes sure that a name is a label of DNS (RFC 1123), as names of services and jobs have to be.
///
/// # Errors
///
/// [`KubernetesError::Name`].
pub fn check_name(name: &str) -> Result<(), KubernetesError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = [name.chars().next(), name.chars().next_back()];
    let is_good = name.len() <= MAX_LEN
        && name.chars().all(|c| is_plain(c) || c == '-')
        && ends.into_iter().all(|end| end.is_some_and(is_plain));
    if is_good { Ok(()) } else { Err(KubernetesError::Name { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_of_dns() {
        let longest = "a".repeat(63);
        for name in ["taxi", "taxi-2", "0", longest.as_str()] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(64);
        for name in ["", "Taxi", "-a", "a-", "a_b", "a.b", "ä", long.as_str(), "a\n"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
