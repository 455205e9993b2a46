//! What can go wrong below a command that is not the command's fault, and what a lane does about it.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("a statement failed: {0}{detail}", detail = detail(.0))]
    Statement(#[from] tokio_postgres::Error),
    #[error("no connection to the database: {0}")]
    Pool(#[from] PoolError),
    /// Something that must hold did not.
    #[error("{0}")]
    Invariant(String),
    #[error("a command panicked: {0}")]
    Panic(String),
}

/// tokio-postgres prints only "db error": the server's own words are what a log needs.
fn detail(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map(|db| format!(": {} ({})", db.message(), db.code().code())).unwrap_or_default()
}

/// What to do with a batch that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Another transaction was in the way: run again.
    Again,
    /// The database is not there or has no room: answer 503 to all, run nothing again.
    Unavailable,
    /// A command of the batch is at fault: halve until it stands alone.
    Halve,
}

impl Fault {
    pub fn remedy(&self) -> Remedy {
        match self {
            Fault::Pool(_) => Remedy::Unavailable,
            Fault::Invariant(_) | Fault::Panic(_) => Remedy::Halve,
            Fault::Statement(error) => match error.code() {
                None => Remedy::Unavailable,
                Some(code) if is_contention(code) => Remedy::Again,
                Some(code) if matches!(&code.code()[..2], "08" | "53" | "57" | "58") => Remedy::Unavailable,
                Some(_) => Remedy::Halve,
            },
        }
    }

    /// The name of the violated constraint, where one was.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Fault::Statement(error) => error.as_db_error().and_then(|db| db.constraint()),
            _ => None,
        }
    }
}

fn is_contention(code: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE].contains(code)
}
