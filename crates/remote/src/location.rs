//! URLs of files: which store, which bucket, and the name or pattern in it.

use crate::RemoteError;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    S3,
    Gcs,
    Azure,
    Http,
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) kind: Kind,
    /// Everything before the name, without the last slash: `s3://bucket`.
    pub(crate) base: String,
    /// The bucket, the container (perhaps with its account), or the host.
    pub(crate) authority: String,
    /// The name or the pattern; empty for all that is in the bucket.
    pub(crate) pattern: String,
}

/// Returns whether a name is a URL rather than a path: letters, and `://` behind them.
pub fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// Says no to a URL that cannot be one of files, without asking anybody.
///
/// # Errors
///
/// [`RemoteError::UnknownScheme`], [`RemoteError::BadUrl`], [`RemoteError::SecretInUrl`], [`RemoteError::BadPattern`]
/// and [`RemoteError::CannotList`].
pub fn check(url: &str) -> Result<(), RemoteError> {
    let location = Location::parse(url)?;
    if location.is_pattern() {
        location.glob()?;
    }
    Ok(())
}

impl Location {
    pub(crate) fn parse(url: &str) -> Result<Self, RemoteError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let scheme = scheme.to_ascii_lowercase();
        let kind = match scheme.as_str() {
            "s3" | "s3a" => Kind::S3,
            "gs" => Kind::Gcs,
            "az" | "abfs" | "abfss" => Kind::Azure,
            "http" | "https" => Kind::Http,
            _ => return Err(RemoteError::UnknownScheme { scheme }),
        };
        let (authority, pattern) = rest.split_once('/').unwrap_or((rest, ""));
        // From here on a part of the URL may be secret, and is not shown before that is excluded.
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let is_container = kind == Kind::Azure && scheme != "az";
        if user.is_some_and(|user| !is_container || user.contains([':', '@'])) {
            return Err(RemoteError::SecretInUrl { scheme, what: "a user or a password" });
        }
        if kind == Kind::Http && pattern.contains(['?', '#']) {
            return Err(RemoteError::SecretInUrl { scheme, what: "a query behind `?` or `#`" });
        }
        let location = Self {
            kind,
            base: format!("{scheme}://{authority}"),
            authority: authority.to_owned(),
            pattern: pattern.to_owned(),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        let is_host = |c: char| is_name(c) || ":[]".contains(c);
        let is_good = |c: char| if kind == Kind::Http { is_host(c) } else { is_name(c) };
        if authority.is_empty() || !authority.chars().all(is_good) {
            let what = if kind == Kind::Http { "a host" } else { "a bucket" };
            return Err(RemoteError::BadUrl { url: url.to_owned(), expected: what });
        }
        if kind == Kind::Http && pattern.is_empty() {
            return Err(RemoteError::BadUrl { url: url.to_owned(), expected: "a file's name" });
        }
        if kind == Kind::Http && location.is_pattern() {
            return Err(RemoteError::CannotList { url: url.to_owned() });
        }
        Ok(location)
    }

    /// Returns whether the name may stand for several.
    pub(crate) fn is_pattern(&self) -> bool {
        self.pattern.contains(['*', '?', '['])
    }

    pub(crate) fn glob(&self) -> Result<glob::Pattern, RemoteError> {
        glob::Pattern::new(&self.pattern).map_err(|error| RemoteError::BadPattern {
            pattern: self.url(),
            position: self.base.chars().count() + 1 + error.pos + 1,
            reason: error.msg,
        })
    }

    /// Returns the folder below which everything lies that the pattern can mean; `data` for `data/2024-*.csv`.
    pub(crate) fn folder(&self) -> &str {
        let wild = self.pattern.find(['*', '?', '[']).unwrap_or(self.pattern.len());
        self.pattern[..wild].rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub(crate) fn url(&self) -> String {
        self.url_of(&self.pattern)
    }

    /// Returns the URL of another name in the same store.
    pub(crate) fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_paths() {
        assert!(is_url("s3://bucket/key") && is_url("HTTPS://host/x") && is_url("ftp://x/y"));
        assert!(!is_url("data/s3:/x") && !is_url("C:/x") && !is_url("://x") && !is_url("a b://x"));
    }

    #[test]
    fn a_url_is_taken_apart() {
        let location = Location::parse("s3://rides/data/2024-*/a?.csv").unwrap();
        assert_eq!((location.kind, location.base.as_str()), (Kind::S3, "s3://rides"));
        assert_eq!((location.folder(), location.is_pattern()), ("data", true));
        assert_eq!(location.url(), "s3://rides/data/2024-*/a?.csv");
        let bucket = Location::parse("gs://rides").unwrap();
        assert_eq!((bucket.kind, bucket.pattern.as_str(), bucket.folder()), (Kind::Gcs, "", ""));
        let azure = Location::parse("abfss://rides@account.dfs.core.windows.net/x.csv").unwrap();
        assert_eq!(azure.authority, "rides@account.dfs.core.windows.net");
        let http = Location::parse("http://127.0.0.1:8000/a/b.csv").unwrap();
        assert_eq!((http.kind, http.folder()), (Kind::Http, "a"));
    }

    #[test]
    fn what_is_no_url_of_files_is_refused_and_secrets_are_not_repeated() {
        let said = |url: &str| check(url).unwrap_err().to_string();
        for url in [
            "https://me:sesame@host/x.csv",
            "s3://sesame@bucket/x",
            "abfs://c:sesame@a.dfs.core.windows.net/x",
            "https://host/x.csv?token=sesame",
            "https://host/x.csv#sesame",
        ] {
            let said = said(url);
            assert!(!said.contains("sesame"), "{said}");
            assert!(said.contains("may be secret"), "{said}");
        }
        assert_eq!(
            said("ftp://host/x"),
            "`ftp://` is none of the stores that files are read from, expected `s3://`, `gs://`, `az://`, `abfs://` or `https://`"
        );
        assert_eq!(said("s3:///x"), "`s3:///x`: expected a bucket behind `://`");
        assert_eq!(said("https://host/"), "`https://host/`: expected a file's name behind `://`");
        assert_eq!(
            said("https://host/*.csv"),
            "`https://host/*.csv`: the files of a web server cannot be listed, expected the name of one"
        );
        assert!(said("s3://b/a***").starts_with("pattern `s3://b/a***`, character "));
    }
}
