//! How fast Ayni is, beside the limit, in one run: `cargo run --release -p bench -- postings`.
//!
//! `docs/benchmarks.md` explains what each part measures and keeps the figures. Floats are rates and latencies here, never money.

#![allow(clippy::float_arithmetic, reason = "rates and latencies; no money is computed here")]

mod bulk;
mod closing;
mod ground;
mod history;
mod http;
mod limit;
mod load;
mod loans;
mod machine;
mod peers;
mod people;
mod portfolio;
mod postings;
mod profile;
mod pure;
mod start;
mod table;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Anything that ends a benchmark early; it is told and the run is void.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How fast Ayni is, beside the limit, in one run
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Repayments over HTTP beside hand-written postings: hot and uniform, 1 to 256 clients, in bulk, on two servers
    Postings(Effort),
    /// Repayments over HTTP beside transfers by cala-ledger, which is built for it
    Peers(Effort),
    /// What each statement of a repayment takes, a thousand repayments at a time
    Profile(Effort),
    /// One repayment and one look at a loan that has 10, 100 and 700 transactions
    History(Effort),
    /// Repayments of 64 clients while months are being closed
    Closing(Effort),
    /// Schedules and replays in memory
    Pure(Effort),
    /// From the start of the process to ready, and the memory it takes
    Start(Effort),
    /// Close of day, reports and lists over up to a million active loans
    Portfolio(portfolio::Sizes),
}

/// How much of the machine's time a part may take.
#[derive(Debug, Clone, Copy, Args)]
struct Effort {
    /// How long each figure is measured
    #[arg(long, default_value = "4")]
    seconds: u64,

    /// How often everything is measured in turn
    #[arg(long, default_value = "5")]
    repeats: usize,

    /// Only see that it works: a second each, once, on little data
    #[arg(long)]
    brief: bool,
}

impl Effort {
    fn settled(self) -> Effort {
        if self.brief { Effort { seconds: 1, repeats: 1, brief: true } } else { self }
    }

    fn time(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.seconds)
    }
}

fn main() -> ExitCode {
    // The bench starts itself as the server, see `ground.rs`.
    let mut words = std::env::args_os().skip(1).peekable();
    if words.peek().is_some_and(|word| word == "ayni") {
        return server::start(words);
    }
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(worker_threads = 1)]
async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.part {
        Part::Postings(effort) => postings::run(effort.settled()).await,
        Part::Peers(effort) => peers::run(effort.settled()).await,
        Part::Profile(effort) => profile::run(effort.settled()).await,
        Part::History(effort) => history::run(effort.settled()).await,
        Part::Closing(effort) => closing::run(effort.settled()).await,
        Part::Pure(effort) => pure::run(effort.settled()),
        Part::Start(effort) => start::run(effort.settled()).await,
        Part::Portfolio(sizes) => portfolio::run(sizes).await,
    }
}
