//! What an empty database begins with: the settings, the open day, the head office.

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::Tx;
use kernel::currency::Currency;
use uuid::Uuid;

use crate::branches::Branch;
use crate::store;

/// Whether the institution was set up before.
pub async fn is_furnished(tx: &Tx) -> Result<bool, Fault> {
    Ok(tx.query_one("select exists (select from business_day) as furnished", &[]).await?.get("furnished"))
}

/// Another currency and another first day, as long as nothing was booked and no day was closed.
pub async fn begin_again(tx: &Tx, currency: Currency, business_date: NaiveDate) -> Result<(), Fault> {
    tx.execute("update setting set base_currency = $1", &[&currency.code()]).await?;
    tx.execute("update business_day set open_on = $1", &[&business_date]).await?;
    Ok(())
}

/// Writes the one row of settings, the open business day and the head office.
pub async fn institution(
    tx: &Tx,
    currency: Currency,
    business_date: NaiveDate,
    head_office: Uuid,
) -> Result<(), Fault> {
    tx.execute("insert into setting (base_currency) values ($1)", &[&currency.code()]).await?;
    tx.execute("insert into business_day (open_on) values ($1)", &[&business_date]).await?;
    let branch = Branch {
        id: head_office,
        code: "HQ".into(),
        name: "Head office".into(),
        parent_id: None,
        ancestors: vec![head_office],
        created_at: tx.now,
        version: 1,
    };
    store::branches_insert(tx, &[branch]).await
}
