//! The tables of users, roles, API clients and signing keys.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tokio_postgres::Client;
use db::tx::{Locking, Row, Tx};
use uuid::Uuid;

use crate::password::PasswordHash;
use crate::record::{ApiClient, ChangedUser, Known, Role, User};
use kernel::permission::Permission;

/// What exists of the branches, active members of staff and roles that commands name.
pub async fn known(tx: &Tx, branches: &[Uuid], staff: &[Uuid], roles: &[&str]) -> Result<Known, Fault> {
    let branches = tx.query("select id, ancestors from branch where id = any($1)", &[&branches]).await?;
    let staff = tx
        .query(
            "select staff.id, ancestors from staff join branch on branch.id = staff.branch_id
             where staff.id = any($1) and staff.active",
            &[&staff],
        )
        .await?;
    let ancestors = |row: &Row| (row.get("id"), row.get("ancestors"));
    Ok(Known {
        branches: branches.iter().map(ancestors).collect(),
        staff: staff.iter().map(ancestors).collect(),
        roles: role_codes_known(tx, roles).await?,
    })
}

pub async fn role_codes_known(tx: &Tx, codes: &[&str]) -> Result<HashSet<String>, Fault> {
    let rows = tx.query("select code from role where code = any($1)", &[&codes]).await?;
    Ok(rows.iter().map(|row| row.get("code")).collect())
}

/// All roles by code; there are tens at most.
pub async fn roles_all(tx: &Tx) -> Result<Vec<Role>, Fault> {
    let rows = tx.query("select code, name, permissions, created_at, version from role order by code", &[]).await?;
    Ok(rows.iter().map(role_of_row).collect())
}

fn role_of_row(row: &Row) -> Role {
    // A permission that this program no longer knows grants nothing, and is not shown.
    let permissions: Vec<String> = row.get("permissions");
    let known = permissions.iter().filter_map(|permission| permission.parse::<Permission>().ok());
    Role {
        code: row.get("code"),
        name: row.get("name"),
        permissions: known.collect(),
        created_at: row.get("created_at"),
        version: row.get("version"),
    }
}

pub async fn roles_insert(tx: &Tx, roles: &[Role]) -> Result<(), Fault> {
    for role in roles {
        let permissions: Vec<&str> = role.permissions.iter().map(|permission| permission.as_str()).collect();
        tx.execute(
            "insert into role (code, name, permissions, created_at) values ($1, $2, $3, $4)",
            &[&role.code, &role.name, &permissions, &role.created_at],
        )
        .await?;
    }
    Ok(())
}

/// Users that have one of these ids or names.
pub async fn users_taken(tx: &Tx, ids: &[Uuid], usernames: &[&str]) -> Result<Vec<(Uuid, String)>, Fault> {
    let rows = tx
        .query("select id, username from app_user where id = any($1) or username = any($2)", &[&ids, &usernames])
        .await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("username"))).collect())
}

/// New users with their roles; one without a password hash has no password.
pub async fn users_insert(tx: &Tx, users: &[(User, Option<PasswordHash>)]) -> Result<(), Fault> {
    if users.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = users.iter().map(|(user, _)| user.id).collect();
    let usernames: Vec<&str> = users.iter().map(|(user, _)| user.username.as_str()).collect();
    let names: Vec<&str> = users.iter().map(|(user, _)| user.name.as_str()).collect();
    let hashes: Vec<Option<&str>> = users.iter().map(|(_, hash)| hash.as_ref().map(PasswordHash::as_str)).collect();
    let branches: Vec<Uuid> = users.iter().map(|(user, _)| user.branch_id).collect();
    let staff: Vec<Option<Uuid>> = users.iter().map(|(user, _)| user.staff_id).collect();
    let portfolios: Vec<bool> = users.iter().map(|(user, _)| user.own_portfolio).collect();
    let integrations: Vec<Option<&str>> = users.iter().map(|(user, _)| user.integration.as_deref()).collect();
    tx.execute(
        "insert into app_user (created_at, sessions_from, id, username, name, password_hash, branch_id, staff_id, own_portfolio, integration)
         select $1, $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::boolean[], $9::text[])",
        &[&tx.now, &ids, &usernames, &names, &hashes, &branches, &staff, &portfolios, &integrations],
    )
    .await?;
    user_roles_insert(tx, users.iter().map(|(user, _)| user)).await
}

async fn user_roles_insert(tx: &Tx, users: impl Iterator<Item = &User>) -> Result<(), Fault> {
    let (ids, codes): (Vec<Uuid>, Vec<&str>) =
        users.flat_map(|user| user.roles.iter().map(|code| (user.id, code.as_str()))).unzip();
    tx.execute(
        "insert into user_role (user_id, role_code) select * from unnest($1::uuid[], $2::text[])",
        &[&ids, &codes],
    )
    .await?;
    Ok(())
}

