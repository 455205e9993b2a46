//! The desk: commands of all kinds in one batch, in one call, or all of them or none.

mod atomic;
mod commands;
mod dry_runs;
mod held;
mod items;
mod mixture;
mod months;
