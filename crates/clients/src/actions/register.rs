//! Registering a client: active at once, unless it is to wait for a check of its documents.

use std::fmt;

use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::keys::Claim;
use db::lane::About;
use db::tx::Today;
use org::places::Places;
use serde_json::json;
use uuid::Uuid;

use crate::action::{AtClients, ClientAction};
use crate::client::{Area, Birth, Client, ClientKind, ClientName, ClientStatus, Gender};
use crate::error::ClientError;
use crate::shelf::ClientTouch;

#[derive(Clone)]
pub struct Register {
    pub id: Uuid,
    pub branch_id: Uuid,
    pub officer_id: Option<Uuid>,
    pub kind: ClientKind,
    pub status: ClientStatus,
    pub name: ClientName,
    pub birth: Option<Birth>,
    pub gender: Option<Gender>,
    pub area: Option<Area>,
    pub phone: Option<String>,
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ClientAction for Register {
    fn about(&self) -> About {
        About {
            rows: vec![self.id],
            claims: vec![Claim::of("id", &self.id.to_string())],
            ..About::of("client.register")
        }
    }

    fn touch(&self, scope: Scope) -> ClientTouch {
        let (branch_id, officer_id) = (Some(self.branch_id), self.officer_id);
        ClientTouch { id: self.id, scope, is_new: true, branch_id, officer_id }
    }

    fn decide(&self, at: &mut AtClients<'_>, caller: &Caller) -> Result<Effect<Client>, NotDone> {
        let number = at.clients.next_number();
        if at.clients.is_taken(self.id) {
            return Err(ClientError::IdTaken(self.id).into());
        }
        let client = decide(self, &caller.scope, &at.sheet.places, at.sheet.today, number)?;
        at.clients.insert(client.clone(), caller.user_id);
        let told = json!({"branch_id": client.branch_id, "number": client.number});
        at.sheet.tell("client.registered", client.id, told);
        Ok(Effect::of(client))
    }
}

fn decide(
    command: &Register,
    scope: &Scope,
    places: &Places,
    today: Today,
    number: String,
) -> Result<Client, ClientError> {
    if !places.covers(scope, command.branch_id) {
        return Err(ClientError::ReferenceNotFound { pointer: "/branch_id" });
    }
    // A user who sees only an own portfolio registers into it.
    let officer_id = command.officer_id.or(scope.officer_id);
    let outside =
        |officer: Uuid| !places.has_officer(scope, officer) || scope.officer_id.is_some_and(|own| own != officer);
    if command.officer_id.is_some_and(outside) {
        return Err(ClientError::ReferenceNotFound { pointer: "/officer_id" });
    }
    match command.kind {
        ClientKind::Person if command.gender.is_none() => return Err(ClientError::GenderMissing),
        ClientKind::Organisation if command.gender.is_some() => {
            return Err(ClientError::NotForOrganisations { pointer: "/gender" });
        }
        ClientKind::Organisation if command.birth.is_some() => {
            return Err(ClientError::NotForOrganisations { pointer: "/birth" });
        }
        ClientKind::Person | ClientKind::Organisation => {}
    }
    if let Some(Birth::On(born_on)) = command.birth
        && born_on > today.business_date
    {
        return Err(ClientError::NotBornYet(born_on));
    }
    Ok(Client {
        id: command.id,
        number,
        branch_id: command.branch_id,
        officer_id,
        kind: command.kind,
        status: command.status,
        name: command.name.clone(),
        birth: command.birth,
        gender: command.gender,
        area: command.area,
        phone: command.phone.clone(),
        registered_on: today.business_date,
        created_at: today.now,
        version: 1,
    })
}
