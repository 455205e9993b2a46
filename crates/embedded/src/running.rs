//! Starts `postgres` and waits until it answers, or says why it does not.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::account;
use crate::binaries::Binaries;
use crate::connection::{ConnectionInfo, socket_folder};
use crate::error::{EmbeddedError, file};
use crate::initialise::SUPERUSER;
use crate::orphan::{FAST_SHUTDOWN, IMMEDIATE_SHUTDOWN};
use crate::place::Place;

/// Recovery after a crash can take long; a server that is alive is given this much.
const START: Duration = Duration::from_secs(300);
/// A server that is ready answers within milliseconds.
const ANSWER: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOG_BYTES_MAX: u64 = 10 << 20;
const TAIL_LINES: usize = 20;

/// What the log says of a start that is worth another try.
const PASSING: [&str; 3] = [
    // Somebody took the port between our choice and its use.
    "could not bind IPv4 address",
    "could not create any TCP/IP sockets",
    // The children of a postmaster that was killed need a moment to notice.
    "pre-existing shared memory block",
];
const TRIES: u32 = 50;

/// The process. Asked to stop when dropped, without waiting for it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub port: u16,
    /// Where this start's part of the log begins.
    log_start: u64,
}

pub(crate) async fn start(
    place: &Place,
    binaries: &Binaries,
    password: &str,
    durable: bool,
) -> Result<(Server, ConnectionInfo), EmbeddedError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut server = spawn(place, binaries, durable)?;
        let info = ConnectionInfo {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: server.port,
            socket: socket_folder(&place.cluster()).map(Path::to_owned),
            user: SUPERUSER.to_owned(),
            password: password.to_owned(),
        };
        match server.wait_until_ready(place, &info).await {
            Ok(()) => return Ok((server, info)),
            Err(EmbeddedError::Died { tail, .. })
                if tries < TRIES && PASSING.iter().any(|passing| tail.contains(passing)) =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn spawn(place: &Place, binaries: &Binaries, durable: bool) -> Result<Server, EmbeddedError> {
    let log_path = place.log();
    let (log, log_start) = open_log(&log_path).map_err(file("open", &log_path))?;
    let port = free_port().map_err(file("find a free port for", &place.data_dir))?;
    let mut command = account::command(&binaries.postgres(), place.account.as_ref());
    // The -D comes first: `orphan` knows ours by it.
    command.arg("-D").arg(place.cluster());
    for setting in settings(port, durable) {
        command.arg("-c").arg(setting);
    }
    // In the cluster's own folder, which only its user may enter. A path too long for it leaves the port alone.
    let cluster = place.cluster();
    let folder = socket_folder(&cluster).and_then(Path::to_str).unwrap_or_default();
    command.arg("-c").arg(format!("unix_socket_directories={folder}"));
    // A group of its own: Ctrl-C is for Ayni, which stops Postgres after its own last statement.
    command.process_group(0).stdin(Stdio::null()).stderr(log.try_clone().map_err(file("open", &log_path))?).stdout(log);
    let child = command.spawn().map_err(file("run", &binaries.postgres()))?;
    Ok(Server { child, port, log_start })
}

fn settings(port: u16, durable: bool) -> Vec<String> {
    let mut settings: Vec<String> = [
        "listen_addresses=127.0.0.1",
        "cluster_name=ayni",
        "max_connections=100",
        // Locks of a batch live in shared memory, sized by this: 20,000 advisory locks fail at the default of 64.
        "max_locks_per_transaction=256",
        "shared_buffers=256MB",
        // A file of the log that was used is used again: one made anew is first filled with zeros, while all wait. No file is made
        // before it is needed, so that a small institution has a small log.
        "min_wal_size=1GB",
        "max_wal_size=2GB",
        "checkpoint_timeout=15min",
        // Whole pages go into the log as they are: pglz takes longer than writing them, and not every build has lz4.
        "wal_compression=off",
        "jit=off",
        "timezone=UTC",
        "log_timezone=UTC",
        "log_destination=stderr",
        "logging_collector=off",
        "log_min_messages=warning",
        "log_checkpoints=off",
        "log_line_prefix=%m [%p] ",
    ]
    .map(str::to_owned)
    .into();
    settings.push(format!("port={port}"));
    let durability: &[&str] = if durable {
        &["fsync=on", "full_page_writes=on", "synchronous_commit=on"]
    } else {
        &["fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0"]
    };
    settings.extend(durability.iter().map(|&setting| setting.to_owned()));
    settings
}

impl Server {
    async fn wait_until_ready(&mut self, place: &Place, info: &ConnectionInfo) -> Result<(), EmbeddedError> {
        let (log, begin) = (place.log(), Instant::now());
        let mut refused_since = None;
        loop {
            if self.has_ended() {
                return Err(EmbeddedError::Died { tail: tail(&log, self.log_start), log });
            }
            match tokio::time::timeout(ANSWER, cluster_at(info)).await {
                Ok(Ok(cluster)) if Path::new(&cluster) == place.cluster() => return Ok(()),
                Ok(Err(error)) if error.code() == Some(&SqlState::INVALID_PASSWORD) => {
                    refused_since.get_or_insert_with(Instant::now);
                }
                // Not listening or still recovering; or another's server has the port: then ours dies, seen above.
                _ => {}
            }
            // Not at once, since that may have been another's server too.
            if refused_since.is_some_and(|since: Instant| since.elapsed() > ANSWER) {
                return Err(EmbeddedError::PasswordRefused { file: place.password_file() });
            }
            if begin.elapsed() > START {
                let tail = tail(&log, self.log_start);
                return Err(EmbeddedError::Slow { seconds: START.as_secs(), log, tail });
            }
            // Slower as it lasts: each look is a line in the log of a server that recovers.
            tokio::time::sleep(LOOK_EVERY.max(begin.elapsed() / 50)).await;
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error that says how, once the process is no more.
    pub fn death(&mut self, log: &Path) -> Option<EmbeddedError> {
        let log_start = self.log_start;
        self.has_ended().then(|| EmbeddedError::Died { log: log.to_owned(), tail: tail(log, log_start) })
    }

    pub async fn stop(&mut self, cluster: &Path) -> Result<(), EmbeddedError> {
        for (signal, patience) in [(Signal::INT, FAST_SHUTDOWN), (Signal::QUIT, IMMEDIATE_SHUTDOWN)] {
            self.signal(signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if self.has_ended() {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let pid = i32::try_from(self.pid()).unwrap_or_default();
        Err(EmbeddedError::StillRunning { pid, cluster: cluster.to_owned() })
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Only while we have not waited for it, so that the number is still its own.
    fn signal(&mut self, signal: Signal) {
        if !self.has_ended() {
            // It can only fail for a process that is gone, which is what it is for.
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

/// The data directory of whichever server answers.
async fn cluster_at(info: &ConnectionInfo) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = info.config("postgres").connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let row = client.query_one("select current_setting('data_directory')", &[]).await;
    drop(client);
    // Gone for good before anybody else connects: nothing of ours may stand on a database that is used as a template.
    let _ = connection.await;
    row?.try_get(0)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Ready to be appended to, and how long it is.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    if log.metadata()?.len() > LOG_BYTES_MAX {
        log.set_len(0)?;
    }
    let length = log.metadata()?.len();
    Ok((log, length))
}

/// The last lines that were written after `start`.
fn tail(log: &Path, start: u64) -> String {
    let read = || {
        let mut log = File::open(log)?;
        let from = start.max(log.metadata()?.len().saturating_sub(64 << 10));
        log.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = read().unwrap_or_else(|error: io::Error| format!("(cannot be read: {error})").into_bytes());
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_shows_the_last_lines_of_this_start_only() {
        let log = std::env::temp_dir().join(format!("ayni-tail-{}.log", std::process::id()));
        let lines: Vec<String> = (1..=30).map(|number| format!("line {number}")).collect();
        std::fs::write(&log, format!("old\n{}\n", lines.join("\n"))).unwrap();
        let last = tail(&log, 4);
        assert!(last.starts_with("line 11\n") && last.ends_with("line 30"), "{last}");
        assert_eq!(tail(&log, 1 << 20), "");
        assert!(tail(Path::new("/nonexistent/log"), 0).contains("cannot be read"));
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_log_that_grew_too_long_begins_anew() {
        let path = std::env::temp_dir().join(format!("ayni-log-{}.log", std::process::id()));
        std::fs::write(&path, "short").unwrap();
        assert_eq!(open_log(&path).unwrap().1, 5);
        File::options().write(true).open(&path).unwrap().set_len(LOG_BYTES_MAX + 1).unwrap();
        assert_eq!(open_log(&path).unwrap().1, 0);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_tests_give_up_durability() {
        assert!(settings(1, true).contains(&"fsync=on".to_owned()));
        assert!(settings(1, false).contains(&"fsync=off".to_owned()));
        assert!(settings(4711, true).contains(&"port=4711".to_owned()));
    }
}
