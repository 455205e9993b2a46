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

use crate::store::currency;

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

/// Per branch, product and currency: position at the clock D + 1 less position at the clock D, of the states known at the close of
/// D ($1). A loan that enters non-accrual in this night stands alone; with $2 every loan does. $3 and $4 narrow it to a branch and
/// a product.
pub const NIGHT: &str = "
with known as (
    select id, branch_id, product_id, currency, terms_id, schedule_version, interest_minor, interest_paid_minor, oldest_unpaid_due_on
    from loan where status = 'active' and since_on <= $1 and ($3::uuid is null or (branch_id = $3 and product_id = $4))
    union all
    select id, branch_id, product_id, currency, terms_id, schedule_version, interest_minor, interest_paid_minor, oldest_unpaid_due_on
    from loan_past where status = 'active' and since_on <= $1 and until_on > $1
      and ($3::uuid is null or (branch_id = $3 and product_id = $4))
), earned as (
    select known.*, terms.basis = 'accrual' as accrues,
           oldest_unpaid_due_on + terms.non_accrual_days as stops_on,
           coalesce(running.interest_before_minor + accrual_share(running.interest_minor,
               day_weight(terms.accrual_weight, running.from_on, $1), day_weight(terms.accrual_weight, running.from_on, running.due_on)),
               known.interest_minor) as earned_before,
           coalesce(running.interest_before_minor + accrual_share(running.interest_minor,
               day_weight(terms.accrual_weight, running.from_on, $1 + 1), day_weight(terms.accrual_weight, running.from_on, running.due_on)),
               known.interest_minor) as earned_after
    from known join loan_terms terms on terms.id = known.terms_id
    left join loan_instalment running on running.loan_id = known.id and running.schedule_version = known.schedule_version
         and running.from_on <= $1 and running.due_on > $1
), split as (
    select branch_id, product_id, currency, id,
           stops_on is null or $1 <= stops_on as income_before,
           stops_on is null or $1 + 1 <= stops_on as income_after,
           greatest(earned_before - interest_paid_minor, 0) as unpaid_before,
           greatest(earned_after - interest_paid_minor, 0) as unpaid_after,
           greatest(interest_paid_minor - earned_before, 0) as unearned_before,
           greatest(interest_paid_minor - earned_after, 0) as unearned_after
    from earned where accrues
)
select branch_id, product_id, currency, case when $2::boolean or income_before <> income_after then id end as loan_id,
       sum(case when income_after then unpaid_after else 0 end - case when income_before then unpaid_before else 0 end)::bigint as receivable,
       sum(unearned_after - unearned_before)::bigint as unearned,
       sum(case when income_after then 0 else unpaid_after end - case when income_before then 0 else unpaid_before end)::bigint as memo
from split group by 1, 2, 3, 4 order by 1, 2, 3, 4";

/// The night of the whole institution, as it is booked.
pub async fn night(tx: &Tx, day: NaiveDate) -> Result<Vec<Night>, Fault> {
    let (no_branch, no_product): (Option<Uuid>, Option<Uuid>) = (None, None);
    nights_of_rows(&tx.query(NIGHT, &[&day, &false, &no_branch, &no_product]).await?)
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
