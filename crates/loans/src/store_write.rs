//! Writing loans. Everything that a batch changes is written in one round trip, one statement a table, however many loans.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::Tx;
use kernel::amount::Amount;
use ledger::draft::Draft;
use ledger::post::{POST, post};
use uuid::Uuid;

use crate::allocation::Reallocated;
use crate::event::EventKind;
use crate::loan::LoanInstalment;
use crate::record::LoanRecord;
use crate::store::{LoadedLoans, RecordedEvent};

/// Which of a loan's instalments are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These numbers of the schedule that stands.
    Some(HashSet<u32>),
    All,
    /// A new version of the schedule.
    New,
}

/// The rows of a batch.
#[derive(Debug, Default)]
pub struct Written {
    events: Vec<RecordedEvent>,
    allocations: Vec<(Uuid, Reallocated)>,
    instalments: HashMap<Uuid, Touched>,
    drafts: Vec<Draft>,
}

impl Written {
    pub fn note(&mut self, event: RecordedEvent, lines: Vec<Reallocated>, touched: Touched, draft: Option<Draft>) {
        let known = self.instalments.entry(event.loan_id).or_insert_with(|| Touched::Some(HashSet::new()));
        match (known, touched) {
            (Touched::Some(numbers), Touched::Some(more)) => numbers.extend(more),
            (Touched::New, _) | (Touched::All, Touched::Some(_)) => {}
            (known, touched) => *known = touched,
        }
        self.allocations.extend(lines.into_iter().map(|line| (event.loan_id, line)));
        self.drafts.extend(draft);
        self.events.push(event);
    }

    pub async fn save(self, tx: &mut Tx, loans: &LoadedLoans) -> Result<(), Fault> {
        if self.events.is_empty() {
            return Ok(());
        }
        let mut ids: Vec<Uuid> = self.instalments.keys().copied().collect();
        ids.sort_unstable();
        let changed: Vec<&LoanRecord> = ids.iter().filter_map(|id| loans.get(*id)).collect();
        let (mut fresh, mut paid) = (Vec::new(), Vec::new());
        for record in &changed {
            match self.instalments.get(&record.id) {
                Some(Touched::New) => {
                    fresh.extend(record.loan.instalments.iter().map(|instalment| (*record, instalment)))
                }
                Some(Touched::All) => {
                    paid.extend(record.loan.instalments.iter().map(|instalment| (*record, instalment)))
                }
                Some(Touched::Some(numbers)) => paid.extend(
                    record
                        .loan
                        .instalments
                        .iter()
                        .filter(|one| numbers.contains(&one.promised.number))
                        .map(|one| (*record, one)),
                ),
                None => {}
            }
        }
        let outdated: Vec<Uuid> =
            changed.iter().filter(|record| record.since_on < tx.business_date).map(|record| record.id).collect();
        tx.prepare(&[LOANS_TO_PAST, LOANS_UPDATE, INSTALMENTS_INSERT, INSTALMENTS_UPDATE, EVENTS_INSERT, POST]).await?;
        let shared = &*tx;
        // The state before is copied first: the statements are carried out in this order.
        futures::try_join!(
            loans_to_past(shared, &outdated),
            loans_update(shared, &changed),
            instalments_insert(shared, &fresh),
            instalments_update(shared, &paid),
            events_insert(shared, &self.events, &self.allocations),
            post(shared, &self.drafts),
        )?;
        for event in &self.events {
            let payload = serde_json::json!({"event_id": event.event.id, "value_on": event.event.value_on});
            tx.emit(outbox_kind(event.event.kind), event.loan_id, payload);
        }
        Ok(())
    }
}

fn outbox_kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Approved { .. } => "loan.approved",
        EventKind::ApprovalLapsed => "loan.approval_lapsed",
        EventKind::Disbursed { .. } => "loan.disbursed",
        EventKind::Repaid { .. } => "loan.repayment",
        EventKind::Renegotiated { .. } => "loan.renegotiated",
        EventKind::Reversed { .. } => "loan.reversed",
    }
}

