//! Many at once, always on two servers.

mod crowds;
mod every_pair;
mod mixture;
mod moves;
mod pairs;
