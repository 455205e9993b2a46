//! Atomic calls: several commands that are taken in whole or not at all.

use std::fmt;

use db::caller::Denied;
use db::deciding::{NotDone, Refused};
use db::lane::Sent;
use kernel::refusal::{Kind, Refusal};
use serde_json::Value;

use crate::desk_command::DeskCommand;

/// One command of an atomic call.
#[derive(Debug, Clone)]
pub struct Item {
    pub command: DeskCommand,
    pub sent: Sent,
}

/// An item is refused, and the whole call with it.
#[derive(Debug)]
struct ItemRefused {
    index: usize,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Refused(Refused),
    Absent,
    Denied(Denied),
}

/// Why an atomic call has no effect: what stopped its item, with the item's place.
pub(crate) fn at_item(index: usize, why: NotDone) -> NotDone {
    let why = match why {
        NotDone::Refused(refused) => Why::Refused(refused),
        NotDone::Absent => Why::Absent,
        NotDone::Denied(denied) => Why::Denied(denied),
        // An item that is held is carried out on the desk like the others: its call is held at the end.
        NotDone::Held(_) | NotDone::Fault(_) => return why,
    };
    ItemRefused { index, why }.into()
}

/// What is now known of an item, as pointers into the body of the call.
pub(crate) fn at_place(index: usize, resolved: &[(String, Value)]) -> impl Iterator<Item = (String, Value)> {
    resolved.iter().map(move |(pointer, value)| (format!("/items/{index}/body{pointer}"), value.clone()))
}

/// What the second person reads of a call: the first item that is held, and what else is in it.
pub(crate) fn described(first: Option<String>, others: &[&'static str]) -> Option<String> {
    if others.is_empty() {
        return first;
    }
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for operation in others {
        match counted.iter_mut().find(|(known, _)| known == operation) {
            Some((_, count)) => *count += 1,
            None => counted.push((operation, 1)),
        }
    }
    let others: Vec<String> = counted.iter().map(|(operation, count)| format!("{count} × {operation}")).collect();
    Some(format!("{}, in one call with {}", first.unwrap_or_default(), others.join(", ")))
}

impl fmt::Display for ItemRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Refused(refused) => write!(f, "{refused}"),
            Why::Absent => f.write_str("there is no such record, or it is outside your branches"),
            Why::Denied(Denied::Lacks(permission)) => write!(f, "this item needs the permission {permission}"),
            Why::Denied(Denied::SignInAgain) => f.write_str("this user may no longer sign in"),
        }
    }
}

impl std::error::Error for ItemRefused {}

impl Refusal for ItemRefused {
    fn code(&self) -> &'static str {
        match &self.why {
            Why::Refused(refused) => refused.code(),
            Why::Absent => "resource.not_found",
            Why::Denied(_) => "access.forbidden",
        }
    }

    fn kind(&self) -> Kind {
        match &self.why {
            Why::Refused(refused) => refused.kind(),
            Why::Absent => Kind::Absent,
            Why::Denied(_) => Kind::Forbidden,
        }
    }

    fn pointer(&self) -> Option<String> {
        let index = self.index;
        Some(match &self.why {
            Why::Refused(refused) => match refused.pointer() {
                Some(pointer) => format!("/items/{index}/body{pointer}"),
                None => format!("/items/{index}"),
            },
            Why::Absent => format!("/items/{index}/path"),
            Why::Denied(_) => format!("/items/{index}"),
        })
    }

    fn retry_after(&self) -> Option<u32> {
        match &self.why {
            Why::Refused(refused) => refused.retry_after(),
            Why::Absent | Why::Denied(_) => None,
        }
    }
}
