//! Access tokens: a JWT with one algorithm, one type, one issuer. jsonwebtoken writes and reads them.
//!
//! EdDSA over Ed25519 and nothing else: the whole header is compared with the one that this program writes, so a token cannot
//! choose how it is checked (no `alg: none`, no key confusion, no `kid` tricks, no key of its own, nothing `crit`). The times
//! are compared here and not by the crate: it reads the machine's clock itself, and a remembered token must be compared
//! again with every request. Claims follow RFC 9068.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use db::caller::Actor;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ed25519;

/// How long an access token is taken.
pub const LIFETIME: Duration = Duration::minutes(10);

/// How far the clocks of two servers may lie apart: one takes what the other has just signed. An expiry gets no grace.
const SKEW: Duration = Duration::minutes(1);

const TYPE: &str = "at+jwt";
const ISSUER: &str = "ayni";
const AUDIENCE: &str = "ayni-api";

/// Verified tokens that are remembered: a check costs 60 µs, a look-up one.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    /// The space of the caller's idempotency keys.
    space: Uuid,
    iat: i64,
    /// Not written, since a token counts from when it was made. One that stands there is obeyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    /// When the token was made, in microseconds: "all sessions from now on" must not take one of the same second.
    made: i64,
}

/// Signs and checks access tokens. Cheap to clone; all servers of an institution share the keys through the database.
#[derive(Clone)]
pub struct Tokens {
    signing: Arc<(Header, EncodingKey)>,
    /// By `kid`, beside the only header that is taken with it.
    verifying: Arc<HashMap<String, (Header, DecodingKey)>>,
    validation: Arc<Validation>,
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
    Ok((secret.to_vec(), ed25519::public(&secret).to_vec()))
}

impl Tokens {
    /// From the stored keys, newest first: (id, private). All of them check, the newest signs.
    pub fn try_new(keys: &[(Uuid, Vec<u8>)]) -> Result<Tokens, TokenError> {
        ed25519::install();
        let mut signing = None;
        let mut verifying = HashMap::new();
        for (id, private) in keys {
            let secret: &[u8; 32] = private.as_slice().try_into().map_err(|_| TokenError::NoKey)?;
            let (signs, checks) = ed25519::keys(secret);
            signing.get_or_insert_with(|| (header(*id), signs));
            verifying.insert(id.to_string(), (header(*id), checks));
        }
        Ok(Tokens {
            signing: Arc::new(signing.ok_or(TokenError::NoKey)?),
            verifying: Arc::new(verifying),
            validation: Arc::new(validation()),
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
            nbf: None,
            exp: (now + LIFETIME).timestamp(),
            made: now.timestamp_micros(),
        };
        let (header, key) = &*self.signing;
        // Plain structs of text and numbers always serialize, and the key was read before; an empty token would be taken nowhere.
        jsonwebtoken::encode(header, &claims, key).unwrap_or_default()
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
        let latest = (now + SKEW).timestamp();
        if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(TokenError::Invalid);
        }
        let signed_in_at = DateTime::from_timestamp_micros(claims.made).ok_or(TokenError::Invalid)?;
        Ok(Actor { user_id: claims.sub, namespace: claims.space, signed_in_at, request_id })
    }

    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let kid = header.kid.as_deref().ok_or(TokenError::Invalid)?;
        let (ours, key) = self.verifying.get(kid).ok_or(TokenError::Invalid)?;
        if header != *ours {
            return Err(TokenError::Invalid);
        }
        match jsonwebtoken::decode(token, key, &self.validation) {
            Ok(token) => Ok(token.claims),
            Err(_) => Err(TokenError::Invalid),
        }
    }

    fn remember(&self, digest: [u8; 32], claims: Claims) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, claims);
    }
}

fn header(key_id: Uuid) -> Header {
    Header { typ: Some(TYPE.into()), kid: Some(key_id.to_string()), ..Header::new(Algorithm::EdDSA) }
}

