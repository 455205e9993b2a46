//! What the desk takes, and what a command did.

use access::approvals::Approval;
use clients::client::Client;
use clients::command::ClientCommand;
use db::lane::About;
use ledger::command::EntryCommand;
use ledger::journal::Entry;
use loans::action::LoanDone;
use loans::command::LoanCommand;
use uuid::Uuid;

use crate::atomic::Item;
use crate::held::Decide;
use crate::visible::Record;

/// What the desk takes.
#[derive(Debug, Clone)]
pub enum DeskCommand {
    Client(ClientCommand),
    Loan(LoanCommand),
    Entry(EntryCommand),
    /// A second person's word on one that was held.
    Decide(Box<Decide<DeskCommand>>),
    /// All of them or none.
    All(Vec<Item>),
}

/// What a command did.
#[derive(Debug)]
pub enum DeskDone {
    Client(Box<Client>),
    Loan(LoanDone),
    Entry(Box<Entry>),
    /// With what was carried out, where it was approved.
    Decided(Box<Approval>, Option<Box<DeskDone>>),
    /// Each with the id of its command.
    All(Vec<(Uuid, DeskDone)>),
}

impl DeskCommand {
    /// The commands in it: the one that was held, the items of an atomic call, or itself.
    pub(crate) fn each<'a>(&'a self, visit: &mut impl FnMut(&'a DeskCommand)) {
        match self {
            DeskCommand::Decide(decide) => {
                visit(self);
                if let Some(held) = &decide.held {
                    held.command.each(visit);
                }
            }
            DeskCommand::All(items) => items.iter().for_each(|item| item.command.each(visit)),
            DeskCommand::Client(_) | DeskCommand::Loan(_) | DeskCommand::Entry(_) => visit(self),
        }
    }

    /// The record that an answer to it tells of, and whether the command makes it. `None`: those of its items.
    pub(crate) fn record(&self) -> Option<(Record, bool)> {
        match self {
            DeskCommand::Client(ClientCommand::Register(command)) => Some((Record::Client(command.id), true)),
            DeskCommand::Client(ClientCommand::Activate(command)) => Some((Record::Client(command.client_id), false)),
            DeskCommand::Loan(LoanCommand::Apply(command)) => Some((Record::Loan(command.id), true)),
            DeskCommand::Loan(command) => command.action().about().subject.map(|id| (Record::Loan(id), false)),
            DeskCommand::Entry(EntryCommand::Post(command)) => Some((Record::Entry(command.id), true)),
            DeskCommand::Entry(EntryCommand::Reverse(command)) => Some((Record::Entry(command.entry_id), false)),
            DeskCommand::Decide(decide) => Some((Record::Approval(decide.approval_id), false)),
            DeskCommand::All(_) => None,
        }
    }

    pub fn about(&self) -> About {
        match self {
            DeskCommand::Client(command) => command.action().about(),
            DeskCommand::Loan(command) => command.action().about(),
            DeskCommand::Entry(command) => command.action().about(),
            DeskCommand::Decide(decide) => {
                let held = decide.held.as_ref().map(|held| held.command.about()).unwrap_or_default();
                let mut about = About { operation: decide.operation(), subject: Some(decide.approval_id), ..held };
                about.rows.push(decide.approval_id);
                about
            }
            DeskCommand::All(items) => {
                let abouts: Vec<About> = items.iter().map(|item| item.command.about()).collect();
                let mut all = About { more: items.len().saturating_sub(1), ..About::of("commands.run") };
                for about in abouts {
                    all.rows.extend(about.rows);
                    all.claims.extend(about.claims);
                    all.tries.extend(about.tries);
                }
                all.rows.sort_unstable();
                all.rows.dedup();
                all
            }
        }
    }
}

impl DeskDone {
    /// The record that a command made or changed; `None`: several.
    pub fn record_id(&self) -> Option<Uuid> {
        match self {
            DeskDone::Client(client) => Some(client.id),
            DeskDone::Loan(LoanDone::Applied(applied)) => Some(applied.record.id),
            DeskDone::Loan(LoanDone::Ended(loan)) => Some(loan.id),
            DeskDone::Loan(LoanDone::Recorded(recorded)) => Some(recorded.loan.id),
            DeskDone::Entry(entry) => Some(entry.head.id),
            DeskDone::Decided(approval, _) => Some(approval.id),
            DeskDone::All(_) => None,
        }
    }
}
