//! What a night brings: one pass over the loans that accrue, in SQL with the integers of `accrual.rs`.
//!
//! The state is the one that was known on the day: of the loan, or of its past. So the answer is a function of fixed inputs,
//! however late it is asked, and whatever is booked meanwhile on later days.

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::{Row, Tx};
use kernel::amount::Amount;
use kernel::currency::Currency;
use uuid::Uuid;

use super::read::currency;

/// What changed in one night, summed over loans, or of one loan whose interest ceased to be income.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Night {
    pub branch_id: Uuid,
    pub product_id: Uuid,
    pub currency: Currency,
    /// The loan, where the change is its own line.
    pub loan_id: Option<Uuid>,
    pub receivable: Amount,
    pub unearned: Amount,
    pub memo: Amount,
}

impl Night {
    /// With E earned and P paid, income is P + receivable − unearned: what changes in it is what changes in those.
    pub fn income(&self) -> Amount {
        self.receivable - self.unearned
    }
}

pub const NIGHT: &str = include_str!("night.sql");

/// The night of the whole institution, as it is booked: one pass.
pub async fn night(tx: &Tx, day: NaiveDate) -> Result<Vec<Night>, Fault> {
    let (no_branch, no_product): (Option<Uuid>, Option<Uuid>) = (None, None);
    nights_of_rows(&tx.query_pass(NIGHT, &[&day, &false, &no_branch, &no_product]).await?)
}

/// The night of one branch and product, loan by loan: what an entry of the close of day is made of.
pub async fn night_by_loan(tx: &Tx, day: NaiveDate, branch_id: Uuid, product_id: Uuid) -> Result<Vec<Night>, Fault> {
    nights_of_rows(&tx.query(NIGHT, &[&day, &true, &Some(branch_id), &Some(product_id)]).await?)
}

fn nights_of_rows(rows: &[Row]) -> Result<Vec<Night>, Fault> {
    rows.iter()
        .map(|row| {
            Ok(Night {
                branch_id: row.get("branch_id"),
                product_id: row.get("product_id"),
                currency: currency(row)?,
                loan_id: row.get("loan_id"),
                receivable: Amount::of_minor(row.get("receivable")),
                unearned: Amount::of_minor(row.get("unearned")),
                memo: Amount::of_minor(row.get("memo")),
            })
        })
        .collect()
}
