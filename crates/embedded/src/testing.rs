//! A Postgres for tests: not durable, in a folder of its own, gone with the process that started it however that ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::account::{self, Account};
use crate::cluster::{self, Cluster, Options};
use crate::connection::ConnectionInfo;
use crate::error::{EmbeddedError, file};
use crate::hexadecimal;

/// Waits until its standard input closes, which the kernel does when we die, then ends the Postgres on the folder `$1`
/// (immediately: nobody needs the data) and removes the folder. Signals only a process that has that folder in its
/// command line. The second try at the removal is for an initdb that was still writing.
const GUARD: &str = r#"
cat >/dev/null
pid=$(head -n 1 "$1/pg/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" || ps -o command= -p "$pid")
    case $command in
    *"postgres -D $1/pg "*)
        kill -QUIT "$pid"
        tries=0
        while [ $tries -lt 100 ] && [ -e "$1/pg/postmaster.pid" ]; do
            sleep 0.05
            tries=$((tries + 1))
        done
        ;;
    esac
fi
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

/// Many may run at once. A value in a `static`, which Rust never drops, is cleaned up too.
#[derive(Debug)]
pub struct TestCluster {
    cluster: Cluster,
    directory: PathBuf,
    /// Its standard input is the pipe that closes when we die.
    guard: Child,
}

impl TestCluster {
    pub async fn start() -> Result<TestCluster, EmbeddedError> {
        let account = Account::choose(None)?;
        let directory = fresh_directory(account.as_ref())?;
        let guard = guard(&directory, account.as_ref())?;
        let options = Options { data_dir: directory.clone(), durable: false, allow_fetch: true };
        let cluster = cluster::start(options, |line| eprintln!("{line}")).await?;
        Ok(TestCluster { cluster, directory, guard })
    }

    /// The superuser's connection.
    pub fn connection(&self) -> &ConnectionInfo {
        self.cluster.connection()
    }

    /// Ends it now and waits until its folder is gone. Only for tests of this itself: dropping does, in the background.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        self.cluster.stop().await?;
        drop(self.guard.stdin.take());
        while matches!(self.guard.try_wait(), Ok(None)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if self.directory.exists() {
            return fs::remove_dir_all(&self.directory).map_err(file("remove", &self.directory));
        }
        Ok(())
    }
}

/// Starts before Postgres does, so that there is no instant in which our death would leave something behind.
fn guard(directory: &Path, account: Option<&Account>) -> Result<Child, EmbeddedError> {
    use std::os::unix::process::CommandExt;
    let mut command = account::command(Path::new("/bin/sh"), account);
    // Outside of our process group: Ctrl-C and test runners that kill the group must not hit it.
    command.args(["-c", GUARD, "ayni-test-guard"]).arg(directory).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(file("run a guard for", directory))
}

/// Owned by who will run Postgres, below a folder that they can enter.
fn fresh_directory(account: Option<&Account>) -> Result<PathBuf, EmbeddedError> {
    let mut base = std::env::temp_dir();
    if let Some(account) = account
        && !matches!(account.blocked_at(&base), Ok(None))
    {
        base = PathBuf::from("/tmp");
    }
    let base = fs::canonicalize(&base).map_err(file("look at", &base))?;
    let directory = base.join(format!("ayni-test-{}", hexadecimal::hex(8).map_err(file("make a name in", &base))?));
    fs::create_dir(&directory).map_err(file("make", &directory))?;
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).map_err(file("set the mode of", &directory))?;
    if let Some(account) = account {
        account.own(&directory)?;
    }
    Ok(directory)
}
