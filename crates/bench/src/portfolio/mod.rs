//! A portfolio of up to a million active loans: the close of a day, reports, lists, and repayments while a close runs.

mod fill;
mod limits;
mod lists;
mod nights;
mod plan;

use std::time::{Duration, Instant};

use clap::Args;
use db::pool::{CONNECTIONS, Pool};
use uuid::Uuid;

use crate::ground::{Ground, Process};
use crate::http::{Connection, get};
use crate::people::sign_in;
use crate::portfolio::fill::Portfolio;
use crate::portfolio::plan::{FOUR_MONTHS_AGO, OPENED, TODAY, day};
use crate::postings::repayment;
use crate::table::{Figures, print, print_machine};
use crate::{Effort, Failure, load};

#[derive(Debug, Clone, Args)]
pub struct Sizes {
    #[command(flatten)]
    pub effort: Effort,

    /// How many loans; may be given several times
    #[arg(long, default_values = ["10000", "100000", "1000000"])]
    pub loans: Vec<usize>,

    /// Leave the data directory, for a look with `ayni serve` and `explain`
    #[arg(long)]
    keep: bool,
}

pub async fn run(sizes: Sizes) -> Result<(), Failure> {
    let effort = sizes.effort.settled();
    let loans = if effort.brief { vec![1_200] } else { sizes.loans };
    for count in loans {
        println!("\n## {count} active loans");
        one_size(count, effort, sizes.keep).await?;
    }
    Ok(())
}

async fn one_size(count: usize, effort: Effort, keep: bool) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    let server = ground.serve(OPENED)?;
    let began = Instant::now();
    let portfolio = Portfolio::found(&ground, &server.address, count).await?;
    // A server would close the days that the portfolio lives through.
    server.stop()?;
    portfolio.live(&ground).await?;
    let server = ground.serve(OPENED)?;
    println!("\nbuilt in {:.0} s", began.elapsed().as_secs_f64());
    limits::prepare(&ground, count).await?;
    verify(&ground).await?;
    print_machine(&ground)?;
    reports(&ground, &server, effort).await?;
    lists::run(&server, &portfolio, effort).await?;
    closes(&ground, &server, &portfolio, effort).await?;
    verify(&ground).await?;
    print_machine(&ground)?;
    server.stop()?;
    if keep { ground.keep().await } else { ground.close().await }
}

