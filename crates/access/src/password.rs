//! Passwords: which are taken, how they are kept, how they are checked.
//!
//! Kept is an argon2id hash with its parameters beside it. Which passwords are taken follows NIST SP 800-63B: length and a
//! list of common ones, no rules on composition, which people meet with `Password1!`. A hash takes 19 MiB and some 20 ms,
//! so it is made only in a `Turn`, of which there are few: a flood of sign-ins waits instead of taking the memory.

use std::fmt;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// In characters.
pub const SHORTEST: usize = 12;
pub const LONGEST: usize = 128;

/// Hashes that may be made at once: 76 MiB.
const TURNS: usize = 4;
/// How long a sign-in waits for its turn.
const TURN_TIME: Duration = Duration::from_secs(10);

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Checked in place of the hash that an unknown user does not have, so that the answer takes as long as for a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Yv51ObGqfuLQwqMYTCLfb4yJVkCxdmAQx0oVLPNtDV4";

/// Common passwords of at least twelve characters, in lower case: those among the 30,000 of the zxcvbn list (MIT), and more.
const COMMON: &str = include_str!("common_passwords.txt");

/// A username shorter than this stands in too many passwords to forbid it there.
const USERNAME_TELLING: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password is too short: take at least {SHORTEST} characters, for example four words")]
    TooShort,
    #[error("the password is too long: take at most {LONGEST} characters")]
    TooLong,
    #[error("this is one of the most common passwords, which are tried first: choose another")]
    Common,
    #[error("the password contains the username: choose another")]
    ContainsUsername,
}

/// Whether a user may take a password.
pub fn check(password: &SecretString, username: &str) -> Result<(), PasswordError> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordError::TooLong);
    }
    let lower = password.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        return Err(PasswordError::Common);
    }
    if username.len() >= USERNAME_TELLING && lower.contains(&username.to_lowercase()) {
        return Err(PasswordError::ContainsUsername);
    }
    Ok(())
}

/// A password as it is kept: a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub(crate) fn of_stored(text: String) -> PasswordHash {
        PasswordHash(text)
    }

    /// The PHC string, to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// What makes equal passwords have unequal hashes: unique, not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 16]);

impl Salt {
    pub fn random() -> Result<Salt, PasswordFault> {
        Ok(Salt(random_bytes()?))
    }

    /// The salt of a password that comes in a repeatable command. The same command gives the same hash, so that the hash can
    /// stand for the password in the command's fingerprint: a fingerprint of the password itself could be guessed at
    /// quickly. Unique, because a key is used once.
    pub fn of_command(namespace: Uuid, key: &str, username: &str) -> Salt {
        let mut digest = Sha256::new();
        digest.update(namespace);
        for part in [key, username] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let bytes: [u8; 32] = digest.finalize().into();
        Salt(std::array::from_fn(|index| bytes[index]))
    }
}

/// Why a password could be neither kept nor checked; not the caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFault {
    #[error("too many passwords are being checked")]
    Busy,
    #[error("a password hash cannot be made or read: {0}")]
    Hash(#[from] HashError),
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the making of a password hash was broken off")]
    BrokenOff,
}

/// The right to make one hash at a time.
#[derive(Debug)]
pub struct Turn {
    _permit: SemaphorePermit<'static>,
}

static FREE: Semaphore = Semaphore::const_new(TURNS);

impl Turn {
    pub async fn wait() -> Result<Turn, PasswordFault> {
        match tokio::time::timeout(TURN_TIME, FREE.acquire()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            _ => Err(PasswordFault::Busy),
        }
    }

    pub async fn hash(&self, password: &SecretString, salt: Salt) -> Result<PasswordHash, PasswordFault> {
        let password = password.clone();
        blocking(move || hash_now(&password, salt)).await
    }

