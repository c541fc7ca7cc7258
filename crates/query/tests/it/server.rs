//! A PostgreSQL server for a test, from the binaries that Debian's package brings.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The password of the server's only user.
pub(crate) const PASSWORD: &str = "open sesame";

/// A server, which ends with this value.
pub(crate) struct Postgres {
    child: Child,
    port: u16,
    dir: TempDir,
    has_tls: bool,
}

impl Postgres {
    /// Starts one, or says that a test is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("SKIPPED {test}: there is no PostgreSQL in /usr/lib/postgresql");
            return None;
        };
        // The server refuses to be run by root.
        let user = match (id("-u", None), id("-u", Some("postgres")), id("-g", Some("postgres"))) {
            (Some(0), Some(user), Some(group)) => Some((user, group)),
            (Some(0), _, _) => {
                println!(
                    "SKIPPED {test}: root may not run PostgreSQL, and there is no user `postgres`"
                );
                return None;
            }
            _ => None,
        };
        let dir = tempfile::tempdir().unwrap();
        let own = |path: &Path| {
            if let Some((user, group)) = user {
                chown(path, Some(user), Some(group)).unwrap();
            }
        };
        own(dir.path());
        let run = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(programs.join(program));
            command
                .args(arguments)
                .current_dir(dir.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            command
        };
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(at("password"), PASSWORD).unwrap();
        own(Path::new(&at("password")));
        let (data, password) = (at("data"), format!("--pwfile={}", at("password")));
        let arguments = [
            "-D",
            &data,
            "-U",
            "reader",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
            &password,
        ];
        assert!(run("initdb", &arguments).status().unwrap().success(), "initdb");
        let has_tls = certificate(&dir.path().join("data"), &own);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (number, sockets) = (port.to_string(), dir.path().display().to_string());
        let tls = format!("ssl={}", if has_tls { "on" } else { "off" });
        let arguments = ["-D", &data, "-p", &number, "-k", &sockets, "-c", "fsync=off", "-c", &tls];
        let child = run("postgres", &arguments).spawn().unwrap();
        let server = Self { child, port, dir, has_tls };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// Returns a connection string with some more parameters.
    pub(crate) fn url(&self, parameters: &str) -> String {
        format!("postgres://reader@localhost:{}/postgres?{parameters}", self.port)
    }

    /// Returns the file of the server's certificate, if it has one.
    pub(crate) fn certificate(&self) -> Option<String> {
        let path = self.dir.path().join("data/server.crt");
        self.has_tls.then(|| path.display().to_string())
    }

    /// Runs statements that prepare a test.
    pub(crate) fn execute(&self, statements: &str) {
        let mut config = postgres::Config::new();
        config
            .host("localhost")
            .port(self.port)
            .user("reader")
            .password(PASSWORD)
            .dbname("postgres");
        // Somebody listens before the server is ready.
        let until = Instant::now() + Duration::from_secs(60);
        let mut client = loop {
            match config.connect(postgres::NoTls) {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        client.batch_execute(statements).unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An end at once, which is fine for a server whose data nobody needs.
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// Returns the folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.retain(|bin| bin.join("postgres").exists() && bin.join("initdb").exists());
    versions.sort();
    versions.pop()
}

fn id(what: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(what).args(user).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Makes a certificate for `localhost` that is its own authority, where there is a program that can.
fn certificate(data: &Path, own: &dyn Fn(&Path)) -> bool {
    let (key, cert) = (data.join("server.key"), data.join("server.crt"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return false;
    }
    own(&key);
    own(&cert);
    true
}
