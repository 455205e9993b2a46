//! Users: who may sign in, with which roles, in which branches.
//!
//! An administrator manages the users of the own branches and gives any role there, also with permissions that the
//! administrator lacks: one who moves no money must be able to make officers who do. What nobody changes is the own roles.
//! A password is never here, only its hash, and that only on its way into the table.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use uuid::Uuid;

use crate::error::AccessError;
use crate::password::PasswordHash;
use crate::store;

pub(crate) use crate::record::ChangedUser;
pub use crate::record::{Known, User};

/// The codes of roles in order, each once.
pub(crate) fn in_order(roles: &[String]) -> Vec<String> {
    let mut roles = roles.to_vec();
    roles.sort();
    roles.dedup();
    roles
}

/// Makes a user whose password works at once.
#[derive(Debug, Clone)]
pub struct CreateUser {
    pub id: Uuid,
    /// In lower case.
    pub username: String,
    pub password_hash: PasswordHash,
    pub name: String,
    pub roles: Vec<String>,
    pub branch_id: Uuid,
    pub staff_id: Option<Uuid>,
    pub own_portfolio: bool,
}

impl SlicedCommand for CreateUser {
    type Done = User;

    fn about(&self) -> About {
        About {
            claims: vec![Claim::of("id", &self.id.to_string()), Claim::of("username", &self.username)],
            ..About::of("user.create")
        }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let usernames: Vec<&str> = asked.iter().map(|asked| asked.command.username.as_str()).collect();
        let branches: Vec<Uuid> = asked.iter().map(|asked| asked.command.branch_id).collect();
        let staff: Vec<Uuid> = asked.iter().filter_map(|asked| asked.command.staff_id).collect();
        let roles: Vec<&str> = asked.iter().flat_map(|asked| &asked.command.roles).map(String::as_str).collect();
        let mut taken = store::users_taken(tx, &ids, &usernames).await?;
        let known = store::known(tx, &branches, &staff, &roles).await?;
        let mut created = Vec::new();
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            match decide_create(command, &taken, &known, &caller.scope, tx.now) {
                Ok(user) => {
                    taken.push((user.id, user.username.clone()));
                    created.push((user.clone(), Some(command.password_hash.clone())));
                    outcomes.push(Outcome::Done(user));
                }
                Err(refused) => outcomes.push(Outcome::refused(refused)),
            }
        }
        store::users_insert(tx, &created).await?;
        Ok(outcomes)
    }
}

