//! What can go wrong below a command that is not the command's fault, and what a lane does about it.
//!
//! diesel-async keeps the kind and the words of an error, not its SQLSTATE. What the kind does not tell, the words do, which are
//! English where `lc_messages` says so (`ayni serve` does not start otherwise). A word that is not known counts as a fault of a
//! command: its batch is halved and each command tried alone, which costs time and loses nothing.

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::PoolError;

use crate::session::Session;

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("a statement failed: {0}")]
    Statement(#[from] Error),
    #[error("no connection to the database: {0}")]
    Pool(#[from] PoolError),
    /// Of a connection that is no pool's: migrate, and what comes with it.
    #[error("a statement failed: {0}{detail}", detail = detail(.0))]
    Direct(#[from] tokio_postgres::Error),
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

/// SQLSTATE 40P01, 55P03 (of a timeout and of `nowait`) and 40001.
const CONTENTION: [&str; 4] = [
    "deadlock detected",
    "canceling statement due to lock timeout",
    "could not obtain lock",
    "could not serialize access",
];

/// The classes 53 (no room), 57 (an operator, a restart, a timeout) and 58 (the system below).
const UNAVAILABLE: [&str; 19] = [
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "sorry, too many clients already",
    "too many connections",
    "remaining connection slots are reserved",
    "could not extend file",
    "could not write",
    "could not open file",
    "could not access file",
    "could not access status of transaction",
    "could not create file",
    "could not fsync file",
    "could not stat file",
    "could not resize shared memory segment",
    "temporary file size exceeds",
    "out of memory",
    "out of shared memory",
    "disk full",
];

/// What Postgres says of a division by zero in English: whether its words can be told apart.
const ENGLISH: &str = "division by zero";

fn remedy_of_words(words: &str) -> Remedy {
    let begins_with_one = |of: &[&str]| of.iter().any(|with| words.starts_with(with));
    if begins_with_one(&CONTENTION) {
        Remedy::Again
    } else if begins_with_one(&UNAVAILABLE) {
        Remedy::Unavailable
    } else {
        Remedy::Halve
    }
}

impl Fault {
    pub fn remedy(&self) -> Remedy {
        match self {
            Fault::Pool(_) | Fault::Statement(Error::BrokenTransactionManager) => Remedy::Unavailable,
            Fault::Statement(Error::DatabaseError(kind, told)) => match kind {
                DatabaseErrorKind::SerializationFailure => Remedy::Again,
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => Remedy::Unavailable,
                DatabaseErrorKind::Unknown => remedy_of_words(told.message()),
                _ => Remedy::Halve,
            },
            Fault::Direct(error) => match error.code().map(|code| code.code()) {
                None => Remedy::Unavailable,
                Some("40001" | "40P01" | "55P03") => Remedy::Again,
                Some(code) if matches!(&code[..2], "08" | "53" | "57" | "58") => Remedy::Unavailable,
                Some(_) => Remedy::Halve,
            },
            Fault::Statement(_) | Fault::Invariant(_) | Fault::Panic(_) => Remedy::Halve,
        }
    }

    /// The name of the violated constraint, where one was.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Fault::Statement(Error::DatabaseError(_, told)) => told.constraint_name(),
            _ => None,
        }
    }
}

/// Whether the database speaks English. In another language a command that only has to run again would count as one at fault.
pub async fn speaks_english(session: &Session) -> bool {
    let answer = session.query("select 1 / $1 as asked", &[&0_i32]).await;
    answer.is_err_and(|fault| fault.to_string().contains(ENGLISH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_postgres_are_told_apart() {
        let cases = [
            ("deadlock detected", Remedy::Again),
            ("canceling statement due to lock timeout", Remedy::Again),
            ("could not obtain lock on row in relation \"loan_state\"", Remedy::Again),
            ("could not serialize access due to concurrent update", Remedy::Again),
            ("canceling statement due to statement timeout", Remedy::Unavailable),
            ("canceling statement due to user request", Remedy::Unavailable),
            ("terminating connection due to administrator command", Remedy::Unavailable),
            ("the database system is shutting down", Remedy::Unavailable),
            ("could not extend file \"base/1/2\": No space left on device", Remedy::Unavailable),
            ("could not resize shared memory segment \"/x\" to 1 bytes", Remedy::Unavailable),
            ("out of memory", Remedy::Unavailable),
            // A broken page is nobody's load: an operator has to hear of it.
            ("could not read block 1 in file \"base/1/2\": read only 0 of 8192 bytes", Remedy::Halve),
            ("bigint out of range", Remedy::Halve),
            ("duplicate key value violates unique constraint \"x\"", Remedy::Halve),
            ("Verklemmung entdeckt", Remedy::Halve),
        ];
        for (words, remedy) in cases {
            assert_eq!(remedy_of_words(words), remedy, "{words}");
        }
    }
}
