//! Where a repayment's time goes: what each statement takes of Postgres, from its own log.

use std::collections::HashMap;

use crate::bulk::Inside;
use crate::ground::{Ground, Process};
use crate::limit;
use crate::machine::processor_time;
use crate::people::BUSINESS_DATE;
use crate::postings::{Loans, repay};
use crate::table::{print, print_machine};
use crate::{Effort, Failure};

pub async fn run(effort: Effort) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    let server = ground.serve(BUSINESS_DATE)?;
    let loans = Loans::make(&server.address, effort.brief).await?;
    limit::prepare(&ground).await?;
    print_machine(&ground)?;
    over_http(&ground, &server, &loans, effort).await?;
    let inside = Inside::start(&ground).await?;
    // Statements are prepared and planned before they are looked at.
    inside.repay(&loans.hot, 1, effort.time()).await?;
    ground.set("log_min_duration_statement", "0").await?;
    let (before, log_before) = (ground.log().len(), written(&ground).await?);
    let measured = inside.repay(&loans.hot, 1, effort.time()).await?;
    let log_after = written(&ground).await?;
    ground.set("log_min_duration_statement", "").await?;
    let log = ground.log();
    let repayments = measured.requests as f64 * 1_000.0;
    let seconds = measured.seconds;
    println!("\n{:.0} repayments a second while Postgres writes its log", repayments / seconds);
    let mut rows: Vec<(String, Spent)> = spent(log.get(before..).unwrap_or_default()).into_iter().collect();
    rows.sort_by(|a, b| b.1.milliseconds.total_cmp(&a.1.milliseconds));
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|(what, spent)| {
            vec![
                what.clone(),
                spent.times.to_string(),
                format!("{:.2}", spent.milliseconds / spent.times as f64),
                format!("{:.2}", spent.milliseconds * 1000.0 / repayments),
            ]
        })
        .collect();
    print(&["statement", "times", "ms each", "µs a repayment"], &table);
    let whole: f64 = rows.iter().map(|(_, spent)| spent.milliseconds).sum();
    println!(
        "\nall statements: {:.2} µs a repayment, of {:.2}",
        whole * 1000.0 / repayments,
        seconds * 1e6 / repayments
    );
    let each = |index: usize| (log_after[index] - log_before[index]) / repayments;
    println!("\nwrite-ahead log: {:.2} records, {:.0} bytes, {:.3} whole pages a repayment", each(0), each(1), each(2));
    server.stop()?;
    ground.close().await
}

/// One repayment a request: how the processor time of both sides stands to it.
async fn over_http(ground: &Ground, server: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    let postmaster = ground.postmaster().await?;
    let mut table = Vec::new();
    for clients in [1, 64, 256] {
        let before = (processor_time(server.pid()), processor_time(postmaster));
        let measured = repay(server, loans.hot.clone(), clients, effort.time()).await?;
        let each = |now: f64, before: f64| format!("{:.0}", (now - before) / measured.requests as f64);
        let of_server = each(processor_time(server.pid()), before.0);
        let of_postgres = each(processor_time(postmaster), before.1);
        let median = format!("{:.2}", measured.quantile(0.5));
        table.push(vec![clients.to_string(), format!("{:.0}", measured.rate()), median, of_server, of_postgres]);
    }
    print(&["clients", "a second", "p50 ms", "µs server", "µs Postgres"], &table);
    Ok(())
}

/// Records, bytes and whole pages of the write-ahead log so far.
async fn written(ground: &Ground) -> Result<[f64; 3], Failure> {
    let sql = "select wal_records::float8, wal_bytes::float8, wal_fpi::float8 from pg_stat_wal";
    let row = ground.client.query_one(sql, &[]).await?;
    Ok([row.get(0), row.get(1), row.get(2)])
}

#[derive(Default)]
struct Spent {
    times: usize,
    milliseconds: f64,
}

/// By step (bind, execute, statement) and the beginning of the statement.
fn spent(log: &str) -> HashMap<String, Spent> {
    let mut all: HashMap<String, Spent> = HashMap::new();
    for line in log.lines() {
        let Some((_, rest)) = line.split_once("duration: ") else { continue };
        let Some((milliseconds, rest)) = rest.split_once(" ms  ") else { continue };
        let Some((step, sql)) = rest.split_once(": ") else { continue };
        let step = step.split(' ').next().unwrap_or_default();
        let sql: String = sql.chars().take(60).collect();
        let spent = all.entry(format!("{step}: {sql}")).or_default();
        spent.times += 1;
        spent.milliseconds += milliseconds.parse::<f64>().unwrap_or(0.0);
    }
    all
}
