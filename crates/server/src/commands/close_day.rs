//! `ayni close-day`: for a scheduler of one's own. Doing it twice closes nothing twice.

use std::process::ExitCode;

use db::pool::{CONNECTIONS, Pool};
use db::tx::Tx;

use crate::arguments::CloseDay;
use crate::failure::Failure;
use crate::house::{House, NOT_SET_UP, is_set_up};

pub async fn run(arguments: CloseDay) -> Result<ExitCode, Failure> {
    let house = House::open(&arguments.database, false).await?;
    let closed = close(&house, &arguments).await;
    house.close().await?;
    println!("{}", closed?);
    Ok(ExitCode::SUCCESS)
}

async fn close(house: &House, arguments: &CloseDay) -> Result<String, Failure> {
    let pool = Pool::try_new(&house.app_url, CONNECTIONS)?;
    if !is_set_up(&pool).await? {
        return Ok(format!("There is nothing to close: {NOT_SET_UP}."));
    }
    let today = db::clock::today();
    let business_date = Tx::begin_reading(&pool).await?.business_date;
    // Without a date: everything that is over.
    let through = arguments.through.or(today.pred_opt()).unwrap_or(business_date);
    if through > today && !arguments.sandbox_clock {
        return Err(Failure::Said(format!(
            "{through} lies after today, {today}: a day is closed when it is over (--sandbox-clock allows it, for a trial)"
        )));
    }
    let booked = flows::close_of_day::close_through(&pool, through).await?;
    let open = Tx::begin_reading(&pool).await?.business_date;
    Ok(match booked {
        0 => format!("There was nothing to close: the open business day is {open}."),
        1 => format!("One day was closed: the open business day is {open}."),
        days => format!("{days} days were closed: the open business day is {open}."),
    })
}
