//! The proof of the loans: every stored state is the replay of its events, and everything booked for loans is the difference
//! between nothing and their positions, to the unit.
//!
//! Everything is read in one snapshot. The loans are walked in chunks, so memory does not grow with the portfolio.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::Tx;
use kernel::amount::Amount;
use ledger::books::Books;
use ledger::verify::Finding;
use uuid::Uuid;

use crate::event::Event;
use crate::loan::Loan;
use crate::position::{Position, Slot, position};
use crate::record::{LoanRecord, RecordedEvent};
use crate::replay::replay;
use crate::store::read::{events_of_loans, loans_by_ids};

const CHUNK: i64 = 1_000;

/// Where a slot's money stands.
type Place = (Uuid, Uuid, Uuid);

/// Walks all loans. Gives the first offender of each check.
pub async fn verify(tx: &Tx) -> Result<Vec<Finding>, Fault> {
    let mut found = Findings::default();
    history_is_declared(tx, &mut found).await?;
    states_match(tx, &mut found).await?;
    let mut sums = Sums::read(tx).await?;
    let mut after = Uuid::nil();
    loop {
        let ids = loan_ids_after(tx, after).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        let records = loans_by_ids(tx, &ids, kernel::date::EARLIEST).await?;
        let events = events_of_loans(tx, &ids).await?;
        for id in &ids {
            let Some(record) = records.get(id) else { continue };
            check(record, events.get(id).map(Vec::as_slice).unwrap_or_default(), &mut sums, &mut found);
        }
    }
    let books = Books::read(tx).await?;
    for (name, day, positions) in [("close", sums.closed_on, &sums.at_close), ("open day", sums.open_on, &sums.now)] {
        if let Some(day) = day {
            compare(tx, &books, name, day, positions, &mut found).await?;
        }
    }
    Ok(found.list)
}

/// The ledger's checks go through the list of tables that never change: these two must be on it.
async fn history_is_declared(tx: &Tx, found: &mut Findings) -> Result<(), Fault> {
    let sql = "select name from unnest(array['loan_event', 'loan_allocation']) as name
               where name not in (select name from history_table) limit 1";
    if let Some(row) = tx.query_opt(sql, &[]).await? {
        let what = "it is not on the list of tables that never change".to_owned();
        found.note("history.not_declared", what, format!("table {}", row.get::<_, String>("name")));
    }
    Ok(())
}

#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Notes the first offender of a check.
    fn note(&mut self, check: &'static str, what: String, place: String) {
        if self.list.iter().all(|known| known.check != check) {
            self.list.push(Finding { check, what, place });
        }
    }
}

/// Positions summed over loans, per branch and product: as of the last closed day, and now.
struct Sums {
    closed_on: Option<NaiveDate>,
    open_on: Option<NaiveDate>,
    at_close: BTreeMap<(Uuid, Uuid), Position>,
    now: BTreeMap<(Uuid, Uuid), Position>,
}

impl Sums {
    /// The last day whose close is booked, and all before it. While a close is missing, nothing is said of the open day.
    async fn read(tx: &Tx) -> Result<Sums, Fault> {
        let row = tx
            .query_one(
                "select min(closed_on) filter (where booked_at is null) as first_missing, max(closed_on) as last from day_close",
                &[],
            )
            .await?;
        let first_missing: Option<NaiveDate> = row.get("first_missing");
        let last: Option<NaiveDate> = row.get("last");
        let closed_on = first_missing.map_or(last, |missing| missing.pred_opt());
        let open_on = first_missing.is_none().then_some(tx.business_date);
        Ok(Sums { closed_on, open_on, at_close: BTreeMap::new(), now: BTreeMap::new() })
    }
}

