//! The ledger: the chart of accounts, entries, turnover and balances, periods, and the proof that they agree. Knows no product.
//!
//! Read in this order. A product that books makes a [`draft::Drafting`] with accounts from [`books::Books`], finishes it into a
//! [`draft::Draft`], which balances by construction, and hands all drafts of a batch to [`post::post`] at once.

pub mod error;

pub mod chart;

mod chart_rows;

mod month;

pub mod slots;

pub mod books;

pub mod draft;

pub mod post;

pub mod fold;

pub mod journal;

pub mod sheet;

pub mod shelf;

pub mod action;

pub mod manual;

pub mod reversal;

pub mod command;

pub mod periods;

pub mod verify;

pub mod setup;

pub mod store;

pub mod store_journal;

pub mod store_periods;
