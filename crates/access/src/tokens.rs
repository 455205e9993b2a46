//! Access tokens: a JWT with one algorithm, one type, one issuer.
//!
//! EdDSA over Ed25519 and nothing else: the header is compared with the one that this program writes, so a token can not choose
//! how it is checked (no `alg: none`, no key confusion, no `kid` tricks). A general JWT library would bring RSA and with it
//! a known timing weakness, to support choices that must not exist. Claims follow RFC 9068.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use db::caller::Actor;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long an access token is taken.
pub const LIFETIME: Duration = Duration::minutes(10);

const ISSUER: &str = "ayni";
const AUDIENCE: &str = "ayni-api";

/// Verified tokens that are remembered: a check costs 32 µs, a look-up one.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: Uuid,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    /// The space of the caller's idempotency keys.
    space: Uuid,
    iat: i64,
    exp: i64,
    /// When the token was made, in microseconds: "all sessions from now on" must not take one of the same second.
    made: i64,
}

/// Signs and checks access tokens. Cheap to clone; all servers of an institution share the keys through the database.
#[derive(Clone)]
pub struct Tokens {
    signing_id: Uuid,
    signing: Arc<SigningKey>,
    verifying: Arc<HashMap<Uuid, VerifyingKey>>,
    remembered: Arc<Mutex<HashMap<[u8; 32], Claims>>>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(***)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the access token is not one of this server's: sign in at POST /v1/auth/token")]
    Invalid,
    #[error("the access token has expired: ask for a new one at POST /v1/auth/token, with the refresh token")]
    Expired,
    #[error("no signing key: run `ayni migrate`")]
    NoKey,
}

/// A new signing key: (private, public).
pub fn new_key() -> Result<(Vec<u8>, Vec<u8>), getrandom::Error> {
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret)?;
    let key = SigningKey::from_bytes(&secret);
    Ok((secret.to_vec(), key.verifying_key().to_bytes().to_vec()))
}

impl Tokens {
    /// From the stored keys, newest first: (id, private).
    pub fn try_new(keys: &[(Uuid, Vec<u8>)]) -> Result<Tokens, TokenError> {
        let mut pairs = Vec::new();
        for (id, private) in keys {
            let secret: [u8; 32] = private.as_slice().try_into().map_err(|_| TokenError::NoKey)?;
            pairs.push((*id, SigningKey::from_bytes(&secret)));
        }
        let verifying = pairs.iter().map(|(id, key)| (*id, key.verifying_key())).collect();
        let (signing_id, signing) = pairs.into_iter().next().ok_or(TokenError::NoKey)?;
        Ok(Tokens {
            signing_id,
            signing: Arc::new(signing),
            verifying: Arc::new(verifying),
            remembered: Arc::default(),
        })
    }

    pub fn sign(&self, user_id: Uuid, namespace: Uuid, now: DateTime<Utc>) -> String {
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user_id,
            space: namespace,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            made: now.timestamp_micros(),
        };
        let header = Header { alg: "EdDSA".into(), typ: "at+jwt".into(), kid: self.signing_id };
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = self.signing.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Who a token names, if it is ours and still valid.
    pub fn verify(&self, token: &str, now: DateTime<Utc>, request_id: Uuid) -> Result<Actor, TokenError> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let known = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = self.claims(token)?;
                self.remember(digest, claims.clone());
                claims
            }
        };
        if claims.exp <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        let signed_in_at = DateTime::from_timestamp_micros(claims.made).ok_or(TokenError::Invalid)?;
        Ok(Actor { user_id: claims.sub, namespace: claims.space, signed_in_at, request_id })
    }

    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Invalid)?;
        let header: Header = decoded(header)?;
        if header.alg != "EdDSA" || header.typ != "at+jwt" {
            return Err(TokenError::Invalid);
        }
        let key = self.verifying.get(&header.kid).ok_or(TokenError::Invalid)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Invalid)?;
        let signature = Signature::from_slice(&signature).map_err(|_| TokenError::Invalid)?;
        key.verify_strict(signed.as_bytes(), &signature).map_err(|_| TokenError::Invalid)?;
        let claims: Claims = decoded(claims)?;
        if claims.iss != ISSUER || claims.aud != AUDIENCE {
            return Err(TokenError::Invalid);
        }
        Ok(claims)
    }

    fn remember(&self, digest: [u8; 32], claims: Claims) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, claims);
    }
}

fn encoded<T: Serialize>(part: &T) -> String {
    // Plain structs of text and numbers always serialize; an empty part would not verify anywhere.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Invalid)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> (Tokens, DateTime<Utc>) {
        let (private, _) = new_key().unwrap();
        (
            Tokens::try_new(&[(Uuid::from_u128(1), private)]).unwrap(),
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        )
    }

    #[test]
    fn a_token_is_taken_for_ten_minutes() {
        let (tokens, now) = tokens();
        let token = tokens.sign(Uuid::from_u128(7), Uuid::from_u128(8), now);
        let actor = tokens.verify(&token, now, Uuid::nil()).unwrap();
        assert_eq!((actor.user_id, actor.namespace, actor.signed_in_at), (Uuid::from_u128(7), Uuid::from_u128(8), now));
        assert_eq!(tokens.verify(&token, now + LIFETIME, Uuid::nil()), Err(TokenError::Expired));
    }

    #[test]
    fn abused_tokens_are_refused() {
        let (tokens, now) = tokens();
        let token = tokens.sign(Uuid::from_u128(7), Uuid::from_u128(7), now);
        let (other, _) = {
            let (private, _) = new_key().unwrap();
            (Tokens::try_new(&[(Uuid::from_u128(1), private)]).unwrap(), ())
        };
        let parts: Vec<&str> = token.split('.').collect();
        let header = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let none = header(r#"{"alg":"none","typ":"at+jwt","kid":"00000000-0000-0000-0000-000000000001"}"#);
        let hmac = header(r#"{"alg":"HS256","typ":"at+jwt","kid":"00000000-0000-0000-0000-000000000001"}"#);
        let refresh = header(r#"{"alg":"EdDSA","typ":"rt+jwt","kid":"00000000-0000-0000-0000-000000000001"}"#);
        let kid = header(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../../dev/null"}"#);
        let abused = [
            String::new(),
            "a.b.c".to_owned(),
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{hmac}.{}.{}", parts[1], parts[2]),
            format!("{refresh}.{}.{}", parts[1], parts[2]),
            format!("{kid}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], header(r#"{"sub":"00000000-0000-0000-0000-000000000009"}"#), parts[2]),
            other.sign(Uuid::from_u128(7), Uuid::from_u128(7), now),
        ];
        for text in abused {
            assert_eq!(tokens.verify(&text, now, Uuid::nil()), Err(TokenError::Invalid), "{text}");
        }
    }
}
