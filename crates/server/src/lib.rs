//! The `ayni` binary, as a library that the benchmark starts too.
//!
//! Read in this order: the command line, how it reaches its database, and one file for each command.

pub mod arguments;
mod commands;
mod demo;
pub mod failure;
pub mod house;
mod housekeeping;
mod logging;
mod measures;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

/// Runs the command line `words`, the name of the program first; what is wrong with it is said on standard error.
#[tokio::main]
pub async fn start(words: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse_from(words);
    match run(arguments).await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("ayni: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Serve(serve) => commands::serve::run(serve).await,
        Command::Demo(demo) => commands::demo::run(demo).await,
        Command::Migrate(migrate) => commands::migrate::run(migrate).await,
        Command::CloseDay(close_day) => commands::close_day::run(close_day).await,
        Command::Verify(database) => commands::verify::run(database).await,
        Command::Doctor(database) => commands::doctor::run(database).await,
        Command::Openapi => commands::openapi::run(),
        Command::Completions { shell } => commands::completions::run(shell),
    }
}
