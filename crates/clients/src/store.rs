//! The table of clients.

use std::collections::{HashMap, HashSet};

use db::caller::Scope;
use db::fault::Fault;
use db::lane::Outcome;
use db::page::{Page, Position, Rows};
use db::tx::{Locking, Row, Tx};
use uuid::Uuid;

use crate::client::{Birth, Client, ClientName};

const COLUMNS_BY_ID: &str =
    "select id, number, branch_id, officer_id, kind, status, given_name, family_name, second_family_name, full_name,
            born_on, born_in, gender, area, phone, registered_on, created_at, version
     from client where id = any($1)";

/// Branches with their ancestors, and members of staff with their branch, as far as a batch names them.
#[derive(Debug, Default)]
pub struct Places {
    pub branches: HashMap<Uuid, Vec<Uuid>>,
    pub officers: HashMap<Uuid, Uuid>,
}

impl Places {
    pub fn covers(&self, scope: &Scope, branch_id: Uuid) -> bool {
        self.branches.get(&branch_id).is_some_and(|ancestors| ancestors.contains(&scope.branch_id))
    }
}

pub async fn places(tx: &Tx, branches: &[Uuid], officers: &[Uuid]) -> Result<Places, Fault> {
    let rows = tx
        .query(
            "select id, ancestors, null::uuid as branch_id from branch where id = any($1)
             union all select id, null, branch_id from staff where id = any($2) and active",
            &[&branches, &officers],
        )
        .await?;
    let mut places = Places::default();
    for row in rows {
        let id = row.get("id");
        match row.get::<_, Option<Vec<Uuid>>>("ancestors") {
            Some(ancestors) => drop(places.branches.insert(id, ancestors)),
            None => drop(places.officers.insert(id, row.get("branch_id"))),
        }
    }
    Ok(places)
}

pub async fn client_ids_taken(tx: &Tx, ids: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    let rows = tx.query("select id from client where id = any($1)", &[&ids]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

pub async fn client_numbers(tx: &Tx, count: usize) -> Result<Vec<String>, Fault> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let rows = tx
        .query(
            // At least 6 digits: to pad to 6 would cut a longer one.
            "select 'C-' || lpad(number, greatest(6, length(number)), '0') as number
             from (select nextval('client_number')::text as number from generate_series(1, $1)) as next",
            &[&count],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("number")).collect())
}

pub async fn clients_insert(tx: &Tx, clients: &[(Client, Uuid)]) -> Result<(), Fault> {
    if clients.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = clients.iter().map(|(client, _)| client.id).collect();
    let numbers: Vec<&str> = clients.iter().map(|(client, _)| client.number.as_str()).collect();
    let branches: Vec<Uuid> = clients.iter().map(|(client, _)| client.branch_id).collect();
    let officers: Vec<Option<Uuid>> = clients.iter().map(|(client, _)| client.officer_id).collect();
    let kinds: Vec<&str> = clients.iter().map(|(client, _)| client.kind.as_str()).collect();
    let statuses: Vec<&str> = clients.iter().map(|(client, _)| client.status.as_str()).collect();
    let given: Vec<Option<&str>> = clients.iter().map(|(client, _)| client.name.given.as_deref()).collect();
    let family: Vec<Option<&str>> = clients.iter().map(|(client, _)| client.name.family.as_deref()).collect();
    let second: Vec<Option<&str>> = clients.iter().map(|(client, _)| client.name.second_family.as_deref()).collect();
    let full: Vec<&str> = clients.iter().map(|(client, _)| client.name.full.as_str()).collect();
    let born_on: Vec<_> = clients
        .iter()
        .map(|(client, _)| match client.birth {
            Some(Birth::On(day)) => Some(day),
            _ => None,
        })
        .collect();
    let born_in: Vec<_> = clients
        .iter()
        .map(|(client, _)| match client.birth {
            Some(Birth::Year(year)) => Some(year),
            _ => None,
        })
        .collect();
    let genders: Vec<Option<&str>> =
        clients.iter().map(|(client, _)| client.gender.map(|gender| gender.as_str())).collect();
    let areas: Vec<Option<&str>> = clients.iter().map(|(client, _)| client.area.map(|area| area.as_str())).collect();
    let phones: Vec<Option<&str>> = clients.iter().map(|(client, _)| client.phone.as_deref()).collect();
    let registered_by: Vec<Uuid> = clients.iter().map(|(_, user)| *user).collect();
    tx.execute(
        "insert into client (created_at, registered_on, id, number, branch_id, officer_id, kind, status, given_name, family_name,
                             second_family_name, full_name, born_on, born_in, gender, area, phone, registered_by)
         select $1, $2, * from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
                                      $11::text[], $12::text[], $13::date[], $14::smallint[], $15::text[], $16::text[], $17::text[], $18::uuid[])",
        &[
            &tx.now, &tx.business_date, &ids, &numbers, &branches, &officers, &kinds, &statuses, &given, &family, &second,
            &full, &born_on, &born_in, &genders, &areas, &phones, &registered_by,
        ],
    )
    .await?;
    Ok(())
}

