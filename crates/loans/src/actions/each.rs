//! A slice of commands, one after the other: what every action on a loan does with what it has loaded.

use db::caller::Caller;
use db::fault::Fault;
use db::lane::{Asked, Outcome};
use uuid::Uuid;

use crate::actions::record::{NotRecorded, Recording};
use crate::error::LoanError;

/// Decides each command in order, so that the second on a loan sees the first. One whose loan is absent, out of scope or in
/// other hands, and one that is refused, touches no other; a fault fails the slice.
pub(crate) fn decide_each<C, Done>(
    recording: &mut Recording,
    asked: &[Asked<'_, C>],
    loan_id: impl Fn(&C) -> Uuid,
    mut decide: impl FnMut(&mut Recording, &Caller, &C) -> Result<Done, NotRecorded>,
) -> Result<Vec<Outcome<Done, LoanError>>, Fault> {
    asked
        .iter()
        .map(|Asked { caller, command, .. }| match recording.loans.get_mut(loan_id(command), &caller.scope) {
            Err(outcome) => Ok(outcome),
            Ok(_) => outcome(decide(recording, caller, command)),
        })
        .collect()
}

/// The outcome of an attempt; a fault fails the batch.
pub(crate) fn outcome<Done>(attempt: Result<Done, NotRecorded>) -> Result<Outcome<Done, LoanError>, Fault> {
    match attempt {
        Ok(done) => Ok(Outcome::Done(done)),
        Err(NotRecorded::Absent) => Ok(Outcome::Absent),
        Err(NotRecorded::Denied(denied)) => Ok(Outcome::Denied(denied)),
        Err(NotRecorded::Refused(error)) => Ok(Outcome::Refused(error)),
        Err(NotRecorded::Fault(fault)) => Err(fault),
    }
}