/// Which receipt numbers are used already.
pub async fn receipts_taken(tx: &Tx, receipts: &[&str]) -> Result<Vec<String>, Fault> {
    if receipts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx.query("select receipt from loan_event where receipt = any($1)", &[&receipts]).await?;
    Ok(rows.iter().map(|row| row.get("receipt")).collect())
}

const LOANS_TO_PAST: &str =
    "insert into loan_past select $2::date, loan.* from loan where id = any($1) and since_on < $2";

/// Keeps the state of earlier days, of loans that change for the first time on this one: what a report says of them is read there.
async fn loans_to_past(tx: &Tx, ids: &[Uuid]) -> Result<(), Fault> {
    if !ids.is_empty() {
        tx.execute(LOANS_TO_PAST, &[&ids, &tx.business_date]).await?;
    }
    Ok(())
}

const LOANS_UPDATE: &str = "update loan set status = new.status, committed_minor = new.committed, disbursed_on = new.disbursed_on,
            deducted_fees_minor = new.deducted_fees, withheld_minor = new.withheld, principal_minor = new.principal,
            principal_paid_minor = new.principal_paid, interest_minor = new.interest, interest_paid_minor = new.interest_paid,
            overpaid_minor = new.overpaid, matures_on = new.matures_on, settled_on = new.settled_on,
            renegotiated_since = new.renegotiated_since,
            oldest_unpaid_due_on = new.oldest_unpaid_due_on, schedule_version = new.schedule_version,
            last_value_on = new.last_value_on, last_rank = new.last_rank, last_event_id = new.last_event_id,
            version = new.version, since_on = $21
     from unnest($1::uuid[], $2::text[], $3::bigint[], $4::date[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                 $10::bigint[], $11::bigint[], $12::date[], $13::date[], $14::date[], $15::date[], $16::smallint[],
                 $17::date[], $18::smallint[], $19::uuid[], $20::integer[])
          as new (id, status, committed, disbursed_on, deducted_fees, withheld, principal, principal_paid, interest, interest_paid,
                  overpaid, matures_on, settled_on, renegotiated_since, oldest_unpaid_due_on, schedule_version,
                  last_value_on, last_rank, last_event_id, version)
     where loan.id = new.id";

pub(crate) async fn loans_update(tx: &Tx, records: &[&LoanRecord]) -> Result<(), Fault> {
    let of =
        |pick: fn(&LoanRecord) -> Amount| -> Vec<i64> { records.iter().map(|record| pick(record).minor()).collect() };
    let dates = |pick: fn(&LoanRecord) -> Option<NaiveDate>| -> Vec<Option<NaiveDate>> {
        records.iter().map(|record| pick(record)).collect()
    };
    let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    let statuses: Vec<&str> = records.iter().map(|record| record.status.as_str()).collect();
    let schedules: Vec<i16> = records.iter().map(|record| record.schedule_version).collect();
    let ranks: Vec<Option<i16>> =
        records.iter().map(|record| record.loan.last.map(|last| i16::from(last.rank))).collect();
    let last_ids: Vec<Option<Uuid>> = records.iter().map(|record| record.loan.last.map(|last| last.id)).collect();
    let versions: Vec<i32> = records.iter().map(|record| record.version).collect();
    tx.execute(
        LOANS_UPDATE,
        &[
            &ids,
            &statuses,
            &of(|record| record.loan.committed),
            &dates(|record| record.loan.disbursed_on),
            &of(|record| record.loan.deducted_fees),
            &of(|record| record.loan.withheld),
            &of(|record| record.loan.principal),
            &of(|record| record.loan.principal_paid),
            &of(|record| record.loan.interest),
            &of(|record| record.loan.interest_paid),
            &of(|record| record.loan.overpaid),
            &dates(|record| record.loan.matures_on),
            &dates(|record| record.loan.settled.map(|settled| settled.on)),
            &dates(|record| record.loan.renegotiated_since),
            &dates(|record| record.loan.oldest_unpaid_due_on()),
            &schedules,
            &dates(|record| record.loan.last.map(|last| last.value_on)),
            &ranks,
            &last_ids,
            &versions,
            &tx.business_date,
        ],
    )
    .await?;
    Ok(())
}

const INSTALMENTS_INSERT: &str = "insert into loan_instalment (loan_id, schedule_version, number, from_on, due_on, principal_minor, interest_minor, balance_minor,
                                  interest_before_minor, settlement_minor, settlement_before_minor, principal_paid_minor,
                                  interest_paid_minor, settled_on)
     select * from unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::date[], $5::date[], $6::bigint[], $7::bigint[], $8::bigint[],
                          $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::date[])";

