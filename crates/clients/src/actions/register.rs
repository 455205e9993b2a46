//! Registering a client: active at once, unless it is to wait for a check of its documents.

use std::fmt;

use db::caller::Scope;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::{Today, Tx};
use uuid::Uuid;

use crate::client::{Area, Birth, Client, ClientKind, ClientName, ClientStatus, Gender};
use crate::error::ClientError;
use crate::store::{self, Places};

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

impl Command for Register {
    type Done = Client;
    type Refused = ClientError;
    const OPERATION: &'static str = "client.register";

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::of("id", &self.id.to_string())]
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let mut taken = store::client_ids_taken(tx, &ids).await?;
        let branches: Vec<Uuid> = asked.iter().map(|asked| asked.command.branch_id).collect();
        let officers: Vec<Uuid> = asked.iter().filter_map(|asked| asked.command.officer_id).collect();
        let places = store::places(tx, &branches, &officers).await?;
        let mut numbers = store::client_numbers(tx, asked.len()).await?.into_iter();
        let mut registered = Vec::new();
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            let number = numbers.next().unwrap_or_default();
            let decision = if taken.contains(&command.id) {
                Err(ClientError::IdTaken(command.id))
            } else {
                decide(command, &caller.scope, &places, tx.today(), number)
            };
            outcomes.push(match decision {
                Ok(client) => {
                    taken.insert(client.id);
                    registered.push((client.clone(), caller.user_id));
                    Outcome::Done(client)
                }
                Err(refused) => Outcome::Refused(refused),
            });
        }
        store::clients_insert(tx, &registered).await?;
        for (client, _) in &registered {
            tx.emit(
                "client.created",
                client.id,
                serde_json::json!({"branch_id": client.branch_id, "number": client.number}),
            );
        }
        Ok(outcomes)
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
    // Whoever sees only an own portfolio registers into it.
    let officer_id = command.officer_id.or(scope.officer_id);
    let outside =
        |officer: Uuid| !places.officers.contains_key(&officer) || scope.officer_id.is_some_and(|own| own != officer);
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
