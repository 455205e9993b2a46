//! What a part stands on: a durable Postgres of its own, and servers as processes of their own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded::cluster::{self, Cluster, Options};
use embedded::connection::ConnectionInfo;
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::Failure;
use crate::machine::flush_cost;

pub const ADMIN_PASSWORD: &str = "four words for a bench";
const DATABASE: &str = "ayni";
/// The hand-written limits live beside it, in the same Postgres.
const LIMITS: &str = "limits";
/// Of 16 MB: as many as the private Postgres has when it is busy (`max_wal_size`).
const LOG_FILES: usize = 128;

pub struct Ground {
    cluster: Cluster,
    directory: PathBuf,
    /// Of the superuser, in the institution's database.
    pub client: Client,
    /// Of the superuser, in the database of the limits.
    pub limits: Client,
}

impl Ground {
    /// A fresh, migrated and empty database.
    pub async fn make() -> Result<Ground, Failure> {
        let directory = std::env::temp_dir().join(format!("ayni-bench-{}", Uuid::new_v4().simple()));
        let options = Options { data_dir: directory.clone(), durable: true, allow_fetch: true };
        let cluster = cluster::start(options, |said: &str| eprintln!("{said}")).await?;
        server::house::prepare(cluster.connection(), DATABASE).await?;
        let client = connect(cluster.connection(), DATABASE).await?;
        client.batch_execute("create database limits").await?;
        let limits = connect(cluster.connection(), LIMITS).await?;
        run_in(&client).await?;
        Ok(Ground { cluster, directory, client, limits })
    }

    /// One more connection to the limits.
    pub async fn connect_limits(&self) -> Result<Client, Failure> {
        connect(self.cluster.connection(), LIMITS).await
    }

    /// As whom the servers come.
    pub fn app_url(&self) -> String {
        let connection = self.cluster.connection();
        connection.url("ayni_app", &connection.password, DATABASE)
    }

    /// As the superuser, for a peer that makes its own tables.
    pub fn owner_url(&self, database: &str) -> String {
        let connection = self.cluster.connection();
        connection.url(&connection.user, &connection.password, database)
    }

    pub fn flush_cost(&self) -> Result<f64, Failure> {
        flush_cost(&self.directory)
    }

    /// The process id of the postmaster.
    pub async fn postmaster(&self) -> Result<u32, Failure> {
        let row = self.client.query_one("select pg_read_file('postmaster.pid')", &[]).await?;
        Ok(row.get::<_, String>(0).lines().next().unwrap_or_default().trim().parse()?)
    }

    /// Changes a setting of the running server; an empty value takes it back.
    pub async fn set(&self, name: &str, value: &str) -> Result<(), Failure> {
        let sql = match value {
            "" => format!("alter system reset {name}"),
            _ => format!("alter system set {name} = '{value}'"),
        };
        self.client.batch_execute(&sql).await?;
        self.client.batch_execute("select pg_reload_conf()").await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(())
    }

    /// The log of this Postgres so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("postgres.log")).unwrap_or_default()
    }

    /// The furnishing of an empty database needs a business date; later starts pass over it.
    pub fn serve(&self, business_date: &str) -> Result<Process, Failure> {
        Process::start(&["--database-url", &self.app_url(), "--business-date", business_date])
    }

    /// Stops and stays: `ayni serve --data-dir` shows it.
    pub async fn keep(self) -> Result<(), Failure> {
        println!("\nkept in {}", self.directory.display());
        drop((self.client, self.limits));
        self.cluster.stop().await?;
        Ok(())
    }

    pub async fn close(self) -> Result<(), Failure> {
        drop((self.client, self.limits));
        self.cluster.stop().await?;
        std::fs::remove_dir_all(self.directory)?;
        Ok(())
    }
}

/// As it is after some days: the files of its log have been used before. A fresh one makes each anew, which lasts 10 ms or more and
/// would be measured with whatever runs then.
async fn run_in(client: &Client) -> Result<(), Failure> {
    for _ in 0..LOG_FILES {
        client.batch_execute("select pg_logical_emit_message(false, 'bench', 'a file'), pg_switch_wal()").await?;
    }
    client.batch_execute("checkpoint").await?;
    Ok(())
}

async fn connect(connection: &ConnectionInfo, database: &str) -> Result<Client, Failure> {
    let (client, driver) = connection.config(database).connect(NoTls).await?;
    tokio::spawn(async move {
        // Its end is seen by the next statement.
        let _ = driver.await;
    });
    Ok(client)
}

/// `ayni serve` as a process: this program again, see `main`.
pub struct Process {
    child: Child,
    /// `host:port`
    pub address: String,
    /// From its start until `/readyz` said yes.
    pub ready_after: Duration,
}

impl Process {
    /// Serves on a free port.
    pub fn start(arguments: &[&str]) -> Result<Process, Failure> {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["ayni", "serve", "--listen", "127.0.0.1:0", "--currency", "KES", "--sandbox-clock", "--log", "warn"])
            .args(arguments)
            .env("AYNI_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output to read")?;
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next().ok_or("the server ended before it served")??;
            if let Some((_, rest)) = line.split_once("serves on http://") {
                break rest.split(": ").next().unwrap_or_default().to_owned();
            }
        };
        let mut process = Process { child, address, ready_after: Duration::ZERO };
        process.wait_until_ready()?;
        process.ready_after = began.elapsed();
        Ok(process)
    }

    fn wait_until_ready(&self) -> Result<(), Failure> {
        use std::io::{Read, Write};
        for _ in 0..2_000 {
            let mut stream = std::net::TcpStream::connect(&self.address)?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            if text.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("the server does not become ready".into())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stop(mut self) -> Result<(), Failure> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).ok_or("no process")?;
        kill_process(pid, Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    /// A benchmark that failed leaves no server behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
