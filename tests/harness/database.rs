//! The databases: one Postgres for the process, started when the first test asks; a migrated, furnished template; a clone for
//! each test.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use embedded::connection::ConnectionInfo;
use embedded::testing::TestCluster;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use super::people::{self, People};
use super::server;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceLock<TestCluster> = OnceLock::new();
static TEMPLATE: OnceLock<People> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The password of the roles: the cluster is gone with the process.
pub const ROLE_PASSWORD: &str = "only for this run";

/// Runs a future to its end, from a test's thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

fn cluster() -> &'static TestCluster {
    CLUSTER.get_or_init(|| {
        let cluster = block_on(TestCluster::start()).unwrap();
        let superuser = connect(cluster.connection(), "postgres");
        block_on(superuser.batch_execute(&format!(
            "create role ayni_owner login createrole password '{ROLE_PASSWORD}'; create role ayni_app login; create role ayni_read nologin"
        )))
        .unwrap();
        cluster
    })
}

fn connect(connection: &ConnectionInfo, database: &str) -> Client {
    block_on(async {
        let (client, driver) = connection.config(database).connect(NoTls).await.unwrap();
        tokio::spawn(driver);
        client
    })
}

/// A connection as some role, for what a test holds open or tries out.
pub fn connect_to(url: &str) -> Client {
    block_on(async {
        let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(driver);
        client
    })
}

/// The template's name: the digest of the migrations.
fn template() -> String {
    format!("template_{}", db::migrations::digest())
}

/// Who works in the template, which is made when the first test asks for it.
pub fn people() -> &'static People {
    TEMPLATE.get_or_init(|| {
        let database = Database::migrated(&template());
        let people = people::furnish(&database);
        // No connection may stay open on a template; the database itself stays.
        database.keep();
        people
    })
}

pub struct Database {
    pub name: String,
    connection: ConnectionInfo,
    /// The superuser's.
    client: Option<Client>,
    kept: bool,
}

impl Database {
    /// A clone of the furnished template.
    pub fn furnished() -> Database {
        people();
        Database::create(&fresh_name(), Some(&template()))
    }

    /// Migrated, but without an institution in it.
    pub fn empty() -> Database {
        Database::migrated(&fresh_name())
    }

    /// Without tables.
    pub fn bare() -> Database {
        Database::create(&fresh_name(), None)
    }

    fn migrated(name: &str) -> Database {
        let database = Database::create(name, None);
        let migrated = server::ayni(&["migrate", "--database-url", &database.owner_url()])
            .env("AYNI_APP_PASSWORD", ROLE_PASSWORD)
            .output()
            .unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        database
    }

    fn create(name: &str, template: Option<&str>) -> Database {
        let connection = cluster().connection().clone();
        let superuser = connect(&connection, "postgres");
        let template = template.map(|name| format!(" template {name}")).unwrap_or_default();
        block_on(superuser.batch_execute(&format!("create database {name} owner ayni_owner{template}"))).unwrap();
        let client = Some(connect(&connection, name));
        Database { name: name.to_owned(), connection, client, kept: false }
    }

    /// In the private Postgres of a server that runs.
    pub fn of_data_dir(data_dir: &str) -> Database {
        let connection = block_on(embedded::cluster::attach(Path::new(data_dir))).unwrap().expect("its Postgres runs");
        let client = Some(connect(&connection, "ayni"));
        Database { name: "ayni".to_owned(), connection, client, kept: true }
    }

    fn keep(mut self) {
        self.kept = true;
    }

    /// As whom the server serves.
    pub fn app_url(&self) -> String {
        self.connection.url("ayni_app", self.password_of("ayni_app"), &self.name)
    }

    /// The port of its Postgres.
    pub fn port(&self) -> u16 {
        self.connection.port
    }

    /// As whom the server serves, by way of another port.
    pub fn app_url_by(&self, port: u16) -> String {
        let connection = ConnectionInfo { port, socket: None, ..self.connection.clone() };
        connection.url("ayni_app", self.password_of("ayni_app"), &self.name)
    }

    pub fn owner_url(&self) -> String {
        self.connection.url("ayni_owner", self.password_of("ayni_owner"), &self.name)
    }

    pub fn superuser_url(&self) -> String {
        self.connection.url(&self.connection.user, &self.connection.password, &self.name)
    }

    /// The roles of a cluster that `ayni` itself made have its one password.
    fn password_of(&self, _role: &str) -> &str {
        if self.connection == *cluster().connection() { ROLE_PASSWORD } else { &self.connection.password }
    }

    /// A second connection as the superuser, to hold locks in.
    pub fn connect(&self) -> Client {
        connect(&self.connection, &self.name)
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    pub fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        block_on(self.client().query(sql, values)).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    pub fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> T {
        self.query(sql, values).first().unwrap_or_else(|| panic!("no row: {sql}")).get(0)
    }

    pub fn execute(&self, sql: &str) {
        block_on(self.client().batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// How many rows each table has.
    pub fn row_counts(&self) -> Vec<(String, i64)> {
        let tables = self.query(
            "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname",
            &[],
        );
        let tables = tables.iter().map(|row| row.get::<_, String>(0));
        tables.map(|table| (table.clone(), self.one(&format!("select count(*) from {table}"), &[]))).collect()
    }
}

fn fresh_name() -> String {
    format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.client.take());
        if self.kept {
            // The connection ends in the background: a template is cloned only when it has.
            wait_until_alone(&self.connection, &self.name);
            return;
        }
        let superuser = connect(&self.connection, "postgres");
        let _ = block_on(superuser.batch_execute(&format!("drop database if exists {} with (force)", self.name)));
    }
}

fn wait_until_alone(connection: &ConnectionInfo, name: &str) {
    // A Postgres of a test's own may be gone by now.
    if connection != cluster().connection() {
        return;
    }
    let superuser = connect(connection, "postgres");
    super::eventually("the last session of a template ends", || {
        let sessions = block_on(superuser.query("select from pg_stat_activity where datname = $1", &[&name])).unwrap();
        sessions.is_empty().then_some(())
    });
}
