//! Reading loans. A batch is read in one round trip: the lock, which returns the state with it, and in a statement after it the
//! instalments. Loans that another transaction has locked, and those whose money reaches further, are read once more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use db::caller::Scope;
use db::fault::Fault;
use db::narrow::narrow;
use db::tx::{Locking, Row, Tx};
use kernel::amount::Amount;
use uuid::Uuid;

use crate::event::{Event, EventKind, EventName};
use crate::in_part::HELD;
use crate::loan::{Agreement, EventKey, Loan, LoanInstalment, Settlement};
use crate::record::{LoanRecord, LoanStatus, RecordedEvent};
use crate::schedule::Instalment;
use crate::terms::Terms;

/// The loans of a batch, as they were found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub records: HashMap<Uuid, LoanRecord>,
    /// Those that are locked for this batch, or read for a dry run.
    pub held: HashSet<Uuid>,
    /// Which scope sees which loan.
    pub visible: HashSet<(Uuid, Scope)>,
}

/// Returns the state as well: what `for update` returns is the row as it is once it is locked, in READ COMMITTED. What never changes
/// of the loan comes with it and is not locked.
const LOCK_SKIPPING: &str = "select loan.id, loan.number, loan.client_id, state.product_id, state.branch_id, state.officer_id, state.terms_id, state.currency,
            state.status, instalments, first_due_on, committed_minor, disbursed_on, deducted_fees_minor, withheld_minor, principal_minor,
            principal_paid_minor, interest_minor, interest_paid_minor, overpaid_minor, matures_on, settled_on, renegotiated_since,
            schedule_version, last_value_on, last_rank, last_event_id, since_on, state.created_at, state.version, branch.ancestors
     from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (id, scope, officer)
     join loan_state state on state.loan_id = wanted.id join loan on loan.id = wanted.id
     join branch on branch.id = state.branch_id and wanted.scope = any(branch.ancestors)
     where wanted.officer is null or wanted.officer = state.officer_id
     order by state.loan_id for no key update of state skip locked";
/// Locks and no more: the rows are read in the statement after it.
const LOCK_WAITING: &str = "select state.loan_id
     from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (id, scope, officer)
     join loan_state state on state.loan_id = wanted.id
     join branch on branch.id = state.branch_id and wanted.scope = any(branch.ancestors)
     where wanted.officer is null or wanted.officer = state.officer_id
     order by state.loan_id for no key update of state";
const VISIBLE: &str = "select state.loan_id as id, wanted.scope, wanted.officer
     from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (id, scope, officer)
     join loan_state state on state.loan_id = wanted.id
     join branch on branch.id = state.branch_id and wanted.scope = any(branch.ancestors)
     where wanted.officer is null or wanted.officer = state.officer_id";
/// With the branches that each lies in: who is not above it does not see it.
const LOANS_WITH_PLACE: &str = "select loan.id, loan.number, loan.client_id, state.product_id, state.branch_id, state.officer_id, state.terms_id, state.currency,
            state.status, instalments, first_due_on, committed_minor, disbursed_on, deducted_fees_minor, withheld_minor, principal_minor,
            principal_paid_minor, interest_minor, interest_paid_minor, overpaid_minor, matures_on, settled_on, renegotiated_since,
            schedule_version, last_value_on, last_rank, last_event_id, since_on, state.created_at, state.version,
            coalesce(branch.ancestors, '{}') as ancestors
     from loan_state state join loan on loan.id = state.loan_id left join branch on branch.id = state.branch_id
     where state.loan_id = any($1)";
/// From a day on that each loan has for itself.
const INSTALMENTS_AHEAD: &str = "select instalment.* from unnest($1::uuid[], $2::date[]) as wanted (id, from_on)
     join loan_state state on state.loan_id = wanted.id join lateral (
         select loan_id, number, from_on, due_on, principal_minor, interest_minor, balance_minor, interest_before_minor,
                settlement_minor, settlement_before_minor, principal_paid_minor, interest_paid_minor, settled_on
         from loan_instalment where loan_id = state.loan_id and schedule_version = state.schedule_version
              and (settled_on is null or due_on > wanted.from_on)
         order by number limit $3) instalment on true";

/// More instalments than a loan can have.
const ALL: i64 = i64::MAX;

