//! The commands about loans: one list.

use crate::action::LoanAction;
use crate::actions::apply::Apply;
use crate::actions::approve::Approve;
use crate::actions::disburse::Disburse;
use crate::actions::end_application::EndApplication;
use crate::actions::renegotiate::Renegotiate;
use crate::actions::repay::Repay;
use crate::actions::reverse::Reverse;

#[derive(Debug, Clone)]
pub enum LoanCommand {
    Apply(Apply),
    Approve(Approve),
    EndApplication(EndApplication),
    Disburse(Disburse),
    Repay(Repay),
    Reverse(Reverse),
    Renegotiate(Renegotiate),
}

impl LoanCommand {
    pub fn action(&self) -> &dyn LoanAction {
        match self {
            LoanCommand::Apply(command) => command,
            LoanCommand::Approve(command) => command,
            LoanCommand::EndApplication(command) => command,
            LoanCommand::Disburse(command) => command,
            LoanCommand::Repay(command) => command,
            LoanCommand::Reverse(command) => command,
            LoanCommand::Renegotiate(command) => command,
        }
    }
}