type Rows<'a> = [(&'a LoanRecord, &'a LoanInstalment)];

fn numbers(rows: &Rows<'_>) -> Vec<i16> {
    rows.iter().map(|(_, one)| i16::try_from(one.promised.number).unwrap_or(i16::MAX)).collect()
}

fn minors(rows: &Rows<'_>, pick: fn(&LoanInstalment) -> Amount) -> Vec<i64> {
    rows.iter().map(|(_, one)| pick(one).minor()).collect()
}

async fn instalments_insert(tx: &Tx, rows: &Rows<'_>) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let loans: Vec<Uuid> = rows.iter().map(|(record, _)| record.id).collect();
    let versions: Vec<i16> = rows.iter().map(|(record, _)| record.schedule_version).collect();
    let from: Vec<NaiveDate> = rows.iter().map(|(_, one)| one.promised.from).collect();
    let due: Vec<NaiveDate> = rows.iter().map(|(_, one)| one.promised.due_on).collect();
    let settled: Vec<Option<NaiveDate>> = rows.iter().map(|(_, one)| one.settled_on).collect();
    tx.execute(
        INSTALMENTS_INSERT,
        &[
            &loans,
            &versions,
            &numbers(rows),
            &from,
            &due,
            &minors(rows, |one| one.promised.principal),
            &minors(rows, |one| one.promised.interest),
            &minors(rows, |one| one.promised.balance),
            &minors(rows, |one| one.interest_before),
            &minors(rows, |one| one.settlement_interest),
            &minors(rows, |one| one.settlement_interest_before),
            &minors(rows, |one| one.principal_paid),
            &minors(rows, |one| one.interest_paid),
            &settled,
        ],
    )
    .await?;
    Ok(())
}

const INSTALMENTS_UPDATE: &str = "update loan_instalment set principal_paid_minor = new.principal_paid, interest_paid_minor = new.interest_paid, settled_on = new.settled_on
     from unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::date[])
          as new (loan_id, schedule_version, number, principal_paid, interest_paid, settled_on)
     where loan_instalment.loan_id = new.loan_id and loan_instalment.schedule_version = new.schedule_version
       and loan_instalment.number = new.number";

async fn instalments_update(tx: &Tx, rows: &Rows<'_>) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let loans: Vec<Uuid> = rows.iter().map(|(record, _)| record.id).collect();
    let versions: Vec<i16> = rows.iter().map(|(record, _)| record.schedule_version).collect();
    let settled: Vec<Option<NaiveDate>> = rows.iter().map(|(_, one)| one.settled_on).collect();
    tx.execute(
        INSTALMENTS_UPDATE,
        &[
            &loans,
            &versions,
            &numbers(rows),
            &minors(rows, |one| one.principal_paid),
            &minors(rows, |one| one.interest_paid),
            &settled,
        ],
    )
    .await?;
    Ok(())
}

/// Events and the lines of their payments, in one statement.
const EVENTS_INSERT: &str = "with line as (
         insert into loan_allocation (booked_on, event_id, loan_id, instalment, part, amount_minor)
         select $18, * from unnest($19::uuid[], $20::uuid[], $21::smallint[], $22::text[], $23::bigint[])
     )
     insert into loan_event (recorded_at, id, loan_id, number, kind, value_on, booked_on, amount_minor, deducted_fees_minor, withheld_minor, flag,
                             reverses, channel, receipt, reason, entry_id, user_id)
     select $1, * from unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::date[], $7::date[], $8::bigint[], $9::bigint[],
                              $10::bigint[], $11::boolean[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::uuid[])";

