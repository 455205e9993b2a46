//! Staff: people who work for the institution. A loan officer is a member of staff who owns clients and loans.

use chrono::{DateTime, Utc};
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use uuid::Uuid;

use crate::branches::Branch;
use crate::error::OrgError;
use crate::numbers::{self, Sequence};
use crate::store;

pub use crate::record::Staff;

/// Takes a person on the staff.
#[derive(Debug, Clone)]
pub struct EmployStaff {
    pub id: Uuid,
    /// None: the next free one.
    pub number: Option<String>,
    pub name: String,
    pub branch_id: Uuid,
}

impl SlicedCommand for EmployStaff {
    type Done = Staff;

    fn about(&self) -> About {
        About {
            claims: {
                let number = self.number.iter().map(|number| Claim::of("staff.number", number));
                std::iter::once(Claim::of("id", &self.id.to_string())).chain(number).collect()
            },
            ..About::of("staff.employ")
        }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let made = numbers::draw(tx, Sequence::Staff, asked.len()).await?;
        let number = |index: usize| asked[index].command.number.as_ref().unwrap_or(&made[index]);
        let numbers: Vec<&str> = (0..asked.len()).map(|index| number(index).as_str()).collect();
        let mut known = store::staff_by_ids_or_numbers(tx, &ids, &numbers).await?;
        let branches = store::branches_all(tx).await?;
        let before = known.len();
        let mut outcomes = Vec::new();
        for (Asked { caller, command, .. }, number) in asked.iter().zip(&numbers) {
            let visible = |branch: &&Branch| branch.id == command.branch_id && branch.is_in(&caller.scope);
            let decision = match branches.iter().find(visible) {
                None => Err(OrgError::BranchNotFound { pointer: "/branch_id" }),
                Some(_) if known.iter().any(|staff| staff.id == command.id) => Err(OrgError::IdTaken(command.id)),
                Some(_) if known.iter().any(|staff| staff.number == *number) => {
                    Err(OrgError::StaffNumberTaken((*number).to_owned()))
                }
                Some(_) => Ok(employed(command, number, tx.now)),
            };
            outcomes.push(match decision {
                Ok(staff) => {
                    known.push(staff.clone());
                    Outcome::Done(staff)
                }
                Err(refused) => Outcome::refused(refused),
            });
        }
        store::staff_insert(tx, &known[before..]).await?;
        Ok(outcomes)
    }
}

fn employed(command: &EmployStaff, number: &str, now: DateTime<Utc>) -> Staff {
    Staff {
        id: command.id,
        number: number.to_owned(),
        name: command.name.clone(),
        branch_id: command.branch_id,
        active: true,
        created_at: now,
        version: 1,
    }
}
