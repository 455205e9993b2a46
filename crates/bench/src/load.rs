//! Closed-loop load: so many clients, each with one request on its way, for so long.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use serde_json::Value;

use crate::Failure;
use crate::http::Connection;

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub requests: usize,
    pub seconds: f64,
    /// Microseconds of each request, in order of size.
    latencies: Vec<u32>,
}

impl Measured {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.latencies.get(index).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

/// Runs clients at once for a time. Each is made by `client` and does one thing after another by `step`.
pub async fn closed_loop<C, Make, Made, Step, Stepped>(
    clients: usize,
    time: Duration,
    client: Make,
    step: Step,
) -> Result<Measured, Failure>
where
    Make: Fn(usize) -> Made,
    Made: Future<Output = Result<C, Failure>>,
    Step: Fn(C) -> Stepped + Clone + Send + 'static,
    Stepped: Future<Output = Result<C, Failure>> + Send,
    C: Send + 'static,
{
    let made = try_join_all((0..clients).map(client)).await?;
    let began = Instant::now();
    let until = began + time;
    let running: Vec<_> = made
        .into_iter()
        .map(|mut client| {
            let step = step.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(4096);
                let mut before = Instant::now();
                while before < until {
                    client = step(client).await?;
                    let after = Instant::now();
                    latencies.push(u32::try_from((after - before).as_micros()).unwrap_or(u32::MAX));
                    before = after;
                }
                Ok::<_, Failure>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for client in running {
        latencies.extend(client.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Measured { requests: latencies.len(), seconds, latencies })
}

/// Sends requests over HTTP, each made when its turn comes; every answer must be 2xx.
pub async fn http<Make>(address: &str, clients: usize, time: Duration, make: Make) -> Result<Measured, Failure>
where
    Make: Fn() -> Vec<u8> + Clone + Send + Sync + 'static,
{
    let step = move |mut connection: Connection| {
        let request = make();
        async move {
            connection.send(&request).await?.done()?;
            Ok(connection)
        }
    };
    closed_loop(clients, time, |_| Connection::open(address), step).await
}

/// Sends all requests, a few dozen at a time, and gives their answers in order.
pub async fn all(address: &str, requests: Vec<Vec<u8>>) -> Result<Vec<Value>, Failure> {
    const AT_ONCE: usize = 64;
    let part = requests.len().div_ceil(AT_ONCE).max(1);
    let parts: Vec<_> = requests
        .chunks(part)
        .map(|part| {
            let (part, address) = (part.to_vec(), address.to_owned());
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await?;
                let mut answers = Vec::with_capacity(part.len());
                for request in part {
                    answers.push(connection.send(&request).await?.done()?.json()?);
                }
                Ok::<_, Failure>(answers)
            })
        })
        .collect();
    let mut answers = Vec::new();
    for part in parts {
        answers.extend(part.await??);
    }
    Ok(answers)
}