async fn events_insert(tx: &Tx, events: &[RecordedEvent], lines: &[(Uuid, Reallocated)]) -> Result<(), Fault> {
    let amount = |kind: EventKind| match kind {
        EventKind::Approved { amount } | EventKind::Disbursed { amount, .. } | EventKind::Repaid { amount } => {
            Some(amount.minor())
        }
        EventKind::ApprovalLapsed | EventKind::Renegotiated { .. } | EventKind::Reversed { .. } => None,
    };
    let kept = |kind: EventKind| match kind {
        EventKind::Disbursed { deducted_fees, withheld, .. } => (Some(deducted_fees.minor()), Some(withheld.minor())),
        _ => (None, None),
    };
    let flag = |kind: EventKind| match kind {
        EventKind::Renegotiated { flag } => Some(flag),
        _ => None,
    };
    let reverses = |kind: EventKind| match kind {
        EventKind::Reversed { reverses } => Some(reverses),
        _ => None,
    };
    let ids: Vec<Uuid> = events.iter().map(|known| known.event.id).collect();
    let loans: Vec<Uuid> = events.iter().map(|known| known.loan_id).collect();
    let numbers: Vec<i32> = events.iter().map(|known| known.number).collect();
    let kinds: Vec<&str> = events.iter().map(|known| known.event.kind.name().as_str()).collect();
    let value_on: Vec<NaiveDate> = events.iter().map(|known| known.event.value_on).collect();
    let booked_on: Vec<NaiveDate> = events.iter().map(|known| known.event.booked_on).collect();
    let amounts: Vec<Option<i64>> = events.iter().map(|known| amount(known.event.kind)).collect();
    let fees: Vec<Option<i64>> = events.iter().map(|known| kept(known.event.kind).0).collect();
    let withheld: Vec<Option<i64>> = events.iter().map(|known| kept(known.event.kind).1).collect();
    let flags: Vec<Option<bool>> = events.iter().map(|known| flag(known.event.kind)).collect();
    let reversed: Vec<Option<Uuid>> = events.iter().map(|known| reverses(known.event.kind)).collect();
    let channels: Vec<Option<&str>> = events.iter().map(|known| known.channel.as_deref()).collect();
    let receipts: Vec<Option<&str>> = events.iter().map(|known| known.receipt.as_deref()).collect();
    let reasons: Vec<Option<&str>> = events.iter().map(|known| known.reason.as_deref()).collect();
    let entries: Vec<Option<Uuid>> = events.iter().map(|known| known.entry_id).collect();
    let users: Vec<Uuid> = events.iter().map(|known| known.user_id).collect();
    let lines = Allocations::of(lines);
    tx.execute(
        EVENTS_INSERT,
        &[
            &tx.now,
            &ids,
            &loans,
            &numbers,
            &kinds,
            &value_on,
            &booked_on,
            &amounts,
            &fees,
            &withheld,
            &flags,
            &reversed,
            &channels,
            &receipts,
            &reasons,
            &entries,
            &users,
            &tx.business_date,
            &lines.events,
            &lines.loans,
            &lines.instalments,
            &lines.parts,
            &lines.amounts,
        ],
    )
    .await?;
    Ok(())
}

struct Allocations {
    events: Vec<Uuid>,
    loans: Vec<Uuid>,
    instalments: Vec<Option<i16>>,
    parts: Vec<&'static str>,
    amounts: Vec<i64>,
}

impl Allocations {
    fn of(lines: &[(Uuid, Reallocated)]) -> Allocations {
        let number = |number: u32| i16::try_from(number).unwrap_or(i16::MAX);
        Allocations {
            events: lines.iter().map(|(_, line)| line.event).collect(),
            loans: lines.iter().map(|(loan, _)| *loan).collect(),
            instalments: lines.iter().map(|(_, line)| line.line.instalment.map(number)).collect(),
            parts: lines.iter().map(|(_, line)| line.line.part.as_str()).collect(),
            amounts: lines.iter().map(|(_, line)| line.line.amount.minor()).collect(),
        }
    }
}