/// Locks users, each as seen by one who asks for it: (user, branch of the scope). Gives those that were obtained.
pub(crate) async fn users_lock(tx: &Tx, seekers: &[(Uuid, Uuid)]) -> Result<HashSet<Uuid>, Fault> {
    let (ids, scopes): (Vec<Uuid>, Vec<Uuid>) = seekers.iter().copied().unzip();
    let rows = match tx.locking {
        Locking::None => return Ok(ids.into_iter().collect()),
        Locking::Skip => tx.query(LOCK_OR_SKIP, &[&ids, &scopes]).await?,
        Locking::Wait => tx.query(LOCK, &[&ids, &scopes]).await?,
    };
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

const LOCK_OR_SKIP: &str = "select app_user.id from app_user join branch on branch.id = app_user.branch_id
     where app_user.id = any($1) and exists (
         select from unnest($1::uuid[], $2::uuid[]) as seeker (id, scope) where seeker.id = app_user.id and scope = any(branch.ancestors))
     order by app_user.id for no key update of app_user skip locked";
const LOCK: &str = "select app_user.id from app_user join branch on branch.id = app_user.branch_id
     where app_user.id = any($1) and exists (
         select from unnest($1::uuid[], $2::uuid[]) as seeker (id, scope) where seeker.id = app_user.id and scope = any(branch.ancestors))
     order by app_user.id for no key update of app_user";

/// Users, and which seeker (user, branch of the scope) sees its user.
pub(crate) async fn users_by_ids(
    tx: &Tx,
    seekers: &[(Uuid, Uuid)],
) -> Result<(HashSet<(Uuid, Uuid)>, HashMap<Uuid, User>), Fault> {
    let (ids, scopes): (Vec<Uuid>, Vec<Uuid>) = seekers.iter().copied().unzip();
    let rows = tx
        .query(
            "select seeker.scope, app_user.id, username, app_user.name, app_user.branch_id, staff_id, own_portfolio, active, integration,
                    app_user.created_at, app_user.version,
                    array(select role_code from user_role where user_id = app_user.id order by role_code) as roles
             from unnest($1::uuid[], $2::uuid[]) as seeker (id, scope)
             join app_user on app_user.id = seeker.id join branch on branch.id = app_user.branch_id
             where seeker.scope = any(branch.ancestors)",
            &[&ids, &scopes],
        )
        .await?;
    let visible = rows.iter().map(|row| (row.get("id"), row.get("scope"))).collect();
    let users = rows.iter().map(user_of_row).map(|user| (user.id, user)).collect();
    Ok((visible, users))
}

/// A user that a scope covers.
pub async fn find_user(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Option<User>, Fault> {
    let (_, mut users) = users_by_ids(tx, &[(id, scope.branch_id)]).await?;
    Ok(users.remove(&id))
}

/// Users that a scope covers, newest first, of a branch with all below it where one is asked.
pub async fn users_page(
    tx: &Tx,
    scope: &Scope,
    branch_id: Option<Uuid>,
    active: Option<bool>,
    page: &Page,
) -> Result<Rows<User>, Fault> {
    let rows = tx
        .query(
            "select app_user.id, username, app_user.name, app_user.branch_id, staff_id, own_portfolio, active, integration,
                    app_user.created_at, app_user.version,
                    array(select role_code from user_role where user_id = app_user.id order by role_code) as roles
             from app_user join branch on branch.id = app_user.branch_id
             where $1 = any(branch.ancestors) and ($2::uuid is null or $2 = any(branch.ancestors))
               and ($3::boolean is null or active = $3)
               and ($4::timestamptz is null or (app_user.created_at, app_user.id) < ($4, $5::uuid))
             order by app_user.created_at desc, app_user.id desc limit $6",
            &[&scope.branch_id, &branch_id, &active, &page.after_at(), &page.after_id(), &page.fetch()],
        )
        .await?;
    Ok(page.rows(rows.iter().map(user_of_row).collect(), |user: &User| Position { at: user.created_at, id: user.id }))
}

fn user_of_row(row: &Row) -> User {
    User {
        id: row.get("id"),
        username: row.get("username"),
        name: row.get("name"),
        roles: row.get("roles"),
        branch_id: row.get("branch_id"),
        staff_id: row.get("staff_id"),
        own_portfolio: row.get("own_portfolio"),
        active: row.get("active"),
        integration: row.get("integration"),
        created_at: row.get("created_at"),
        version: row.get("version"),
    }
}

/// Writes changed users, which are locked, with their roles.
pub(crate) async fn users_update(tx: &Tx, changed: &[ChangedUser]) -> Result<(), Fault> {
    if changed.is_empty() {
        return Ok(());
    }
    let users = || changed.iter().map(|changed| &changed.user);
    let ids: Vec<Uuid> = users().map(|user| user.id).collect();
    let names: Vec<&str> = users().map(|user| user.name.as_str()).collect();
    let branches: Vec<Uuid> = users().map(|user| user.branch_id).collect();
    let staff: Vec<Option<Uuid>> = users().map(|user| user.staff_id).collect();
    let portfolios: Vec<bool> = users().map(|user| user.own_portfolio).collect();
    let actives: Vec<bool> = users().map(|user| user.active).collect();
    let versions: Vec<i64> = users().map(|user| user.version).collect();
    let hashes: Vec<Option<&str>> =
        changed.iter().map(|changed| changed.password_hash.as_ref().map(PasswordHash::as_str)).collect();
    let sessions: Vec<Option<DateTime<Utc>>> = changed.iter().map(|changed| changed.sessions_from).collect();
    tx.execute(
        "update app_user set name = changed.name, branch_id = changed.branch_id, staff_id = changed.staff_id,
             own_portfolio = changed.own_portfolio, active = changed.active, version = changed.version,
             password_hash = coalesce(changed.password_hash, app_user.password_hash),
             sessions_from = greatest(changed.sessions_from, app_user.sessions_from)
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::boolean[], $6::boolean[], $7::bigint[], $8::text[], $9::timestamptz[])
             as changed (id, name, branch_id, staff_id, own_portfolio, active, version, password_hash, sessions_from)
         where app_user.id = changed.id",
        &[&ids, &names, &branches, &staff, &portfolios, &actives, &versions, &hashes, &sessions],
    )
    .await?;
    tx.execute("delete from user_role where user_id = any($1)", &[&ids]).await?;
    user_roles_insert(tx, users()).await
}

/// For each name of an integration the ancestors of the branches of its users.
pub async fn integrations_by_names(tx: &Tx, names: &[&str]) -> Result<HashMap<String, Vec<Vec<Uuid>>>, Fault> {
    let rows = tx
        .query(
            "select integration, ancestors from app_user join branch on branch.id = app_user.branch_id where integration = any($1)",
            &[&names],
        )
        .await?;
    let mut integrations: HashMap<String, Vec<Vec<Uuid>>> = HashMap::new();
    for row in &rows {
        integrations.entry(row.get("integration")).or_default().push(row.get("ancestors"));
    }
    Ok(integrations)
}

/// New clients, each with the digest of its secret.
pub async fn api_clients_insert(tx: &Tx, clients: &[(ApiClient, String)]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = clients.iter().map(|(client, _)| client.id).collect();
    let client_ids: Vec<&str> = clients.iter().map(|(client, _)| client.client_id.as_str()).collect();
    let hashes: Vec<&str> = clients.iter().map(|(_, hash)| hash.as_str()).collect();
    let users: Vec<Uuid> = clients.iter().map(|(client, _)| client.user_id).collect();
    tx.execute(
        "insert into api_client (created_at, id, client_id, secret_hash, user_id)
         select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[])",
        &[&tx.now, &ids, &client_ids, &hashes, &users],
    )
    .await?;
    Ok(())
}

