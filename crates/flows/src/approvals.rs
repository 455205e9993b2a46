//! A second person approves or rejects a command that was held.
//!
//! An approval is a transaction of its own: the row is locked, the rule of the second person checked, and the command decided again on
//! today's state by the function that held it. What is refused stays pending: it may be possible tomorrow.

use access::approvals::{Approval, Locked, Verdict, approval_decided, approval_for_update, decidable};
use access::error::AccessError;
use access::permission::Permission;
use chrono::NaiveDate;
use db::caller::{Caller, Denied};
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::Tx;
use kernel::refusal::{Kind, Refusal};
use ledger::approvals::Order;
use ledger::error::LedgerError;
use ledger::manual::{self, PostManualEntry};
use ledger::periods::{self, ReopenPeriod};
use ledger::reversal::{self, ReverseEntry};
use uuid::Uuid;

/// Approves or rejects.
#[derive(Debug, Clone)]
pub struct DecideApproval {
    pub id: Uuid,
    pub verdict: Verdict,
    /// None: as it stands.
    pub seen_version: Option<i64>,
    pub foreseen: Foreseen,
}

/// What a held command needs before it runs: gates and unique values are taken before its row can be read. It is read ahead of the
/// transaction, which may be done because a held command never changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreseen {
    rows: Vec<Uuid>,
    claims: Vec<Claim>,
    books_into: Option<NaiveDate>,
}

/// The commands that may be held.
#[derive(Debug)]
enum HeldCommand {
    PostManualEntry(PostManualEntry),
    ReverseEntry(ReverseEntry),
    ReopenPeriod(ReopenPeriod),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    #[error(transparent)]
    Access(AccessError),
    #[error(transparent)]
    Ledger(LedgerError),
}

impl Refusal for DecisionError {
    fn code(&self) -> &'static str {
        match self {
            DecisionError::Access(error) => error.code(),
            DecisionError::Ledger(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            DecisionError::Access(error) => error.kind(),
            DecisionError::Ledger(error) => error.kind(),
        }
    }

    // The places in the held command are no places in the body of the decision.
    fn pointer(&self) -> Option<String> {
        None
    }
}

impl Foreseen {
    pub fn of(approval: &Approval) -> Result<Foreseen, Fault> {
        Ok(match HeldCommand::of(approval)? {
            HeldCommand::PostManualEntry(command) => Foreseen::of_command(&command),
            HeldCommand::ReverseEntry(command) => Foreseen::of_command(&command),
            HeldCommand::ReopenPeriod(command) => Foreseen::of_command(&command),
        })
    }

    fn of_command<C: Command>(command: &C) -> Foreseen {
        Foreseen { rows: command.rows(), claims: command.claims(), books_into: command.books_into() }
    }
}

impl HeldCommand {
    fn of(approval: &Approval) -> Result<HeldCommand, Fault> {
        let command = approval.command.clone();
        let read = match approval.operation.as_str() {
            PostManualEntry::OPERATION => serde_json::from_value(command).map(HeldCommand::PostManualEntry),
            ReverseEntry::OPERATION => serde_json::from_value(command).map(HeldCommand::ReverseEntry),
            ReopenPeriod::OPERATION => serde_json::from_value(command).map(HeldCommand::ReopenPeriod),
            other => return Err(Fault::Invariant(format!("the approval {} holds a command {other}", approval.id))),
        };
        read.map_err(|error| Fault::Invariant(format!("the approval {} can not be read: {error}", approval.id)))
    }

    /// What the second person must be allowed to do.
    fn permission(&self) -> Permission {
        match self {
            HeldCommand::PostManualEntry(_) | HeldCommand::ReverseEntry(_) => Permission::JournalApprove,
            HeldCommand::ReopenPeriod(_) => Permission::PeriodManage,
        }
    }

    /// Carries it out. Gives the record that it made, where it made one.
    async fn carry_out(
        &self,
        tx: &Tx,
        caller: &Caller,
        approval: &Approval,
    ) -> Result<Outcome<Option<Uuid>, LedgerError>, Fault> {
        let (scope, user_id) = (caller.scope, approval.maker.user_id);
        match self {
            HeldCommand::PostManualEntry(command) => {
                let outcomes = manual::carry_out(tx, &[Order { command, scope, user_id, approved: true }]).await?;
                Ok(only(outcomes, |entry| Some(entry.head.id)))
            }
            HeldCommand::ReverseEntry(command) => {
                let outcomes = reversal::carry_out(tx, &[Order { command, scope, user_id, approved: true }]).await?;
                Ok(only(outcomes, |entry| Some(entry.head.id)))
            }
            HeldCommand::ReopenPeriod(command) => {
                let outcomes = periods::reopen(tx, &[Order { command, scope, user_id, approved: true }]).await?;
                Ok(only(outcomes, |_| None))
            }
        }
    }
}

