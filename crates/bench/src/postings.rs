//! Repayments over HTTP beside hand-written postings, hot and uniform.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::bulk;
use crate::ground::{Ground, Process};
use crate::http::post;
use crate::limit::{self, Accounts, Limit};
use crate::load::{self, Measured};
use crate::loans::Loans;
use crate::machine::{processor_time, resident};
use crate::people::{BUSINESS_DATE, sign_in};
use crate::table::{Figures, print, print_machine};
use crate::{Effort, Failure};

/// Clients at once, for Ayni. The limit is measured with 32, its best.
const CLIENTS: [usize; 5] = [1, 8, 32, 64, 256];
pub const LIMIT_CLIENTS: usize = 32;

/// A repayment of 1.00 into any of the loans, by cash.
pub fn repayment(token: &str, loans: &[Uuid]) -> Vec<u8> {
    let loan = loans[rand::rng().random_range(0..loans.len())];
    let body = r#"{"amount":"1.00","channel":"cash"}"#;
    post(token, &format!("/v1/loans/{loan}/repayments"), &Uuid::new_v4().to_string(), body)
}

/// So many clients, one repayment a request.
pub async fn repay(server: &Process, loans: Arc<[Uuid]>, clients: usize, time: Duration) -> Result<Measured, Failure> {
    let token = sign_in(&server.address, "manager").await?;
    load::http(&server.address, clients, time, move || repayment(&token, &loans)).await
}

pub async fn run(effort: Effort) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    let server = ground.serve(BUSINESS_DATE)?;
    eprintln!("Making branches, clients and loans through the API");
    let loans = Loans::make(&server.address, effort.brief).await?;
    limit::prepare(&ground).await?;
    print_machine(&ground)?;
    single(&ground, &server, &loans, effort).await?;
    bulk::run(&ground, &server, &loans, effort).await?;
    two_servers(&ground, &server, &loans, effort).await?;
    with_commit_delay(&ground, &server, &loans, effort).await?;
    per_repayment(&ground, &server, &loans, effort).await?;
    print_machine(&ground)?;
    server.stop()?;
    ground.close().await
}

/// Rates, latencies and processor time of one row of the table.
#[derive(Default)]
struct Lane {
    rate: Figures,
    median: Figures,
    slowest: Figures,
    server_time: Figures,
    postgres_time: Figures,
}

impl Lane {
    fn add(&mut self, measured: &Measured) {
        self.rate.add(measured.rate());
        self.median.add(measured.quantile(0.5));
        self.slowest.add(measured.quantile(0.99));
    }

    fn row(&self, name: String, limit: f64) -> Vec<String> {
        vec![
            name,
            self.rate.whole(),
            format!("{:.2}", self.rate.median() / limit),
            self.median.fine(),
            self.slowest.fine(),
            if self.server_time.median().is_nan() { "–".into() } else { format!("{:.0}", self.server_time.median()) },
            format!("{:.0}", self.postgres_time.median()),
        ]
    }
}

const HEAD: [&str; 7] = ["what", "a second", "× post_f", "p50 ms", "p99 ms", "µs server", "µs Postgres"];

pub const PATTERNS: [(Accounts, &str); 2] = [(Accounts::Hot, "hot"), (Accounts::Uniform, "uniform")];

/// One repayment a request, one posting a transaction.
async fn single(ground: &Ground, server: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    let postmaster = ground.postmaster().await?;
    for (accounts, name) in PATTERNS {
        let mut ayni: Vec<Lane> = CLIENTS.map(|_| Lane::default()).into();
        let mut limits: Vec<Lane> = [Lane::default(), Lane::default(), Lane::default(), Lane::default()].into();
        const KINDS: [(Limit, usize); 4] =
            [(Limit::F, 1), (Limit::A, 1), (Limit::F, LIMIT_CLIENTS), (Limit::A, LIMIT_CLIENTS)];
        for _ in 0..effort.repeats {
            for ((kind, clients), lane) in KINDS.iter().zip(&mut limits) {
                let before = processor_time(postmaster);
                let measured = limit::post(ground, *kind, accounts, *clients, effort.time()).await?;
                lane.add(&measured);
                lane.postgres_time.add((processor_time(postmaster) - before) / measured.requests as f64);
            }
            for (clients, lane) in CLIENTS.iter().zip(&mut ayni) {
                let before = (processor_time(server.pid()), processor_time(postmaster));
                let measured = repay(server, loans.of(accounts), *clients, effort.time()).await?;
                lane.add(&measured);
                lane.server_time.add((processor_time(server.pid()) - before.0) / measured.requests as f64);
                lane.postgres_time.add((processor_time(postmaster) - before.1) / measured.requests as f64);
            }
        }
        let post_f = limits[2].rate.median();
        let mut rows = Vec::new();
        for ((kind, clients), lane) in KINDS.iter().zip(&limits) {
            rows.push(
                lane.row(format!("post_{}, {name}, {clients} clients", format!("{kind:?}").to_lowercase()), post_f),
            );
        }
        for (clients, lane) in CLIENTS.iter().zip(&ayni) {
            rows.push(lane.row(format!("Ayni, {name}, {clients} clients"), post_f));
        }
        print(&HEAD, &rows);
        println!("\n64 clients, {name}: {:.2} × post_a", ayni[3].rate.median() / limits[3].rate.median());
    }
    println!("\nresident memory of the server after it: {:.0} MB", resident(server.pid()));
    Ok(())
}

