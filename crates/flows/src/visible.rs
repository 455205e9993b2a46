//! Who may see a stored answer again: all who may see the record that it is about now.
//!
//! There is no default: what is not listed here shows nothing.

use std::collections::HashSet;

use db::caller::Scope;
use db::fault::Fault;
use db::lane::{Answer, Asked};
use db::tx::Tx;
use loans::store::{applications, read};
use org::places::Places;
use serde_json::Value;
use uuid::Uuid;

use crate::desk_command::DeskCommand;

/// What a stored answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Record {
    Client(Uuid),
    Loan(Uuid),
    Entry(Uuid),
    Approval(Uuid),
    /// Of the institution as a whole: the permission alone decides.
    Institution,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Visible,
    /// There, and out of scope.
    Hidden,
    Missing,
}

impl Record {
    /// The record of a stored answer, by the aggregate of its operation.
    pub fn of(operation: &str, id: Uuid) -> Option<Record> {
        Some(match operation.split('.').next()? {
            "client" => Record::Client(id),
            "loan" => Record::Loan(id),
            "journal_entry" => Record::Entry(id),
            "approval" => Record::Approval(id),
            "branch" | "staff" | "holiday" | "setting" | "user" | "role" | "api_client" | "loan_product"
            | "gl_account" | "period" | "business_day" => Record::Institution,
            _ => return None,
        })
    }

    /// The record of the same kind that has this id.
    fn with_id(self, id: Uuid) -> Record {
        match self {
            Record::Client(_) => Record::Client(id),
            Record::Loan(_) => Record::Loan(id),
            Record::Entry(_) => Record::Entry(id),
            Record::Approval(_) => Record::Approval(id),
            Record::Institution => Record::Institution,
        }
    }
}

/// What each scope sees of the record beside it; as many statements as there are kinds of records.
pub async fn records(tx: &Tx, wanted: &[(Record, Scope)]) -> Result<Vec<Seen>, Fault> {
    let of_kind = |pick: fn(Record) -> Option<Uuid>| -> Vec<(Uuid, Scope)> {
        wanted.iter().filter_map(|(record, scope)| Some((pick(*record)?, *scope))).collect()
    };
    let loans = of_kind(|record| if let Record::Loan(id) = record { Some(id) } else { None });
    let clients = of_kind(|record| if let Record::Client(id) = record { Some(id) } else { None });
    let entries = of_kind(|record| if let Record::Entry(id) = record { Some(id) } else { None });
    let mut known = Known::default();
    known.read_loans(tx, &loans).await?;
    known.read_clients(tx, &clients).await?;
    known.read_entries(tx, &entries).await?;
    // Decisions of second persons come one by one.
    for (record, scope) in wanted {
        if let Record::Approval(id) = record
            && access::approvals::find_approval(tx, *id, scope).await?.is_some()
        {
            known.visible.insert((*record, *scope));
        }
    }
    Ok(wanted.iter().map(|(record, scope)| known.seen(*record, *scope)).collect())
}

#[derive(Default)]
struct Known {
    visible: HashSet<(Record, Scope)>,
    there: HashSet<Record>,
}

impl Known {
    fn seen(&self, record: Record, scope: Scope) -> Seen {
        if record == Record::Institution || self.visible.contains(&(record, scope)) {
            Seen::Visible
        } else if self.there.contains(&record) || matches!(record, Record::Approval(_)) {
            Seen::Hidden
        } else {
            Seen::Missing
        }
    }