/// The one outcome of a slice of one.
fn only<Done, Refused>(
    outcomes: Vec<Outcome<Done, Refused>>,
    result: impl Fn(Done) -> Option<Uuid>,
) -> Outcome<Option<Uuid>, Refused> {
    match outcomes.into_iter().next() {
        Some(Outcome::Done(done)) => Outcome::Done(result(done)),
        Some(Outcome::Refused(refused)) => Outcome::Refused(refused),
        Some(Outcome::Held(held)) => Outcome::Held(held),
        Some(Outcome::Busy) => Outcome::Busy,
        Some(Outcome::Denied(denied)) => Outcome::Denied(denied),
        Some(Outcome::Absent) | None => Outcome::Absent,
    }
}

impl Command for DecideApproval {
    type Done = Approval;
    type Refused = DecisionError;
    const OPERATION: &'static str = "approval.decide";

    fn rows(&self) -> Vec<Uuid> {
        std::iter::once(self.id).chain(self.foreseen.rows.iter().copied()).collect()
    }

    fn claims(&self) -> Vec<Claim> {
        self.foreseen.claims.clone()
    }

    fn books_into(&self) -> Option<NaiveDate> {
        self.foreseen.books_into
    }

    fn subject(&self) -> Option<Uuid> {
        Some(self.id)
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            outcomes.push(decide(tx, caller, command).await?);
        }
        Ok(outcomes)
    }
}

async fn decide(tx: &Tx, caller: &Caller, command: &DecideApproval) -> Result<OutcomeOf<DecideApproval>, Fault> {
    let approval = match approval_for_update(tx, command.id, &caller.scope).await? {
        Locked::Here(approval) => approval,
        Locked::Busy => return Ok(Outcome::Busy),
        Locked::Absent => return Ok(Outcome::Absent),
    };
    let held = HeldCommand::of(&approval)?;
    let permission = held.permission().as_str();
    if !caller.may(permission) {
        return Ok(Outcome::Denied(Denied::Lacks(permission)));
    }
    let seen_version = command.seen_version.unwrap_or(approval.version);
    if let Err(refused) = decidable(&approval, caller, seen_version, tx.now) {
        return Ok(Outcome::Refused(DecisionError::Access(refused)));
    }
    if command.verdict == Verdict::Rejected {
        let decided = approval_decided(tx, &approval, Verdict::Rejected, caller.user_id, None).await?;
        return Ok(Outcome::Done(decided));
    }
    if command.foreseen != Foreseen::of(&approval)? {
        // It came into being between the look ahead and the lock: its gates are not held.
        return Ok(Outcome::Busy);
    }
    Ok(match held.carry_out(tx, caller, &approval).await? {
        Outcome::Done(result_id) => {
            Outcome::Done(approval_decided(tx, &approval, Verdict::Approved, caller.user_id, result_id).await?)
        }
        Outcome::Refused(refused) => Outcome::Refused(DecisionError::Ledger(refused)),
        Outcome::Busy => Outcome::Busy,
        Outcome::Absent => Outcome::Absent,
        Outcome::Denied(denied) => Outcome::Denied(denied),
        Outcome::Held(_) => {
            return Err(Fault::Invariant(format!("the approval {} was approved and held again", approval.id)));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::approvals::Maker;
    use chrono::DateTime;
    use serde_json::json;

    fn approval(operation: &str, command: serde_json::Value) -> Approval {
        Approval {
            id: Uuid::from_u128(1),
            operation: operation.into(),
            command,
            summary: String::new(),
            branch_id: Uuid::from_u128(2),
            maker: Maker { user_id: Uuid::from_u128(3), staff_id: None, name: "Wanjiru".into() },
            asked_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
            decided: None,
            version: 1,
        }
    }

    #[test]
    fn a_held_command_says_what_it_needs_and_who_may_decide() {
        let entry = Uuid::from_u128(9);
        let post = json!({"id": entry, "booked_on": "2026-02-28", "value_on": "2026-02-28", "branch_id": entry,
            "description": "Rent", "currency": "KES", "lines": [{"account": "1040", "branch_id": null, "debit": 5, "credit": null}]});
        let reverse = json!({"entry_id": entry, "id": Uuid::from_u128(8), "description": null});
        let cases = [
            ("journal.post", post, Permission::JournalApprove, Some("2026-02-28"), 0),
            ("journal.reverse", reverse, Permission::JournalApprove, None, 1),
            ("period.reopen", json!({"month": "2026-01-01"}), Permission::PeriodManage, None, 0),
        ];
        for (operation, command, permission, day, rows) in cases {
            let approval = approval(operation, command);
            assert_eq!(HeldCommand::of(&approval).unwrap().permission(), permission, "{operation}");
            let foreseen = Foreseen::of(&approval).unwrap();
            assert_eq!(foreseen.books_into, day.map(|day| day.parse().unwrap()), "{operation}");
            assert_eq!(foreseen.rows.len(), rows, "{operation}");
            assert!(!foreseen.claims.is_empty(), "{operation}");
        }
    }

    #[test]
    fn an_unknown_command_is_a_fault() {
        assert!(Foreseen::of(&approval("loan.dance", json!({}))).is_err());
        assert!(Foreseen::of(&approval("journal.post", json!({}))).is_err());
    }
}