    /// Whether a password is the one of this hash; no hash takes as long and is never right.
    pub async fn is_right(&self, password: &SecretString, hash: Option<&PasswordHash>) -> Result<bool, PasswordFault> {
        let password = password.clone();
        let known = hash.is_some();
        let hash = hash.map_or_else(|| NOBODY.to_owned(), |hash| hash.0.clone());
        Ok(blocking(move || is_right_now(&password, &hash)).await? && known)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PasswordFault> + Send + 'static,
) -> Result<T, PasswordFault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| PasswordFault::BrokenOff)?
}

fn hash_now(password: &SecretString, salt: Salt) -> Result<PasswordHash, PasswordFault> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::ParamsInvalid)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt.0)?;
    Ok(PasswordHash(hash.to_string()))
}

/// The cost is the one that the hash names, not today's.
fn is_right_now(password: &SecretString, hash: &str) -> Result<bool, PasswordFault> {
    let hash = Phc::new(hash).map_err(HashError::from)?;
    match Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// 32 letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A password of 100 random bits, in four groups that a person can copy.
pub fn random() -> Result<SecretString, PasswordFault> {
    let bytes: [u8; 20] = random_bytes()?;
    let groups: Vec<String> = bytes
        .chunks(5)
        .map(|group| group.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
        .collect();
    Ok(groups.join("-").into())
}

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_common_passwords_decide_not_composition() {
        let cases = [
            ("short", "wanjiru", Err(PasswordError::TooShort)),
            ("elevenchars", "wanjiru", Err(PasswordError::TooShort)),
            // Counted are characters, not bytes.
            ("ééééééééééé", "wanjiru", Err(PasswordError::TooShort)),
            ("éléphantsbleus", "wanjiru", Ok(())),
            ("only lower case words", "wanjiru", Ok(())),
            ("Password1234", "wanjiru", Err(PasswordError::Common)),
            ("QwertyUiop123", "wanjiru", Err(PasswordError::Common)),
            ("my-Wanjiru-is-fine", "wanjiru", Err(PasswordError::ContainsUsername)),
            ("river stone joe cloud", "joe", Ok(())),
        ];
        for (password, username, expected) in cases {
            assert_eq!(check(&password.into(), username), expected, "{password}");
        }
        assert_eq!(check(&"x".repeat(129).into(), "wanjiru"), Err(PasswordError::TooLong));
    }

    #[test]
    fn the_list_of_common_passwords_is_in_order() {
        for line in COMMON.lines() {
            assert!(line.chars().count() >= SHORTEST && line == line.to_lowercase(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_password_is_told_from_another_and_nobody_has_one() {
        let turn = Turn::wait().await.unwrap();
        let password = SecretString::from("river stone cloud");
        let hash = turn.hash(&password, Salt::random().unwrap()).await.unwrap();
        assert!(turn.is_right(&password, Some(&hash)).await.unwrap());
        assert!(!turn.is_right(&"river stone clouds".into(), Some(&hash)).await.unwrap());
        assert!(!turn.is_right(&password, None).await.unwrap());
        assert_eq!(format!("{hash:?}"), "PasswordHash(***)");
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_hash_costs() {
        let made = hash_now(&"river stone cloud".into(), Salt([0; 16])).unwrap();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(made.as_str()), cost(NOBODY));
        assert_eq!(made.as_str().len(), NOBODY.len());
        assert!(!is_right_now(&"river stone cloud".into(), NOBODY).unwrap());
    }

    #[test]
    fn a_repeated_command_has_the_same_salt() {
        let one = Salt::of_command(Uuid::from_u128(1), "k", "u");
        assert_eq!(one, Salt::of_command(Uuid::from_u128(1), "k", "u"));
        assert_ne!(one, Salt::of_command(Uuid::from_u128(2), "k", "u"));
        assert_ne!(one, Salt::of_command(Uuid::from_u128(1), "ku", ""));
    }

    #[test]
    fn a_random_password_is_taken() {
        let password = random().unwrap();
        assert_eq!(check(&password, "admin"), Ok(()));
        assert_eq!(password.expose_secret().len(), 23);
    }
}
