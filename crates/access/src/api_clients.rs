//! API clients: the credentials with which an integration signs in.
//!
//! Each client acts as a user of its own, so that roles, branches and disabling work as for people. Clients that bear the name
//! of one integration share the space of its idempotency keys: a second gateway can repeat what the first one sent. A secret
//! has 256 random bits; nobody guesses it, so a quick digest keeps it, and a sign-in every ten minutes costs no argon2.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::AccessError;
use crate::store;
use crate::users::{Known, User, in_order};

pub use crate::refresh::new_secret;

pub use crate::record::ApiClient;

/// A secret as it is kept.
pub fn secret_hash(secret: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.expose_secret()))
}

/// Makes a client, and the user as which it acts. Both ids are new and made by the server.
#[derive(Debug, Clone)]
pub struct CreateApiClient {
    pub id: Uuid,
    pub user_id: Uuid,
    pub name: String,
    pub roles: Vec<String>,
    pub branch_id: Uuid,
    pub secret_hash: String,
}

impl SlicedCommand for CreateApiClient {
    type Done = ApiClient;

    fn about(&self) -> About {
        About { claims: vec![Claim::of("integration", &self.name)], ..About::of("api_client.create") }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let branches: Vec<Uuid> = asked.iter().map(|asked| asked.command.branch_id).collect();
        let roles: Vec<&str> = asked.iter().flat_map(|asked| &asked.command.roles).map(String::as_str).collect();
        let names: Vec<&str> = asked.iter().map(|asked| asked.command.name.as_str()).collect();
        let known = store::known(tx, &branches, &[], &roles).await?;
        let mut integrations = store::integrations_by_names(tx, &names).await?;
        let (mut users, mut clients) = (Vec::new(), Vec::new());
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            match decide(command, &known, &integrations, &caller.scope, tx.now) {
                Ok((user, client)) => {
                    let branches = known.branches.get(&user.branch_id).cloned().unwrap_or_default();
                    integrations.entry(command.name.clone()).or_default().push(branches);
                    users.push((user, None));
                    clients.push((client.clone(), command.secret_hash.clone()));
                    outcomes.push(Outcome::Done(client));
                }
                Err(refused) => outcomes.push(Outcome::refused(refused)),
            }
        }
        store::users_insert(tx, &users).await?;
        store::api_clients_insert(tx, &clients).await?;
        Ok(outcomes)
    }
}

/// `integrations`: for each name the ancestors of the branches of the users that bear it.
fn decide(
    command: &CreateApiClient,
    known: &Known,
    integrations: &HashMap<String, Vec<Vec<Uuid>>>,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<(User, ApiClient), AccessError> {
    let client_id = command.id.to_string();
    let user = User {
        id: command.user_id,
        // No person has a name with a colon.
        username: format!("api:{client_id}"),
        name: command.name.clone(),
        roles: in_order(&command.roles),
        branch_id: command.branch_id,
        staff_id: None,
        own_portfolio: false,
        active: true,
        integration: Some(command.name.clone()),
        created_at: now,
        version: 1,
    };
    known.check(&user, &command.roles, scope)?;
    // Who shares a key space sees the other's stored answers: so it is not entered from outside.
    let of_name = integrations.get(&command.name);
    if of_name.into_iter().flatten().any(|ancestors| !ancestors.contains(&scope.branch_id)) {
        return Err(AccessError::IntegrationTaken);
    }
    let client = ApiClient {
        id: command.id,
        client_id,
        name: command.name.clone(),
        user_id: user.id,
        roles: user.roles.clone(),
        branch_id: user.branch_id,
        active: true,
        created_at: now,
    };
    Ok((user, client))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_space_is_not_entered_from_outside() {
        let (head, branch, other) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let known = Known { branches: [(branch, vec![head, branch])].into(), ..Known::default() };
        let scope = Scope { branch_id: branch, officer_id: None };
        let command = CreateApiClient {
            id: Uuid::from_u128(10),
            user_id: Uuid::from_u128(11),
            name: "M-PESA".into(),
            roles: Vec::new(),
            branch_id: branch,
            secret_hash: String::new(),
        };
        let decided = |integrations: &[(&str, Uuid)]| {
            let integrations =
                integrations.iter().map(|(name, at)| ((*name).to_owned(), vec![vec![head, *at]])).collect();
            decide(&command, &known, &integrations, &scope, DateTime::UNIX_EPOCH).map(|(user, _)| user.integration)
        };
        assert_eq!(decided(&[]), Ok(Some("M-PESA".to_owned())));
        assert_eq!(decided(&[("M-PESA", branch), ("Airtel", other)]), Ok(Some("M-PESA".to_owned())));
        assert_eq!(decided(&[("M-PESA", other)]), Err(AccessError::IntegrationTaken));
    }

    #[test]
    fn a_secret_is_kept_by_its_digest() {
        let secret = new_secret().unwrap();
        assert_eq!(secret_hash(&secret), secret_hash(&secret.clone()));
        assert_ne!(secret_hash(&secret), secret.expose_secret());
    }
}
