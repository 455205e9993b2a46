//! The commands about entries that people write: one list.

use crate::action::EntryAction;
use crate::manual::PostManualEntry;
use crate::reversal::ReverseEntry;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryCommand {
    Post(PostManualEntry),
    Reverse(ReverseEntry),
}

impl EntryCommand {
    pub fn action(&self) -> &dyn EntryAction {
        match self {
            EntryCommand::Post(command) => command,
            EntryCommand::Reverse(command) => command,
        }
    }
}
