//! How a command reaches its database: a URL of one's own, the private Postgres of the data directory, or the one that a
//! running Ayni already has there.

use std::path::Path;
use std::time::Duration;

use chrono::NaiveDate;
use db::gates::Gate;
use db::migrations;
use db::pool::Pool;
use db::tx::Tx;
use embedded::cluster::{self, Cluster, Options};
use embedded::connection::ConnectionInfo;
use kernel::currency::Currency;
use secrecy::SecretString;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use crate::arguments::Database;
use crate::failure::Failure;

/// The name of the database in the private Postgres.
const DATABASE: &str = "ayni";
const APP: &str = "ayni_app";
const OWNER: &str = "ayni_owner";

#[derive(Debug)]
pub struct House {
    /// As whom decisions are made and answers given: `ayni_app`.
    pub app_url: String,
    /// The migrations that opening the house has run.
    pub applied: Vec<&'static str>,
    cluster: Option<Cluster>,
}

impl House {
    /// Reaches the database. The private one is started where it does not run, and migrated. `alone`: refuse where another
    /// Ayni serves the same data directory, instead of using its Postgres.
    pub async fn open(database: &Database, alone: bool) -> Result<House, Failure> {
        if let Some(url) = &database.database_url {
            return Ok(House { app_url: url.clone(), applied: Vec::new(), cluster: None });
        }
        if !alone && let Some(running) = cluster::attach(&database.data_dir).await? {
            return Ok(House { app_url: app_url(&running), applied: Vec::new(), cluster: None });
        }
        let options =
            Options { data_dir: absolute(&database.data_dir)?, durable: true, allow_fetch: !database.no_fetch };
        let cluster = cluster::start(options, |said: &str| eprintln!("{said}")).await?;
        let applied = prepare(cluster.connection(), DATABASE).await?;
        Ok(House { app_url: app_url(cluster.connection()), applied, cluster: Some(cluster) })
    }

    /// Why the private Postgres has ended unasked, if it has.
    pub fn death(&mut self) -> Option<Failure> {
        self.cluster.as_mut().and_then(Cluster::death).map(Failure::from)
    }

    /// Stops the private Postgres that this command has started.
    pub async fn close(self) -> Result<(), Failure> {
        if let Some(cluster) = self.cluster {
            cluster.stop().await?;
        }
        Ok(())
    }
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(path).map_err(|cause| Failure::File { path: path.to_owned(), cause })
}

fn app_url(connection: &ConnectionInfo) -> String {
    connection.url(APP, &connection.password, DATABASE)
}

/// Makes roles, database and tables in a private Postgres, as its superuser and then as the owner. Doing it again changes
/// nothing.
pub async fn prepare(connection: &ConnectionInfo, database: &str) -> Result<Vec<&'static str>, Failure> {
    let superuser = connect(connection.config("postgres")).await?;
    migrations::make_roles(&superuser).await?;
    // One password for all roles of a private Postgres: it is kept in a file that only its user can read.
    let password = quoted(&connection.password);
    let roles = format!(
        "alter role {OWNER} login password {password}; alter role {APP} password {password}; grant ayni_read to {APP}"
    );
    alter_roles(&superuser, &roles).await?;
    if superuser.query_opt("select from pg_database where datname = $1", &[&database]).await?.is_none() {
        superuser.batch_execute(&format!("create database {database} owner {OWNER}")).await?;
    }
    drop(superuser);
    migrate_at(&connection.url(OWNER, &connection.password, database)).await
}

/// A server of one's own, as its owner.
pub async fn migrate_own(url: &str, app_password: Option<&str>) -> Result<Vec<&'static str>, Failure> {
    let config: Config = url.parse().map_err(db::pool::PoolConfigError::Url)?;
    let owner = connect(config).await?;
    migrations::make_roles(&owner).await?;
    if let Some(password) = app_password {
        alter_roles(&owner, &format!("alter role {APP} login password {}", quoted(password))).await?;
    }
    alter_roles(&owner, "grant ayni_read to ayni_app").await?;
    drop(owner);
    migrate_at(url).await
}

/// Roles belong to the whole server: where databases beside each other are migrated at once, only one of them gets through, and the
/// others are told of an internal error.
async fn alter_roles(client: &Client, sql: &str) -> Result<(), Failure> {
    let mut attempts = 0;
    loop {
        match client.batch_execute(sql).await {
            Err(error) if error.code() == Some(&SqlState::INTERNAL_ERROR) && attempts < 20 => attempts += 1,
            done => return Ok(done?),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn migrate_at(url: &str) -> Result<Vec<&'static str>, Failure> {
    let config: Config = url.parse().map_err(db::pool::PoolConfigError::Url)?;
    let mut owner = connect(config).await?;
    let applied = migrations::migrate(&mut owner).await?;
    access::setup::ensure_signing_key(&owner).await?;
    Ok(applied)
}

/// A connection outside the pool, driven in the background.
pub async fn connect(config: Config) -> Result<Client, Failure> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // Its end is seen by the next statement.
        let _ = connection.await;
    });
    Ok(client)
}

/// A password as an SQL literal: `alter role` takes no parameters. With `E`, so that a backslash means the same whatever
/// the server's settings say.
fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What is said where there is a database, and no institution in it.
pub const NOT_SET_UP: &str =
    "there is no institution in this database yet: `ayni serve` sets one up, or `ayni demo` one to try";

/// What is said of a database whose faults cannot be told apart.
pub const NOT_ENGLISH: &str = "the database speaks another language than English, so that faults cannot be told apart: \
     set lc_messages to 'C' in postgresql.conf";

/// Whether there is an institution to work on. A database that lacks migrations is refused.
pub async fn is_set_up(pool: &Pool) -> Result<bool, Failure> {
    let session = pool.session().await?;
    let pending = migrations::pending(&session).await?;
    if !pending.is_empty() {
        return Err(Failure::NotMigrated(pending.join(", ")));
    }
    drop(session);
    let tx = Tx::begin_reading(pool).await?;
    Ok(org::setup::is_furnished(&tx).await?)
}

/// Furnishes an empty, migrated database: settings, business day, one head office, the standard chart, the standard roles,
/// the user `admin`. Gives the password that was made for it at random. On a furnished one nothing happens.
pub async fn furnish(
    pool: &Pool,
    currency: Currency,
    business_date: NaiveDate,
    password: Option<SecretString>,
) -> Result<Option<String>, Failure> {
    loop {
        match furnish_once(pool, currency, business_date, password.clone()).await {
            Err(Failure::Database(fault)) if db::gates::should_try_again(&fault).await => {}
            other => return other,
        }
    }
}

async fn furnish_once(
    pool: &Pool,
    currency: Currency,
    business_date: NaiveDate,
    password: Option<SecretString>,
) -> Result<Option<String>, Failure> {
    let tx = Tx::begin_long(pool).await?;
    // Two servers that start at once on an empty database: the second waits and finds it furnished.
    db::gates::close(&tx, Gate::Furnish).await?;
    if org::setup::is_furnished(&tx).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let head_office = tx.new_id();
    org::setup::institution(&tx, currency, business_date, head_office).await?;
    ledger::setup::standard_chart(&tx).await?;
    let made = access::setup::first_time(&tx, password, head_office).await?;
    tx.commit().await?;
    Ok(made)
}
