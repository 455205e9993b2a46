//! The `ayni` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::start(std::env::args_os())
}
