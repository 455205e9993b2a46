//! Ayni beside other ledgers: cala-ledger, a Rust library without HTTP, on the same Postgres.
//!
//! A peer is a program of its own (`peers/`), built with its own dependencies when this part runs, so that Ayni's stay as they are.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::ground::Ground;
use crate::limit::{self, Limit};
use crate::loans::Loans;
use crate::people::BUSINESS_DATE;
use crate::postings::{LIMIT_CLIENTS, PATTERNS, repay};
use crate::table::{Figures, print, print_machine};
use crate::{Effort, Failure};

/// Clients at once that Ayni has.
const CLIENTS: usize = 64;

pub async fn run(effort: Effort) -> Result<(), Failure> {
    Cala::build()?;
    let ground = Ground::make().await?;
    ground.client.batch_execute("create database cala").await?;
    let server = ground.serve(BUSINESS_DATE)?;
    let loans = Loans::make(&server.address, effort.brief).await?;
    limit::prepare(&ground).await?;
    let mut cala = Cala::start(&ground.owner_url("cala"))?;
    print_machine(&ground)?;
    for (accounts, pattern) in PATTERNS {
        let mut rates: [Figures; 3] = Default::default();
        let mut latencies: [Figures; 2] = Default::default();
        let mut refused = 0;
        for _ in 0..effort.repeats {
            rates[0].add(limit::post(&ground, Limit::F, accounts, LIMIT_CLIENTS, effort.time()).await?.rate());
            let posted = cala.post(pattern, LIMIT_CLIENTS, effort.seconds)?;
            rates[1].add(posted.rate);
            latencies[0].add(posted.slowest);
            refused += posted.refused;
            let measured = repay(&server, loans.of(accounts), CLIENTS, effort.time()).await?;
            rates[2].add(measured.rate());
            latencies[1].add(measured.quantile(0.99));
        }
        let names = [
            format!("post_f, {LIMIT_CLIENTS} clients"),
            format!("cala-ledger, {LIMIT_CLIENTS} clients"),
            format!("Ayni over HTTP, {CLIENTS} clients"),
        ];
        let slowest = ["–".to_owned(), latencies[0].fine(), latencies[1].fine()];
        let peer = rates[1].median();
        let table: Vec<Vec<String>> = names
            .into_iter()
            .zip(&rates)
            .zip(slowest)
            .map(|((name, rate), slowest)| vec![name, rate.whole(), format!("{:.2}", rate.median() / peer), slowest])
            .collect();
        print(&[pattern, "a second", "× cala-ledger", "p99 ms"], &table);
        println!("\ncala-ledger refused {refused} transfers, which are not counted");
    }
    cala.stop()?;
    server.stop()?;
    ground.close().await
}

/// The peer as a process: a line in, a line out.
struct Cala {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// Transfers a second, milliseconds of the ninety-ninth percentile, and how many it refused.
struct Posted {
    rate: f64,
    slowest: f64,
    refused: u64,
}

impl Cala {
    fn cargo(verb: &str) -> Command {
        let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        command.args([verb, "--release", "--locked", "--quiet", "--manifest-path"]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/cala/Cargo.toml"));
        // It checks its statements against what was recorded with it, not against a database of ours.
        command.env("SQLX_OFFLINE", "true").env_remove("DATABASE_URL");
        command
    }

    fn build() -> Result<(), Failure> {
        eprintln!("Building cala-ledger, which takes some minutes the first time");
        let built = Self::cargo("build").status()?;
        built.success().then_some(()).ok_or_else(|| "cala-ledger cannot be built".into())
    }

    /// Migrates its database and makes its accounts.
    fn start(url: &str) -> Result<Cala, Failure> {
        let mut command = Self::cargo("run");
        let mut child = command.args(["--", url]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(output.ok_or("cala-ledger has no output")?).lines();
        let mut cala = Cala { child, input: input.ok_or("cala-ledger has no input")?, output };
        match cala.line()?.as_str() {
            "ready" => Ok(cala),
            other => Err(format!("cala-ledger said {other} instead of ready").into()),
        }
    }

    fn line(&mut self) -> Result<String, Failure> {
        Ok(self.output.next().ok_or("cala-ledger ended")??)
    }

    fn post(&mut self, pattern: &str, clients: usize, seconds: u64) -> Result<Posted, Failure> {
        writeln!(self.input, "{pattern} {clients} {seconds}")?;
        let line = self.line()?;
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [posted, seconds, _, slowest, refused] = numbers[..] else {
            return Err(format!("not understood: {line}").into());
        };
        Ok(Posted { rate: posted / seconds, slowest: slowest / 1000.0, refused: refused as u64 })
    }

    /// It ends with its input.
    fn stop(self) -> Result<(), Failure> {
        let Cala { mut child, input, output } = self;
        drop((input, output));
        child.wait()?;
        Ok(())
    }
}