async fn two_servers(ground: &Ground, first: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    let second = ground.serve(BUSINESS_DATE)?;
    let (mut alone, mut together) = (Lane::default(), Lane::default());
    for _ in 0..effort.repeats {
        alone.add(&repay(first, loans.hot.clone(), 64, effort.time()).await?);
        let both = tokio::join!(
            repay(first, loans.hot.clone(), 32, effort.time()),
            repay(&second, loans.hot.clone(), 32, effort.time())
        );
        together.rate.add(both.0?.rate() + both.1?.rate());
    }
    print(
        &["servers on one database, 64 clients, hot", "a second"],
        &[vec!["one".to_owned(), alone.rate.whole()], vec!["two, 32 clients each".to_owned(), together.rate.whole()]],
    );
    second.stop()
}

/// Postgres waits 2 ms before it flushes, if others are about to commit: what is left is independent of the disk.
async fn with_commit_delay(ground: &Ground, server: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    ground.set("commit_delay", "2000").await?;
    let mut lanes: [Lane; 3] = Default::default();
    for _ in 0..effort.repeats {
        lanes[0].add(&limit::post(ground, Limit::F, Accounts::Hot, LIMIT_CLIENTS, effort.time()).await?);
        lanes[1].add(&limit::post(ground, Limit::A, Accounts::Hot, LIMIT_CLIENTS, effort.time()).await?);
        lanes[2].add(&repay(server, loans.hot.clone(), 64, effort.time()).await?);
    }
    ground.set("commit_delay", "").await?;
    let names = ["post_f, hot, 32 clients", "post_a, hot, 32 clients", "Ayni, hot, 64 clients"];
    let post_f = lanes[0].rate.median();
    let rows: Vec<Vec<String>> = names
        .iter()
        .zip(&lanes)
        .map(|(name, lane)| vec![(*name).to_owned(), lane.rate.whole(), format!("{:.2}", lane.rate.median() / post_f)])
        .collect();
    print(&["commit_delay = 2000", "a second", "× post_f"], &rows);
    Ok(())
}

const COUNTERS: &str = "select tup_inserted::float8, tup_updated::float8, xact_commit::float8, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8
     from pg_stat_database where datname = current_database()";

/// What Postgres has counted so far.
async fn counted(ground: &Ground, effort: Effort) -> Result<[f64; 4], Failure> {
    // Sessions report their counts ten seconds after they fell idle at the latest.
    tokio::time::sleep(Duration::from_secs(if effort.brief { 1 } else { 11 })).await;
    let row: Row = ground.client.query_one(COUNTERS, &[]).await?;
    Ok([row.get(0), row.get(1), row.get(2), row.get(3)])
}

/// Rows, statements and log bytes that a repayment costs, alone and in company.
async fn per_repayment(ground: &Ground, server: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for clients in [1, 64, 256] {
        let before = counted(ground, effort).await?;
        let measured = repay(server, loans.hot.clone(), clients, effort.time()).await?;
        let after = counted(ground, effort).await?;
        let each = |index: usize| (after[index] - before[index]) / measured.requests as f64;
        let statements = statements(ground, server, loans, clients).await?;
        rows.push(vec![
            clients.to_string(),
            format!("{:.2}", each(0)),
            format!("{:.2}", each(1)),
            format!("{:.2}", statements),
            format!("{:.1}", 1.0 / each(2)),
            format!("{:.0}", each(3)),
        ]);
    }
    let head = ["clients, hot", "rows inserted", "rows updated", "statements", "repayments a commit", "bytes of log"];
    print(&head, &rows);
    Ok(())
}

/// Statements per repayment, counted in the log of Postgres in a run of their own.
async fn statements(ground: &Ground, server: &Process, loans: &Loans, clients: usize) -> Result<f64, Failure> {
    ground.set("log_statement", "all").await?;
    let before = ground.log().len();
    let measured = repay(server, loans.hot.clone(), clients, Duration::from_secs(1)).await?;
    ground.set("log_statement", "").await?;
    let log = ground.log();
    let lines = log.get(before..).unwrap_or_default().lines();
    let count = lines.filter(|line| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ")).count();
    Ok(count as f64 / measured.requests as f64)
}