/// Locks the loans that commands name, each within its caller's scope, and reads them for events and clocks from a day on that each
/// has for itself: in part, see `in_part.rs`.
pub(crate) async fn loans_for_update(
    tx: &Tx,
    wanted: &[(Uuid, Scope)],
    from: &HashMap<Uuid, NaiveDate>,
) -> Result<Found, Fault> {
    if wanted.is_empty() {
        return Ok(Found::default());
    }
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
    let scopes: Vec<Uuid> = wanted.iter().map(|(_, scope)| scope.branch_id).collect();
    let officers: Vec<Option<Uuid>> = wanted.iter().map(|(_, scope)| scope.officer_id).collect();
    let (ahead, days): (Vec<Uuid>, Vec<NaiveDate>) = from.iter().unzip();
    let values: db::tx::Values = &[&ids, &scopes, &officers];
    let (by_ids, by_days): (db::tx::Values, db::tx::Values) = (&[&ids], &[&ahead, &days, &HELD]);
    // Sent together, carried out in this order: what is read is read after the locks.
    let (mut loans, instalments) = futures::try_join!(
        async {
            match tx.locking {
                Locking::Skip => tx.query(LOCK_SKIPPING, values).await,
                Locking::Wait => futures::try_join!(tx.query(LOCK_WAITING, values), tx.query(LOANS_WITH_PLACE, by_ids))
                    .map(|(_, rows)| rows),
                // A dry run locks nothing, and waits for nobody.
                Locking::None => tx.query(LOANS_WITH_PLACE, by_ids).await,
            }
        },
        tx.query(INSTALMENTS_AHEAD, by_days),
    )?;
    let held: HashSet<Uuid> = loans.iter().map(|row| row.get("id")).collect();
    let missing: Vec<Uuid> = ids.iter().copied().filter(|id| !held.contains(id)).collect();
    if !missing.is_empty() {
        // Locked by another transaction, out of scope, or absent: the first is told from the others by who may see it.
        loans.extend(tx.query(LOANS_WITH_PLACE, &[&missing]).await?);
    }
    let terms = terms_of(tx, &loans).await?;
    let records = records_of_rows(&loans, &terms, &instalments)?;
    let branches: HashMap<Uuid, Vec<Uuid>> = loans.iter().map(|row| (row.get("id"), row.get("ancestors"))).collect();
    let is_visible = |(id, scope): &&(Uuid, Scope)| {
        let below = branches.get(id).is_some_and(|ancestors| ancestors.contains(&scope.branch_id));
        below && scope.officer_id.is_none_or(|own| records.get(id).and_then(|record| record.officer_id) == Some(own))
    };
    Ok(Found { held, visible: wanted.iter().filter(is_visible).copied().collect(), records })
}