    async fn read_loans(&mut self, tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<(), Fault> {
        if wanted.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
        let visible = read::loans_visible(tx, wanted).await?;
        let seen = wanted.iter().zip(visible).filter(|(_, visible)| *visible);
        self.visible.extend(seen.map(|((id, scope), _)| (Record::Loan(*id), *scope)));
        self.there.extend(applications::loan_ids_taken(tx, &ids).await?.into_iter().map(Record::Loan));
        Ok(())
    }

    async fn read_clients(&mut self, tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<(), Fault> {
        if wanted.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
        let (clients, ancestors) = clients::store::clients_with_place(tx, &ids).await?;
        for client in clients {
            let above = ancestors.get(&client.branch_id).map(Vec::as_slice).unwrap_or_default();
            let sees = |scope: &Scope| {
                above.contains(&scope.branch_id)
                    && (scope.officer_id.is_none() || scope.officer_id == client.officer_id)
            };
            let seen = wanted.iter().filter(|(id, scope)| *id == client.id && sees(scope));
            self.visible.extend(seen.map(|(id, scope)| (Record::Client(*id), *scope)));
            self.there.insert(Record::Client(client.id));
        }
        Ok(())
    }

    /// An entry is seen from every branch that it has a line in.
    async fn read_entries(&mut self, tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<(), Fault> {
        if wanted.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
        let entries = ledger::store_journal::entries_by_ids(tx, &ids).await?;
        let branches: Vec<Uuid> =
            entries.iter().flat_map(|entry| entry.lines.iter().map(|line| line.branch_id)).collect();
        let places = Places::read(tx, &branches, &[]).await?;
        for entry in entries {
            let sees = |scope: &Scope| entry.lines.iter().any(|line| places.covers(scope, line.branch_id));
            let seen = wanted.iter().filter(|(id, scope)| *id == entry.head.id && sees(scope));
            self.visible.extend(seen.map(|(id, scope)| (Record::Entry(*id), *scope)));
            self.there.insert(Record::Entry(entry.head.id));
        }
        Ok(())
    }
}

/// Whether each caller sees all records that its stored answer tells of; one that names none is shown to nobody. A record that the
/// command would have made may be missing: it was refused, or waits for a second person.
pub(crate) async fn commands(tx: &Tx, stored: &[(Asked<'_, DeskCommand>, &Answer)]) -> Result<Vec<bool>, Fault> {
    let mut wanted = Vec::new();
    let mut of_command = Vec::new();
    for (index, (one, answer)) in stored.iter().enumerate() {
        for Told { record, may_be_missing } in told(one.command, answer) {
            wanted.push((record, one.caller.scope));
            of_command.push((index, may_be_missing));
        }
    }
    let mut visible = vec![None; stored.len()];
    for ((index, may_be_missing), seen) in of_command.into_iter().zip(records(tx, &wanted).await?) {
        let sees = seen == Seen::Visible || (may_be_missing && seen == Seen::Missing);
        visible[index] = Some(visible[index].unwrap_or(true) && sees);
    }
    Ok(visible.into_iter().map(|visible| visible.unwrap_or(false)).collect())
}

/// A record that an answer tells of.
struct Told {
    record: Record,
    may_be_missing: bool,
}

/// What was made is named by the answer: a command that leaves the id to the server has another one when it is read again.
fn told(command: &DeskCommand, answer: &Answer) -> Vec<Told> {
    let was_done = (200..300).contains(&answer.status) && answer.status != HELD;
    let body: Value = if was_done { serde_json::from_str(&answer.body).unwrap_or_default() } else { Value::Null };
    let id_at = |pointer: String| body.pointer(&pointer).and_then(Value::as_str).and_then(|id| id.parse().ok());
    let one = |command: &DeskCommand, pointer: String| match command.record() {
        Some((record, true)) if was_done => {
            let record = id_at(pointer).map_or(record, |id| record.with_id(id));
            Some(Told { record, may_be_missing: false })
        }
        Some((record, may_be_missing)) => Some(Told { record, may_be_missing }),
        None => None,
    };
    match command {
        DeskCommand::All(items) => {
            let each = items.iter().enumerate();
            each.filter_map(|(index, item)| one(&item.command, format!("/data/{index}/body/id"))).collect()
        }
        single => one(single, "/id".to_owned()).into_iter().collect(),
    }
}

/// The status of a command that waits for a second person.
const HELD: u16 = 202;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aggregate_has_a_record() {
        assert_eq!(Record::of("loan.repay", Uuid::nil()), Some(Record::Loan(Uuid::nil())));
        assert_eq!(Record::of("period.close", Uuid::nil()), Some(Record::Institution));
        assert_eq!(Record::of("weather.ask", Uuid::nil()), None);
    }
}