fn decide_create(
    command: &CreateUser,
    taken: &[(Uuid, String)],
    known: &Known,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<User, AccessError> {
    let user = User {
        id: command.id,
        username: command.username.clone(),
        name: command.name.clone(),
        roles: in_order(&command.roles),
        branch_id: command.branch_id,
        staff_id: command.staff_id,
        own_portfolio: command.own_portfolio,
        active: true,
        integration: None,
        created_at: now,
        version: 1,
    };
    known.check(&user, &command.roles, scope)?;
    if user.own_portfolio && user.staff_id.is_none() {
        return Err(AccessError::PortfolioWithoutStaff);
    }
    if taken.iter().any(|(id, _)| *id == user.id) {
        return Err(AccessError::IdTaken(user.id));
    }
    if taken.iter().any(|(_, username)| *username == user.username) {
        return Err(AccessError::UsernameTaken);
    }
    Ok(user)
}

/// Changes what is given. The inner `None` of `staff_id` takes the member of staff away.
#[derive(Debug, Clone)]
pub struct ChangeUser {
    pub id: Uuid,
    pub seen_version: i64,
    pub name: Option<String>,
    pub active: Option<bool>,
    pub roles: Option<Vec<String>>,
    pub password_hash: Option<PasswordHash>,
    pub branch_id: Option<Uuid>,
    pub staff_id: Option<Option<Uuid>>,
    pub own_portfolio: Option<bool>,
    pub end_sessions: bool,
}

impl SlicedCommand for ChangeUser {
    type Done = User;

    fn about(&self) -> About {
        About { rows: vec![self.id], subject: Some(self.id), ..About::of("user.change") }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let seekers: Vec<(Uuid, Uuid)> =
            asked.iter().map(|asked| (asked.command.id, asked.caller.scope.branch_id)).collect();
        let locked = store::users_lock(tx, &seekers).await?;
        let (visible, mut users) = store::users_by_ids(tx, &seekers).await?;
        // After the locks: a sign-in that held a row while we waited is older than this, and so ends with the sessions.
        let now = db::clock::now();
        let mut branches: Vec<Uuid> = asked.iter().filter_map(|asked| asked.command.branch_id).collect();
        branches.extend(users.values().map(|user| user.branch_id));
        let staff: Vec<Uuid> = asked.iter().filter_map(|asked| asked.command.staff_id.flatten()).collect();
        let roles: Vec<&str> =
            asked.iter().filter_map(|asked| asked.command.roles.as_ref()).flatten().map(String::as_str).collect();
        let known = store::known(tx, &branches, &staff, &roles).await?;
        let mut changes: HashMap<Uuid, ChangedUser> = HashMap::new();
        let mut outcomes = Vec::new();
        for (Asked { caller, command, .. }, seeker) in asked.iter().zip(&seekers) {
            let Some(user) = users.get_mut(&command.id).filter(|_| visible.contains(seeker)) else {
                outcomes.push(Outcome::Absent);
                continue;
            };
            if !locked.contains(&command.id) {
                outcomes.push(Outcome::Busy { dragged: false });
                continue;
            }
            match decide_change(command, user, &known, caller.user_id, &caller.scope, now) {
                Ok(changed) => {
                    *user = changed.user.clone();
                    outcomes.push(Outcome::Done(changed.user.clone()));
                    merge(&mut changes, changed);
                }
                Err(refused) => outcomes.push(Outcome::refused(refused)),
            }
        }
        let changes: Vec<ChangedUser> = changes.into_values().collect();
        store::users_update(tx, &changes).await?;
        Ok(outcomes)
    }
}

/// A second change to a user in one batch keeps the password and the end of sessions of the first.
fn merge(changes: &mut HashMap<Uuid, ChangedUser>, changed: ChangedUser) {
    match changes.get_mut(&changed.user.id) {
        None => {
            changes.insert(changed.user.id, changed);
        }
        Some(before) => {
            before.user = changed.user;
            before.password_hash = changed.password_hash.or(before.password_hash.take());
            before.sessions_from = changed.sessions_from.or(before.sessions_from);
        }
    }
}

fn decide_change(
    command: &ChangeUser,
    before: &User,
    known: &Known,
    changed_by: Uuid,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<ChangedUser, AccessError> {
    if command.seen_version != before.version {
        return Err(AccessError::Stale);
    }
    let roles = command.roles.as_ref().unwrap_or(&before.roles);
    let user = User {
        name: command.name.clone().unwrap_or_else(|| before.name.clone()),
        roles: in_order(roles),
        branch_id: command.branch_id.unwrap_or(before.branch_id),
        staff_id: command.staff_id.unwrap_or(before.staff_id),
        own_portfolio: command.own_portfolio.unwrap_or(before.own_portfolio),
        active: command.active.unwrap_or(before.active),
        version: before.version + 1,
        ..before.clone()
    };
    if before.id == changed_by {
        refuse_own(before, &user)?;
    }
    if command.password_hash.is_some() && user.integration.is_some() {
        return Err(AccessError::IntegrationHasNoPassword);
    }
    // Only what changes is looked at: a user whose member of staff has left can still be disabled.
    let given = User { staff_id: user.staff_id.filter(|_| user.staff_id != before.staff_id), ..user.clone() };
    known.check(&given, command.roles.as_deref().unwrap_or_default(), scope)?;
    if user.own_portfolio && user.staff_id.is_none() {
        return Err(AccessError::PortfolioWithoutStaff);
    }
    let ends = command.end_sessions || command.password_hash.is_some() || !user.active;
    Ok(ChangedUser { user, password_hash: command.password_hash.clone(), sessions_from: ends.then_some(now) })
}

/// What would let a user grant to themselves, pass as another person, or lock the institution out.
fn refuse_own(before: &User, after: &User) -> Result<(), AccessError> {
    if after.roles != before.roles {
        return Err(AccessError::OwnRoles);
    }
    if after.staff_id != before.staff_id {
        return Err(AccessError::OwnStaff);
    }
    if !after.active {
        return Err(AccessError::OwnUser);
    }
    Ok(())
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
