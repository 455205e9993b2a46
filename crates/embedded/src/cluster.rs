//! A data directory and the Postgres that runs on it: starting one, attaching to one that runs, stopping it.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binaries::{self, Binaries};
use crate::connection::ConnectionInfo;
use crate::error::{EmbeddedError, file};
use crate::place::{self, Place};
use crate::running::{self, Server};
use crate::{initialise, orphan, secret};

/// How long `attach` waits for an Ayni that is just starting or stopping.
const ATTACH: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Options {
    /// Made where it is absent.
    pub data_dir: PathBuf,
    /// `false` turns fsync, full page writes and synchronous commit off: a crash of the machine may then destroy the
    /// data. For tests.
    pub durable: bool,
    /// Whether a PostgreSQL may be fetched where none is installed.
    pub allow_fetch: bool,
}

/// A running Postgres. Dropping it asks Postgres to stop without waiting for it; `stop` also waits.
pub struct Cluster {
    connection: ConnectionInfo,
    place: Place,
    server: Server,
    /// Given back when the value goes.
    _locks: Vec<File>,
}

/// Starts the Postgres of a data directory, making it first where there is none. `notify` is told in whole sentences
/// what takes long or happens outside of the data directory.
pub async fn start(options: Options, notify: impl Fn(&str) + Send + 'static) -> Result<Cluster, EmbeddedError> {
    let durable = options.durable;
    let prepared = tokio::task::spawn_blocking(move || prepare(&options, &notify)).await;
    let Prepared { place, binaries, password, locks } = prepared.map_err(|_| EmbeddedError::Interrupted)??;
    let (server, connection) = running::start(&place, &binaries, &password, durable).await?;
    let cluster = Cluster { connection, place, server, _locks: locks };
    let status = serde_json::json!({
        "port": cluster.connection.port, "pid": cluster.server.pid(), "socket": cluster.connection.socket,
    });
    place::write_private(&cluster.place.status_file(), &format!("{status}\n"))?;
    Ok(cluster)
}

/// The Postgres that another Ayni runs on this data directory; `None` when none does. Waits for one that is starting.
pub async fn attach(data_dir: &Path) -> Result<Option<ConnectionInfo>, EmbeddedError> {
    let deadline = tokio::time::Instant::now() + ATTACH;
    while is_held(data_dir)? {
        if let Some((port, socket)) = running_at(data_dir)? {
            let password = data_dir.join("postgres-password");
            let password = fs::read_to_string(&password).map_err(file("read", &password))?;
            return Ok(Some(ConnectionInfo {
                host: std::net::Ipv4Addr::LOCALHOST.to_string(),
                port,
                socket,
                user: initialise::SUPERUSER.to_owned(),
                password: password.trim().to_owned(),
            }));
        }
        if tokio::time::Instant::now() > deadline {
            let directory = data_dir.to_owned();
            return Err(EmbeddedError::NotReadyThere { directory, log: place::log(data_dir) });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

impl Cluster {
    /// The superuser's connection.
    pub fn connection(&self) -> &ConnectionInfo {
        &self.connection
    }

    /// Says how Postgres ended, when it did so without being asked to.
    pub fn death(&mut self) -> Option<EmbeddedError> {
        self.server.death(&self.place.log())
    }

    /// Ends all sessions, writes everything out and waits for the end, half a minute at most before it is cut short.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        self.forget();
        self.server.stop(&self.place.cluster()).await
    }

    fn forget(&self) {
        // At worst somebody who attaches is told an old port, and that nobody answers there.
        let _ = fs::remove_file(self.place.status_file());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.forget();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Cluster");
        debug.field("connection", &self.connection).field("place", &self.place).finish_non_exhaustive()
    }
}

struct Prepared {
    place: Place,
    binaries: Binaries,
    password: String,
    locks: Vec<File>,
}

/// Everything before the start, under the lock.
fn prepare(options: &Options, notify: &dyn Fn(&str)) -> Result<Prepared, EmbeddedError> {
    let data_dir = place::data_directory(&options.data_dir)?;
    let mut locks = vec![place::lock(&data_dir, &data_dir)?];
    let _ = fs::remove_file(place::status_file(&data_dir));
    let place = Place::settle(&data_dir, notify)?;
    if place.home != data_dir {
        // Two data directories name one cluster after `cp -r`.
        locks.push(place::lock(&place.home, &place.home)?);
    }
    orphan::stop_orphan(&place.cluster())?;
    let major = place.cluster_major()?;
    let account = place.account.as_ref();
    let binaries = binaries::find_or_fetch(&place.cluster(), major, account, options.allow_fetch, notify)?;
    let password = secret::password(&place)?;
    if major.is_none() {
        initialise::initialise(&place, &binaries, &password, options.durable)?;
    }
    if let Some(account) = account {
        account.own_cluster(&place.cluster())?;
    }
    Ok(Prepared { place, binaries, password, locks })
}

/// Refuses a data directory that another Ayni uses, without touching it.
pub fn refuse_in_use(data_dir: &Path) -> Result<(), EmbeddedError> {
    if is_held(data_dir)? { Err(EmbeddedError::InUse { directory: data_dir.to_owned() }) } else { Ok(()) }
}

fn is_held(data_dir: &Path) -> Result<bool, EmbeddedError> {
    let path = place::lock_file(data_dir);
    let opened = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(file("open", &path))?,
    };
    match opened.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(file("lock", &path)(error)),
    }
}

/// The port, and the folder of the socket, that the running Ayni has noted.
fn running_at(data_dir: &Path) -> Result<Option<(u16, Option<PathBuf>)>, EmbeddedError> {
    let path = place::status_file(data_dir);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(file("read", &path))?,
    };
    let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let port = status.get("port").and_then(serde_json::Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let socket = status.get("socket").and_then(serde_json::Value::as_str).map(PathBuf::from);
    Ok(port.map(|port| (port, socket)))
}
