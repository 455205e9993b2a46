//! The trial balance: each account's net balance as known at the close of a day, for a branch with all below it.
//!
//! A balance is that of the last closed month and the turnover of the days since, in one statement, so that the fold of turnover cannot
//! come between. As of a closed day it is the same for ever.

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::currency::Currency;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    pub as_of: NaiveDate,
    pub currency: Currency,
    pub branch_id: Uuid,
    /// Business of a day up to this one is still open, or its close is not booked: what is booked so far.
    pub open: bool,
    /// By code; accounts without a balance are left out.
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub code: String,
    pub name: String,
    /// Debit positive.
    pub balance: Amount,
}

impl Row {
    pub fn debit(&self) -> Amount {
        self.balance.or_zero()
    }

    pub fn credit(&self) -> Amount {
        (-self.balance).or_zero()
    }
}

impl TrialBalance {
    pub fn total_debit(&self) -> Amount {
        self.rows.iter().map(Row::debit).sum()
    }

    pub fn total_credit(&self) -> Amount {
        self.rows.iter().map(Row::credit).sum()
    }
}

/// Reads it in the snapshot of a reading transaction. The branch is one that the caller may see ([`is_in_scope`]).
pub async fn trial_balance(
    tx: &Tx,
    branch_id: Uuid,
    currency: Currency,
    as_of: NaiveDate,
) -> Result<TrialBalance, Fault> {
    tx.plan_for_values().await?;
    let rows = tx
        .query(
            "with within as (select id from branch where $1 = any(ancestors)),
                  base as (select coalesce(max(month_end_on), '-infinity') as day from ledger_balance where month_end_on <= $2)
             select account.code, account.name, sum(moved.amount)::bigint as balance_minor
             from (select account_id, balance_minor as amount from ledger_balance, base
                   where month_end_on = base.day and currency = $3 and branch_id in (select id from within)
                   union all
                   select account_id, debit_minor - credit_minor from ledger_turnover, base
                   where booked_on > base.day and booked_on <= $2 and currency = $3 and branch_id in (select id from within)) moved
             join gl_account account on account.id = moved.account_id
             group by account.id, account.code, account.name having sum(moved.amount) <> 0 order by account.code",
            &[&branch_id, &as_of, &currency.code()],
        )
        .await?;
    let rows = rows.iter().map(|row| Row {
        code: row.get("code"),
        name: row.get("name"),
        balance: Amount::of_minor(row.get("balance_minor")),
    });
    let rows = rows.collect();
    Ok(TrialBalance { as_of, currency, branch_id, open: is_open(tx, as_of).await?, rows })
}

/// Whether more may still be booked on this day or one before by the business itself.
async fn is_open(tx: &Tx, day: NaiveDate) -> Result<bool, Fault> {
    let sql = "select exists (select from day_close where booked_at is null and closed_on <= $1) as waiting";
    Ok(day >= tx.business_date || tx.query_one(sql, &[&day]).await?.get("waiting"))
}

/// Whether a branch is there and a scope covers it.
pub async fn is_in_scope(tx: &Tx, branch_id: Uuid, scope_branch_id: Uuid) -> Result<bool, Fault> {
    let sql = "select exists (select from branch where id = $1 and $2 = any(ancestors)) as covered";
    Ok(tx.query_one(sql, &[&branch_id, &scope_branch_id]).await?.get("covered"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_balance_stands_on_one_side() {
        let row = |balance| Row { code: "1020".into(), name: "Teller cash".into(), balance: Amount::of_minor(balance) };
        let report = TrialBalance {
            as_of: "2026-02-28".parse().unwrap(),
            currency: "KES".parse().unwrap(),
            branch_id: Uuid::nil(),
            open: false,
            rows: vec![row(700), row(-500), row(-200)],
        };
        assert_eq!((report.total_debit(), report.total_credit()), (Amount::of_minor(700), Amount::of_minor(700)));
        assert_eq!((report.rows[1].debit(), report.rows[1].credit()), (Amount::ZERO, Amount::of_minor(500)));
    }
}
