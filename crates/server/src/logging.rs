//! Logs: JSON lines on standard error, so that standard output stays for people.

use tracing_subscriber::EnvFilter;

/// `level` is a filter such as `info` or `db=debug,info`.
pub fn start(level: &str) -> Result<(), crate::failure::Failure> {
    // The HTTP library tells of its workers with every start; who wants to hear it says so.
    let filter = EnvFilter::try_new(format!("actix_server=warn,{level}"))
        .map_err(|error| crate::failure::Failure::Said(format!("--log {level}: {error}")))?;
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}