/// Whether each loan lies in the scope beside it.
pub async fn loans_visible(tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<Vec<bool>, Fault> {
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
    let scopes: Vec<Uuid> = wanted.iter().map(|(_, scope)| scope.branch_id).collect();
    let officers: Vec<Option<Uuid>> = wanted.iter().map(|(_, scope)| scope.officer_id).collect();
    let rows = tx.query(VISIBLE, &[&ids, &scopes, &officers]).await?;
    let visible: HashSet<(Uuid, Uuid, Option<Uuid>)> =
        rows.iter().map(|row| (row.get("id"), row.get("scope"), row.get("officer"))).collect();
    Ok(wanted.iter().map(|(id, scope)| visible.contains(&(*id, scope.branch_id, scope.officer_id))).collect())
}

/// Loans without a lock: for reading.
pub async fn loans_by_ids(tx: &Tx, ids: &[Uuid], from: NaiveDate) -> Result<HashMap<Uuid, LoanRecord>, Fault> {
    let loans = tx.query(LOANS_WITH_PLACE, &[&ids]).await?;
    let terms = terms_of(tx, &loans).await?;
    let days = vec![from; ids.len()];
    let instalments = tx.query(INSTALMENTS_AHEAD, &[&ids, &days, &ALL]).await?;
    records_of_rows(&loans, &terms, &instalments)
}

/// All instalments from a day on that each loan has for itself.
pub(crate) async fn instalments_to_the_end(
    tx: &Tx,
    ids: &[Uuid],
    from: &HashMap<Uuid, NaiveDate>,
) -> Result<HashMap<Uuid, Vec<LoanInstalment>>, Fault> {
    let days: Vec<NaiveDate> = ids.iter().map(|id| from.get(id).copied().unwrap_or(kernel::date::EARLIEST)).collect();
    instalments_of_rows(&tx.query(INSTALMENTS_AHEAD, &[&ids, &days, &ALL]).await?)
}

fn instalments_of_rows(rows: &[Row]) -> Result<HashMap<Uuid, Vec<LoanInstalment>>, Fault> {
    let mut of_loan: HashMap<Uuid, Vec<LoanInstalment>> = HashMap::new();
    for row in rows {
        of_loan.entry(row.get("loan_id")).or_default().push(instalment_of_row(row)?);
    }
    Ok(of_loan)
}

/// Terms by the digest of their text, kept with the pool. What has a digest never changes, so that what was read once is known, also
/// where the transaction that read it was rolled back.
#[derive(Debug, Default)]
struct KnownTerms(Mutex<BTreeMap<Uuid, Arc<Terms>>>);
/// Beyond this many the store of known terms begins anew: a bound on memory, far above what an institution offers.
const TERMS_KNOWN: usize = 10_000;

/// The terms that rows of loans name; the database is asked for those that nobody here has read yet.
async fn terms_of(tx: &Tx, loans: &[Row]) -> Result<HashMap<Uuid, Arc<Terms>>, Fault> {
    let mut known: HashMap<Uuid, Arc<Terms>> = HashMap::new();
    let mut missing: Vec<Uuid> = Vec::new();
    let kept = tx.cache::<KnownTerms>()?;
    {
        let cache = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in loans.iter().map(|row| row.get::<_, Uuid>("terms_id")) {
            match cache.get(&id) {
                Some(terms) => drop(known.insert(id, terms.clone())),
                None => missing.push(id),
            }
        }
    }
    if missing.is_empty() {
        return Ok(known);
    }
    for row in tx.query("select id, terms from loan_terms where id = any($1)", &[&missing]).await? {
        let terms: Terms = serde_json::from_value(row.get("terms"))
            .map_err(|error| Fault::Invariant(format!("stored terms cannot be read: {error}")))?;
        known.insert(row.get("id"), Arc::new(terms));
    }
    let mut cache = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() > TERMS_KNOWN {
        cache.clear();
    }
    cache.extend(known.iter().map(|(id, terms)| (*id, terms.clone())));
    Ok(known)
}

/// The loan, where the caller may see it.
pub async fn find_loan(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Option<LoanRecord>, Fault> {
    let visible = tx.query(VISIBLE, &[&vec![id], &vec![scope.branch_id], &vec![scope.officer_id]]).await?;
    if visible.is_empty() {
        return Ok(None);
    }
    Ok(loans_by_ids(tx, &[id], kernel::date::EARLIEST).await?.remove(&id))
}

fn records_of_rows(
    loans: &[Row],
    terms: &HashMap<Uuid, Arc<Terms>>,
    instalments: &[Row],
) -> Result<HashMap<Uuid, LoanRecord>, Fault> {
    let mut of_loan = instalments_of_rows(instalments)?;
    let mut records = HashMap::with_capacity(loans.len());
    for row in loans {
        let id: Uuid = row.get("id");
        // A loan that several commands name comes once for each.
        if records.contains_key(&id) {
            continue;
        }
        let terms = terms
            .get(&row.get::<_, Uuid>("terms_id"))
            .ok_or_else(|| Fault::Invariant(format!("the terms of the loan {id} are missing")))?;
        records.insert(id, record_of_row(row, terms.clone(), of_loan.remove(&id).unwrap_or_default())?);
    }
    Ok(records)
}

fn record_of_row(row: &Row, terms: Arc<Terms>, instalments: Vec<LoanInstalment>) -> Result<LoanRecord, Fault> {
    let agreement = Agreement {
        terms,
        instalments: narrow(row.get::<_, i16>("instalments"), "loan.instalments")?,
        first_due_on: row.get("first_due_on"),
    };
    let last = match row.get::<_, Option<Uuid>>("last_event_id") {
        Some(id) => {
            let rank = narrow(row.get::<_, i16>("last_rank"), "loan.last_rank")?;
            Some(EventKey { value_on: row.get("last_value_on"), rank, id })
        }
        None => None,
    };
    let settled_on: Option<NaiveDate> = row.get("settled_on");
    // Settling makes the interest paid the interest of the loan, so it is not stored twice.
    let settled = settled_on.map(|on| Settlement { on, interest: amount(row, "interest_paid_minor") });
    let status: String = row.get("status");
    Ok(LoanRecord {
        id: row.get("id"),
        number: row.get("number"),
        client_id: row.get("client_id"),
        product_id: row.get("product_id"),
        branch_id: row.get("branch_id"),
        officer_id: row.get("officer_id"),
        terms_id: row.get("terms_id"),
        currency: currency(row)?,
        status: status.parse::<LoanStatus>().map_err(|error| Fault::Invariant(error.to_string()))?,
        schedule_version: row.get("schedule_version"),
        since_on: row.get("since_on"),
        created_at: row.get("created_at"),
        version: row.get("version"),
        loan: Loan {
            agreement: Arc::new(agreement),
            committed: amount(row, "committed_minor"),
            disbursed_on: row.get("disbursed_on"),
            deducted_fees: amount(row, "deducted_fees_minor"),
            withheld: amount(row, "withheld_minor"),
            principal: amount(row, "principal_minor"),
            principal_paid: amount(row, "principal_paid_minor"),
            interest: amount(row, "interest_minor"),
            interest_paid: amount(row, "interest_paid_minor"),
            overpaid: amount(row, "overpaid_minor"),
            matures_on: row.get("matures_on"),
            settled,
            renegotiated_since: row.get("renegotiated_since"),
            instalments,
            last,
        },
    })
}

pub(crate) fn amount(row: &Row, column: &str) -> Amount {
    Amount::of_minor(row.get(column))
}

/// A currency as a table holds it: it was checked when it was written.
pub(crate) fn currency(row: &Row) -> Result<kernel::currency::Currency, Fault> {
    let code: String = row.get("currency");
    code.parse().map_err(|_| Fault::Invariant(format!("the database names a currency {code} that does not exist")))
}

fn instalment_of_row(row: &Row) -> Result<LoanInstalment, Fault> {
    Ok(LoanInstalment {
        promised: Instalment {
            number: narrow(row.get::<_, i16>("number"), "loan_instalment.number")?,
            from: row.get("from_on"),
            due_on: row.get("due_on"),
            principal: amount(row, "principal_minor"),
            interest: amount(row, "interest_minor"),
            balance: amount(row, "balance_minor"),
        },
        interest_before: amount(row, "interest_before_minor"),
        settlement_interest: amount(row, "settlement_minor"),
        settlement_interest_before: amount(row, "settlement_before_minor"),
        principal_paid: amount(row, "principal_paid_minor"),
        interest_paid: amount(row, "interest_paid_minor"),
        settled_on: row.get("settled_on"),
    })
}

/// All events of loans, in the order in which they became known.
pub async fn events_of_loans(tx: &Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<RecordedEvent>>, Fault> {
    let rows = tx
        .query(
            "select id, loan_id, number, kind, value_on, booked_on, amount_minor, deducted_fees_minor, withheld_minor, flag, reverses,
                    channel, receipt, reason, entry_id, command_id, user_id, recorded_at
             from loan_event where loan_id = any($1) order by loan_id, number",
            &[&ids],
        )
        .await?;
    let mut events: HashMap<Uuid, Vec<RecordedEvent>> = HashMap::new();
    for row in &rows {
        events.entry(row.get("loan_id")).or_default().push(recorded_of_row(row)?);
    }
    Ok(events)
}

pub fn recorded_of_row(row: &Row) -> Result<RecordedEvent, Fault> {
    let name: String = row.get("kind");
    let name: EventName = name.parse().map_err(|error| Fault::Invariant(format!("{error}")))?;
    let missing = |column: &str| Fault::Invariant(format!("an event of the kind {name} has no {column}"));
    let part = |column: &str| row.get::<_, Option<i64>>(column).map(Amount::of_minor).ok_or_else(|| missing(column));
    let kind = match name {
        EventName::Approved => EventKind::Approved { amount: part("amount_minor")? },
        EventName::ApprovalLapsed => EventKind::ApprovalLapsed,
        EventName::Disbursed => EventKind::Disbursed {
            amount: part("amount_minor")?,
            deducted_fees: part("deducted_fees_minor")?,
            withheld: part("withheld_minor")?,
        },
        EventName::Repaid => EventKind::Repaid { amount: part("amount_minor")? },
        EventName::Renegotiated => {
            EventKind::Renegotiated { flag: row.get::<_, Option<bool>>("flag").ok_or_else(|| missing("flag"))? }
        }
        EventName::Reversed => EventKind::Reversed { reverses: row.get("reverses") },
    };
    Ok(RecordedEvent {
        event: Event { id: row.get("id"), value_on: row.get("value_on"), booked_on: row.get("booked_on"), kind },
        loan_id: row.get("loan_id"),
        number: row.get("number"),
        channel: row.get("channel"),
        receipt: row.get("receipt"),
        reason: row.get("reason"),
        entry_id: row.get("entry_id"),
        command_id: row.get("command_id"),
        user_id: row.get("user_id"),
        recorded_at: row.get("recorded_at"),
    })
}
