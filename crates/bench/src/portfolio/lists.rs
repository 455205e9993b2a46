//! Lists and single records at fifty requests a second, whether the server keeps up or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;

use crate::ground::Process;
use crate::http::{Connection, get};
use crate::people::sign_in;
use crate::portfolio::fill::Portfolio;
use crate::table::{Figures, print};
use crate::{Effort, Failure};

const A_SECOND: u32 = 50;
/// How long a connection that nothing is sent on is kept: the server closes it after half a minute.
const KEPT: Duration = Duration::from_secs(5);

/// Paths with something drawn at random in them.
fn paths(portfolio: &Portfolio) -> Vec<(&'static str, String)> {
    let mut random = rand::rng();
    let number = random.random_range(0..portfolio.loans.len());
    let loan = portfolio.loans[number];
    let branch = portfolio.branches[random.random_range(0..portfolio.branches.len())];
    let officer = portfolio.officers[random.random_range(0..portfolio.officers.len())];
    vec![
        ("list of loans", "/v1/loans?limit=50".to_owned()),
        ("active loans of a branch", format!("/v1/loans?branch_id={branch}&status=active&limit=50")),
        ("loans of an officer", format!("/v1/loans?officer_id={officer}&limit=50")),
        ("closed loans (there are none)", format!("/v1/loans?branch_id={branch}&status=closed&limit=50")),
        ("one loan", format!("/v1/loans/{loan}")),
        ("its schedule", format!("/v1/loans/{loan}/schedule")),
        ("its transactions", format!("/v1/loans/{loan}/transactions")),
        ("its payoff", format!("/v1/loans/{loan}/payoff")),
        ("clients of a branch", format!("/v1/clients?branch_id={branch}&limit=50")),
        ("search of a client by name", format!("/v1/clients?name=Client%20{number:07}")),
        ("journal entries", "/v1/journal-entries?limit=50".to_owned()),
    ]
}

pub async fn run(server: &Process, portfolio: &Portfolio, effort: Effort) -> Result<(), Failure> {
    let token = sign_in(&server.address, "auditor").await?;
    let idle: Arc<Mutex<Vec<(Instant, Connection)>>> = Arc::default();
    let names: Vec<&str> = paths(portfolio).into_iter().map(|(name, _)| name).collect();
    let figures: Arc<Mutex<Vec<Figures>>> = Arc::new(Mutex::new(vec![Figures::default(); names.len()]));
    // Four times as long as one figure, so that each has a ninety-ninth percentile.
    let count = 4 * A_SECOND * u32::try_from(effort.time().as_secs())? * u32::try_from(effort.repeats)?;
    let (began, mut sent) = (Instant::now(), Vec::new());
    for turn in 0..count {
        tokio::time::sleep_until(began + Duration::from_secs(1) / A_SECOND * turn).await;
        let index = usize::try_from(turn)? % names.len();
        let request = get(&token, &paths(portfolio)[index].1);
        let (idle, figures, address) = (idle.clone(), figures.clone(), server.address.clone());
        sent.push(tokio::spawn(async move {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match kept {
                Some((since, connection)) if since.elapsed() < KEPT => connection,
                // None, or one that the server may have closed by now.
                _ => Connection::open(&address).await?,
            };
            let began = Instant::now();
            connection.send(&request).await?.done()?;
            let took = began.elapsed().as_secs_f64() * 1000.0;
            figures.lock().unwrap_or_else(PoisonError::into_inner)[index].add(took);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), connection));
            Ok::<(), Failure>(())
        }));
    }
    for one in sent {
        one.await??;
    }
    let figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
    let rows: Vec<Vec<String>> = names
        .iter()
        .zip(figures.iter())
        .map(|(name, figures)| {
            let [median, slowest] = [0.5, 0.99].map(|share| format!("{:.1}", figures.share(share)));
            vec![(*name).to_owned(), median, slowest, format!("{:.1}", figures.most())]
        })
        .collect();
    print(&["50 requests a second", "p50 ms", "p99 ms", "slowest"], &rows);
    Ok(())
}
