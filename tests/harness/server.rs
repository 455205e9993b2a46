//! `ayni serve` as a process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::guard;

pub const ADMIN_PASSWORD: &str = "four words for setup";

/// The binary with arguments, in an environment of its own.
pub fn ayni(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayni"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AYNI_") || name == "DATABASE_URL") {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

pub struct Server {
    /// `http://127.0.0.1:port`
    pub base: String,
    arguments: Vec<String>,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Serves a database on a free port; returns when it does.
    pub fn start(url: &str, more: &[&str]) -> Server {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--database-url", url, "--currency", "KES"];
        let arguments = fixed.iter().chain(more).map(|argument| (*argument).to_owned()).collect();
        Server::spawn(arguments, Arc::default())
    }

    /// Serves with a private Postgres in a data directory.
    pub fn embedded(data_dir: &str) -> Server {
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            data_dir,
            "--currency",
            "KES",
            "--business-date",
            "2026-01-31",
        ];
        Server::spawn(arguments.map(str::to_owned).to_vec(), Arc::default())
    }

    fn spawn(arguments: Vec<String>, log: Arc<Mutex<String>>) -> Server {
        Server::try_spawn(arguments, &log)
            .unwrap_or_else(|| panic!("the server did not start: {}", log.lock().unwrap()))
    }

    fn try_spawn(arguments: Vec<String>, log: &Arc<Mutex<String>>) -> Option<Server> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = ayni(&words);
        command.env("AYNI_ADMIN_PASSWORD", ADMIN_PASSWORD).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        guard::watch(child.id());
        keep_log(child.stderr.take().unwrap(), log.clone());
        let (said, heard) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            // Read to its end, so that the server never waits for a full pipe.
            for line in output.lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let address = loop {
            let Ok(line) = heard.recv_timeout(Duration::from_secs(60)) else {
                let _ = (child.kill(), child.wait());
                guard::forget(child.id());
                return None;
            };
            if let Some((_, rest)) = line.split_once("serves on http://") {
                break rest.split(": ").next().unwrap().to_owned();
            }
        };
        Some(Server { base: format!("http://{address}"), arguments, child, log: log.clone() })
    }

    /// `host:port`
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// What it has logged, over all its lives.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn kill_9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        guard::forget(self.child.id());
    }

    /// As Ctrl-C and init do it: running requests are finished. Gives whether it ended well.
    pub fn stop(&mut self) -> bool {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        let _ = kill_process(pid, Signal::TERM);
        let ended = self.child.wait();
        guard::forget(self.child.id());
        ended.is_ok_and(|status| status.success())
    }

    /// The same again after an end, at the same address.
    pub fn restart(&mut self) {
        self.kill_9();
        let (mut arguments, log) = (self.arguments.clone(), self.log.clone());
        arguments[2] = self.address().to_owned();
        // For an instant the port may be another test's; a Postgres that was killed has to be recovered.
        let again = (0..20).find_map(|_| {
            let server = Server::try_spawn(arguments.clone(), &log);
            if server.is_none() {
                thread::sleep(Duration::from_millis(200));
            }
            server
        });
        *self = again.unwrap_or_else(|| panic!("the server did not start again: {}", self.tail()));
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// The end of the log, for who looks into a failure.
    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("\"message\":\"request\"")).collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

fn keep_log(mut from: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            log.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill_9();
        if thread::panicking() {
            eprintln!("the server's log ended with:\n{}", self.tail());
        }
    }
}
