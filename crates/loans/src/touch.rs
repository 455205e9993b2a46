//! What a command needs of the loans before it is decided.

use std::collections::HashMap;

use chrono::NaiveDate;
use db::caller::Scope;
use kernel::plain_amount::PlainAmount;
use uuid::Uuid;

use crate::event::EventName;

/// How much of a loan a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The instalments that the money can reach.
    Part,
    /// All events: what is recorded may lie before the last one.
    History,
    /// Nothing: the command makes the loan.
    New,
}

/// What a command needs of the shelf before it is decided.
#[derive(Debug, Clone, Copy)]
pub struct LoanTouch<'a> {
    pub id: Uuid,
    pub scope: Scope,
    /// The event that it would be.
    pub event: Option<EventName>,
    /// The value date, where the command names one.
    pub value_on: Option<NaiveDate>,
    /// The money that it would pay in.
    pub pays: Option<PlainAmount>,
    pub receipt: Option<&'a str>,
    pub need: Need,
    /// Whether it looks at what was applied for.
    pub application: bool,
    /// The client and the product of a new loan, and the officer that it names.
    pub client_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub officer_id: Option<Uuid>,
}

impl LoanTouch<'_> {
    /// An event on a loan that stands.
    pub fn of(id: Uuid, scope: Scope, event: EventName, value_on: Option<NaiveDate>) -> LoanTouch<'static> {
        LoanTouch {
            id,
            scope,
            event: Some(event),
            value_on,
            pays: None,
            receipt: None,
            need: Need::Part,
            application: false,
            client_id: None,
            product_id: None,
            officer_id: None,
        }
    }
}

/// From which value date on each loan is looked at: the earliest that a command of the batch names for it, and the open day at the
/// latest. One command that dates back reads no other loan to its end.
pub(crate) fn from_of(business_date: NaiveDate, touches: &[LoanTouch<'_>]) -> HashMap<Uuid, NaiveDate> {
    let mut from: HashMap<Uuid, NaiveDate> = HashMap::with_capacity(touches.len());
    for touch in touches.iter().filter(|touch| touch.need != Need::New) {
        // What a command looks back on may lie at the loan's beginning.
        let named = if touch.need == Need::History { Some(kernel::date::EARLIEST) } else { touch.value_on };
        let day = named.map_or(business_date, |day| day.min(business_date));
        from.entry(touch.id).and_modify(|known| *known = (*known).min(day)).or_insert(day);
    }
    from
}
