//! `ayni doctor`: what stands around the books. Each line is ok, warn or fail, with the mend.

use std::process::ExitCode;

use db::pool::{CONNECTIONS, Pool};
use db::tokio_postgres::Client;
use db::tx::Tx;
use secrecy::SecretString;

use crate::arguments::{DEMO_PASSWORD, DEMO_USERS, Database};
use crate::failure::Failure;
use crate::house::{House, NOT_SET_UP, is_set_up};

/// How far the clocks of server and database may be apart, in milliseconds.
const CLOCK_TOLERANCE: i64 = 2_000;

/// Free space below which a disk is no place for books, in mebibytes.
const DISK_LEAST: u64 = 1_024;

struct Line {
    state: &'static str,
    what: String,
}

fn ok(what: impl Into<String>) -> Line {
    Line { state: "ok", what: what.into() }
}

fn warn(what: impl Into<String>) -> Line {
    Line { state: "warn", what: what.into() }
}

fn fail(what: impl Into<String>) -> Line {
    Line { state: "fail", what: what.into() }
}

pub async fn run(database: Database) -> Result<ExitCode, Failure> {
    let house = House::open(&database, false).await?;
    let lines = examine(&house, &database).await;
    house.close().await?;
    let lines = lines?;
    for line in &lines {
        println!("{:4}  {}", line.state, line.what);
    }
    let failed = lines.iter().any(|line| line.state == "fail");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn examine(house: &House, database: &Database) -> Result<Vec<Line>, Failure> {
    let pool = Pool::try_new(&house.app_url, CONNECTIONS)?;
    let client = pool.get().await?;
    let mut lines = vec![version(&client).await?];
    lines.extend(durability(&client).await?);
    lines.push(role(&client).await?);
    let pending = db::migrations::pending(&client).await?;
    lines.push(match pending.is_empty() {
        true => ok("migrations: the schema is up to date"),
        false => fail(format!("migrations: {} are missing; run `ayni migrate`", pending.join(", "))),
    });
    lines.push(clock(&client).await?);
    lines.push(lock_table(&client).await?);
    lines.extend(disk(database));
    if pending.is_empty() && !is_set_up(&pool).await? {
        lines.push(warn(format!("institution: {NOT_SET_UP}")));
    } else if pending.is_empty() {
        lines.push(default_secrets(&pool).await?);
        lines.push(last_close(&client).await?);
        lines.push(books(&pool).await?);
    }
    Ok(lines)
}

async fn show(client: &Client, setting: &str) -> Result<String, Failure> {
    Ok(client.query_one("select current_setting($1)", &[&setting]).await?.get(0))
}

async fn version(client: &Client) -> Result<Line, Failure> {
    let number: i32 = show(client, "server_version_num").await?.parse().unwrap_or_default();
    let name = show(client, "server_version").await?;
    Ok(match number {
        150_000.. => ok(format!("Postgres {name}")),
        _ => fail(format!("Postgres {name} is too old: Ayni needs 15 or newer")),
    })
}

/// A commit that was acknowledged must be on disk.
async fn durability(client: &Client) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for (setting, harm) in [
        ("fsync", "a power cut can destroy the database"),
        ("full_page_writes", "a power cut can tear pages"),
        ("synchronous_commit", "a power cut can lose acknowledged payments"),
    ] {
        let value = show(client, setting).await?;
        lines.push(match value.as_str() {
            "off" => fail(format!("durability: {setting} is off: {harm}; set it to on in postgresql.conf")),
            _ => ok(format!("durability: {setting} is {value}")),
        });
    }
    Ok(lines)
}

async fn role(client: &Client) -> Result<Line, Failure> {
    let row = client
        .query_one(
            "select current_user::text as name, rolsuper, rolbypassrls,
                    exists (select from pg_tables where tablename = 'journal_entry' and pg_has_role(current_user, tableowner, 'usage')) as owner
             from pg_roles where rolname = current_user",
            &[],
        )
        .await?;
    let name: String = row.get("name");
    let mighty = row.get("rolsuper") || row.get("rolbypassrls") || row.get("owner");
    Ok(match mighty {
        true => fail(format!("roles: {name} could change history; serve as ayni_app (`ayni migrate` makes it)")),
        false => ok(format!("roles: {name} can add to history and not change it")),
    })
}

async fn clock(client: &Client) -> Result<Line, Failure> {
    let there: chrono::DateTime<chrono::Utc> = client.query_one("select clock_timestamp()", &[]).await?.get(0);
    let apart = (db::clock::now() - there).num_milliseconds().abs();
    Ok(match apart <= CLOCK_TOLERANCE {
        true => ok(format!("clock: server and database are {apart} ms apart")),
        false => warn(format!("clock: server and database are {apart} ms apart; let both follow a time server")),
    })
}

/// A big batch takes a lock for each key: the default table of 64 per connection can run full.
async fn lock_table(client: &Client) -> Result<Line, Failure> {
    let locks: i32 = show(client, "max_locks_per_transaction").await?.parse().unwrap_or_default();
    Ok(match locks >= 256 {
        true => ok(format!("lock table: max_locks_per_transaction is {locks}")),
        false => warn(format!("lock table: max_locks_per_transaction is {locks}; set it to 256 or more")),
    })
}

fn disk(database: &Database) -> Option<Line> {
    if database.database_url.is_some() {
        return None;
    }
    let stat = rustix::fs::statvfs(&database.data_dir).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize) / (1024 * 1024);
    Some(match free >= DISK_LEAST {
        true => ok(format!("disk: {free} MiB are free")),
        false => fail(format!("disk: only {free} MiB are free; make room before Postgres stops")),
    })
}

/// The demo's password is printed in its documentation.
async fn default_secrets(pool: &Pool) -> Result<Line, Failure> {
    let tx = Tx::begin_reading(pool).await?;
    let password = SecretString::from(DEMO_PASSWORD);
    let known = access::setup::users_with_password(&tx, &DEMO_USERS, &password).await?;
    Ok(match known.is_empty() {
        true => ok("secrets: no user has the demo password"),
        false => warn(format!("secrets: {} have the demo password; change it before real use", known.join(", "))),
    })
}

async fn last_close(client: &Client) -> Result<Line, Failure> {
    let row = client
        .query_one(
            "select (select open_on from business_day) as open_on, (select count(*) from day_close where booked_at is null) as waiting",
            &[],
        )
        .await?;
    let open: Option<chrono::NaiveDate> = row.get("open_on");
    let waiting: i64 = row.get("waiting");
    let today = db::clock::today();
    Ok(match open {
        None => warn("last close: no business day is open"),
        Some(_) if waiting > 0 => {
            warn(format!("last close: {waiting} days have rolled and are not booked; `ayni close-day` works them off"))
        }
        Some(open) if (today - open).num_days() > 1 => {
            warn(format!("last close: the open business day is {open}, today is {today}; `ayni close-day` catches up"))
        }
        Some(open) => ok(format!("last close: the open business day is {open}")),
    })
}

async fn books(pool: &Pool) -> Result<Line, Failure> {
    let findings = flows::verify::verify(pool).await?;
    Ok(match findings.first() {
        None => ok("books: verified"),
        Some(finding) => {
            fail(format!("books: {}: {} ({}); `ayni verify` says more", finding.check, finding.what, finding.place))
        }
    })
}
