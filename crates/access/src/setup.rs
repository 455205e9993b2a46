//! What the first start puts into an empty database, and the key that signs tokens.

use db::fault::Fault;
use db::tokio_postgres::Client;
use db::tx::Tx;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::password::{self, PasswordError, PasswordFault, Salt, Turn};
use crate::permission::standard_roles;
use crate::roles::Role;
use crate::store;
use crate::tokens;
use crate::users::User;

/// The first user.
pub const ADMINISTRATOR: &str = "admin";

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the password of the user {ADMINISTRATOR}: {0}")]
    Refused(#[from] PasswordError),
    #[error(transparent)]
    Password(#[from] PasswordFault),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Inserts the standard roles and the user `admin`. Gives the password that was made at random where none was given: it is
/// shown once and not kept.
pub async fn first_time(
    tx: &Tx,
    password: Option<SecretString>,
    head_office: Uuid,
) -> Result<Option<String>, SetupError> {
    let made = if password.is_none() { Some(password::random()?) } else { None };
    if let Some(password) = password.as_ref().or(made.as_ref()) {
        password::check(password, ADMINISTRATOR)?;
        let hash = Turn::wait().await?.hash(password, Salt::random()?).await?;
        let roles: Vec<Role> = standard_roles()
            .iter()
            .map(|(code, name, permissions)| Role::new(code, name, permissions, tx.now))
            .collect();
        store::roles_insert(tx, &roles).await?;
        store::users_insert(tx, &[(administrator(tx, head_office), Some(hash))]).await?;
    }
    Ok(made.map(|password| password.expose_secret().to_owned()))
}

fn administrator(tx: &Tx, head_office: Uuid) -> User {
    User {
        id: tx.new_id(),
        username: ADMINISTRATOR.into(),
        name: "Administrator".into(),
        roles: vec!["admin".into()],
        branch_id: head_office,
        staff_id: None,
        own_portfolio: false,
        active: true,
        integration: None,
        created_at: tx.now,
        version: 1,
    }
}

/// The keys for `Tokens::try_new`, newest first: (id, private).
pub async fn signing_keys(tx: &Tx) -> Result<Vec<(Uuid, Vec<u8>)>, Fault> {
    store::signing_keys(tx).await
}

/// Makes the signing key where there is none. As the owner: the serving role cannot write it.
pub async fn ensure_signing_key(client: &Client) -> Result<(), Fault> {
    let (private, public) =
        tokens::new_key().map_err(|error| Fault::Invariant(format!("no random numbers: {error}")))?;
    store::signing_key_ensure(client, Uuid::now_v7(), &private, &public).await
}

/// Which of these users may sign in with a password that everybody can read.
pub async fn users_with_password(
    tx: &Tx,
    usernames: &[&str],
    password: &SecretString,
) -> Result<Vec<String>, SetupError> {
    let mut found = Vec::new();
    for (username, hash) in store::password_hashes(tx, usernames).await? {
        let turn = Turn::wait().await?;
        if turn.is_right(password, Some(&hash)).await? {
            found.push(username);
        }
    }
    Ok(found)
}
