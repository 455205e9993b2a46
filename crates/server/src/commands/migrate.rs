//! `ayni migrate`: roles, tables, the token signing key.

use std::process::ExitCode;

use crate::arguments::Migrate;
use crate::failure::Failure;
use crate::house::House;

pub async fn run(arguments: Migrate) -> Result<ExitCode, Failure> {
    let applied = match &arguments.database.database_url {
        Some(url) => crate::house::migrate_own(url, arguments.app_password.as_deref()).await?,
        None => {
            let house = House::open(&arguments.database, true).await?;
            let applied = house.applied.clone();
            house.close().await?;
            applied
        }
    };
    match applied.as_slice() {
        [] => println!("The database is up to date."),
        names => println!("Migrated: {}", names.join(", ")),
    }
    Ok(ExitCode::SUCCESS)
}
