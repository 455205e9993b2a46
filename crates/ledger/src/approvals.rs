//! Commands of the ledger that wait for a second person, and how they come back.
//!
//! A command is held as it was asked. Approving it is a transaction of its own, which decides again on the state of that day:
//! `flows` reads the row, and hands the command as an [`Order`] to the same function that carried it out the first time.

use chrono::{DateTime, Duration, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::lane::{Asked, Held, Outcome};
use db::tx::Tx;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::books::Books;
use crate::draft::Draft;
use crate::error::LedgerError;
use crate::journal::Entry;
use crate::post::post;
use crate::store;

/// How long a held command waits; as `access::approvals` has it.
pub const EXPIRES_AFTER: Duration = Duration::days(14);

/// A row of `approval`.
#[derive(Debug, Clone)]
pub struct NewApproval {
    pub id: Uuid,
    pub operation: &'static str,
    pub command: Value,
    /// One line that the second person reads.
    pub summary: String,
    /// Who decides has this branch in scope.
    pub branch_id: Uuid,
    pub maker_id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// A command with who asks for it, whether it comes from its maker or from the approval.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a, C> {
    pub command: &'a C,
    /// What the one who asks, or approves, may see.
    pub scope: Scope,
    /// The maker: whose work the entry is.
    pub user_id: Uuid,
    /// A second person has agreed.
    pub approved: bool,
}

impl<'a, C> Order<'a, C> {
    /// As the makers ask.
    pub(crate) fn of_makers(asked: &'a [Asked<'_, C>]) -> Vec<Order<'a, C>> {
        Order::of(asked, false)
    }

    /// As if a second person had agreed already.
    pub(crate) fn as_if_approved(asked: &'a [Asked<'_, C>]) -> Vec<Order<'a, C>> {
        Order::of(asked, true)
    }

    fn of(asked: &'a [Asked<'_, C>], approved: bool) -> Vec<Order<'a, C>> {
        let order = |asked: &'a Asked<'_, C>| Order {
            command: asked.command,
            scope: asked.caller.scope,
            user_id: asked.caller.user_id,
            approved,
        };
        asked.iter().map(order).collect()
    }
}

/// What was decided on a slice of orders: the answers, and what is to be written for them.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    drafts: Vec<Draft>,
    approvals: Vec<NewApproval>,
    pub outcomes: Vec<Outcome<Entry, LedgerError>>,
}

impl Decisions {
    pub fn hold(&mut self, approval: NewApproval) {
        self.outcomes.push(Outcome::Held(approval.held()));
        self.approvals.push(approval);
    }

    pub fn book(&mut self, draft: Draft, books: &Books, tx: &Tx) -> Result<(), Fault> {
        self.outcomes.push(Outcome::Done(Entry::of_draft(&draft, books, tx.now)?));
        self.drafts.push(draft);
        Ok(())
    }

    pub async fn write(self, tx: &Tx) -> Result<Vec<Outcome<Entry, LedgerError>>, Fault> {
        store::approvals_insert(tx, &self.approvals).await?;
        post(tx, &self.drafts).await?;
        Ok(self.outcomes)
    }
}

impl NewApproval {
    pub(crate) fn of<C: Serialize>(
        tx: &Tx,
        operation: &'static str,
        command: &C,
        summary: String,
        branch_id: Uuid,
        maker_id: Uuid,
    ) -> Result<NewApproval, Fault> {
        let command = serde_json::to_value(command)
            .map_err(|error| Fault::Invariant(format!("{operation} can not be kept for approval: {error}")))?;
        let expires_at = tx.now + EXPIRES_AFTER;
        Ok(NewApproval { id: tx.new_id(), operation, command, summary, branch_id, maker_id, expires_at })
    }

    pub(crate) fn held(&self) -> Held {
        Held { approval_id: self.id, expires_at: self.expires_at }
    }
}

/// The lowest branch above all of these: whoever decides sees every branch that the command touches. `ways` lead from the head
/// office down.
pub(crate) fn common_branch<'a>(mut ways: impl Iterator<Item = &'a [Uuid]>) -> Option<Uuid> {
    let mut common = ways.next()?;
    for way in ways {
        let shared = common.iter().zip(way).take_while(|(one, other)| one == other).count();
        common = common.get(..shared)?;
    }
    common.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_branch_is_the_lowest_above_all() {
        let [head, north, east, town] = [1, 2, 3, 4].map(Uuid::from_u128);
        let cases: [(&[&[Uuid]], Option<Uuid>); 4] = [
            (&[&[head, north, town]], Some(town)),
            (&[&[head, north, town], &[head, north]], Some(north)),
            (&[&[head, north, town], &[head, east]], Some(head)),
            (&[], None),
        ];
        for (ways, expect) in cases {
            assert_eq!(common_branch(ways.iter().copied()), expect);
        }
    }
}
