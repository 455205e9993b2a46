//! Who asks: the claim of a token, and what the database grants to it now.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use kernel::permission::Permission;
use uuid::Uuid;

use crate::fault::Fault;
use crate::tx::{Row, Tx};

/// What a valid token says. It grants nothing by itself: grants are read with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user_id: Uuid,
    /// The space of the user's idempotency keys: the user, or the integration that it belongs to.
    pub namespace: Uuid,
    pub signed_in_at: DateTime<Utc>,
    pub request_id: Uuid,
}

/// What a user may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: Uuid,
    pub staff_id: Option<Uuid>,
    pub scope: Scope,
    pub request_id: Uuid,
    /// Shared by the commands that one user has in a batch.
    pub granted: Arc<Granted>,
}

/// What stands beside a user's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub username: String,
    pub name: String,
    pub permissions: BTreeSet<Permission>,
    pub roles: Vec<String>,
    active: bool,
    sessions_from: DateTime<Utc>,
}

/// The part of the institution that a user sees: a branch with all below it, or only an own portfolio there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    pub branch_id: Uuid,
    pub officer_id: Option<Uuid>,
}

/// Why a request may not be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The user is gone, disabled, or signed in before all sessions were ended.
    SignInAgain,
    /// The user lacks this permission.
    Lacks(Permission),
}

impl Granted {
    /// Of an active user whose sessions all count; for decisions that are tried without a database.
    pub fn all(name: &str, permissions: BTreeSet<Permission>) -> Granted {
        let (username, name) = (name.to_owned(), name.to_owned());
        let sessions_from = DateTime::UNIX_EPOCH;
        Granted { username, name, permissions, roles: Vec::new(), active: true, sessions_from }
    }
}

/// The user of what nobody asked for: the system itself.
pub const SYSTEM: Uuid = Uuid::nil();

impl Caller {
    pub fn may(&self, permission: Permission) -> bool {
        self.granted.permissions.contains(&permission)
    }

    /// Whether a user is the same person: persons are compared by their staff record, over all their users; a user without one counts
    /// as itself.
    pub fn is_same_person(&self, user_id: Uuid, staff_id: Option<Uuid>) -> bool {
        self.user_id == user_id || (self.staff_id.is_some() && self.staff_id == staff_id)
    }

    /// The same caller, who may do this as well.
    pub fn granting(self, permission: Permission) -> Caller {
        let mut granted = (*self.granted).clone();
        granted.permissions.insert(permission);
        Caller { granted: Arc::new(granted), ..self }
    }

    fn of_row(row: &Row) -> Caller {
        let staff_id: Option<Uuid> = row.get("staff_id");
        let own_portfolio: bool = row.get("own_portfolio");
        // A user with an own portfolio but no staff record owns nothing, and so sees nothing.
        let officer_id = own_portfolio.then(|| staff_id.unwrap_or(Uuid::nil()));
        let granted = Granted {
            username: row.get("username"),
            name: row.get("name"),
            // A permission that this program no longer knows grants nothing.
            permissions: row.get::<_, Vec<String>>("permissions").iter().filter_map(|text| text.parse().ok()).collect(),
            roles: row.get("roles"),
            active: row.get("active"),
            sessions_from: row.get("sessions_from"),
        };
        Caller {
            user_id: row.get("id"),
            staff_id,
            scope: Scope { branch_id: row.get("branch_id"), officer_id },
            request_id: Uuid::nil(),
            granted: Arc::new(granted),
        }
    }
}

pub(crate) const CALLERS_BY_IDS: &str =
    "select app_user.id, username, app_user.name, staff_id, own_portfolio, branch_id, active, sessions_from,
            coalesce(granted.permissions, '{}') as permissions, coalesce(granted.roles, '{}') as roles
     from app_user
     left join lateral (
         select array_agg(distinct permission) filter (where permission is not null) as permissions, array_agg(distinct role.code) as roles
         from user_role join role on role.code = user_role.role_code left join unnest(role.permissions) as permission on true
         where user_role.user_id = app_user.id) granted on true
     where app_user.id = any($1)";

/// The users of a batch, in one statement.
pub async fn callers_by_ids(tx: &Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Caller>, Fault> {
    let rows = tx.query(CALLERS_BY_IDS, &[&ids]).await?;
    Ok(rows.iter().map(Caller::of_row).map(|caller| (caller.user_id, caller)).collect())
}

/// The caller of one request: known, active, signed in since sessions count, and holding the permissions that are asked.
pub fn admit(actor: &Actor, known: &HashMap<Uuid, Caller>, permissions: &[Permission]) -> Result<Caller, Denied> {
    let caller = known.get(&actor.user_id).ok_or(Denied::SignInAgain)?;
    if !caller.granted.active || actor.signed_in_at < caller.granted.sessions_from {
        return Err(Denied::SignInAgain);
    }
    match permissions.iter().find(|permission| !caller.may(**permission)) {
        Some(permission) => Err(Denied::Lacks(*permission)),
        None => Ok(Caller { request_id: actor.request_id, ..caller.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_member_of_staff_whatever_the_user() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let caller = |(user_id, staff_id): (Uuid, Option<Uuid>)| Caller {
            user_id,
            staff_id,
            scope: Scope { branch_id: Uuid::nil(), officer_id: None },
            request_id: Uuid::nil(),
            granted: Arc::new(Granted::all("one", BTreeSet::new())),
        };
        let (staff, colleague) = (Some(Uuid::from_u128(8)), Some(Uuid::from_u128(9)));
        let cases = [
            ("one user", (one, None), (one, None), true),
            ("one user, whose staff was taken away since", (one, None), (one, staff), true),
            ("two users of one member of staff", (one, staff), (other, staff), true),
            ("two members of staff", (one, staff), (other, colleague), false),
            ("two users without staff", (one, None), (other, None), false),
            ("with and without", (one, staff), (other, None), false),
        ];
        for (name, a, b, expected) in cases {
            for (caller, other) in [(caller(a), b), (caller(b), a)] {
                assert_eq!(caller.is_same_person(other.0, other.1), expected, "{name}");
            }
        }
    }
}
