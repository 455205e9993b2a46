//! The approvals that a batch has in memory: those that it decides, each locked, and those that it files.

use std::collections::HashSet;

use db::caller::Scope;
use db::fault::Fault;
use db::shelf::Rows;
use db::tx::{Tx, Writing};
use uuid::Uuid;

use crate::approvals::{Approval, NewApproval};
use crate::store_approvals;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApprovalShelf {
    approvals: Rows<Approval>,
    held: HashSet<Uuid>,
    /// Which scope sees which approval.
    visible: HashSet<(Uuid, Scope)>,
    filed: Vec<NewApproval>,
}

impl ApprovalShelf {
    /// Locks the approvals that commands decide, each within its caller's scope, and reads them.
    pub async fn take(tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<ApprovalShelf, Fault> {
        let mut shelf = ApprovalShelf::default();
        if wanted.is_empty() {
            return Ok(shelf);
        }
        let (held, placed) = store_approvals::approvals_for_update(tx, wanted).await?;
        shelf.held = held;
        for (approval, ancestors) in placed {
            let sees = wanted.iter().filter(|(id, scope)| *id == approval.id && ancestors.contains(&scope.branch_id));
            shelf.visible.extend(sees.copied());
            shelf.approvals.load(approval.id, approval);
        }
        Ok(shelf)
    }

    /// For decisions that are tried without a database: approvals that this scope sees.
    pub fn of(approvals: Vec<Approval>, scope: Scope) -> ApprovalShelf {
        let mut shelf = ApprovalShelf::default();
        for approval in approvals {
            shelf.held.insert(approval.id);
            shelf.visible.insert((approval.id, scope));
            shelf.approvals.load(approval.id, approval);
        }
        shelf
    }

    /// Whether another transaction has locked any row that is seen here.
    pub fn misses_some(&self) -> bool {
        self.visible.iter().any(|(id, _)| !self.held.contains(id))
    }

    /// Whether the approval is there for this scope and another transaction has locked it.
    pub fn is_locked_elsewhere(&self, id: Uuid, scope: Scope) -> bool {
        self.visible.contains(&(id, scope)) && !self.held.contains(&id)
    }

    /// An approval that the scope sees.
    pub fn find(&self, id: Uuid, scope: &Scope) -> Option<&Approval> {
        self.approvals.get(id).filter(|_| self.visible.contains(&(id, *scope)))
    }

    /// The same, to be changed.
    pub fn change(&mut self, id: Uuid) -> Result<&mut Approval, Fault> {
        self.approvals.change(id).ok_or_else(|| Fault::Invariant(format!("the approval {id} is not on the shelf")))
    }

    /// Files a command that is held.
    pub fn file(&mut self, approval: NewApproval) {
        self.filed.push(approval);
    }

    pub fn keep(&mut self) {
        self.approvals.keep();
    }

    pub fn fall_back(&mut self) {
        self.approvals.fall_back();
    }

    /// The statements that save what was filed and decided.
    pub fn put_back(&self, tx: &Tx) -> Vec<Writing> {
        let decided: Vec<&Approval> = self.approvals.changed().into_iter().map(|(_, approval)| approval).collect();
        let filed = store_approvals::approvals_insert(tx.now, &self.filed);
        filed.into_iter().chain(store_approvals::approvals_decided(&decided)).collect()
    }
}
