//! The hand-written limit of postings: `sql/posting_limit.sql`, one durable transaction per posting.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio_postgres::{Client, Statement};

use crate::Failure;
use crate::ground::Ground;
use crate::load::{Measured, closed_loop};

const SQL: &str = include_str!("../sql/posting_limit.sql");

/// The account that every hot posting hits: the branch cash account.
const HOT: i32 = 10_001;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Two balance rows and two lines.
    A,
    /// The same with what a ledger needs: key, foreign keys, numeric money, running balance.
    F,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accounts {
    /// Each posting into one cash account.
    Hot,
    /// Spread over all.
    Uniform,
}

/// Makes the tables and functions of the limit.
pub async fn prepare(ground: &Ground) -> Result<(), Failure> {
    // `vacuum` cannot stand in a string with other statements.
    let (tables, _) = SQL.rsplit_once("vacuum analyze;").ok_or("the limit has lost its last line")?;
    let without_comments = tables.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.split("--").next().unwrap_or_default());
        text
    });
    ground.limits.batch_execute(&without_comments).await?;
    ground.limits.batch_execute("vacuum analyze").await?;
    Ok(())
}

struct Poster {
    client: Client,
    statement: Statement,
}

/// Posts one after another on so many connections.
pub async fn post(
    ground: &Ground,
    limit: Limit,
    accounts: Accounts,
    clients: usize,
    time: Duration,
) -> Result<Measured, Failure> {
    let connect = |_| async move {
        let client = ground.connect_limits().await?;
        let sql = match limit {
            Limit::A => "select post_a($1, $2, $3)",
            Limit::F => "select post_f($1, $2, ($3::bigint)::numeric)",
        };
        let statement = client.prepare(sql).await?;
        Ok(Poster { client, statement })
    };
    let step = move |poster: Poster| async move {
        let (debit, credit, amount) = one_posting(accounts);
        poster.client.query_one(&poster.statement, &[&debit, &credit, &amount]).await?;
        Ok(poster)
    };
    closed_loop(clients, time, connect, step).await
}

fn one_posting(accounts: Accounts) -> (i32, i32, i64) {
    let mut random = rand::rng();
    let debit = random.random_range(1..=10_000);
    let credit = match accounts {
        Accounts::Hot => HOT,
        Accounts::Uniform => {
            let other = random.random_range(1..=9_999);
            if other >= debit { other + 1 } else { other }
        }
    };
    (debit, credit, random.random_range(1..=1_000))
}

/// A thousand postings by one statement and one commit, on so many connections; gives batches.
pub async fn post_thousands(ground: &Ground, clients: usize, time: Duration) -> Result<Measured, Failure> {
    let connect = |_| async move {
        let client = ground.connect_limits().await?;
        let statement = client.prepare("select post_batch($1, $2, $3)").await?;
        Ok(Arc::new(Poster { client, statement }))
    };
    let step = move |poster: Arc<Poster>| async move {
        let postings: Vec<_> = (0..1_000).map(|_| one_posting(Accounts::Hot)).collect();
        let debits: Vec<i32> = postings.iter().map(|posting| posting.0).collect();
        let credits: Vec<i32> = postings.iter().map(|posting| posting.1).collect();
        let amounts: Vec<i64> = postings.iter().map(|posting| posting.2).collect();
        poster.client.execute(&poster.statement, &[&debits, &credits, &amounts]).await?;
        Ok(poster)
    };
    closed_loop(clients, time, connect, step).await
}
