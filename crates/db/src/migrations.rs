//! The schema is what the files in `migrations/` say, in order. Files in `repeated/` (triggers, grants) run every time.

use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use crate::fault::Fault;
use crate::session::Session;

const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_house", include_str!("../../../migrations/0001_house.sql")),
    ("0002_ledger", include_str!("../../../migrations/0002_ledger.sql")),
    ("0003_clients_loans", include_str!("../../../migrations/0003_clients_loans.sql")),
    ("0004_fewer_indexes", include_str!("../../../migrations/0004_fewer_indexes.sql")),
    ("0005_fewer_rows", include_str!("../../../migrations/0005_fewer_rows.sql")),
    ("0006_lists_by_status", include_str!("../../../migrations/0006_lists_by_status.sql")),
];

const REPEATED: &[&str] = &[
    include_str!("../../../migrations/repeated/0_functions.sql"),
    include_str!("../../../migrations/repeated/1_guards.sql"),
    include_str!("../../../migrations/repeated/2_grants.sql"),
];

/// The roles that own, serve and read. Made once, by a user who may make roles.
const ROLES: &str = "
    do $$ begin
        if not exists (select from pg_roles where rolname = 'ayni_owner') then create role ayni_owner nologin; end if;
        if not exists (select from pg_roles where rolname = 'ayni_app') then create role ayni_app login; end if;
        if not exists (select from pg_roles where rolname = 'ayni_read') then create role ayni_read nologin; end if;
    exception when duplicate_object or unique_violation then null;
    end $$;";

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("migration {0} was changed after it had run: restore the file, and make the change in a new one")]
    Changed(String),
    #[error("the database has migration {0}, which this program does not know: it was made by a newer Ayni")]
    Newer(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        MigrateError::Fault(error.into())
    }
}

/// Makes the roles that are missing. Needs a user who may make roles.
pub async fn make_roles(client: &Client) -> Result<(), Fault> {
    Ok(client.batch_execute(ROLES).await?)
}

/// Brings the schema up to date, as the owner of the database. Two at once wait for each other. Gives the names of what ran.
pub async fn migrate(client: &mut Client) -> Result<Vec<&'static str>, MigrateError> {
    let tx = client.transaction().await?;
    tx.batch_execute(
        "select pg_advisory_xact_lock(4280659502);
         create table if not exists schema_migration (
             name text primary key, digest bytea not null, ran_at timestamptz not null default now());
         comment on table schema_migration is 'Which migrations have run, with the digest of their text.';",
    )
    .await?;
    let ran = tx.query("select name, digest from schema_migration order by name", &[]).await?;
    let mut applied = Vec::new();
    for row in &ran {
        let name: String = row.get("name");
        if !MIGRATIONS.iter().any(|(known, _)| *known == name) {
            return Err(MigrateError::Newer(name));
        }
    }
    for (name, text) in MIGRATIONS {
        let digest = Sha256::digest(text).to_vec();
        match ran.iter().find(|row| row.get::<_, &str>("name") == *name) {
            Some(row) if row.get::<_, Vec<u8>>("digest") == digest => {}
            Some(_) => return Err(MigrateError::Changed((*name).to_owned())),
            None => {
                tx.batch_execute(text).await?;
                tx.execute("insert into schema_migration (name, digest) values ($1, $2)", &[name, &digest]).await?;
                applied.push(*name);
            }
        }
    }
    for text in REPEATED {
        tx.batch_execute(text).await?;
    }
    tx.commit().await?;
    Ok(applied)
}

/// The migrations that a database still lacks.
pub async fn pending(session: &Session) -> Result<Vec<&'static str>, Fault> {
    let known = session.query_one("select to_regclass('schema_migration') is not null", &[]).await?;
    let ran: Vec<String> = if known.get(0usize) {
        session.query("select name from schema_migration", &[]).await?.iter().map(|row| row.get("name")).collect()
    } else {
        Vec::new()
    };
    Ok(MIGRATIONS.iter().map(|(name, _)| *name).filter(|name| !ran.iter().any(|ran| ran == name)).collect())
}

/// A digest of everything that migrate would do: the name of the template database that tests clone.
pub fn digest() -> String {
    let mut digest = Sha256::new();
    for (name, text) in MIGRATIONS {
        digest.update(name);
        digest.update(text);
    }
    for text in REPEATED {
        digest.update(text);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