async fn loan_ids_after(tx: &Tx, after: Uuid) -> Result<Vec<Uuid>, Fault> {
    let rows = tx.query("select id from loan where id > $1 order by id limit $2", &[&after, &CHUNK]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Every loan has a state, every state a loan, and what the state repeats of its loan is the same.
async fn states_match(tx: &Tx, found: &mut Findings) -> Result<(), Fault> {
    let sql = "select loan.id, state.loan_id from loan full join loan_state state on state.loan_id = loan.id
         where (loan.id, loan.client_id, loan.product_id, loan.terms_id, loan.currency, loan.created_at)
               is distinct from (state.loan_id, state.client_id, state.product_id, state.terms_id, state.currency, state.created_at)
         limit 1";
    if let Some(row) = tx.query_opt(sql, &[]).await? {
        let (what, id) = match (row.get::<_, Option<Uuid>>("id"), row.get::<_, Option<Uuid>>("loan_id")) {
            (Some(id), Some(_)) => ("its state repeats another client, product, terms, currency or time", id),
            (Some(id), None) => ("it has no state", id),
            (None, state) => ("its state has no loan", state.unwrap_or_default()),
        };
        found.note("loan.state_unmatched", what.to_owned(), format!("loan {id}"));
    }
    Ok(())
}

fn check(record: &LoanRecord, known: &[RecordedEvent], sums: &mut Sums, found: &mut Findings) {
    let events: Vec<Event> = known.iter().map(|known| known.event).collect();
    let replayed = replay(&record.loan.agreement, &events).loan;
    if let Some(what) = differs(&record.loan, &replayed) {
        let what = format!("the stored state is not the replay of its events: {what}");
        found.note("loan.state_differs", what, format!("loan {} ({})", record.number, record.id));
    }
    let place = (record.branch_id, record.product_id);
    if let Some(open_on) = sums.open_on {
        *sums.now.entry(place).or_default() += position(&replayed, open_on);
    }
    if let Some((closed_on, clock)) = sums.closed_on.and_then(|day| Some((day, day.succ_opt()?))) {
        let at_close = sums.at_close.entry(place).or_default();
        if events.iter().all(|event| event.booked_on <= closed_on) {
            *at_close += position(&replayed, clock);
        } else {
            let then: Vec<Event> = events.iter().filter(|event| event.booked_on <= closed_on).copied().collect();
            *at_close += position(&replay(&record.loan.agreement, &then).loan, clock);
        }
    }
}

/// The first part in which a stored state and a replay differ.
fn differs(stored: &Loan, replayed: &Loan) -> Option<String> {
    if stored == replayed {
        return None;
    }
    let parts = [
        ("committed", stored.committed, replayed.committed),
        ("principal", stored.principal, replayed.principal),
        ("principal paid", stored.principal_paid, replayed.principal_paid),
        ("interest", stored.interest, replayed.interest),
        ("interest paid", stored.interest_paid, replayed.interest_paid),
        ("overpaid", stored.overpaid, replayed.overpaid),
    ];
    let amounts = parts.into_iter().find(|(_, stored, replayed)| stored != replayed);
    Some(match amounts {
        Some((name, stored, replayed)) => format!("{name} is {stored:?}, and would be {replayed:?}"),
        None if stored.instalments != replayed.instalments => "its instalments".to_owned(),
        None => "its dates".to_owned(),
    })
}

/// Holds what is booked until a day against the positions.
async fn compare(
    tx: &Tx,
    books: &Books,
    name: &str,
    day: NaiveDate,
    positions: &BTreeMap<(Uuid, Uuid), Position>,
    found: &mut Findings,
) -> Result<(), Fault> {
    let mut expected: HashMap<Place, Amount> = HashMap::new();
    let mut accounts: Vec<Uuid> = Vec::new();
    for ((branch_id, product_id), position) in positions {
        for slot in Slot::ALL {
            let account_id = books.slot(*product_id, slot.as_str())?;
            accounts.push(account_id);
            *expected.entry((account_id, *branch_id, *product_id)).or_default() += position.of(*slot);
        }
    }
    accounts.sort_unstable();
    accounts.dedup();
    for (place, booked) in booked(tx, &accounts, day).await? {
        let owed = expected.remove(&place).unwrap_or_default();
        if booked != owed {
            note_gap(books, name, day, place, booked, owed, found);
        }
    }
    for (place, owed) in expected.into_iter().filter(|(_, owed)| !owed.is_zero()) {
        note_gap(books, name, day, place, Amount::ZERO, owed, found);
    }
    by_hand(tx, books, &accounts, found).await
}

fn note_gap(
    books: &Books,
    name: &str,
    day: NaiveDate,
    place: Place,
    booked: Amount,
    owed: Amount,
    found: &mut Findings,
) {
    let (account_id, branch_id, product_id) = place;
    let code = books.account(account_id).map(|account| account.code.clone()).unwrap_or_default();
    found.note(
        "loan.sub_ledger_differs",
        format!("account {code}, {name} {day}: {booked:?} is booked, the loans hold {owed:?}"),
        format!("account {account_id}, branch {branch_id}, product {product_id}"),
    );
}

async fn booked(tx: &Tx, accounts: &[Uuid], day: NaiveDate) -> Result<HashMap<Place, Amount>, Fault> {
    let rows = tx
        .query(
            "select line.account_id, line.branch_id, line.product_id, sum(line.amount_minor)::bigint as amount_minor
             from journal_line line join journal_entry entry on entry.id = line.entry_id
             where line.account_id = any($1) and line.product_id is not null and entry.booked_on <= $2
             group by line.account_id, line.branch_id, line.product_id",
            &[&accounts, &day],
        )
        .await?;
    let place = |row: &db::tx::Row| (row.get("account_id"), row.get("branch_id"), row.get("product_id"));
    Ok(rows.iter().map(|row| (place(row), Amount::of_minor(row.get("amount_minor")))).collect())
}

/// A control account has no line but its sub-ledger's.
async fn by_hand(tx: &Tx, books: &Books, accounts: &[Uuid], found: &mut Findings) -> Result<(), Fault> {
    let control = |id: &&Uuid| books.account(**id).is_some_and(|account| account.control);
    let control: Vec<Uuid> = accounts.iter().filter(control).copied().collect();
    let sql = "select entry_id, account_id from journal_line where account_id = any($1) and product_id is null limit 1";
    if let Some(row) = tx.query_opt(sql, &[&control]).await? {
        let (entry, account): (Uuid, Uuid) = (row.get("entry_id"), row.get("account_id"));
        let code = books.account(account).map(|account| account.code.clone()).unwrap_or_default();
        found.note(
            "loan.control_account",
            format!("account {code} has a line that no loan made"),
            format!("entry {entry}"),
        );
    }
    Ok(())
}
