//! `ayni openapi`

use std::io::Write;
use std::process::ExitCode;

use crate::failure::Failure;

pub fn run() -> Result<ExitCode, Failure> {
    let document = serde_json::to_string_pretty(&api::openapi::document())
        .map_err(|error| Failure::Said(format!("the OpenAPI document: {error}")))?;
    // A reader that has seen enough (`| head`) closes the pipe: that is no failure.
    let _ = writeln!(std::io::stdout(), "{document}");
    Ok(ExitCode::SUCCESS)
}
