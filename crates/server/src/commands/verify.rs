//! `ayni verify`: the books prove themselves.

use std::process::ExitCode;

use db::pool::{CONNECTIONS, Pool};

use crate::arguments::Database;
use crate::failure::Failure;
use crate::house::House;

pub async fn run(database: Database) -> Result<ExitCode, Failure> {
    let house = House::open(&database, false).await?;
    let pool = Pool::try_new(&house.app_url, CONNECTIONS)?;
    let findings = flows::verify::verify(&pool).await;
    house.close().await?;
    let findings = findings?;
    if findings.is_empty() {
        println!(
            "The books are right: every entry balances, every loan is the replay of its events, every sub-ledger agrees."
        );
        return Ok(ExitCode::SUCCESS);
    }
    for finding in findings {
        println!("{}: {} ({})", finding.check, finding.what, finding.place);
    }
    Ok(ExitCode::FAILURE)
}
