//! What one does with clients, as the desk takes it: what a command needs, and its decision.

use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use ledger::sheet::DaySheet;

use crate::client::Client;
use crate::shelf::{ClientShelf, ClientTouch};

/// What a decision about clients may hold.
#[derive(Debug)]
pub struct AtClients<'a> {
    pub clients: &'a mut ClientShelf,
    pub sheet: &'a mut DaySheet,
}

pub trait ClientAction {
    fn about(&self) -> About;

    fn touch(&self, scope: Scope) -> ClientTouch;

    fn decide(&self, at: &mut AtClients<'_>, caller: &Caller) -> Result<Effect<Client>, NotDone>;
}
