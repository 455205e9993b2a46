//! Many at once, always on two servers.

mod crowds;
mod mixture;
mod pairs;
