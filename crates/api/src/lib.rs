//! The API: HTTP and JSON over the actions. No rules: a handler turns a request into a command and an outcome into an answer.
//!
//! Read in this order. `operations` is the one list: routes, permissions, documentation and access tests are made from it.

pub mod app;

pub mod given;

pub mod operation;

pub mod asking;

pub mod body;

pub mod admission;

pub mod org;

pub mod access;

pub mod clients;

pub mod loans;

pub mod ledger;

pub mod reports;

pub mod bulk;

pub mod commands;

pub mod command_keys;

pub mod operations;

pub mod render;

pub mod warnings;

pub mod giving;

pub mod openapi;

pub mod error_codes;

pub mod docs;

pub mod serve;
