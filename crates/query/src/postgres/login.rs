//! Which server, and who asks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config};

use super::mistakes;
use super::tls::connector;
use crate::QueryError;

/// How long a server may take to answer at first, if nobody says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where servers that nobody names listen.
const SOCKETS: &str = "/var/run/postgresql";

/// The variables of the environment that PostgreSQL's own programs read: `PGHOST`, `PGPORT` (for that host), `PGUSER`, `PGDATABASE`,
/// `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGCONNECT_TIMEOUT`, `PGOPTIONS`. What they hold is shown nowhere.
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
        let matters = |name: &str, value: &str| name.starts_with("PG") && !value.is_empty();
        Self(variables.into_iter().filter(|(name, value)| matters(name, value)).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The names alone.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What to call a server in messages: `db.example.org:5432`.
#[derive(Clone, Debug)]
pub(super) struct Server(pub(super) String);

/// Says no to a connection string that cannot be one, without asking anybody.
///
/// # Errors
///
/// [`QueryError::Connection`].
pub fn check_url(url: &str) -> Result<(), QueryError> {
    parse(url).map(|_| ())
}

fn parse(url: &str) -> Result<Config, QueryError> {
    let bad = |reason: String| QueryError::Connection { reason };
    // A certificate is checked wherever TLS is required.
    let text = ["verify-full", "verify-ca"].iter().fold(url.to_owned(), |text, mode| {
        text.replace(&format!("sslmode={mode}"), "sslmode=require")
    });
    let config = Config::from_str(&text).map_err(|error| bad(base::render_chain(&error)))?;
    if config.get_password().is_some() {
        return Err(QueryError::PasswordInUrl);
    }
    Ok(config)
}

/// Connects to a server.
pub(super) fn log_in(url: &str, environment: &Environment) -> Result<(Client, Server), QueryError> {
    let mut config = parse(url)?;
    complete(&mut config, url, environment)?;
    let server = server_of(&config);
    let connector = connector(config.get_ssl_mode(), environment.get("PGSSLROOTCERT"))?;
    let client = config.connect(connector);
    let client = client.map_err(|error| mistakes::not_connected(&error, &server))?;
    Ok((client, server))
}

/// Fills in what the connection string does not say.
fn complete(config: &mut Config, url: &str, environment: &Environment) -> Result<(), QueryError> {
    let number = |name: &str, text: &str| {
        text.parse::<u16>().map_err(|_| QueryError::Connection {
            reason: format!("`{name}` in the environment: found `{text}`, expected a number"),
        })
    };
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let is_local = std::path::Path::new(SOCKETS).is_dir();
        let usual = if is_local { SOCKETS } else { "localhost" };
        config.host(environment.get("PGHOST").unwrap_or(usual));
    }
    if let (true, Some(port)) = (config.get_ports().is_empty(), environment.get("PGPORT")) {
        config.port(number("PGPORT", port)?);
    }
    if let (None, Some(user)) = (config.get_user(), environment.get("PGUSER")) {
        config.user(user);
    }
    if let (None, Some(name)) = (config.get_dbname(), environment.get("PGDATABASE")) {
        config.dbname(name);
    }
    if let (None, Some(options)) = (config.get_options(), environment.get("PGOPTIONS")) {
        config.options(options);
    }
    if let Some(password) = environment.get("PGPASSWORD") {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("cupola");
    }
    if config.get_connect_timeout().is_none() {
        let seconds = environment.get("PGCONNECT_TIMEOUT");
        let seconds = seconds.map(|text| number("PGCONNECT_TIMEOUT", text)).transpose()?;
        let timeout = seconds.map_or(CONNECT_TIMEOUT, |s| Duration::from_secs(s.into()));
        config.connect_timeout(timeout);
    }
    if let (false, Some(mode)) = (url.contains("sslmode"), environment.get("PGSSLMODE")) {
        config.ssl_mode(match mode {
            "disable" => SslMode::Disable,
            "allow" | "prefer" => SslMode::Prefer,
            "require" | "verify-ca" | "verify-full" => SslMode::Require,
            _ => {
                let reason = format!(
                    "`PGSSLMODE` in the environment: found `{mode}`, expected `disable`, `prefer` or `require`"
                );
                return Err(QueryError::Connection { reason });
            }
        });
    }
    Ok(())
}

fn server_of(config: &Config) -> Server {
    let host = config.get_hosts().first().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let host = host.or_else(|| config.get_hostaddrs().first().map(ToString::to_string));
    let port = config.get_ports().first().copied().unwrap_or(5432);
    Server(format!("{}:{port}", host.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(url: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let owned = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let environment = Environment::new(owned);
        let mut config = parse(url).map_err(|error| error.to_string())?;
        complete(&mut config, url, &environment).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn the_environment_says_what_the_url_does_not() {
        let variables = [
            ("PGHOST", "elsewhere"),
            ("PGPORT", "6000"),
            ("PGUSER", "reader"),
            ("PGDATABASE", "rides"),
            ("PGPASSWORD", "open sesame"),
            ("PGSSLMODE", "verify-full"),
        ];
        let config =
            completed("postgres://db.example.org/trips?sslmode=disable", &variables).unwrap();
        assert_eq!(server_of(&config).0, "db.example.org:5432");
        assert_eq!((config.get_user(), config.get_dbname()), (Some("reader"), Some("trips")));
        assert_eq!(config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(config.get_password(), Some(b"open sesame".as_slice()));
        let config = completed("dbname=trips", &variables).unwrap();
        assert_eq!(server_of(&config).0, "elsewhere:6000");
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        let config = completed("postgres://h/d?sslmode=verify-full", &[]).unwrap();
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        let bad = completed("dbname=d", &[("PGPORT", "many")]).unwrap_err();
        assert!(bad.contains("`PGPORT` in the environment: found `many`"), "{bad}");
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for url in
            ["postgres://me:sesame@h/d", "host=h password=sesame", "postgres://h/d?password=sesame"]
        {
            let said = check_url(url).unwrap_err().to_string();
            assert!(said.contains("password") && !said.contains("sesame"), "{said}");
        }
        assert!(
            check_url("postgres://h/d?sslmode=perhaps")
                .unwrap_err()
                .to_string()
                .contains("sslmode")
        );
        assert!(check_url("rides").is_err());
    }
}
