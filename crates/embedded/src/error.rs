//! What can go wrong with the embedded Postgres. A person reads these: each says what is wrong, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// How to install a server by hand, the last line of every message that ends there.
const INSTALL: &str = "Install PostgreSQL 15 or newer and start again:
  Debian, Ubuntu:  sudo apt install postgresql
  Fedora, RHEL:    sudo dnf install postgresql-server
  macOS:           brew install postgresql@17
Or name a server that runs already with DATABASE_URL, or a directory holding initdb and postgres with AYNI_PG_BIN.";

#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "another Ayni is using the data directory {directory}. Stop that one first, or name another data directory."
    )]
    InUse { directory: PathBuf },

    #[error(
        "another Ayni holds the data directory {directory}, but its Postgres is not ready yet. Try again in a moment; \
         if it stays so, look at {log}."
    )]
    NotReadyThere { directory: PathBuf, log: PathBuf },

    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: PathBuf, source: io::Error },

    #[error("no usable PostgreSQL on this machine, and {reason}.\n{INSTALL}")]
    NoPostgres { reason: String },

    #[error(
        "AYNI_PG_BIN names {directory}, where there is no working PostgreSQL 15 or newer (it must hold both initdb and \
         postgres, and the user who runs them must be able to enter it). Correct or unset AYNI_PG_BIN."
    )]
    NamedBinaries { directory: PathBuf },

    #[error(
        "the data in {cluster} was made by PostgreSQL {wanted} and needs that version; found here: {found}. Install \
         PostgreSQL {wanted} (Debian: sudo apt install postgresql-{wanted}; macOS: brew install postgresql@{wanted}), \
         or name the directory of its binaries with AYNI_PG_BIN; to move to a newer version, dump with the old one and \
         restore into a new data directory."
    )]
    OtherMajor { cluster: PathBuf, wanted: u32, found: String },

    #[error(
        "Ayni runs as root, PostgreSQL refuses to, and this machine has neither a user `postgres` nor `nobody` to run \
         it as. Run Ayni as an ordinary user, or add one: useradd --system postgres"
    )]
    NoAccount,

    #[error(
        "PostgreSQL runs as {account}, who cannot enter {directory}, above the data in {cluster}. Allow it with: chmod \
         o+x {directory}, or move the data directory to where everybody can enter, such as /var/lib/ayni."
    )]
    CannotEnter { account: String, directory: PathBuf, cluster: PathBuf },

    #[error(
        "the database in {cluster} is damaged: it has no PG_VERSION. Restore it from a backup, or move it away to \
         start with an empty one."
    )]
    Damaged { cluster: PathBuf },

    #[error("initdb could not make the database in {cluster}:\n{output}")]
    Initdb { cluster: PathBuf, output: String },

    #[error(
        "the password of the embedded Postgres is not in {file}, and the database in {cluster} cannot be opened \
         without it. Restore that file from a backup of the data directory."
    )]
    PasswordMissing { file: PathBuf, cluster: PathBuf },

    #[error(
        "the embedded Postgres does not accept the password in {file}. Restore the file that belongs to this data \
         directory."
    )]
    PasswordRefused { file: PathBuf },

    #[error("the embedded Postgres has ended by itself. The end of its log {log}:\n{tail}")]
    Died { log: PathBuf, tail: String },

    #[error("the embedded Postgres was not ready after {seconds} s. The end of its log {log}:\n{tail}")]
    Slow { seconds: u64, log: PathBuf, tail: String },

    #[error(
        "the Postgres with process id {pid}, which runs in {cluster}, does not stop. End it by hand (kill -QUIT {pid}) \
         and start again."
    )]
    StillRunning { pid: i32, cluster: PathBuf },

    #[error("the start of the embedded Postgres was interrupted. Start again.")]
    Interrupted,
}

/// For `map_err` after a file operation: keeps what was tried and where beside the cause.
pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::File { action, path, source }
}
