//! Dry runs: what a command would do, decided on one snapshot, without a key, a lock or a trace.

use db::lane::{Asked, Command, Outcome};
use db::tx::Tx;
use kernel::refusal::Refusal;

use crate::asking::{Asking, Reading};
use crate::problem::Problem;

/// What the command would do, and the snapshot that it was decided on.
pub async fn foreseen<C>(asking: &Asking, command: &C) -> Result<(Tx, C::Done), Problem>
where
    C: Command,
    C::Refused: Refusal,
{
    let Reading { mut tx, caller } = asking.read().await?;
    let outcomes = C::preview(&mut tx, &[Asked { caller: &caller, command, key_id: None }]).await?;
    match outcomes.into_iter().next() {
        Some(Outcome::Done(done)) => Ok((tx, done)),
        Some(Outcome::Refused(error)) => Err(Problem::of_refusal(&error)),
        Some(Outcome::Denied(denied)) => Err(Problem::of_denied(denied)),
        Some(Outcome::Absent) => Err(Problem::not_found()),
        Some(Outcome::Held(_) | Outcome::Busy) | None => Err(Problem::unavailable()),
    }
}
