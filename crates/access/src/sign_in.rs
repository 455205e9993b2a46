//! Signing in: a password, a refresh token or the credentials of an API client for an access token.
//!
//! It is no command of a lane: nobody is signed in yet, and it repeats by itself. Invariants: a wrong password and an unknown
//! name take the same time and read the same; who is throttled is not checked; a user row that changes meanwhile (password,
//! disabled, sessions ended) is seen, because it is read again under a lock in the transaction that opens the session.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use db::fault::Fault;
use db::keys::Claim;
use db::pool::Pool;
use db::tx::Tx;
use secrecy::SecretString;
use uuid::Uuid;

use crate::api_clients;
use crate::password::{PasswordFault, Turn};
use crate::record::SignInUser;
use crate::refresh::{self, Decision, RefreshToken};
use crate::store_sign_in as store;
use crate::throttle::{self, Subjects};
use crate::tokens::{self, Tokens};

/// What is shown to sign in.
#[derive(Debug)]
pub enum Grant {
    Password { username: String, password: SecretString },
    Refresh { token: SecretString },
    Client { client_id: String, secret: SecretString },
}

/// A session that was opened or continued.
#[derive(Debug)]
pub struct Session {
    pub access_token: SecretString,
    /// None: API clients sign in anew with their credentials.
    pub refresh_token: Option<SecretString>,
    pub expires_in: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Too many failures of this account or from this address.
    #[error("too many failed sign-ins: wait {wait_seconds} seconds, then try again")]
    Throttled { wait_seconds: u32 },
    #[error(
        "the name or the secret is wrong, or this account may not sign in: check both, or ask an administrator to set a new password"
    )]
    WrongCredentials,
    #[error("this refresh token is not valid any more: sign in again")]
    RefreshRefused,
    /// Reads as `RefreshRefused`: one who holds a stolen token learns nothing.
    #[error("this refresh token is not valid any more: sign in again")]
    RefreshReused { user_id: Uuid },
    #[error(transparent)]
    Password(#[from] PasswordFault),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<getrandom::Error> for SignInError {
    fn from(error: getrandom::Error) -> Self {
        SignInError::Password(error.into())
    }
}

/// Opens or continues a session, on a task of its own: a caller who hangs up early must neither escape the count of failures
/// nor leave a transaction open.
pub async fn sign_in(
    pool: &Pool,
    tokens: &Tokens,
    grant: Grant,
    address: Option<IpAddr>,
) -> Result<Session, SignInError> {
    let (pool, tokens) = (pool.clone(), tokens.clone());
    let task = tokio::spawn(async move {
        match grant {
            Grant::Password { username, password } => by_password(&pool, &tokens, &username, password, address).await,
            Grant::Refresh { token } => by_refresh_token(&pool, &tokens, token).await,
            Grant::Client { client_id, secret } => by_client(&pool, &tokens, &client_id, secret, address).await,
        }
    });
    task.await.unwrap_or_else(|_| Err(Fault::Panic("a sign-in was broken off".into()).into()))
}

async fn by_password(
    pool: &Pool,
    tokens: &Tokens,
    username: &str,
    password: SecretString,
    address: Option<IpAddr>,
) -> Result<Session, SignInError> {
    let subjects = Subjects::of(username, address);
    // The failures are read within the turn: those who wait for theirs do not all pass on the count of one instant.
    let turn = Turn::wait().await?;
    let reading = Tx::begin_reading(pool).await?;
    refuse_throttled(&reading, &subjects).await?;
    let seen = store::find_user_by_username(&reading, &username.to_lowercase()).await?;
    drop(reading);
    let hash = seen.as_ref().and_then(|user| user.password_hash.as_ref());
    let right = turn.is_right(&password, hash).await?;
    let tx = Tx::begin_long(pool).await?;
    let user = match &seen {
        Some(seen) if right => store::user_to_sign_in(&tx, seen.id).await?.filter(|user| user.is_still(seen)),
        _ => None,
    };
    let Some(user) = user else { return failed(tx, &subjects).await };
    store::failures_clear(&tx, subjects.account, tx.now - throttle::WINDOW).await?;
    let (refresh_token, row) = new_refresh_token(&user, &tx, None)?;
    store::refresh_token_insert(&tx, &row).await?;
    let session = session(tokens, &user, Some(refresh_token), tx.now);
    tx.commit().await?;
    Ok(session)
}

async fn by_client(
    pool: &Pool,
    tokens: &Tokens,
    client_id: &str,
    secret: SecretString,
    address: Option<IpAddr>,
) -> Result<Session, SignInError> {
    let subjects = Subjects::of(client_id, address);
    let reading = Tx::begin_reading(pool).await?;
    refuse_throttled(&reading, &subjects).await?;
    let client = store::find_client(&reading, client_id).await?;
    drop(reading);
    let tx = Tx::begin_long(pool).await?;
    let user = match client {
        Some((secret_hash, user_id)) if api_clients::secret_hash(&secret) == secret_hash => {
            store::user_to_sign_in(&tx, user_id).await?.filter(|user| user.active)
        }
        _ => None,
    };
    let Some(user) = user else { return failed(tx, &subjects).await };
    store::failures_clear(&tx, subjects.account, tx.now - throttle::WINDOW).await?;
    let session = session(tokens, &user, None, tx.now);
    tx.commit().await?;
    Ok(session)
}

