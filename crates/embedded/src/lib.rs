//! A private Postgres in Ayni's data directory, for who names no server of their own.
//!
//! Found among the installed versions or fetched once, initialised, run as an unprivileged user, and stopped with Ayni.
//! One Ayni at a time holds a data directory; others that only want to look `attach` to its Postgres. What lies where:
//! `place`. Read in this order.
//!
//! It listens on a loopback port of its choice, and its superuser's password stands in a file that only the owner of
//! the data directory can read. A cluster is complete or not there; nothing here ever deletes one, nor signals a
//! process that is not proven to be ours.
//!
//! It knows nothing of what is kept in it: no schema, no migration, no pool. Who starts a cluster brings those.
//!
//! Deliberately absent: upgrades between major versions, tuning, replication, backup. Who needs them runs a server.

pub mod error;

pub mod cluster;

pub mod connection;

mod place;

mod account;

mod hexadecimal;

mod secret;

mod binaries;

mod fetch;

mod initialise;

mod running;

mod orphan;

pub mod testing;