async fn verify(ground: &Ground) -> Result<(), Failure> {
    let pool = Pool::try_new(&ground.app_url(), CONNECTIONS)?;
    let began = Instant::now();
    let findings = flows::verify::verify(&pool).await?;
    if let Some(finding) = findings.first() {
        return Err(format!("{}: {} ({})", finding.check, finding.what, finding.place).into());
    }
    println!("\nverify found nothing, in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Seconds until the whole answer is there.
async fn report(connection: &mut Connection, token: &str, path: &str) -> Result<f64, Failure> {
    let began = Instant::now();
    connection.send(&get(token, path)).await?.done()?;
    Ok(began.elapsed().as_secs_f64())
}

/// Portfolio at risk beside the hand-written aggregates, and the trial balance.
async fn reports(ground: &Ground, server: &Process, effort: Effort) -> Result<(), Failure> {
    let yesterday = day(TODAY)?.pred_opt().ok_or("no day before")?.to_string();
    let reports = [
        ("PAR by branch, today", "/v1/reports/portfolio-at-risk?by=branch".to_owned()),
        ("PAR by officer, today", "/v1/reports/portfolio-at-risk?by=officer".to_owned()),
        ("PAR by gender, today", "/v1/reports/portfolio-at-risk?by=gender".to_owned()),
        ("PAR by branch, four months ago", format!("/v1/reports/portfolio-at-risk?by=branch&as_of={FOUR_MONTHS_AGO}")),
        (
            "PAR by officer, four months ago",
            format!("/v1/reports/portfolio-at-risk?by=officer&as_of={FOUR_MONTHS_AGO}"),
        ),
        ("PAR by branch, yesterday", format!("/v1/reports/portfolio-at-risk?by=branch&as_of={yesterday}")),
        ("trial balance, today", "/v1/reports/trial-balance".to_owned()),
        ("trial balance, four months ago", format!("/v1/reports/trial-balance?as_of={FOUR_MONTHS_AGO}")),
    ];
    let token = sign_in(&server.address, "accountant").await?;
    let mut connection = Connection::open(&server.address).await?;
    let mut figures: Vec<Figures> = reports.iter().map(|_| Figures::default()).collect();
    let (mut aggregate, mut from_instalments) = (Figures::default(), Figures::default());
    for _ in 0..effort.repeats {
        aggregate.add(limits::risk_from_loans(ground).await?);
        from_instalments.add(limits::risk_from_instalments(ground).await?);
        for ((_, path), figures) in reports.iter().zip(&mut figures) {
            figures.add(report(&mut connection, &token, path).await?);
        }
    }
    let limit = from_instalments.median();
    let row = |name: &str, figures: &Figures| {
        vec![name.to_owned(), figures.fine(), format!("{:.2}", figures.median() / limit)]
    };
    let mut rows = vec![
        row("limit: ageing from the instalments", &from_instalments),
        row("one aggregate over loans that know their oldest unpaid day", &aggregate),
    ];
    rows.extend(reports.iter().zip(&figures).map(|((name, _), figures)| row(name, figures)));
    print(&["report", "seconds", "× limit"], &rows);
    Ok(())
}

/// Real closes of one day after the other, beside the pass in plain SQL; then repayments with and without a close beside them.
async fn closes(ground: &Ground, server: &Process, portfolio: &Portfolio, effort: Effort) -> Result<(), Failure> {
    let pool = Pool::try_new(&ground.app_url(), CONNECTIONS)?;
    let (mut bare, mut split, mut ours, mut written) = <(Figures, Figures, Figures, Figures)>::default();
    let mut open = day(TODAY)?;
    for _ in 0..effort.repeats {
        bare.add(limits::close_bare(ground).await?);
        split.add(limits::close_split(ground).await?);
        let began = Instant::now();
        flows::close_of_day::close_through(&pool, open).await?;
        ours.add(began.elapsed().as_secs_f64());
        let sql = "select count(*)::float8 from journal_line where booked_on = $1";
        written.add(ground.client.query_one(sql, &[&open]).await?.get(0));
        open = open.succ_opt().ok_or("no next day")?;
    }
    let limit = split.median();
    let row = |name: &str, figures: &Figures| {
        vec![name.to_owned(), figures.fine(), format!("{:.2}", figures.median() / limit)]
    };
    print(
        &["close of a day", "seconds", "× split"],
        &[
            row("limit: one pass as it stands", &bare),
            row("limit: with receivable and unearned and the running instalment", &split),
            row("Ayni", &ours),
        ],
    );
    println!("\njournal lines that a close wrote: {}", written.whole());
    beside(server, &pool, &portfolio.loans, open, effort).await
}

async fn beside(
    server: &Process,
    pool: &Pool,
    loans: &[Uuid],
    open: chrono::NaiveDate,
    effort: Effort,
) -> Result<(), Failure> {
    let token = sign_in(&server.address, "manager").await?;
    // Loans that owe enough to be paid 1.00 many times.
    let loans: std::sync::Arc<[Uuid]> = loans.iter().skip(600).take(5_000).copied().collect();
    let repay = |time: Duration| {
        let (token, loans) = (token.clone(), loans.clone());
        load::http(&server.address, 64, time, move || repayment(&token, &loans))
    };
    let alone = repay(effort.time()).await?;
    let began = Instant::now();
    let (closed, during) = tokio::join!(flows::close_of_day::close_through(pool, open), repay(effort.time()));
    closed?;
    let took = began.elapsed().as_secs_f64();
    let during = during?;
    let row = |name: String, measured: &load::Measured| {
        let quantile = |share: f64| format!("{:.1}", measured.quantile(share));
        vec![name, format!("{:.0}", measured.rate()), quantile(0.5), quantile(0.99)]
    };
    print(
        &["repayments, 64 clients", "a second", "p50 ms", "p99 ms"],
        &[row("alone".to_owned(), &alone), row(format!("with a close beside them, both done in {took:.1} s"), &during)],
    );
    Ok(())
}
