//! What the commands of a batch need of each shelf, gathered before the desk takes it.

use access::shelf::ApprovalShelf;
use clients::shelf::{ClientShelf, ClientTouch};
use db::caller::Scope;
use db::fault::Fault;
use db::lane::Asked;
use db::tx::{CLOCK, Tx};
use ledger::shelf::{EntryShelf, EntryTouch};
use loans::shelf::LoanShelf;
use loans::touch::LoanTouch;
use uuid::Uuid;

use crate::desk_command::DeskCommand;

/// What the commands of a batch need of each shelf.
#[derive(Debug, Default)]
pub(crate) struct Touches<'a> {
    pub approvals: Vec<(Uuid, Scope)>,
    pub clients: Vec<ClientTouch>,
    pub loans: Vec<LoanTouch<'a>>,
    pub entries: Vec<EntryTouch>,
    pub makers: Vec<Uuid>,
}

impl<'a> Touches<'a> {
    pub fn of(asked: &[Asked<'a, DeskCommand>]) -> Touches<'a> {
        let mut touches = Touches::default();
        for one in asked {
            touches.add(one.command, one.caller.scope);
        }
        touches
    }

    /// What a second person approves is decided within that person's scope.
    pub fn add(&mut self, command: &'a DeskCommand, scope: Scope) {
        command.each(&mut |one| match one {
            DeskCommand::Client(command) => self.clients.push(command.action().touch(scope)),
            DeskCommand::Loan(command) => {
                let touch = command.action().touch(scope);
                // A new loan has a row that limits it: its client's.
                self.clients.extend(touch.client_id.map(|client_id| ClientTouch::of(client_id, scope)));
                self.loans.push(touch);
            }
            DeskCommand::Entry(command) => self.entries.push(command.action().touch()),
            DeskCommand::Decide(decide) => {
                self.approvals.push((decide.approval_id, scope));
                self.makers.extend(decide.held.as_ref().map(|held| held.maker_id));
            }
            DeskCommand::All(_) => {}
        });
    }

    /// The branches and officers that commands name.
    pub fn places(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let mut branches: Vec<Uuid> = self.clients.iter().filter_map(|touch| touch.branch_id).collect();
        branches.extend(self.entries.iter().flat_map(|touch| touch.branches.iter().copied()));
        let mut officers: Vec<Uuid> = self.clients.iter().filter_map(|touch| touch.officer_id).collect();
        officers.extend(self.loans.iter().filter_map(|touch| touch.officer_id));
        (branches, officers)
    }

    /// All statements are prepared before several are sent at once: one that still had to be would be overtaken by the next.
    pub async fn prepare(&self, tx: &Tx) -> Result<(), Fault> {
        if !self.approvals.is_empty() {
            tx.prepare(ApprovalShelf::STATEMENTS).await?;
        }
        if !self.clients.is_empty() {
            tx.prepare(ClientShelf::STATEMENTS).await?;
        }
        if !self.loans.is_empty() {
            for statements in LoanShelf::STATEMENTS {
                tx.prepare(statements).await?;
            }
        }
        if !self.entries.is_empty() {
            tx.prepare(EntryShelf::STATEMENTS).await?;
        }
        tx.prepare(&[CLOCK]).await
    }
}