/// Clients that a batch has locked, and which of the others exist at all.
#[derive(Debug)]
pub struct LockedClients {
    locked: HashMap<Uuid, Client>,
    visible: HashSet<(Uuid, Uuid)>,
}

impl LockedClients {
    /// The client, or the outcome of a command whose client is in other hands or not to be seen.
    pub fn get_mut<Done, Refused>(&mut self, id: Uuid, scope: &Scope) -> Result<&mut Client, Outcome<Done, Refused>> {
        if !self.visible.contains(&(id, scope.branch_id)) {
            return Err(Outcome::Absent);
        }
        match self.locked.get_mut(&id) {
            Some(client) if scope.officer_id.is_some() && client.officer_id != scope.officer_id => Err(Outcome::Absent),
            Some(client) => Ok(client),
            None => Err(Outcome::Busy),
        }
    }
}

/// Locks clients within the callers' scopes, passing over those in other hands.
pub async fn clients_for_update(tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<LockedClients, Fault> {
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
    let scopes: Vec<Uuid> = wanted.iter().map(|(_, scope)| scope.branch_id).collect();
    let visible = tx
        .query(
            "select client.id, wanted.scope from unnest($1::uuid[], $2::uuid[]) as wanted (id, scope)
             join client on client.id = wanted.id join branch on branch.id = client.branch_id and wanted.scope = any(branch.ancestors)",
            &[&ids, &scopes],
        )
        .await?;
    let visible: HashSet<(Uuid, Uuid)> = visible.iter().map(|row| (row.get("id"), row.get("scope"))).collect();
    let ids: Vec<Uuid> = visible.iter().map(|(id, _)| *id).collect();
    let lock = match tx.locking {
        Locking::Wait => "select id from client where id = any($1) order by id for no key update",
        Locking::Skip => "select id from client where id = any($1) order by id for no key update skip locked",
        Locking::None => "select id from client where id = any($1)",
    };
    let held: Vec<Uuid> = tx.query(lock, &[&ids]).await?.iter().map(|row| row.get("id")).collect();
    let locked = clients_by_ids(tx, &held).await?;
    Ok(LockedClients { locked: locked.into_iter().map(|client| (client.id, client)).collect(), visible })
}

pub async fn clients_by_ids(tx: &Tx, ids: &[Uuid]) -> Result<Vec<Client>, Fault> {
    tx.query(COLUMNS_BY_ID, &[&ids]).await?.iter().map(client_of_row).collect()
}

pub async fn clients_update_status(tx: &Tx, clients: &[Client]) -> Result<(), Fault> {
    if clients.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = clients.iter().map(|client| client.id).collect();
    let statuses: Vec<&str> = clients.iter().map(|client| client.status.as_str()).collect();
    let versions: Vec<i64> = clients.iter().map(|client| client.version).collect();
    tx.execute(
        "update client set status = changed.status, version = changed.version
         from unnest($1::uuid[], $2::text[], $3::bigint[]) as changed (id, status, version) where client.id = changed.id",
        &[&ids, &statuses, &versions],
    )
    .await?;
    Ok(())
}

/// What a list of clients is narrowed by.
#[derive(Debug, Default)]
pub struct ClientFilter {
    pub branch_id: Option<Uuid>,
    pub officer_id: Option<Uuid>,
    pub status: Option<&'static str>,
    pub number: Option<String>,
    /// The beginning of the name, in any case.
    pub name: Option<String>,
}

/// The newest of the institution, filtered as they come.
const OF_ALL: &str = "select client.id, client.number, client.branch_id, officer_id, kind, status, given_name, family_name, second_family_name,
            full_name, born_on, born_in, gender, area, phone, registered_on, client.created_at, client.version
     from client join branch on branch.id = client.branch_id
     where $1 = any(branch.ancestors) and ($2::uuid is null or officer_id = $2)
       and ($3::uuid is null or $3 = any(branch.ancestors)) and ($4::uuid is null or officer_id = $4)
       and ($5::text is null or status = $5) and ($6::text is null or client.number = $6)
       and ($7::text is null or lower(full_name) like $7)
       and ($8::timestamptz is null or (client.created_at, client.id) < ($8, $9))
     order by client.created_at desc, client.id desc limit $10";

/// A page of each branch below $3, by the branch's index, then the page of all: a branch has few of a million clients.
const OF_BRANCHES: &str = "select client.id, client.number, client.branch_id, officer_id, kind, status, given_name, family_name, second_family_name,
            full_name, born_on, born_in, gender, area, phone, registered_on, client.created_at, client.version
     from branch cross join lateral (
         select * from client
         where branch_id = branch.id and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
           and ($5::text is null or status = $5) and ($6::text is null or number = $6)
           and ($7::text is null or lower(full_name) like $7)
           and ($8::timestamptz is null or (created_at, id) < ($8, $9))
         order by created_at desc, id desc limit $10) client
     where $1 = any(branch.ancestors) and $3 = any(branch.ancestors)
     order by client.created_at desc, client.id desc limit $10";

pub async fn clients_page(tx: &Tx, scope: &Scope, filter: &ClientFilter, page: &Page) -> Result<Rows<Client>, Fault> {
    let name = filter.name.as_deref().map(|name| format!("{}%", like_literal(&name.to_lowercase())));
    let branch_id = org::store::narrowed_to(tx, scope.branch_id, filter.branch_id).await?;
    // An officer, a number and a name have indexes of their own.
    let by_own_index = scope.officer_id.or(filter.officer_id).is_some() || filter.number.is_some() || name.is_some();
    let sql = if branch_id.is_some() && !by_own_index { OF_BRANCHES } else { OF_ALL };
    let rows = tx
        .query(
            sql,
            &[
                &scope.branch_id,
                &scope.officer_id,
                &branch_id,
                &filter.officer_id,
                &filter.status,
                &filter.number,
                &name,
                &page.after_at(),
                &page.after_id(),
                &page.fetch(),
            ],
        )
        .await?;
    let clients: Result<Vec<Client>, Fault> = rows.iter().map(client_of_row).collect();
    Ok(page.rows(clients?, |client| Position { at: client.created_at, id: client.id }))
}

/// A text whose `%`, `_` and `\` stand for themselves in a LIKE pattern.
fn like_literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

pub async fn find_client(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Option<Client>, Fault> {
    let rows = tx
        .query(
            "select client.id from client join branch on branch.id = client.branch_id
             where client.id = $1 and $2 = any(branch.ancestors) and ($3::uuid is null or officer_id = $3)",
            &[&id, &scope.branch_id, &scope.officer_id],
        )
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
    Ok(clients_by_ids(tx, &ids).await?.into_iter().next())
}

fn client_of_row(row: &Row) -> Result<Client, Fault> {
    let born_on: Option<chrono::NaiveDate> = row.get("born_on");
    let born_in: Option<i16> = row.get("born_in");
    Ok(Client {
        id: row.get("id"),
        number: row.get("number"),
        branch_id: row.get("branch_id"),
        officer_id: row.get("officer_id"),
        kind: word(row, "kind")?,
        status: word(row, "status")?,
        name: ClientName {
            given: row.get("given_name"),
            family: row.get("family_name"),
            second_family: row.get("second_family_name"),
            full: row.get("full_name"),
        },
        birth: born_on.map(Birth::On).or(born_in.map(Birth::Year)),
        gender: row.get::<_, Option<&str>>("gender").map(|_| word(row, "gender")).transpose()?,
        area: row.get::<_, Option<&str>>("area").map(|_| word(row, "area")).transpose()?,
        phone: row.get("phone"),
        registered_on: row.get("registered_on"),
        created_at: row.get("created_at"),
        version: row.get("version"),
    })
}

/// A word of a closed list, as a check in the table keeps it.
fn word<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, Fault> {
    let text: &str = row.get(column);
    text.parse().map_err(|_| Fault::Invariant(format!("the column {column} of a client holds an unknown word: {text}")))
}
