//! What every test stands on: a Postgres for the process, a furnished database for each test, real `ayni serve` processes on
//! it, sessions that speak HTTP and remember what they were told, and the oracle that asks the same questions after every
//! test that matters.

pub mod builders;

pub mod database;

pub mod guard;

pub mod http;

pub mod institution;

pub mod oracle;

pub mod people;

pub mod proxy;

pub mod record;

pub mod schema;

pub mod server;

pub use database::Database;
pub use http::{Answer, Session, key};
pub use institution::Institution;
pub use serde_json::{Value, json};
pub use server::Server;
pub use uuid::Uuid;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// Randomness that can be had again: the seed is printed, and `AYNI_SEED` sets it.
pub fn random(test: &str) -> StdRng {
    let given = std::env::var("AYNI_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    eprintln!("{test}: AYNI_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Waits for something that another process does; panics, with its name, when it does not come.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "waited 30 s in vain: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
