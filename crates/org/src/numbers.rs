//! The numbers that people read: of clients, loans and staff, each drawn from a sequence of its own.
//!
//! A number that was drawn is never given again: a command that is refused afterwards leaves a gap.

use db::fault::Fault;
use db::tx::Tx;

use crate::store;

pub use crate::record::Sequence;

/// The next `count` numbers, in one round trip.
pub async fn draw(tx: &Tx, sequence: Sequence, count: usize) -> Result<Vec<String>, Fault> {
    store::numbers_draw(tx, sequence, count).await
}
