//! The lane: many commands in one transaction, and nobody the worse for it.

mod connections;
mod halving;
mod rows;
mod statements;
mod turns;