async fn by_refresh_token(pool: &Pool, tokens: &Tokens, token: SecretString) -> Result<Session, SignInError> {
    let tx = Tx::begin_long(pool).await?;
    let id = refresh::id_of(&token);
    let Some(family) = store::find_family(&tx, id).await? else {
        tx.rollback().await?;
        return Err(SignInError::RefreshRefused);
    };
    // One exchange of a family at a time: ending it must not miss a token that another exchange is about to add.
    store::lock_alone(&tx, Claim::of("refresh_token.family", &family.to_string())).await?;
    let token = store::refresh_token_by_id(&tx, id).await?;
    let user = store::user_to_sign_in(&tx, token.user_id).await?.filter(|user| user.active);
    let decision = refresh::decide(&token, user.as_ref().map(|user| user.sessions_from), tx.now);
    let user = match (decision, user) {
        (Decision::Replace, Some(user)) => {
            store::refresh_token_replaced(&tx, id).await?;
            user
        }
        (Decision::GiveAgain, Some(user)) => user,
        (Decision::EndFamily, _) => {
            store::family_revoke(&tx, family).await?;
            tx.commit().await?;
            return Err(SignInError::RefreshReused { user_id: token.user_id });
        }
        _ => {
            tx.rollback().await?;
            return Err(SignInError::RefreshRefused);
        }
    };
    let (refresh_token, row) = new_refresh_token(&user, &tx, Some(family))?;
    store::refresh_token_insert(&tx, &row).await?;
    let session = session(tokens, &user, Some(refresh_token), tx.now);
    tx.commit().await?;
    Ok(session)
}

async fn refuse_throttled(tx: &Tx, subjects: &Subjects) -> Result<(), SignInError> {
    for (subject, limit) in subjects.limits() {
        let failures = store::failures_newest(tx, subject, tx.now - throttle::WINDOW, limit).await?;
        if let Some(wait) = throttle::wait(&failures, limit, tx.now) {
            let wait_seconds = u32::try_from(wait.num_seconds() + 1).unwrap_or(u32::MAX);
            return Err(SignInError::Throttled { wait_seconds });
        }
    }
    Ok(())
}

async fn failed(tx: Tx, subjects: &Subjects) -> Result<Session, SignInError> {
    store::failures_insert(&tx, &subjects.all(), tx.now - throttle::WINDOW).await?;
    tx.commit().await?;
    Err(SignInError::WrongCredentials)
}

/// When a session begins. Never before the instant since which the user's sessions count, which another server's clock may
/// have set a moment ahead of ours.
fn begins_at(user: &SignInUser, now: DateTime<Utc>) -> DateTime<Utc> {
    now.max(user.sessions_from)
}

fn new_refresh_token(
    user: &SignInUser,
    tx: &Tx,
    family: Option<Uuid>,
) -> Result<(SecretString, RefreshToken), SignInError> {
    let secret = refresh::new_secret()?;
    let id = refresh::id_of(&secret);
    let issued_at = begins_at(user, tx.now);
    let row = RefreshToken {
        id,
        family: family.unwrap_or(id),
        user_id: user.id,
        issued_at,
        expires_at: issued_at + refresh::LIFETIME,
        replaced_at: None,
        revoked_at: None,
    };
    Ok((secret, row))
}

fn session(tokens: &Tokens, user: &SignInUser, refresh_token: Option<SecretString>, now: DateTime<Utc>) -> Session {
    Session {
        access_token: tokens.sign(user.id, user.namespace(), begins_at(user, now)).into(),
        refresh_token,
        expires_in: tokens::LIFETIME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordHash;

    fn user(integration: Option<&str>) -> SignInUser {
        SignInUser {
            id: Uuid::from_u128(7),
            password_hash: Some(PasswordHash::of_stored("x".into())),
            active: true,
            integration: integration.map(str::to_owned),
            sessions_from: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        }
    }

    #[test]
    fn clients_of_one_integration_share_a_key_space() {
        assert_eq!(user(None).namespace(), Uuid::from_u128(7));
        let other = SignInUser { id: Uuid::from_u128(8), ..user(Some("M-PESA")) };
        assert_eq!(user(Some("M-PESA")).namespace(), other.namespace());
        assert_ne!(user(Some("Airtel")).namespace(), other.namespace());
    }

    #[test]
    fn a_user_that_changed_during_the_check_is_not_signed_in() {
        let seen = user(None);
        assert!(user(None).is_still(&seen));
        assert!(!SignInUser { active: false, ..user(None) }.is_still(&seen));
        let other = Some(PasswordHash::of_stored("y".into()));
        assert!(!SignInUser { password_hash: other, ..user(None) }.is_still(&seen));
    }

    #[test]
    fn a_session_counts_from_its_first_instant() {
        let user = user(None);
        assert_eq!(begins_at(&user, user.sessions_from - Duration::seconds(1)), user.sessions_from);
        let later = user.sessions_from + Duration::seconds(1);
        assert_eq!(begins_at(&user, later), later);
    }
}
