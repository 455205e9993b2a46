//! Activating a client that was registered as pending.

use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use serde_json::json;
use uuid::Uuid;

use crate::action::{AtClients, ClientAction};
use crate::client::{Client, ClientStatus};
use crate::shelf::ClientTouch;

#[derive(Debug, Clone)]
pub struct Activate {
    pub client_id: Uuid,
}

impl ClientAction for Activate {
    fn about(&self) -> About {
        About { rows: vec![self.client_id], subject: Some(self.client_id), ..About::of("client.activate") }
    }

    fn touch(&self, scope: Scope) -> ClientTouch {
        ClientTouch::of(self.client_id, scope)
    }

    /// A client that is active stays so: activating twice is one fact.
    fn decide(&self, at: &mut AtClients<'_>, caller: &Caller) -> Result<Effect<Client>, NotDone> {
        let client = at.clients.find(self.client_id, &caller.scope, &at.sheet.places).ok_or(NotDone::Absent)?;
        if client.status == ClientStatus::Active {
            return Ok(Effect::of(client.clone()));
        }
        let client = at.clients.change(self.client_id, &caller.scope, &at.sheet.places)?;
        client.status = ClientStatus::Active;
        client.version += 1;
        at.sheet.tell("client.activated", client.id, json!({}));
        Ok(Effect::of(client.clone()))
    }
}
