//! The throttle of sign-ins: failures are counted per account and per address, in the database, so that all servers count
//! together.
//!
//! The account is the name as it was sent, whether or not anybody has it: the throttle tells nobody which names exist.
//! Deliberately absent: trust in forwarding headers. Behind a proxy all callers have one address, and a caller who could
//! name another would have as many as it likes.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// How long a failure counts.
pub const WINDOW: Duration = Duration::minutes(15);

pub const FAILURES_OF_ACCOUNT: usize = 10;
pub const FAILURES_OF_ADDRESS: usize = 100;

/// The space of the digests, so that the table names neither people nor addresses.
const SUBJECTS: Uuid = Uuid::from_u128(0x4a1d_95c3_6c0e_4c55_9a0f_2f5d_7f0a_9e01);

/// What the failures of one sign-in are counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subjects {
    pub account: Uuid,
    /// None: a caller without an address, which only a test in the same process is.
    pub address: Option<Uuid>,
}

impl Subjects {
    pub fn of(account: &str, address: Option<IpAddr>) -> Subjects {
        Subjects {
            account: Uuid::new_v5(&SUBJECTS, format!("account {}", account.to_lowercase()).as_bytes()),
            address: address.map(|address| Uuid::new_v5(&SUBJECTS, format!("address {}", network(address)).as_bytes())),
        }
    }

    /// With the failures that each may have.
    pub fn limits(&self) -> impl Iterator<Item = (Uuid, usize)> + use<> {
        let address = self.address.map(|address| (address, FAILURES_OF_ADDRESS));
        [(self.account, FAILURES_OF_ACCOUNT)].into_iter().chain(address)
    }

    pub fn all(&self) -> Vec<Uuid> {
        self.limits().map(|(subject, _)| subject).collect()
    }
}

/// One caller has a whole /64 of IPv6; an IPv4 address is one however it is written.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// How long to wait until a sign-in may be tried again. `failures`: when they were, newest first.
pub fn wait(failures: &[DateTime<Utc>], limit: usize, now: DateTime<Utc>) -> Option<Duration> {
    // There is room again when the one that fills the limit has left the window.
    let filling = failures.get(limit.checked_sub(1)?)?;
    Some(*filling + WINDOW - now).filter(|wait| *wait > Duration::zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    #[test]
    fn the_limit_opens_when_its_oldest_failure_leaves_the_window() {
        let failures = [at(9), at(8), at(5)];
        let cases = [
            (&failures[..], 4, at(9), None),
            (&failures[..], 3, at(9), Some(Duration::minutes(11))),
            (&failures[..], 2, at(9), Some(Duration::minutes(14))),
            (&failures[..], 3, at(20), None),
            (&[], 1, at(0), None),
            (&failures[..], 0, at(9), None),
        ];
        for (failures, limit, now, expected) in cases {
            assert_eq!(wait(failures, limit, now), expected, "{limit} at {now}");
        }
    }

    #[test]
    fn names_and_addresses_are_counted_as_one_however_written() {
        let of = |account: &str, address: &str| Subjects::of(account, Some(address.parse().unwrap()));
        assert_eq!(of("Joe", "10.0.0.1"), of("joe", "::ffff:10.0.0.1"));
        assert_eq!(of("joe", "2001:db8::1"), of("joe", "2001:db8::ffff"));
        assert_ne!(of("joe", "2001:db8::1"), of("joe", "2001:db8:0:1::1"));
        assert_ne!(of("joe", "10.0.0.1").address, of("joe", "10.0.0.2").address);
        assert_eq!(Subjects::of("joe", None).limits().count(), 1);
    }
}
