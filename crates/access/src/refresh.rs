//! Refresh tokens: random texts that are exchanged for a new pair, once each.
//!
//! All that follow from one sign-in are a family. A token that was exchanged and comes again has two holders, one of whom
//! may be a thief: the family ends. Except within a minute: then the reply was lost on a bad connection, or two parts of one
//! program asked at once, and a second pair is given.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::password::random_bytes;

/// How long a token may lie unused. Each exchange begins it anew.
pub const LIFETIME: Duration = Duration::days(30);

/// How long an exchanged token may come again.
pub const GRACE: Duration = Duration::seconds(60);

/// A token as it is kept: by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub id: Uuid,
    pub family: Uuid,
    pub user_id: Uuid,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub replaced_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What happens to a token that comes to be exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Its first use: it is replaced.
    Replace,
    /// It was replaced a moment ago: a second pair of the same family.
    GiveAgain,
    /// It was replaced earlier, so it has two holders: the family ends.
    EndFamily,
    /// Too old, ended, or of a user whose sessions were ended.
    Refuse,
}

/// Decides on a token. `sessions_from`: since when the user's sessions count; `None`: the user may not sign in.
pub fn decide(token: &RefreshToken, sessions_from: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Decision {
    let counts = sessions_from.is_some_and(|from| token.issued_at >= from);
    if !counts || token.revoked_at.is_some() || token.expires_at <= now {
        return Decision::Refuse;
    }
    match token.replaced_at {
        None => Decision::Replace,
        Some(at) if now - at <= GRACE => Decision::GiveAgain,
        Some(_) => Decision::EndFamily,
    }
}

/// The primary key of a token. 128 of 256 random bits name it; nobody finds a token from them.
pub fn id_of(token: &SecretString) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(token.expose_secret()).into();
    uuid::Builder::from_custom_bytes(std::array::from_fn(|index| digest[index])).into_uuid()
}

/// A new secret of 256 bits, as text.
pub fn new_secret() -> Result<SecretString, getrandom::Error> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn token(replaced_at: Option<i64>, revoked_at: Option<i64>) -> RefreshToken {
        RefreshToken {
            id: Uuid::nil(),
            family: Uuid::nil(),
            user_id: Uuid::nil(),
            issued_at: at(0),
            expires_at: at(0) + LIFETIME,
            replaced_at: replaced_at.map(at),
            revoked_at: revoked_at.map(at),
        }
    }

    #[test]
    fn a_token_is_exchanged_once_and_again_only_at_once() {
        let month = LIFETIME.num_seconds();
        let cases = [
            ("first use", token(None, None), Some(0), 500, Decision::Replace),
            ("its last second", token(None, None), Some(0), month - 1, Decision::Replace),
            ("too old", token(None, None), Some(0), month, Decision::Refuse),
            ("the reply was lost", token(Some(500), None), Some(0), 560, Decision::GiveAgain),
            ("two holders", token(Some(500), None), Some(0), 561, Decision::EndFamily),
            ("the family has ended", token(Some(500), Some(561)), Some(0), 562, Decision::Refuse),
            ("the family has ended, unused", token(None, Some(561)), Some(0), 562, Decision::Refuse),
            ("sessions were ended since", token(None, None), Some(1), 2, Decision::Refuse),
            ("disabled", token(None, None), None, 2, Decision::Refuse),
            ("replaced, of a disabled user", token(Some(500), None), None, 900, Decision::Refuse),
        ];
        for (name, token, sessions_from, now, expected) in cases {
            assert_eq!(decide(&token, sessions_from.map(at), at(now)), expected, "{name}");
        }
    }

    #[test]
    fn secrets_are_long_and_named_by_their_digest() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_eq!(one.expose_secret().len(), 43);
        assert_eq!(id_of(&one), id_of(&one));
        assert_ne!(id_of(&one), id_of(&other));
    }
}
