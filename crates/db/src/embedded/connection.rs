//! How to reach a running Postgres.

use std::fmt;
use std::time::Duration;

/// Where the embedded Postgres listens, and the superuser that `initdb` made.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
}

impl ConnectionInfo {
    /// Configuration of a superuser connection to `database`.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
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
        format!("postgres://{user}:{password}@{}:{}/{database}", self.host, self.port)
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectionInfo")
            .field("host", &self.host)
            .field("port", &self.port)
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
        ConnectionInfo { host: "127.0.0.1".into(), port: 5555, user: "ayni".into(), password: "se cret".into() }
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
    fn debug_hides_the_password() {
        let text = format!("{:?}", info());
        assert!(text.contains("***") && !text.contains("cret"), "{text}");
    }
}
