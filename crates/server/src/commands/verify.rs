//! `ayni verify`: the books prove themselves.

use std::process::ExitCode;

use db::pool::{CONNECTIONS, Pool};
use ledger::verify::Finding;

use crate::arguments::Database;
use crate::failure::Failure;
use crate::house::{House, NOT_SET_UP, is_set_up};

pub async fn run(database: Database) -> Result<ExitCode, Failure> {
    let house = House::open(&database, false).await?;
    let findings = examine(&house).await;
    house.close().await?;
    let Some(findings) = findings? else {
        println!("There is nothing to verify: {NOT_SET_UP}.");
        return Ok(ExitCode::SUCCESS);
    };
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

/// The offenders; `None` where there are no books.
async fn examine(house: &House) -> Result<Option<Vec<Finding>>, Failure> {
    let pool = Pool::try_new(&house.app_url, CONNECTIONS)?;
    if !is_set_up(&pool).await? {
        return Ok(None);
    }
    Ok(Some(flows::verify::verify(&pool).await?))
}
