//! Branches: a tree below one head office. A branch is never deleted, because journal lines name it.

use chrono::{DateTime, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use uuid::Uuid;

use crate::error::OrgError;
use crate::store;

pub use crate::record::Branch;

/// Opens a branch below another.
#[derive(Debug, Clone)]
pub struct OpenBranch {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    /// None: the head office.
    pub parent_id: Option<Uuid>,
}

impl SlicedCommand for OpenBranch {
    type Done = Branch;

    fn about(&self) -> About {
        About {
            claims: vec![Claim::of("id", &self.id.to_string()), Claim::of("branch.code", &self.code)],
            ..About::of("branch.open")
        }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let mut branches = store::branches_all(tx).await?;
        let mut opened = Vec::new();
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            match decide(command, &branches, &caller.scope, tx.now) {
                Ok(branch) => {
                    branches.push(branch.clone());
                    opened.push(branch.clone());
                    outcomes.push(Outcome::Done(branch));
                }
                Err(refused) => outcomes.push(Outcome::refused(refused)),
            }
        }
        store::branches_insert(tx, &opened).await?;
        Ok(outcomes)
    }
}

fn decide(command: &OpenBranch, branches: &[Branch], scope: &Scope, now: DateTime<Utc>) -> Result<Branch, OrgError> {
    if branches.iter().any(|branch| branch.id == command.id) {
        return Err(OrgError::IdTaken(command.id));
    }
    if branches.iter().any(|branch| branch.code == command.code) {
        return Err(OrgError::BranchCodeTaken(command.code.clone()));
    }
    let is_parent = |branch: &Branch| command.parent_id.map_or(branch.parent_id.is_none(), |id| branch.id == id);
    let parent = branches
        .iter()
        .find(|branch| is_parent(branch) && branch.is_in(scope))
        .ok_or(OrgError::BranchNotFound { pointer: "/parent_id" })?;
    let mut ancestors = parent.ancestors.clone();
    ancestors.push(command.id);
    Ok(Branch {
        id: command.id,
        code: command.code.clone(),
        name: command.name.clone(),
        parent_id: Some(parent.id),
        ancestors,
        created_at: now,
        version: 1,
    })
}
