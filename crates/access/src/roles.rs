//! Roles: named sets of permissions, one list for the whole institution.
//!
//! Deliberately absent: a change to a role that exists. Whoever could change a role that they have would grant to
//! themselves; a new role is made and given instead.

use chrono::{DateTime, Utc};
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Command, Outcome};
use db::tx::Tx;
use uuid::Uuid;

use crate::error::AccessError;
use crate::store;
use kernel::permission::Permission;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub code: String,
    pub name: String,
    /// Sorted, each once.
    pub permissions: Vec<Permission>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl Role {
    pub fn new(code: &str, name: &str, permissions: &[Permission], now: DateTime<Utc>) -> Role {
        let mut permissions = permissions.to_vec();
        permissions.sort_by_key(|permission| permission.as_str());
        permissions.dedup();
        Role { code: code.to_owned(), name: name.to_owned(), permissions, created_at: now, version: 1 }
    }

    /// Roles are named by their code; audit rows name records by an id.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("role {}", self.code).as_bytes())
    }
}

/// Makes a role.
#[derive(Debug, Clone)]
pub struct CreateRole {
    pub code: String,
    pub name: String,
    pub permissions: Vec<Permission>,
}

impl Command for CreateRole {
    type Done = Role;
    const LANE: &'static str = "office";

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

    #[test]
    fn permissions_stand_in_order_and_once() {
        let given = [Permission::LoanRead, Permission::BranchRead, Permission::LoanRead];
        let role = Role::new("r", "R", &given, DateTime::UNIX_EPOCH);
        assert_eq!(role.permissions, [Permission::BranchRead, Permission::LoanRead]);
    }
}
