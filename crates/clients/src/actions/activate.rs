//! Activating a client that was registered as pending.

use db::fault::Fault;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::Tx;
use uuid::Uuid;

use crate::client::{Client, ClientStatus};
use crate::error::ClientError;
use crate::store;

#[derive(Debug, Clone)]
pub struct Activate {
    pub client_id: Uuid,
}

impl Command for Activate {
    type Done = Client;
    type Refused = ClientError;
    const OPERATION: &'static str = "client.activate";

    fn rows(&self) -> Vec<Uuid> {
        vec![self.client_id]
    }

    fn subject(&self) -> Option<Uuid> {
        Some(self.client_id)
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let wanted: Vec<_> = asked.iter().map(|asked| (asked.command.client_id, asked.caller.scope)).collect();
        let mut locked = store::clients_for_update(tx, &wanted).await?;
        let mut outcomes = Vec::new();
        let mut changed = Vec::new();
        for Asked { caller, command, .. } in asked {
            let client = match locked.get_mut(command.client_id, &caller.scope) {
                Ok(client) => client,
                Err(outcome) => {
                    outcomes.push(outcome);
                    continue;
                }
            };
            // A client that is active stays so: activating twice is one fact.
            if client.status == ClientStatus::Pending {
                client.status = ClientStatus::Active;
                client.version += 1;
                changed.push(client.clone());
            }
            outcomes.push(Outcome::Done(client.clone()));
        }
        store::clients_update_status(tx, &changed).await?;
        Ok(outcomes)
    }
}
