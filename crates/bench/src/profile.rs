//! Where a repayment's time goes: of both sides by processor time, and of Postgres by statement, from its own log.

use std::collections::HashMap;

use crate::bulk::{ITEMS, Inside};
use crate::ground::{Ground, Process};
use crate::load::Measured;
use crate::loans::Loans;
use crate::machine::processor_time;
use crate::people::BUSINESS_DATE;
use crate::postings::repay;
use crate::table::{print, print_machine};
use crate::{Effort, Failure};

pub async fn run(effort: Effort) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    let server = ground.serve(BUSINESS_DATE)?;
    let loans = Loans::make(&server.address, effort.brief).await?;
    print_machine(&ground)?;
    by_side(&ground, &server, &loans, effort).await?;
    let before = Counted::start(&ground).await?;
    let measured = repay(&server, loans.hot.clone(), 1, effort.time()).await?;
    before.finish(&ground, "one client", &measured, 1).await?;
    let inside = Inside::start(&ground).await?;
    // Statements are prepared and planned before they are looked at.
    inside.repay(&loans.hot, 1, effort.time()).await?;
    let before = Counted::start(&ground).await?;
    let measured = inside.repay(&loans.hot, 1, effort.time()).await?;
    before.finish(&ground, "1,000 at a time, in-process", &measured, ITEMS).await?;
    server.stop()?;
    ground.close().await
}

/// One repayment a request: how the processor time of both sides stands to it.
async fn by_side(ground: &Ground, server: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    let postmaster = ground.postmaster().await?;
    let mut table = Vec::new();
    for clients in [1, 64, 256] {
        let before = (processor_time(server.pid()), processor_time(postmaster));
        let measured = repay(server, loans.hot.clone(), clients, effort.time()).await?;
        let each = |now: f64, before: f64| format!("{:.0}", (now - before) / measured.requests as f64);
        let of_server = each(processor_time(server.pid()), before.0);
        let of_postgres = each(processor_time(postmaster), before.1);
        let [median, slowest] = [0.5, 0.99].map(|share| format!("{:.2}", measured.quantile(share)));
        let rate = format!("{:.0}", measured.rate());
        table.push(vec![clients.to_string(), rate, median, slowest, of_server, of_postgres]);
    }
    print(&["clients", "a second", "p50 ms", "p99 ms", "µs server", "µs Postgres"], &table);
    Ok(())
}

/// What Postgres had logged and counted before a load.
struct Counted {
    log: usize,
    /// Records, bytes and whole pages of the write-ahead log.
    written: [f64; 3],
}

impl Counted {
    /// From here on every statement is logged with its duration.
    async fn start(ground: &Ground) -> Result<Counted, Failure> {
        ground.set("log_min_duration_statement", "0").await?;
        Ok(Counted { log: ground.log().len(), written: written(ground).await? })
    }

    async fn finish(self, ground: &Ground, name: &str, measured: &Measured, each: usize) -> Result<(), Failure> {
        let written = written(ground).await?;
        ground.set("log_min_duration_statement", "").await?;
        let log = ground.log();
        let repayments = (measured.requests * each) as f64;
        let mut rows: Vec<(String, Spent)> = spent(log.get(self.log..).unwrap_or_default()).into_iter().collect();
        rows.sort_by(|a, b| b.1.milliseconds.total_cmp(&a.1.milliseconds));
        let whole: f64 = rows.iter().map(|(_, spent)| spent.milliseconds).sum::<f64>() * 1000.0 / repayments;
        // What a server does on its own, now and then, is not the repayments'.
        rows.retain(|(_, spent)| spent.times > 10);
        let table: Vec<Vec<String>> = rows
            .iter()
            .map(|(what, spent)| {
                let micros = spent.milliseconds * 1000.0;
                let (once, each) = (micros / spent.times as f64, micros / repayments);
                vec![what.clone(), spent.times.to_string(), format!("{once:.0}"), format!("{each:.2}")]
            })
            .collect();
        print(&[name, "times", "µs each", "µs a repayment"], &table);
        let of = measured.seconds * 1e6 / repayments;
        let [records, bytes, pages] = [0, 1, 2].map(|index| (written[index] - self.written[index]) / repayments);
        println!("\nall statements: {whole:.1} µs a repayment, of {of:.1} while Postgres writes its log");
        println!("write-ahead log: {records:.1} records, {bytes:.0} bytes, {pages:.2} whole pages a repayment");
        Ok(())
    }
}

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
