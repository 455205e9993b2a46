//! `ayni doctor`: what stands around the books. Each line is ok, warn or fail, with the mend.

use std::process::ExitCode;

use db::pool::{CONNECTIONS, Pool};
use db::session::Session;
use db::tx::Tx;
use secrecy::SecretString;

use crate::arguments::{DEMO_PASSWORD, DEMO_USERS, Database};
use crate::failure::Failure;
use crate::house::{House, NOT_ENGLISH, NOT_SET_UP, is_set_up};

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
    let session = pool.session().await?;
    let mut lines = vec![version(&session).await?];
    lines.extend(durability(&session).await?);
    lines.push(role(&session).await?);
    let pending = db::migrations::pending(&session).await?;
    lines.push(match pending.is_empty() {
        true => ok("migrations: the schema is up to date"),
        false => fail(format!("migrations: {} are missing; run `ayni migrate`", pending.join(", "))),
    });
    lines.push(clock(&session).await?);
    lines.push(lock_table(&session).await?);
    lines.push(messages(&session).await);
    lines.extend(disk(database));
    if pending.is_empty() && !is_set_up(&pool).await? {
        lines.push(warn(format!("institution: {NOT_SET_UP}")));
    } else if pending.is_empty() {
        lines.push(default_secrets(&pool).await?);
        lines.push(last_close(&session).await?);
        lines.push(books(&pool).await?);
    }
    Ok(lines)
}

async fn show(session: &Session, setting: &str) -> Result<String, Failure> {
    Ok(session.query_one("select current_setting($1) as value", &[&setting]).await?.get("value"))
}

async fn version(session: &Session) -> Result<Line, Failure> {
    let number: i32 = show(session, "server_version_num").await?.parse().unwrap_or_default();
    let name = show(session, "server_version").await?;
    Ok(match number {
        150_000.. => ok(format!("Postgres {name}")),
        _ => fail(format!("Postgres {name} is too old: Ayni needs 15 or newer")),
    })
}

/// Faults of the database are told apart by their English words.
async fn messages(session: &Session) -> Line {
    match db::fault::speaks_english(session).await {
        true => ok("messages: the database speaks English"),
        false => fail(format!("messages: {NOT_ENGLISH}")),
    }
}

/// A commit that was acknowledged must be on disk.
async fn durability(session: &Session) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for (setting, harm) in [
        ("fsync", "a power cut can destroy the database"),
        ("full_page_writes", "a power cut can tear pages"),
        ("synchronous_commit", "a power cut can lose acknowledged payments"),
    ] {
        let value = show(session, setting).await?;
        lines.push(match value.as_str() {
            "off" => fail(format!("durability: {setting} is off: {harm}; set it to on in postgresql.conf")),
            _ => ok(format!("durability: {setting} is {value}")),
        });
    }
    Ok(lines)
}

async fn role(session: &Session) -> Result<Line, Failure> {
    let row = session
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

async fn clock(session: &Session) -> Result<Line, Failure> {
    let there: chrono::DateTime<chrono::Utc> =
        session.query_one("select clock_timestamp() as at", &[]).await?.get("at");
    let apart = (db::clock::now() - there).num_milliseconds().abs();
    Ok(match apart <= CLOCK_TOLERANCE {
        true => ok(format!("clock: server and database are {apart} ms apart")),
        false => warn(format!("clock: server and database are {apart} ms apart; let both follow a time server")),
    })
}

/// A big batch takes a lock for each key: the default table of 64 per connection can run full.
async fn lock_table(session: &Session) -> Result<Line, Failure> {
    let locks: i32 = show(session, "max_locks_per_transaction").await?.parse().unwrap_or_default();
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

async fn last_close(session: &Session) -> Result<Line, Failure> {
    let row = session
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
