//! `ayni openapi`

use std::process::ExitCode;

use crate::failure::Failure;

pub fn run() -> Result<ExitCode, Failure> {
    let document = serde_json::to_string_pretty(&api::openapi::document())
        .map_err(|error| Failure::Said(format!("the OpenAPI document: {error}")))?;
    println!("{document}");
    Ok(ExitCode::SUCCESS)
}
