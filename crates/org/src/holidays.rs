//! Holidays: days off, of one branch or of all.

use chrono::{DateTime, NaiveDate, Utc};
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use uuid::Uuid;

use crate::error::OrgError;
use crate::store;

pub use crate::record::Holiday;

#[derive(Debug, Clone)]
pub struct DeclareHoliday {
    pub id: Uuid,
    pub held_on: NaiveDate,
    pub name: String,
    pub branch_id: Option<Uuid>,
}

impl SlicedCommand for DeclareHoliday {
    type Done = Holiday;

    fn about(&self) -> About {
        About {
            claims: {
                let place = self.branch_id.unwrap_or_default();
                vec![Claim::of("id", &self.id.to_string()), Claim::of("holiday", &format!("{place}/{}", self.held_on))]
            },
            ..About::of("holiday.declare")
        }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let days: Vec<NaiveDate> = asked.iter().map(|asked| asked.command.held_on).collect();
        let mut known = store::holidays_by_ids_or_days(tx, &ids, &days).await?;
        let branches = store::branches_all(tx).await?;
        let before = known.len();
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            let absent = command
                .branch_id
                .is_some_and(|id| !branches.iter().any(|branch| branch.id == id && branch.is_in(&caller.scope)));
            let same_day = |held: &Holiday| (held.held_on, held.branch_id) == (command.held_on, command.branch_id);
            let refused = if absent {
                Some(OrgError::BranchNotFound { pointer: "/branch_id" })
            } else if known.iter().any(|held| held.id == command.id) {
                Some(OrgError::IdTaken(command.id))
            } else if known.iter().any(same_day) {
                Some(OrgError::HolidayTaken)
            } else {
                None
            };
            outcomes.push(match refused {
                Some(refused) => Outcome::refused(refused),
                None => {
                    let holiday = declared(command, tx.now);
                    known.push(holiday.clone());
                    Outcome::Done(holiday)
                }
            });
        }
        store::holidays_insert(tx, &known[before..]).await?;
        Ok(outcomes)
    }
}

fn declared(command: &DeclareHoliday, now: DateTime<Utc>) -> Holiday {
    Holiday {
        id: command.id,
        held_on: command.held_on,
        name: command.name.clone(),
        branch_id: command.branch_id,
        created_at: now,
    }
}
