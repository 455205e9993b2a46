//! What a decision says: its effect, or why there is none.
//!
//! A decision is pure: no await, no connection, no clock. It never holds a command back itself; it says the facts of its
//! effect, and the table of limits compares them.

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::refusal::Refusal;
use serde_json::Value;
use uuid::Uuid;

use crate::caller::Denied;
use crate::fault::Fault;

/// A refusal of any product.
pub type Refused = Box<dyn Refusal + Send + Sync>;

/// What a second person may have to agree to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The sum that the command moves.
    pub amount: Option<(Amount, Currency)>,
    /// The branches that it touches; who decides sees them all.
    pub branches: Vec<Uuid>,
    /// What the command says of itself, for the line that the second person reads.
    pub description: Option<String>,
    /// What was left out and is now known (pointer into the body, value): it stays so, whenever the command is approved.
    pub resolved: Vec<(String, Value)>,
}

/// What a command did.
#[derive(Debug)]
pub struct Effect<D> {
    pub done: D,
    pub facts: Facts,
}

impl<D> Effect<D> {
    /// An effect that nobody else needs to agree to.
    pub fn of(done: D) -> Effect<D> {
        Effect { done, facts: Facts::default() }
    }

    /// An effect on a day that the command may have left out: it stays that day, whenever a second person agrees. `pointer`: its place
    /// in the body.
    pub fn on(done: D, pointer: &str, day: NaiveDate) -> Effect<D> {
        let resolved = vec![(pointer.to_owned(), Value::String(day.to_string()))];
        Effect { done, facts: Facts { resolved, ..Facts::default() } }
    }

    /// The same effect, named otherwise.
    pub fn map<E>(self, name: impl FnOnce(D) -> E) -> Effect<E> {
        Effect { done: name(self.done), facts: self.facts }
    }
}

/// Why a command has no effect.
#[derive(Debug)]
pub enum NotDone {
    Refused(Refused),
    /// The caller may not do this to this record.
    Denied(Denied),
    /// The record in the path is absent or out of the caller's scope.
    Absent,
    /// It waits for a second person.
    Held(Hold),
    /// Something that must hold did not.
    Fault(Fault),
}

/// A command that waits for a second person, before it is filed.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// The operation that is held, of an atomic call that of the item.
    pub operation: &'static str,
    pub facts: Facts,
}

impl<R: Refusal + Send + Sync + 'static> From<R> for NotDone {
    fn from(refusal: R) -> Self {
        NotDone::Refused(Box::new(refusal))
    }
}

impl From<Fault> for NotDone {
    fn from(fault: Fault) -> Self {
        NotDone::Fault(fault)
    }
}
