//! Staff: people who work for the institution. A loan officer is a member of staff who owns clients and loans.

use chrono::{DateTime, Utc};
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::Tx;
use uuid::Uuid;

use crate::branches::Branch;
use crate::error::OrgError;
use crate::store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    pub id: Uuid,
    pub number: String,
    pub name: String,
    pub branch_id: Uuid,
    pub active: bool,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

/// Takes a person on the staff.
#[derive(Debug, Clone)]
pub struct EmployStaff {
    pub id: Uuid,
    pub number: String,
    pub name: String,
    pub branch_id: Uuid,
}

impl Command for EmployStaff {
    type Done = Staff;
    type Refused = OrgError;
    const OPERATION: &'static str = "staff.employ";

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::of("id", &self.id.to_string()), Claim::of("staff.number", &self.number)]
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let numbers: Vec<&str> = asked.iter().map(|asked| asked.command.number.as_str()).collect();
        let mut known = store::staff_by_ids_or_numbers(tx, &ids, &numbers).await?;
        let branches = store::branches_all(tx).await?;
        let before = known.len();
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            let visible = |branch: &&Branch| branch.id == command.branch_id && branch.is_in(&caller.scope);
            let decision = match branches.iter().find(visible) {
                None => Err(OrgError::BranchNotFound { pointer: "/branch_id" }),
                Some(_) if known.iter().any(|staff| staff.id == command.id) => Err(OrgError::IdTaken(command.id)),
                Some(_) if known.iter().any(|staff| staff.number == command.number) => {
                    Err(OrgError::StaffNumberTaken(command.number.clone()))
                }
                Some(_) => Ok(employed(command, tx.now)),
            };
            outcomes.push(match decision {
                Ok(staff) => {
                    known.push(staff.clone());
                    Outcome::Done(staff)
                }
                Err(refused) => Outcome::Refused(refused),
            });
        }
        store::staff_insert(tx, &known[before..]).await?;
        Ok(outcomes)
    }
}

fn employed(command: &EmployStaff, now: DateTime<Utc>) -> Staff {
    Staff {
        id: command.id,
        number: command.number.clone(),
        name: command.name.clone(),
        branch_id: command.branch_id,
        active: true,
        created_at: now,
        version: 1,
    }
}