/// What the crate checks of the claims: they are there, and name this issuer and this audience.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

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

    /// A token as ours are, of which one word is changed before the right key signs it: without a good signature a refusal
    /// proves nothing of the other checks.
    struct Forge {
        private: Vec<u8>,
        tokens: Tokens,
        now: DateTime<Utc>,
        header: Value,
        claims: Value,
    }

    impl Forge {
        fn new() -> Forge {
            let (private, _) = new_key().unwrap();
            let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            Forge {
                tokens: Tokens::try_new(&[(Uuid::from_u128(1), private.clone())]).unwrap(),
                private,
                now,
                header: json!({"alg": "EdDSA", "typ": "at+jwt", "kid": Uuid::from_u128(1)}),
                claims: json!({
                    "iss": "ayni", "aud": "ayni-api", "sub": Uuid::from_u128(7), "space": Uuid::from_u128(7),
                    "iat": now.timestamp(), "exp": now.timestamp() + 600, "made": now.timestamp_micros(),
                }),
            }
        }

        fn verified(&self, header: &Value, claims: &Value) -> Result<Uuid, TokenError> {
            let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
            let text = format!("{}.{}", encoded(header), encoded(claims));
            let key = EncodingKey::from_ed_der(&self.private);
            let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::EdDSA).unwrap();
            self.tokens.verify(&format!("{text}.{signature}"), self.now, Uuid::nil()).map(|actor| actor.user_id)
        }
    }

    fn with(part: &Value, name: &str, value: Value) -> Value {
        let mut part = part.clone();
        part[name] = value;
        part
    }

    fn without(part: &Value, name: &str) -> Value {
        let mut part = part.clone();
        part.as_object_mut().unwrap().remove(name);
        part
    }

    #[test]
    fn another_header_is_refused_whoever_signed() {
        let forge = Forge::new();
        let header = &forge.header;
        assert_eq!(forge.verified(header, &forge.claims), Ok(Uuid::from_u128(7)));
        let refused = [
            with(header, "alg", json!("none")),
            with(header, "alg", json!("HS256")),
            with(header, "alg", json!("RS256")),
            with(header, "alg", json!("ES256")),
            with(header, "alg", json!(["EdDSA"])),
            without(header, "alg"),
            with(header, "typ", json!("JWT")),
            with(header, "typ", Value::Null),
            without(header, "typ"),
            with(header, "kid", json!(Uuid::from_u128(2))),
            with(header, "kid", json!("../../dev/null")),
            with(header, "kid", json!("' or true --")),
            with(header, "kid", json!(1)),
            without(header, "kid"),
            with(header, "crit", json!(["exp"])),
            with(header, "crit", json!([])),
            with(&with(header, "crit", json!(["b64"])), "b64", json!(false)),
            with(header, "jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
            with(header, "jku", json!("https://example.org/keys")),
            with(header, "x5c", json!(["AAAA"])),
            with(header, "zip", json!("DEF")),
            with(header, "anything", json!("else")),
        ];
        for header in refused {
            assert_eq!(forge.verified(&header, &forge.claims), Err(TokenError::Invalid), "{header}");
        }
    }

    #[test]
    fn other_claims_are_refused_whoever_signed() {
        let forge = Forge::new();
        let (header, claims) = (&forge.header, &forge.claims);
        let later = |seconds: i64| json!(forge.now.timestamp() + seconds);
        let refused = [
            with(claims, "iss", json!("another")),
            with(claims, "iss", json!(["ayni"])),
            without(claims, "iss"),
            with(claims, "aud", json!("another")),
            with(claims, "aud", json!(["ayni-api", "another"])),
            without(claims, "aud"),
            with(claims, "sub", json!("everybody")),
            without(claims, "sub"),
            with(claims, "exp", json!("2100-01-01")),
            with(claims, "exp", json!(1e300)),
            with(claims, "exp", json!(-1)),
            without(claims, "exp"),
            with(claims, "iat", later(61)),
            without(claims, "iat"),
            with(claims, "nbf", later(61)),
            with(claims, "nbf", json!("today")),
            with(claims, "made", json!(i64::MAX)),
            without(claims, "made"),
        ];
        for claims in refused {
            // The second time it may be remembered, and is refused all the same.
            assert_eq!(forge.verified(header, &claims), Err(TokenError::Invalid), "{claims}");
            assert_eq!(forge.verified(header, &claims), Err(TokenError::Invalid), "{claims}");
        }
        assert_eq!(forge.verified(header, &with(claims, "exp", later(0))), Err(TokenError::Expired));
        // The clock of the server that signed may be a minute fast.
        for claims in [with(claims, "iat", later(60)), with(claims, "nbf", later(60))] {
            assert_eq!(forge.verified(header, &claims), Ok(Uuid::from_u128(7)), "{claims}");
        }
    }

    #[test]
    fn all_keys_check_and_the_newest_signs() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let [old, new] = [1, 2].map(|id| (Uuid::from_u128(id), new_key().unwrap().0));
        let before = Tokens::try_new(std::slice::from_ref(&old)).unwrap();
        let both = Tokens::try_new(&[new.clone(), old]).unwrap();
        let after = Tokens::try_new(&[new]).unwrap();
        let user = Uuid::from_u128(7);
        let [of_old, of_new] = [&before, &both].map(|tokens| tokens.sign(user, user, now));
        let taken = |tokens: &Tokens, token: &str| tokens.verify(token, now, Uuid::nil()).is_ok();
        assert!(taken(&before, &of_old) && taken(&both, &of_old) && taken(&both, &of_new) && taken(&after, &of_new));
        // A key that is gone, or not here yet, takes its tokens with it.
        assert!(!taken(&after, &of_old) && !taken(&before, &of_new));
        assert_eq!(Tokens::try_new(&[]).err(), Some(TokenError::NoKey));
        assert_eq!(Tokens::try_new(&[(user, vec![0; 31])]).err(), Some(TokenError::NoKey));
    }

    /// Servers of two versions stand side by side during an update, and each takes the other's tokens.
    #[test]
    fn a_token_reads_as_it_always_did() {
        let tokens = Tokens::try_new(&[(Uuid::from_u128(1), vec![7; 32])]).unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let token = tokens.sign(Uuid::from_u128(7), Uuid::from_u128(8), now);
        let parts: Vec<Value> = token
            .split('.')
            .take(2)
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0], json!({"alg": "EdDSA", "typ": "at+jwt", "kid": Uuid::from_u128(1)}));
        let claims = json!({
            "iss": "ayni", "aud": "ayni-api", "sub": Uuid::from_u128(7), "space": Uuid::from_u128(8),
            "iat": 1_800_000_000, "exp": 1_800_000_600, "made": 1_800_000_000_000_000_i64,
        });
        assert_eq!(parts[1], claims);
    }
}
