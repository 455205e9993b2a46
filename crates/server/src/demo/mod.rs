//! The institution that `ayni demo` shows.
//!
//! A pure plan says who does what on which day, made from a seed; the load carries it out day by day through the lanes of the
//! API, as its own staff, and closes each day. Every command has a key that is derived from its place in the plan, so a load
//! that was interrupted goes on where it stopped.
//!
//! Everybody and everything in it is invented. Read in this order.

pub mod dice;

pub mod institution;

pub mod products;

pub mod names;

pub mod people;

pub mod loans;

pub mod payments;

pub mod treasury;

pub mod journal;

pub mod plan;

pub mod found;

pub mod desk;

pub mod furnish;

pub mod load;

pub mod progress;

use uuid::Uuid;

/// The space of ids and keys of the demo. The first two groups read "ayni demo" to a person who looks them up.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6179_6e69_6465_6d6f_8000_0000_0000_0001);

/// The id of a record: the same in every demo.
pub fn id(kind: &str, index: usize) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}/{index}").as_bytes())
}
