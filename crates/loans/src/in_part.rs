//! A loan held in part: with the instalments that what is asked of it can touch, and no others.
//!
//! A repayment touches an instalment or two, and a loan has fifty; reading all of them was half of what a repayment cost. Sums
//! that run over all instalments stand in the loan, and what came before an instalment stands in the instalment; so two kinds
//! may be left out:
//! - settled ones that are due by the first day that is asked about ([`LoanInstalment::may_be_omitted`]);
//! - those behind the next few ([`HELD`]), where the money that comes ends before them ([`suffices`]). Where it does not, the
//!   loan is read again to its end.

use chrono::NaiveDate;
use kernel::amount::Amount;

use crate::loan::{Loan, LoanInstalment, Part};
use crate::payoff::payoff;
use crate::terms::Walk;

/// How many instalments are held: one in arrears, the running one and two ahead. Most payments end among them.
pub const HELD: i64 = 4;

impl LoanInstalment {
    /// Whether a state may be held without this instalment when it serves only events valued, and clocks, from `from`
    /// on.
    pub fn may_be_omitted(&self, from: NaiveDate) -> bool {
        self.settled_on.is_some() && self.promised.due_on <= from
    }
}

/// Whether a loan that is held without the instalments behind the next few takes these payments (value date, amount), one after
/// the other, as the whole loan would, and says the same of itself at any clock up to `until`.
///
/// It does if no payment reaches the payoff, which settles every instalment; and if what is held of the instalments that fall due
/// after `until` takes all of the money and something of it remains unpaid: then no part of any payment looks for a place behind
/// them, whatever the order of allocation, and the instalment that runs at `until` is among those held.
pub fn suffices(loan: &Loan, payments: &[(NaiveDate, Amount)], until: NaiveDate) -> bool {
    let is_held_to_its_end = loan.matures_on == loan.instalments.last().map(|last| last.promised.due_on);
    if is_held_to_its_end || loan.settled.is_some() {
        return true;
    }
    let money: Amount = payments.iter().map(|(_, amount)| *amount).sum();
    let ahead = || loan.instalments.iter().filter(|instalment| instalment.promised.due_on > until);
    let places = |part: Part| ahead().map(|instalment| instalment.outstanding(part)).sum::<Amount>();
    let (principal, interest) = (places(Part::Principal), places(Part::Interest));
    let room = match loan.agreement.terms.allocation.walk {
        Walk::ByInstalment => principal + interest,
        Walk::ByPart if loan.interest.is_zero() => principal,
        Walk::ByPart => principal.min(interest),
    };
    money < room && payments.iter().all(|(on, _)| money < payoff(loan, *on).total())
}
