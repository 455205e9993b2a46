//! What one does with loans, as the desk takes it: what a command needs, and its decision.

use clients::shelf::ClientShelf;
use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use ledger::sheet::DaySheet;
use uuid::Uuid;

use crate::record::{Applied, LoanSummary, Recorded};
use crate::shelf::LoanShelf;
use crate::touch::LoanTouch;

/// What a decision about loans may hold. Clients lie below loans: they are lent to read.
#[derive(Debug)]
pub struct AtLoans<'a> {
    pub loans: &'a mut LoanShelf,
    pub clients: &'a ClientShelf,
    pub sheet: &'a mut DaySheet,
}

/// What a command did to a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoanDone {
    Applied(Box<Applied>),
    /// An application came to its end, and no loan of it.
    Ended(Box<LoanSummary>),
    Recorded(Box<Recorded>),
}

pub trait LoanAction {
    fn about(&self) -> About;

    fn touch(&self, scope: Scope) -> LoanTouch<'_>;

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone>;
}

/// What a lane needs to know of a command on one loan.
pub(crate) fn about_loan(operation: &'static str, loan_id: Uuid) -> About {
    About { rows: vec![loan_id], subject: Some(loan_id), ..About::of(operation) }
}
