//! A Postgres that outlived its Ayni (`kill -9`): found by `postmaster.pid`, stopped only when it is certainly ours.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{EmbeddedError, file};

/// How long a fast shutdown may take before an immediate one (which recovers at the next start) is asked for.
pub(crate) const FAST_SHUTDOWN: Duration = Duration::from_secs(30);
pub(crate) const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(10);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the process of a `postmaster.pid` turns out to be.
#[derive(Debug, PartialEq, Eq)]
enum Holder {
    /// A postgres that runs on this very cluster.
    Ours,
    /// Alive, but something else: the number was given out again after a crash.
    Foreign,
    /// No such process, or none that we may look at.
    Unknown,
}

/// To be called under the lock, so that no living Ayni can be the one that runs it.
pub(crate) fn stop_orphan(cluster: &Path) -> Result<(), EmbeddedError> {
    let pid_file = cluster.join("postmaster.pid");
    let text = match fs::read_to_string(&pid_file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file("read", &pid_file)(error)),
    };
    // Postgres itself judges a file that we cannot read.
    let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw) else {
        return Ok(());
    };
    match holder(pid, cluster) {
        Holder::Ours => stop(pid, cluster),
        // Postgres would take any living process of the same user for its predecessor and refuse to start.
        Holder::Foreign => fs::remove_file(&pid_file).map_err(file("remove", &pid_file)),
        Holder::Unknown => Ok(()),
    }
}

fn stop(pid: Pid, cluster: &Path) -> Result<(), EmbeddedError> {
    tracing::info!(pid = pid.as_raw_nonzero().get(), "stopping the Postgres that an earlier Ayni has left");
    for (signal, patience) in [(Signal::INT, FAST_SHUTDOWN), (Signal::QUIT, IMMEDIATE_SHUTDOWN)] {
        // Looked at again right before: between the two it may have gone.
        if holder(pid, cluster) != Holder::Ours {
            return Ok(());
        }
        match kill_process(pid, signal) {
            Err(error) if error != rustix::io::Errno::SRCH => {
                return Err(file("stop the Postgres of", cluster)(error.into()));
            }
            _ => {}
        }
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if holder(pid, cluster) != Holder::Ours {
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
    }
    Err(EmbeddedError::StillRunning { pid: pid.as_raw_nonzero().get(), cluster: cluster.to_owned() })
}

fn holder(pid: Pid, cluster: &Path) -> Holder {
    match command_line(pid) {
        Some(command) if is_postgres_of(&command, &cluster.to_string_lossy()) => Holder::Ours,
        Some(_) => Holder::Foreign,
        None => Holder::Unknown,
    }
}

/// The arguments of a process, joined by spaces; empty for one that has ended but was not waited for.
fn command_line(pid: Pid) -> Option<String> {
    let number = pid.as_raw_nonzero();
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{number}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &number.to_string()]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `postgres -D CLUSTER …`, as `running` starts it and as pg_ctl would.
fn is_postgres_of(command: &str, cluster: &str) -> bool {
    let Some((program, arguments)) = command.split_once(" -D ") else { return false };
    let program = program.rsplit('/').next().unwrap_or(program);
    let rest = arguments.strip_prefix(cluster);
    program == "postgres" && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_postgres_on_this_cluster_is_ours() {
        let check = |command: &str, expect| assert_eq!(is_postgres_of(command, "/data/a b/pg"), expect, "{command}");
        check("/usr/lib/postgresql/15/bin/postgres -D /data/a b/pg -c port=1 ", true);
        check("postgres -D /data/a b/pg\n", true);
        check("/usr/lib/postgresql/15/bin/postgres -D /data/a b/pg2 ", false);
        check("/usr/lib/postgresql/15/bin/postgres -D /data/other ", false);
        check("/usr/bin/vim -D /data/a b/pg ", false);
        check("grep postgres -D /data/a b/pg ", false);
        check("postgres: checkpointer ", false);
        check("", false);
    }

    #[test]
    fn a_foreign_process_is_left_alone_and_its_pid_file_removed() {
        let cluster = std::env::temp_dir().join(format!("ayni-orphan-{}", std::process::id()));
        fs::create_dir_all(&cluster).unwrap();
        let pid_file = cluster.join("postmaster.pid");
        stop_orphan(&cluster).unwrap();
        for (content, is_kept) in [(format!("{}\n/x\n", std::process::id()), false), ("none".to_owned(), true)] {
            fs::write(&pid_file, content).unwrap();
            stop_orphan(&cluster).unwrap();
            assert_eq!(pid_file.exists(), is_kept);
        }
        fs::remove_dir_all(cluster).unwrap();
    }
}
