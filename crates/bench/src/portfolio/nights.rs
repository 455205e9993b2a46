//! What the nights of the past bring, loan by loan from the pure core: what each close would have found.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;
use kernel::currency::Currency;
use loans::loan::Loan;
use loans::position::{Slot, difference, position};
use loans::replay::replay;
use loans::store::close::Night;
use loans::terms::Terms;
use uuid::Uuid;

use crate::Failure;
use crate::portfolio::plan::{Planned, TODAY, day};

/// Branch, product, and the loan that has a line of its own.
type Place = (usize, usize, Option<Uuid>);

/// Of each night before today, summed over branch and product; a loan whose interest ceases to be income stands alone.
pub fn nights(
    plans: &[Planned],
    terms: &[Arc<Terms>],
    branches: &[Uuid],
    loans: &[Uuid],
    product_id: impl Fn(usize) -> Uuid,
) -> Result<BTreeMap<NaiveDate, Vec<Night>>, Failure> {
    let today = day(TODAY)?;
    let mut sums: BTreeMap<NaiveDate, HashMap<Place, Night>> = BTreeMap::new();
    let currency: Currency = "KES".parse()?;
    for (plan, loan_id) in plans.iter().zip(loans) {
        let agreement = plan.agreement(&terms[plan.product]);
        let changes = std::iter::once(plan.booked_on).chain(plan.payments.iter().map(|(on, _)| *on));
        let mut states: Vec<(NaiveDate, Loan)> =
            changes.map(|on| (on, replay(&agreement, &plan.events(on)).loan)).collect();
        states.dedup_by_key(|(on, _)| *on);
        for (index, (from, loan)) in states.iter().enumerate() {
            let until = states.get(index + 1).map_or(today, |(next, _)| *next);
            // In the night of this day the loan ceases to accrue: a line of its own.
            let stops_on =
                loan.oldest_unpaid_due_on().map(|due| due + Days::new(loan.agreement.terms.non_accrual_days.into()));
            let mut before = position(loan, *from);
            for clock in from.iter_days().take_while(|clock| *clock < until) {
                let after = position(loan, clock + Days::new(1));
                let change = difference(&after, &before);
                before = after;
                let alone = (stops_on == Some(clock)).then_some(*loan_id);
                let place = (plan.branch, plan.product, alone);
                let night = sums.entry(clock).or_default().entry(place).or_insert_with(|| Night {
                    branch_id: branches[plan.branch],
                    product_id: product_id(plan.product),
                    currency,
                    loan_id: alone,
                    receivable: Amount::ZERO,
                    unearned: Amount::ZERO,
                    memo: Amount::ZERO,
                });
                night.receivable += change.of(Slot::InterestReceivable);
                night.unearned += -change.of(Slot::Unearned);
                night.memo += change.of(Slot::NonAccrualMemo);
            }
        }
    }
    Ok(sums.into_iter().map(|(clock, nights)| (clock, nights.into_values().collect())).collect())
}
