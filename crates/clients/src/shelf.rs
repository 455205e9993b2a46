//! The clients that a batch has in memory, each locked, and those that it makes.

use std::collections::{HashMap, HashSet};

use db::caller::Scope;
use db::deciding::NotDone;
use db::fault::Fault;
use db::shelf::Rows;
use db::tx::{Locking, Tx, Writing};
use org::numbers::{self, Sequence};
use org::places::Places;
use uuid::Uuid;

use crate::client::Client;
use crate::store;

/// What a command needs of the shelf before it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientTouch {
    pub id: Uuid,
    pub scope: Scope,
    /// Whether the command makes this client.
    pub is_new: bool,
    /// The branch and the officer that the command names: who decides must know them.
    pub branch_id: Option<Uuid>,
    pub officer_id: Option<Uuid>,
}

impl ClientTouch {
    /// A client that stands already.
    pub fn of(id: Uuid, scope: Scope) -> ClientTouch {
        ClientTouch { id, scope, is_new: false, branch_id: None, officer_id: None }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientShelf {
    clients: Rows<Client>,
    held: HashSet<Uuid>,
    /// Which scope sees which client.
    visible: HashSet<(Uuid, Scope)>,
    /// Ids that clients have already.
    taken: HashSet<Uuid>,
    /// Numbers for new clients; a dry run draws none.
    numbers: Vec<String>,
    /// How many of them are used.
    numbered: usize,
    /// Clients that the batch makes, with the user who registered them.
    made: Vec<(Uuid, Uuid)>,
}

/// Where a shelf falls back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientMark {
    made: usize,
    numbered: usize,
}

/// What is read, or nothing where it is not needed.
async fn when<T: Default>(needed: bool, read: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    if needed { read.await } else { Ok(T::default()) }
}

impl ClientShelf {
    /// Locks the clients that commands name, each within its caller's scope, and loads them.
    pub async fn take(tx: &Tx, touches: &[ClientTouch]) -> Result<ClientShelf, Fault> {
        let mut shelf = ClientShelf::default();
        let (new, standing): (Vec<ClientTouch>, Vec<ClientTouch>) = touches.iter().partition(|touch| touch.is_new);
        let wanted: Vec<(Uuid, Scope)> = standing.iter().map(|touch| (touch.id, touch.scope)).collect();
        let ids: Vec<Uuid> = new.iter().map(|touch| touch.id).collect();
        let draws_numbers = !new.is_empty() && tx.locking != Locking::None;
        // Sent together, the locks first: one round trip.
        let (locked, taken, numbers) = futures::try_join!(
            when(!standing.is_empty(), store::clients_for_update(tx, &wanted)),
            when(!new.is_empty(), store::client_ids_taken(tx, &ids)),
            when(draws_numbers, numbers::draw(tx, Sequence::Client, new.len())),
        )?;
        (shelf.taken, shelf.numbers) = (taken, numbers);
        let (clients, places) = locked;
        shelf.stand(tx, &wanted, clients, places).await?;
        Ok(shelf)
    }

    /// For decisions that are tried without a database: clients that this scope sees, and numbers for new ones.
    pub fn of(clients: Vec<Client>, scope: Scope, numbers: Vec<String>) -> ClientShelf {
        let mut shelf = ClientShelf { numbers, ..ClientShelf::default() };
        for client in clients {
            shelf.held.insert(client.id);
            shelf.visible.insert((client.id, scope));
            shelf.clients.load(client.id, client);
        }
        shelf
    }

    async fn stand(
        &mut self,
        tx: &Tx,
        wanted: &[(Uuid, Scope)],
        mut clients: Vec<Client>,
        mut ancestors: HashMap<Uuid, Vec<Uuid>>,
    ) -> Result<(), Fault> {
        self.held = clients.iter().map(|client| client.id).collect();
        let missing: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).filter(|id| !self.held.contains(id)).collect();
        if !missing.is_empty() {
            // Locked by another transaction, out of scope, or absent: the first is told from the others by who may see it.
            let (others, places) = store::clients_with_place(tx, &missing).await?;
            clients.extend(others);
            ancestors.extend(places);
        }
        for client in clients {
            let above = ancestors.get(&client.branch_id).map(Vec::as_slice).unwrap_or_default();
            let sees = |scope: &Scope| above.contains(&scope.branch_id) && is_of_officer(&client, scope);
            let seen = wanted.iter().filter(|(id, scope)| *id == client.id && sees(scope));
            self.visible.extend(seen.copied());
            self.clients.load(client.id, client);
        }
        Ok(())
    }

    /// Whether another transaction has locked any row that is seen here.
    pub fn misses_some(&self) -> bool {
        self.visible.iter().any(|(id, _)| !self.held.contains(id))
    }

    /// Whether the client is there for this scope and another transaction has locked it.
    pub fn is_locked_elsewhere(&self, id: Uuid, scope: Scope) -> bool {
        self.visible.contains(&(id, scope)) && !self.held.contains(&id)
    }

    /// A client that the scope sees.
    pub fn find(&self, id: Uuid, scope: &Scope, places: &Places) -> Option<&Client> {
        let client = self.clients.get(id)?;
        let is_made = || self.made.iter().any(|(made, _)| *made == id);
        let is_seen = self.visible.contains(&(id, *scope))
            || (is_made() && places.covers(scope, client.branch_id) && is_of_officer(client, scope));
        is_seen.then_some(client)
    }

    /// The same, to be changed.
    pub fn change(&mut self, id: Uuid, scope: &Scope, places: &Places) -> Result<&mut Client, NotDone> {
        self.find(id, scope, places).ok_or(NotDone::Absent)?;
        self.clients.change(id).ok_or(NotDone::Absent)
    }

    pub fn is_taken(&self, id: Uuid) -> bool {
        self.taken.contains(&id) || self.clients.get(id).is_some()
    }

    /// The number of the next new client; empty in a dry run.
    pub(crate) fn next_number(&mut self) -> String {
        self.numbered += 1;
        self.numbers.get(self.numbered - 1).cloned().unwrap_or_default()
    }

    pub(crate) fn insert(&mut self, client: Client, user_id: Uuid) {
        self.made.push((client.id, user_id));
        self.clients.insert(client.id, client);
    }

    /// The branches of the clients here.
    pub fn branches(&self) -> impl Iterator<Item = Uuid> {
        self.clients.iter().map(|(_, client)| client.branch_id)
    }

    pub fn mark(&self) -> ClientMark {
        ClientMark { made: self.made.len(), numbered: self.numbered }
    }

    pub fn keep(&mut self) {
        self.clients.keep();
    }

    pub fn fall_back(&mut self, mark: ClientMark) {
        self.clients.fall_back();
        self.made.truncate(mark.made);
        self.numbered = mark.numbered;
    }

    /// The statements that save what was made and changed.
    pub fn put_back(&self, tx: &Tx) -> Vec<Writing> {
        let made: HashMap<Uuid, Uuid> = self.made.iter().copied().collect();
        let changed = self.clients.changed();
        let (new, standing): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(id, _)| made.contains_key(id));
        let new: Vec<(&Client, Uuid)> =
            new.into_iter().map(|(id, client)| (client, made.get(&id).copied().unwrap_or_default())).collect();
        let standing: Vec<&Client> = standing.into_iter().map(|(_, client)| client).collect();
        let inserted = store::clients_insert(tx.today(), &new);
        inserted.into_iter().chain(store::clients_update_status(&standing)).collect()
    }
}

fn is_of_officer(client: &Client, scope: &Scope) -> bool {
    scope.officer_id.is_none() || client.officer_id == scope.officer_id
}
