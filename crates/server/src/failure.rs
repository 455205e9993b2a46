//! Why a command of the binary ends without success: one sentence for the person at the terminal.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Embedded(#[from] embedded::error::EmbeddedError),
    #[error(transparent)]
    Pool(#[from] db::pool::PoolConfigError),
    #[error("the database: {0}")]
    Database(#[from] db::fault::Fault),
    #[error("the database: {}", database_words(.0))]
    Connection(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Migrate(#[from] db::migrations::MigrateError),
    #[error(transparent)]
    Token(#[from] access::tokens::TokenError),
    #[error(transparent)]
    Setup(#[from] access::setup::SetupError),
    #[error("the database lacks the migrations {0}: run `ayni migrate --database-url OWNER_URL` first")]
    NotMigrated(String),
    #[error(
        "{0} is a superuser or owns the tables: serve as ayni_app, which cannot change history, or allow it with --allow-owner"
    )]
    TooMighty(String),
    #[error("cannot listen on {address}: {cause}. Is another server running there? Choose another with --listen")]
    Listen { address: String, cause: std::io::Error },
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    #[error("{0}")]
    Said(String),
}

fn database_words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}
