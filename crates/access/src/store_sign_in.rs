//! The tables of signing in: failures, refresh tokens, and users as a sign-in needs them.

use chrono::{DateTime, Utc};
use db::fault::Fault;
use db::keys::Claim;
use db::tx::{Row, Tx};
use uuid::Uuid;

use crate::password::PasswordHash;
use crate::record::SignInUser;
use crate::refresh::RefreshToken;

/// When a subject failed since an instant, newest first, at most so many.
pub async fn failures_newest(
    tx: &Tx,
    subject: Uuid,
    since: DateTime<Utc>,
    most: usize,
) -> Result<Vec<DateTime<Utc>>, Fault> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = tx
        .query(
            "select failed_at from sign_in_failure where subject = $1 and failed_at > $2 order by failed_at desc limit $3",
            &[&subject, &since, &most],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("failed_at")).collect())
}

/// Records a failure of each subject, and removes a few of the oldest rows that no longer count: more than come in. Only one
/// removes at a time, and never rows that `failures_clear` removes, so that nobody waits for another.
pub async fn failures_insert(tx: &Tx, subjects: &[Uuid], counted_since: DateTime<Utc>) -> Result<(), Fault> {
    let removing = tx.lock_number(Claim::of("sign_in_failure", "removing"));
    tx.execute(
        "with removing as materialized (select pg_try_advisory_xact_lock($4) as alone),
         removed as (
             delete from sign_in_failure where id in (
                 select oldest.id from (select id, failed_at from sign_in_failure order by id limit 20) oldest, removing
                 where alone and failed_at <= $3))
         insert into sign_in_failure (failed_at, subject) select $1, unnest($2::uuid[])",
        &[&tx.now, &subjects, &counted_since, &removing],
    )
    .await?;
    Ok(())
}

/// Forgets the failures of a subject that still count.
pub async fn failures_clear(tx: &Tx, subject: Uuid, counted_since: DateTime<Utc>) -> Result<(), Fault> {
    tx.execute("delete from sign_in_failure where subject = $1 and failed_at > $2", &[&subject, &counted_since])
        .await?;
    Ok(())
}

pub async fn find_user_by_username(tx: &Tx, username: &str) -> Result<Option<SignInUser>, Fault> {
    let row = tx
        .query_opt(
            "select id, password_hash, active, integration, sessions_from from app_user where username = $1",
            &[&username],
        )
        .await?;
    Ok(row.as_ref().map(user_of_row))
}

/// The user, held until the session is written: who changes the user waits, and then ends the new session too.
pub async fn user_to_sign_in(tx: &Tx, id: Uuid) -> Result<Option<SignInUser>, Fault> {
    let row = tx
        .query_opt(
            "select id, password_hash, active, integration, sessions_from from app_user where id = $1 for share",
            &[&id],
        )
        .await?;
    Ok(row.as_ref().map(user_of_row))
}

fn user_of_row(row: &Row) -> SignInUser {
    SignInUser {
        id: row.get("id"),
        password_hash: row.get::<_, Option<String>>("password_hash").map(PasswordHash::of_stored),
        active: row.get("active"),
        integration: row.get("integration"),
        sessions_from: row.get("sessions_from"),
    }
}

/// The digest of the secret, and as which user the client acts.
pub async fn find_client(tx: &Tx, client_id: &str) -> Result<Option<(String, Uuid)>, Fault> {
    let row = tx.query_opt("select secret_hash, user_id from api_client where client_id = $1", &[&client_id]).await?;
    Ok(row.map(|row| (row.get("secret_hash"), row.get("user_id"))))
}

/// Waits until nobody else holds this value, until the end of the transaction.
pub async fn lock_alone(tx: &Tx, claim: Claim) -> Result<(), Fault> {
    tx.query("select pg_advisory_xact_lock($1)", &[&tx.lock_number(claim)]).await?;
    Ok(())
}

pub async fn find_family(tx: &Tx, id: Uuid) -> Result<Option<Uuid>, Fault> {
    let row = tx.query_opt("select family from refresh_token where id = $1", &[&id]).await?;
    Ok(row.map(|row| row.get("family")))
}

pub async fn refresh_token_by_id(tx: &Tx, id: Uuid) -> Result<RefreshToken, Fault> {
    let row = tx
        .query_one(
            "select id, family, user_id, issued_at, expires_at, replaced_at, revoked_at from refresh_token where id = $1",
            &[&id],
        )
        .await?;
    Ok(RefreshToken {
        id: row.get("id"),
        family: row.get("family"),
        user_id: row.get("user_id"),
        issued_at: row.get("issued_at"),
        expires_at: row.get("expires_at"),
        replaced_at: row.get("replaced_at"),
        revoked_at: row.get("revoked_at"),
    })
}

pub async fn refresh_token_insert(tx: &Tx, token: &RefreshToken) -> Result<(), Fault> {
    tx.execute(
        "insert into refresh_token (id, family, user_id, issued_at, expires_at) values ($1, $2, $3, $4, $5)",
        &[&token.id, &token.family, &token.user_id, &token.issued_at, &token.expires_at],
    )
    .await?;
    Ok(())
}

pub async fn refresh_token_replaced(tx: &Tx, id: Uuid) -> Result<(), Fault> {
    tx.execute("update refresh_token set replaced_at = $2 where id = $1", &[&id, &tx.now]).await?;
    Ok(())
}

pub async fn family_revoke(tx: &Tx, family: Uuid) -> Result<(), Fault> {
    tx.execute(
        "update refresh_token set revoked_at = $2 where family = $1 and revoked_at is null",
        &[&family, &tx.now],
    )
    .await?;
    Ok(())
}
