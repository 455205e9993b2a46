//! The way to Postgres: a pool, transactions, the lanes that merge commands into commits, pages, migrations.
//!
//! Read in this order. A `Tx` begins and commits here and nowhere else, so nothing can be posted outside a transaction.
//! This crate knows no HTTP and no product.

pub mod fault;

pub mod clock;

pub mod narrow;

mod kept;

pub mod statement;

pub mod row;

pub mod session;

pub mod pool;

pub mod tx;

mod typed;

pub mod gates;

pub mod keys;

pub mod caller;

pub mod deciding;

pub mod ids;

pub mod shelf;

pub mod lane;

pub mod page;

pub mod migrations;

/// For the few who hold a connection outside a transaction: migrate, and what comes with it.
pub use tokio_postgres;