/// Clients whose users a scope covers, newest first.
pub async fn api_clients_page(tx: &Tx, scope: &Scope, page: &Page) -> Result<Rows<ApiClient>, Fault> {
    let rows = tx
        .query(
            "select api_client.id, client_id, app_user.name, user_id, app_user.branch_id, active, api_client.created_at,
                    array(select role_code from user_role where user_id = app_user.id order by role_code) as roles
             from api_client join app_user on app_user.id = user_id join branch on branch.id = app_user.branch_id
             where $1 = any(branch.ancestors)
               and ($2::timestamptz is null or (api_client.created_at, api_client.id) < ($2, $3::uuid))
             order by api_client.created_at desc, api_client.id desc limit $4",
            &[&scope.branch_id, &page.after_at(), &page.after_id(), &page.fetch()],
        )
        .await?;
    let clients = rows.iter().map(api_client_of_row).collect();
    Ok(page.rows(clients, |client: &ApiClient| Position { at: client.created_at, id: client.id }))
}

fn api_client_of_row(row: &Row) -> ApiClient {
    ApiClient {
        id: row.get("id"),
        client_id: row.get("client_id"),
        name: row.get("name"),
        user_id: row.get("user_id"),
        roles: row.get("roles"),
        branch_id: row.get("branch_id"),
        active: row.get("active"),
        created_at: row.get("created_at"),
    }
}

/// The signing keys, newest first: (id, private).
pub async fn signing_keys(tx: &Tx) -> Result<Vec<(Uuid, Vec<u8>)>, Fault> {
    let rows = tx.query("select id, private_key from signing_key order by created_at desc, id desc", &[]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("private_key"))).collect())
}

/// Writes a signing key where there is none. Two at once wait for each other: a second key would sign tokens that a server
/// which started between the two does not know.
pub async fn signing_key_ensure(client: &Client, id: Uuid, private: &[u8], public: &[u8]) -> Result<(), Fault> {
    client.batch_execute("select pg_advisory_lock(4280659503)").await?;
    client
        .execute(
            "insert into signing_key (id, private_key, public_key, created_at)
             select $1, $2, $3, now() where not exists (select from signing_key)",
            &[&id, &private, &public],
        )
        .await?;
    client.batch_execute("select pg_advisory_unlock(4280659503)").await?;
    Ok(())
}

pub(crate) async fn password_hashes(tx: &Tx, usernames: &[&str]) -> Result<Vec<(String, PasswordHash)>, Fault> {
    let sql = "select username, password_hash from app_user
               where active and password_hash is not null and username = any($1) order by username";
    let rows = tx.query(sql, &[&usernames]).await?;
    Ok(rows.iter().map(|row| (row.get("username"), PasswordHash::of_stored(row.get("password_hash")))).collect())
}
