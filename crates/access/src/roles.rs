//! Roles: named sets of permissions, one list for the whole institution.
//!
//! Deliberately absent: a change to a role that exists. A user who could change a role of their own would grant to
//! themselves; a new role is made and given instead.

use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;

use crate::error::AccessError;
use crate::store;
use kernel::permission::Permission;

pub use crate::record::Role;

/// Makes a role.
#[derive(Debug, Clone)]
pub struct CreateRole {
    pub code: String,
    pub name: String,
    pub permissions: Vec<Permission>,
}

impl SlicedCommand for CreateRole {
    type Done = Role;

    fn about(&self) -> About {
        About { claims: vec![Claim::of("role.code", &self.code)], ..About::of("role.create") }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let codes: Vec<&str> = asked.iter().map(|asked| asked.command.code.as_str()).collect();
        let mut taken = store::role_codes_known(tx, &codes).await?;
        let mut created = Vec::new();
        let mut outcomes = Vec::new();
        for Asked { command, .. } in asked {
            if taken.insert(command.code.clone()) {
                let role = Role::new(&command.code, &command.name, &command.permissions, tx.now);
                created.push(role.clone());
                outcomes.push(Outcome::Done(role));
            } else {
                outcomes.push(Outcome::refused(AccessError::RoleCodeTaken(command.code.clone())));
            }
        }
        store::roles_insert(tx, &created).await?;
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn permissions_stand_in_order_and_once() {
        let given = [Permission::LoanRead, Permission::BranchRead, Permission::LoanRead];
        let role = Role::new("r", "R", &given, DateTime::UNIX_EPOCH);
        assert_eq!(role.permissions, [Permission::BranchRead, Permission::LoanRead]);
    }
}
