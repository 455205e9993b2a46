//! The commands about clients: one list.

use crate::action::ClientAction;
use crate::actions::activate::Activate;
use crate::actions::register::Register;

#[derive(Debug, Clone)]
pub enum ClientCommand {
    Register(Register),
    Activate(Activate),
}

impl ClientCommand {
    pub fn action(&self) -> &dyn ClientAction {
        match self {
            ClientCommand::Register(command) => command,
            ClientCommand::Activate(command) => command,
        }
    }
}
