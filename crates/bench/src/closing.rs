//! What tellers feel of a month that is being closed: repayments of 64 clients that were on their way while one was, beside
//! those on their way in as long a moment just before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::ground::Ground;
use crate::http::{Connection, get};
use crate::loans::Loans;
use crate::people::{BUSINESS_DATE, give, sign_in};
use crate::postings::repayment;
use crate::table::{Figures, print, print_machine};
use crate::{Effort, Failure};

const CLIENTS: usize = 64;

/// The months that are closed, one after the other: each by its last day.
const MONTHS: [&str; 9] = [
    "2026-01-31",
    "2026-02-28",
    "2026-03-31",
    "2026-04-30",
    "2026-05-31",
    "2026-06-30",
    "2026-07-31",
    "2026-08-31",
    "2026-09-30",
];

/// A repayment: when it was sent, and when it was answered.
type Paid = (Instant, Instant);

pub async fn run(effort: Effort) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    let server = ground.serve(BUSINESS_DATE)?;
    let address = server.address.as_str();
    let loans = Loans::make(address, effort.brief).await?;
    let accountant = sign_in(address, "accountant").await?;
    print_machine(&ground)?;
    let tellers = Tellers::start(address, loans.hot).await?;
    let months = if effort.brief { &MONTHS[..1] } else { &MONTHS[..] };
    let mut closes = Vec::new();
    for last_day in months {
        give(address, &accountant, "/v1/business-date/close", &json!({"through": last_day})).await?;
        let opened = |answer: &Value| answer["business_date"].as_str().is_some_and(|day| day > *last_day);
        wait(address, &accountant, "/v1/business-date", opened).await?;
        tokio::time::sleep(effort.time()).await;
        let began = Instant::now();
        let month = format!("/v1/periods/{}", &last_day[..7]);
        give(address, &accountant, &format!("{month}/close"), &json!({})).await?;
        wait(address, &accountant, &month, |answer| answer["status"] == "closed").await?;
        closes.push((began, began.elapsed()));
    }
    let paid = tellers.stop().await?;
    let moments = |earlier: Duration| closes.iter().map(move |(began, length)| (*began - earlier, *length));
    let half = effort.time() / 2;
    let (alone, beside) = (met(&paid, moments(half)), met(&paid, moments(Duration::ZERO)));
    let row = |name: &str, figures: &Figures, count: usize| {
        let at = |share: f64| format!("{:.1}", figures.share(share));
        vec![name.to_owned(), count.to_string(), at(0.5), at(0.99), at(1.0)]
    };
    print(
        &["64 clients, one repayment a request", "requests", "p50 ms", "p99 ms", "most ms"],
        &[row("alone", &alone.0, alone.1), row("while a month is being closed", &beside.0, beside.1)],
    );
    let mut lengths = Figures::default();
    closes.iter().for_each(|(_, length)| lengths.add(length.as_secs_f64() * 1000.0));
    println!("\n{} months, closed in {} ms each", closes.len(), lengths.whole());
    println!("p99 beside a close: {:.2} × alone", beside.0.share(0.99) / alone.0.share(0.99));
    server.stop()?;
    ground.close().await
}

/// Asks every few milliseconds until the answer is as wanted.
async fn wait(address: &str, token: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<(), Failure> {
    let mut connection = Connection::open(address).await?;
    while !wanted(&connection.send(&get(token, path)).await?.done()?.json()?) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Milliseconds of the repayments that were on their way in any of these moments, and how many they are.
fn met(paid: &[Paid], moments: impl Iterator<Item = (Instant, Duration)>) -> (Figures, usize) {
    let moments: Vec<(Instant, Duration)> = moments.collect();
    let is_met = |(sent, answered): &&Paid| {
        moments.iter().any(|(began, length)| *sent <= *began + *length && *answered >= *began)
    };
    let took = paid.iter().filter(is_met).map(|(sent, answered)| (*answered - *sent).as_secs_f64() * 1000.0);
    let (mut figures, mut count) = (Figures::default(), 0);
    for milliseconds in took {
        figures.add(milliseconds);
        count += 1;
    }
    (figures, count)
}

/// Clients that take one repayment after the other until they are told to stop.
struct Tellers {
    stop: Arc<AtomicBool>,
    at_work: Vec<JoinHandle<Result<Vec<Paid>, Failure>>>,
}

impl Tellers {
    async fn start(address: &str, loans: Arc<[Uuid]>) -> Result<Tellers, Failure> {
        let (token, stop) = (sign_in(address, "manager").await?, Arc::new(AtomicBool::new(false)));
        let mut at_work = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            let mut connection = Connection::open(address).await?;
            let (token, loans, stop) = (token.clone(), loans.clone(), stop.clone());
            at_work.push(tokio::spawn(async move {
                let mut paid = Vec::with_capacity(4096);
                while !stop.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    connection.send(&repayment(&token, &loans)).await?.done()?;
                    paid.push((sent, Instant::now()));
                }
                Ok(paid)
            }));
        }
        Ok(Tellers { stop, at_work })
    }

    async fn stop(self) -> Result<Vec<Paid>, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        let mut paid = Vec::new();
        for teller in self.at_work {
            paid.extend(teller.await??);
        }
        Ok(paid)
    }
}
