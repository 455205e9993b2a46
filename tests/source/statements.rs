//! Every statement of the source, checked by the judge that counts: it prepares on the migrated database, and the serving role
//! has the rights that it needs.

use tokio_postgres::error::SqlState;

use super::{literals, rust_files};
use crate::harness::*;

/// Statements that the owner runs, or that read what is not of the schema.
const OF_THE_OWNER: &[&str] = &["insert into signing_key", "insert into schema_migration"];

#[test]
fn every_statement_prepares_and_is_allowed() {
    let database = Database::empty();
    let app = database::connect_to(&database.app_url());
    let mut checked = 0;
    let mut failures = Vec::new();
    for (path, text) in rust_files("crates") {
        if path.contains("/tests/")
            || path.ends_with("tests.rs")
            || path.contains("/embedded/")
            || path.contains("/loans/examples/")
            // Its tables are the limits', and it comes as the superuser.
            || path.starts_with("crates/bench/")
        {
            continue;
        }
        for sql in literals::statements(literals::without_tests(&text)) {
            // A text with placeholders of format! is completed elsewhere; migrate sends several at once.
            if sql.contains(';') || sql.contains("{}") || sql.contains("{name}") || sql.contains("%I") {
                continue;
            }
            checked += 1;
            if let Err(error) = check(&app, &sql) {
                failures.push(format!("{path}: {error}\n    {}", sql.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {checked} statements:\n{}", failures.len(), failures.join("\n"));
    assert!(checked > 100, "the scanner found only {checked} statements");
}

fn check(app: &tokio_postgres::Client, sql: &str) -> Result<(), String> {
    let words = |error: tokio_postgres::Error| {
        error
            .as_db_error()
            .map_or_else(|| error.to_string(), |error| format!("{} ({})", error.message(), error.code().code()))
    };
    let parameters = database::block_on(app.prepare(sql)).map_err(words)?.params().len();
    // Explaining plans the statement and checks the rights on its tables, but does not run it.
    let nulls = vec!["null"; parameters].join(", ");
    let arguments = if parameters == 0 { String::new() } else { format!("({nulls})") };
    let explain = format!("deallocate all; prepare checked as {sql}; explain execute checked{arguments}");
    match database::block_on(app.batch_execute(&explain)) {
        Err(error)
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
                && OF_THE_OWNER.iter().any(|owner| sql.trim_start().starts_with(owner)) =>
        {
            Ok(())
        }
        Err(error) => Err(words(error)),
        Ok(()) => Ok(()),
    }
}
