//! Users, roles and API clients, as decisions and the store know them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use db::caller::Scope;
use kernel::permission::Permission;
use uuid::Uuid;

use crate::error::AccessError;
use crate::password::PasswordHash;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: Uuid,
    /// In lower case.
    pub username: String,
    pub name: String,
    /// Sorted codes.
    pub roles: Vec<String>,
    pub branch_id: Uuid,
    pub staff_id: Option<Uuid>,
    /// Sees only clients and loans of the own staff record.
    pub own_portfolio: bool,
    pub active: bool,
    /// The name of the integration whose API clients act as this user.
    pub integration: Option<String>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

/// The records that commands name, as far as they exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The ancestors of branches.
    pub branches: HashMap<Uuid, Vec<Uuid>>,
    /// The ancestors of the branches of active members of staff.
    pub staff: HashMap<Uuid, Vec<Uuid>>,
    pub roles: HashSet<String>,
}

impl Known {
    /// Whether what a user is given exists and is visible to who gives it.
    pub(crate) fn check(&self, user: &User, roles: &[String], scope: &Scope) -> Result<(), AccessError> {
        let visible = |ancestors: Option<&Vec<Uuid>>| ancestors.is_some_and(|ids| ids.contains(&scope.branch_id));
        if !visible(self.branches.get(&user.branch_id)) {
            return Err(AccessError::BranchNotFound);
        }
        if user.staff_id.is_some_and(|id| !visible(self.staff.get(&id))) {
            return Err(AccessError::StaffNotFound);
        }
        match roles.iter().position(|code| !self.roles.contains(code)) {
            Some(index) => Err(AccessError::RoleNotFound { index, code: roles[index].clone() }),
            None => Ok(()),
        }
    }
}

/// A user as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedUser {
    pub user: User,
    pub password_hash: Option<PasswordHash>,
    /// Tokens from before this instant are no longer taken.
    pub sessions_from: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiClient {
    pub id: Uuid,
    pub client_id: String,
    /// Of the integration.
    pub name: String,
    pub user_id: Uuid,
    pub roles: Vec<String>,
    pub branch_id: Uuid,
    pub active: bool,
    pub created_at: DateTime<Utc>,
}

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

/// A user as a sign-in needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInUser {
    pub id: Uuid,
    /// None: an integration, which has no password.
    pub password_hash: Option<PasswordHash>,
    pub active: bool,
    pub integration: Option<String>,
    pub sessions_from: DateTime<Utc>,
}

/// The space of the names of integrations.
const INTEGRATIONS: Uuid = Uuid::from_u128(0x0d3e_7f16_2c8b_4f0e_8f5a_b1c9_4e62_7d02);

impl SignInUser {
    /// The space of the idempotency keys: the user's own, or the one that all API clients of an integration share.
    pub(crate) fn namespace(&self) -> Uuid {
        self.integration.as_ref().map_or(self.id, |name| Uuid::new_v5(&INTEGRATIONS, name.as_bytes()))
    }

    /// Whether the user may sign in with what was checked a moment ago.
    pub(crate) fn is_still(&self, seen: &SignInUser) -> bool {
        self.active && self.password_hash == seen.password_hash
    }
}
