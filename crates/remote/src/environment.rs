//! Where stores are and who asks: the variables that the stores' own tools read.

use std::fmt;

/// The beginnings of the names of variables that matter.
const PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// Variables of the environment that say where stores are and with which credentials: `AWS_…`, `GOOGLE_…` and
/// `AZURE_…`. What they hold is shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Returns the variables of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::new(variables)
    }

    /// Returns the variables that matter of some.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let matters = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let mut kept: Vec<_> = variables
            .into_iter()
            .filter(|(name, value)| matters(name) && !value.is_empty())
            .collect();
        kept.sort_unstable();
        Self(kept)
    }

    /// Returns the variables whose names begin with `prefix`, names in lower case as the stores' settings have them.
    pub(crate) fn settings<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (String, &'a str)> + 'a {
        let with_prefix = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        with_prefix.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    /// Returns whether any of these variables is set.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    /// Returns a text with everything in it covered that may be secret.
    pub(crate) fn cover(&self, text: &str) -> String {
        let is_secret = |name: &str| {
            ["SECRET", "TOKEN", "KEY", "SAS", "PASSWORD", "CREDENTIAL"]
                .iter()
                .any(|s| name.contains(s))
        };
        let secrets = self.0.iter().filter(|(name, value)| is_secret(name) && value.len() >= 6);
        secrets.fold(text.to_owned(), |text, (_, secret)| text.replace(secret.as_str(), "***"))
    }
}

/// The names alone.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_nowhere() {
        let variables = [
            ("AWS_SECRET_ACCESS_KEY", "open sesame"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_SESSION_TOKEN", ""),
            ("HOME", "/root"),
        ];
        let environment =
            Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(format!("{environment:?}"), r#"{"AWS_REGION", "AWS_SECRET_ACCESS_KEY"}"#);
        assert_eq!(environment.cover("open sesame in eu-west-1"), "*** in eu-west-1");
        assert!(
            environment.has_any(&["AWS_REGION"]) && !environment.has_any(&["AWS_SESSION_TOKEN"])
        );
        let settings: Vec<_> = environment.settings("AWS_").map(|(name, _)| name).collect();
        assert_eq!(settings, ["aws_region", "aws_secret_access_key"]);
    }
}
