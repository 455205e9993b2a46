//! How to reach a running Postgres.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the embedded Postgres listens, and the superuser that `initdb` made.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    pub host: String,
    pub port: u16,
    /// The folder of its socket, where the path fits: half the cost of a loopback connection.
    pub socket: Option<PathBuf>,
    pub user: String,
    pub password: String,
}

impl ConnectionInfo {
    /// Configuration of a superuser connection to `database`.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        match &self.socket {
            Some(folder) => config.host_path(folder),
            None => config.host(&self.host),
        };
        config
            .port(self.port)
            .user(&self.user)
            .password(&self.password)
            .dbname(database)
            .application_name("ayni")
            .connect_timeout(Duration::from_secs(5));
        config
    }

    /// A `postgres://` URL for `user`, every part percent-encoded.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let (user, password, database) = (encode(user), encode(password), encode(database));
        let host = self.socket.as_deref().and_then(Path::to_str).map_or_else(|| self.host.clone(), encode);
        format!("postgres://{user}:{password}@{host}:{}/{database}", self.port)
    }
}

/// The longest path that a socket may have is 107 bytes, on macOS 103; its file is named after the port.
const SOCKET_PATH_MAX: usize = 103;

/// The folder, if a socket fits into it.
pub(crate) fn socket_folder(folder: &Path) -> Option<&Path> {
    let fits = folder.to_str()?.len() + "/.s.PGSQL.65535".len() <= SOCKET_PATH_MAX;
    // Postgres splits its list of folders at commas.
    (fits && !folder.to_str()?.contains([',', '"'])).then_some(folder)
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectionInfo")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("socket", &self.socket)
            .field("user", &self.user)
            .field("password", &"***")
            .finish()
    }
}

/// RFC 3986: everything but the unreserved characters.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> ConnectionInfo {
        let (host, user, password) = ("127.0.0.1".into(), "ayni".into(), "se cret".into());
        ConnectionInfo { host, port: 5555, socket: None, user, password }
    }

    #[test]
    fn urls_survive_a_round_trip_through_tokio_postgres() {
        let (user, password, database) = ("o'wner", "p@ss:/?#%ñ word", "a/b");
        let parsed: tokio_postgres::Config = info().url(user, password, database).parse().unwrap();
        assert_eq!(parsed.get_user(), Some(user));
        assert_eq!(parsed.get_password(), Some(password.as_bytes()));
        assert_eq!(parsed.get_dbname(), Some(database));
        assert_eq!(parsed.get_ports(), [5555]);
    }

    #[test]
    fn a_socket_is_used_where_it_fits() {
        let folder = Path::new("/srv/a bank/ayni-data/pg");
        let info = ConnectionInfo { socket: socket_folder(folder).map(Path::to_owned), ..info() };
        let parsed: tokio_postgres::Config = info.url("ayni", "secret", "ayni").parse().unwrap();
        assert_eq!(parsed.get_hosts(), [tokio_postgres::config::Host::Unix(folder.to_owned())]);
        assert_eq!(parsed.get_ports(), [5555]);
        assert_eq!(socket_folder(Path::new(&"/a".repeat(50))), None);
    }

    #[test]
    fn debug_hides_the_password() {
        let text = format!("{:?}", info());
        assert!(text.contains("***") && !text.contains("cret"), "{text}");
    }
}
