//! The table of clients.

use std::collections::{HashMap, HashSet};

use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::{Locking, Row, Today, Tx, Writing};
use uuid::Uuid;

use crate::client::{Birth, Client, ClientName};

const COLUMNS_BY_ID: &str =
    "select id, number, branch_id, officer_id, kind, status, given_name, family_name, second_family_name, full_name,
            born_on, born_in, gender, area, phone, registered_on, created_at, version
     from client where id = any($1)";

pub async fn client_ids_taken(tx: &Tx, ids: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    Ok(tx.query(CLIENT_IDS, &[&ids]).await?.iter().map(|row| row.get("id")).collect())
}

const CLIENT_IDS: &str = "select id from client where id = any($1)";

/// New clients, each with the user who registered it.
pub(crate) fn clients_insert(today: Today, clients: &[(&Client, Uuid)]) -> Option<Writing> {
    if clients.is_empty() {
        return None;
    }
    let ids: Vec<Uuid> = clients.iter().map(|(client, _)| client.id).collect();
    let numbers: Vec<String> = clients.iter().map(|(client, _)| client.number.clone()).collect();
    let branches: Vec<Uuid> = clients.iter().map(|(client, _)| client.branch_id).collect();
    let officers: Vec<Option<Uuid>> = clients.iter().map(|(client, _)| client.officer_id).collect();
    let kinds: Vec<&'static str> = clients.iter().map(|(client, _)| client.kind.as_str()).collect();
    let statuses: Vec<&'static str> = clients.iter().map(|(client, _)| client.status.as_str()).collect();
    let given: Vec<Option<String>> = clients.iter().map(|(client, _)| client.name.given.clone()).collect();
    let family: Vec<Option<String>> = clients.iter().map(|(client, _)| client.name.family.clone()).collect();
    let second: Vec<Option<String>> = clients.iter().map(|(client, _)| client.name.second_family.clone()).collect();
    let full: Vec<String> = clients.iter().map(|(client, _)| client.name.full.clone()).collect();
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
    let genders: Vec<Option<&'static str>> =
        clients.iter().map(|(client, _)| client.gender.map(|gender| gender.as_str())).collect();
    let areas: Vec<Option<&'static str>> =
        clients.iter().map(|(client, _)| client.area.map(|area| area.as_str())).collect();
    let phones: Vec<Option<String>> = clients.iter().map(|(client, _)| client.phone.clone()).collect();
    let registered_by: Vec<Uuid> = clients.iter().map(|(_, user)| *user).collect();
    let writing = Writing::new(CLIENTS_INSERT)
        .with(today.now)
        .with(today.business_date)
        .with(ids)
        .with(numbers)
        .with(branches)
        .with(officers)
        .with(kinds)
        .with(statuses)
        .with(given)
        .with(family)
        .with(second)
        .with(full)
        .with(born_on)
        .with(born_in)
        .with(genders)
        .with(areas)
        .with(phones)
        .with(registered_by);
    Some(writing)
}

const CLIENTS_INSERT: &str = "insert into client (created_at, registered_on, id, number, branch_id, officer_id, kind, status, given_name, family_name,
                             second_family_name, full_name, born_on, born_in, gender, area, phone, registered_by)
     select $1, $2, * from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
                                  $11::text[], $12::text[], $13::date[], $14::smallint[], $15::text[], $16::text[], $17::text[], $18::uuid[])";

const LOCK_SKIPPING: &str = "select client.id, number, client.branch_id, officer_id, kind, status, given_name, family_name, second_family_name, full_name,
            born_on, born_in, gender, area, phone, registered_on, client.created_at, client.version, branch.ancestors
     from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (id, scope, officer)
     join client on client.id = wanted.id join branch on branch.id = client.branch_id and wanted.scope = any(branch.ancestors)
     where wanted.officer is null or wanted.officer = client.officer_id
     order by client.id for no key update of client skip locked";
const LOCK_WAITING: &str = "select client.id from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (id, scope, officer)
     join client on client.id = wanted.id join branch on branch.id = client.branch_id and wanted.scope = any(branch.ancestors)
     where wanted.officer is null or wanted.officer = client.officer_id
     order by client.id for no key update of client";
const CLIENTS_WITH_PLACE: &str = "select client.id, number, client.branch_id, officer_id, kind, status, given_name, family_name, second_family_name,
            full_name, born_on, born_in, gender, area, phone, registered_on, client.created_at, client.version, branch.ancestors
     from client join branch on branch.id = client.branch_id where client.id = any($1)";

/// Clients, and the ancestors of their branches.
pub type Placed = (Vec<Client>, HashMap<Uuid, Vec<Uuid>>);

/// Locks clients within the callers' scopes, and returns them as they then are. One that another transaction has locked is passed
/// over, unless this one waits.
pub(crate) async fn clients_for_update(tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<Placed, Fault> {
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
    let scopes: Vec<Uuid> = wanted.iter().map(|(_, scope)| scope.branch_id).collect();
    let officers: Vec<Option<Uuid>> = wanted.iter().map(|(_, scope)| scope.officer_id).collect();
    match tx.locking {
        Locking::Skip => placed(&tx.query(LOCK_SKIPPING, &[&ids, &scopes, &officers]).await?),
        Locking::Wait => {
            tx.query(LOCK_WAITING, &[&ids, &scopes, &officers]).await?;
            clients_with_place(tx, &ids).await
        }
        // A dry run locks nothing, and waits for nobody.
        Locking::None => clients_with_place(tx, &ids).await,
    }
}

pub async fn clients_with_place(tx: &Tx, ids: &[Uuid]) -> Result<Placed, Fault> {
    placed(&tx.query(CLIENTS_WITH_PLACE, &[&ids]).await?)
}

fn placed(rows: &[Row]) -> Result<Placed, Fault> {
    let clients: Result<Vec<Client>, Fault> = rows.iter().map(client_of_row).collect();
    Ok((clients?, rows.iter().map(|row| (row.get("branch_id"), row.get("ancestors"))).collect()))
}

pub async fn clients_by_ids(tx: &Tx, ids: &[Uuid]) -> Result<Vec<Client>, Fault> {
    tx.query(COLUMNS_BY_ID, &[&ids]).await?.iter().map(client_of_row).collect()
}

pub(crate) fn clients_update_status(clients: &[&Client]) -> Option<Writing> {
    if clients.is_empty() {
        return None;
    }
    let ids: Vec<Uuid> = clients.iter().map(|client| client.id).collect();
    let statuses: Vec<&'static str> = clients.iter().map(|client| client.status.as_str()).collect();
    let versions: Vec<i64> = clients.iter().map(|client| client.version).collect();
    Some(Writing::new(CLIENTS_UPDATE_STATUS).with(ids).with(statuses).with(versions))
}

const CLIENTS_UPDATE_STATUS: &str = "update client set status = changed.status, version = changed.version
     from unnest($1::uuid[], $2::text[], $3::bigint[]) as changed (id, status, version) where client.id = changed.id";

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
        gender: row.get::<_, Option<String>>("gender").map(|_| word(row, "gender")).transpose()?,
        area: row.get::<_, Option<String>>("area").map(|_| word(row, "area")).transpose()?,
        phone: row.get("phone"),
        registered_on: row.get("registered_on"),
        created_at: row.get("created_at"),
        version: row.get("version"),
    })
}

/// A word of a closed list, as a check in the table keeps it.
fn word<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, Fault> {
    let text: String = row.get(column);
    text.parse().map_err(|_| Fault::Invariant(format!("the column {column} of a client holds an unknown word: {text}")))
}
