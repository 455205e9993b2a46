//! An institution: a database of its own, a server or two on it, and its people.

use std::sync::Arc;

use chrono::Utc;
use uuid::Uuid;

use super::database::{self, Database};
use super::http::Session;
use super::people::{self, People};
use super::proxy::Proxy;
use super::record::Record;
use super::server::Server;

pub struct Institution {
    pub server: Server,
    pub record: Arc<Record>,
    pub people: &'static People,
    // Last: the servers go before their database.
    pub database: Database,
}

impl Institution {
    /// On 31 January 2026, with the people of the template.
    pub fn start() -> Institution {
        Institution::prepared(|_| {})
    }

    /// After a look at the database that no server has seen yet.
    pub fn prepared(prepare: impl FnOnce(&Database)) -> Institution {
        let database = Database::furnished();
        prepare(&database);
        let server = Server::start(&database.app_url(), &["--sandbox-clock"]);
        Institution { server, record: Arc::default(), people: database::people(), database }
    }

    /// On another business day.
    pub fn on(day: &str) -> Institution {
        Institution::prepared(|database| database.execute(&format!("update business_day set open_on = '{day}'")))
    }

    /// With a man in the middle between the server and its Postgres.
    pub fn behind_proxy() -> (Institution, Proxy) {
        let database = Database::furnished();
        let proxy = Proxy::start(database.port());
        let server = Server::start(&database.app_url_by(proxy.port), &["--sandbox-clock"]);
        (Institution { server, record: Arc::default(), people: database::people(), database }, proxy)
    }

    /// On a private Postgres of its own, durable, in a data directory.
    pub fn embedded(data_dir: &str) -> Institution {
        let server = Server::embedded(data_dir);
        let database = Database::of_data_dir(data_dir);
        let people = Box::leak(Box::new(people::furnish_by(&server, people::tokens(&database))));
        Institution { server, record: Arc::default(), people, database }
    }

    /// After its Postgres was started anew.
    pub fn reconnect(&mut self, data_dir: &str) {
        self.database = Database::of_data_dir(data_dir);
    }

    /// One more server on the same database.
    pub fn second_server(&self) -> Server {
        Server::start(&self.database.app_url(), &["--sandbox-clock"])
    }

    /// A session of `role@branch`.
    #[track_caller]
    pub fn session(&self, who: &str) -> Session {
        let user_id = *self.people.users.get(who).unwrap_or_else(|| panic!("no user {who}"));
        self.session_of(user_id)
    }

    /// A session of a user that the test has made.
    pub fn session_of(&self, user_id: Uuid) -> Session {
        let token = self.people.tokens.sign(user_id, user_id, Utc::now());
        Session::new(&self.server.base, user_id, token, self.record.clone())
    }

    /// A session with this text as its token; empty: none.
    pub fn with_token(&self, token: &str) -> Session {
        Session::new(&self.server.base, Uuid::nil(), token.to_owned(), self.record.clone())
    }

    pub fn branch(&self, code: &str) -> Uuid {
        self.people.branches[code]
    }

    pub fn product(&self, code: &str) -> Uuid {
        self.people.products[code]
    }
}
