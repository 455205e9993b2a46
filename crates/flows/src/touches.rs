//! What the commands of a batch need of each shelf, gathered before the desk takes it.

use clients::shelf::ClientTouch;
use db::caller::Scope;
use db::lane::Asked;
use ledger::shelf::EntryTouch;
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
}
