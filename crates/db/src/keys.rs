//! Idempotency keys: one UUID from namespace and key, a fingerprint of the request, and the number of its try-lock.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Names a command that a caller may send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub id: Uuid,
    /// SHA-256 over operation, path parameters and the parsed body as sent.
    pub fingerprint: [u8; 32],
}

impl Key {
    /// `body` is the parsed body written back as JSON with sorted names: spaces and order do not make another request.
    pub fn of(namespace: Uuid, key: &str, operation: &str, path: &str, body: &str) -> Key {
        let mut digest = Sha256::new();
        for part in [operation, path, body] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Key { id: key_id(namespace, key), fingerprint: digest.finalize().into() }
    }
}

/// The primary key of a caller's key.
pub fn key_id(namespace: Uuid, key: &str) -> Uuid {
    Uuid::new_v5(&namespace, key.as_bytes())
}

/// A value that a caller chose and that must be unique. Concurrent users of one value meet at a try-lock on its number, so
/// that no insert ever waits for another server's transaction.
///
/// A claim is the value's digest and knows no institution: the transaction that takes the lock makes the number from both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim([u8; 8]);

impl Claim {
    /// `kind` keeps the spaces of different values apart: two collide only by a chance of one in 2^64, and then one of
    /// them is told to come again.
    pub fn of(kind: &str, value: &str) -> Claim {
        Claim(short_digest(kind, value))
    }

    pub(crate) fn of_key(id: Uuid) -> Claim {
        let [a, b, c, d, e, f, g, h, ..] = id.into_bytes();
        Claim([a, b, c, d, e, f, g, h])
    }

    /// The number of its lock in an institution.
    pub(crate) fn number(self, institution_id: Uuid) -> i64 {
        i64::from_be_bytes(lock_digest(b"claim", institution_id, &self.0))
    }
}

/// The first bytes of a digest: enough to tell values apart that nobody chooses in order to collide.
pub fn short_digest(kind: &str, value: &str) -> [u8; 8] {
    let mut digest = Sha256::new();
    digest.update(kind);
    digest.update([0]);
    digest.update(value);
    first(digest)
}

/// What the number of a lock is made of. The institution is part of it: two institutions in one database never meet at a lock.
pub(crate) fn lock_digest(kind: &[u8; 5], institution_id: Uuid, value: &[u8]) -> [u8; 8] {
    let mut digest = Sha256::new();
    digest.update(kind);
    digest.update(institution_id);
    digest.update(value);
    first(digest)
}

fn first(digest: Sha256) -> [u8; 8] {
    let bytes: [u8; 32] = digest.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = bytes;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let space = Uuid::nil();
        let one = Key::of(space, "k", "loan.repay", "/a", "{}");
        let other = Key::of(space, "k", "loan.repay/", "a", "{}");
        assert_eq!(one.id, other.id);
        assert_ne!(one.fingerprint, other.fingerprint);
    }

    #[test]
    fn namespaces_are_apart() {
        assert_ne!(key_id(Uuid::from_u128(1), "k"), key_id(Uuid::from_u128(2), "k"));
    }

    #[test]
    fn a_claim_has_another_number_for_each_kind_value_and_institution() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let claims = [Claim::of("id", "7"), Claim::of("receipt", "7"), Claim::of("id", "8"), Claim::of_key(one)];
        let numbers: Vec<i64> =
            claims.iter().flat_map(|claim| [one, other, Uuid::nil()].map(|id| claim.number(id))).collect();
        let distinct: std::collections::HashSet<i64> = numbers.iter().copied().collect();
        assert_eq!(distinct.len(), numbers.len(), "{numbers:?}");
        assert_eq!(Claim::of("id", "7").number(one), Claim::of("id", "7").number(one));
    }
}
