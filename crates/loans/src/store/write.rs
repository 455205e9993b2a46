//! Writing loans. Everything that a batch changes is written in one round trip, by the same few statements however many loans.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::{Today, Tx, Writing};
use uuid::Uuid;

use super::columns::{Events, Lines, Paid, Rows, States, minors, numbers};
use crate::record::{LoanRecord, RecordedEvent};
use crate::replay::Reallocated;

/// Which of a loan's instalments are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These numbers of the schedule that stands.
    Some(HashSet<u32>),
    All,
    /// A new version of the schedule.
    New,
}

/// What a batch saves of loans.
#[derive(Debug)]
pub(crate) struct Saved<'a> {
    /// The loans that changed, in the order of their ids.
    pub changed: Vec<&'a LoanRecord>,
    /// Loans that the batch made: nothing of them is known from an earlier day.
    pub made: &'a [Uuid],
    pub events: &'a [RecordedEvent],
    pub allocations: &'a [(Uuid, Reallocated)],
    pub touched: &'a [(Uuid, Touched)],
}

impl Saved<'_> {
    /// The statements, in the order in which they are to be carried out.
    pub fn writings(&self, today: Today) -> Result<Vec<Writing>, Fault> {
        if self.changed.is_empty() {
            return Ok(Vec::new());
        }
        let touched = self.touched_by_loan();
        let (mut fresh, mut paid) = (Vec::new(), Vec::new());
        for record in &self.changed {
            let all = || record.loan.instalments.iter().map(|instalment| (*record, instalment));
            match touched.get(&record.id) {
                Some(Touched::New) => fresh.extend(all()),
                Some(Touched::All) => paid.extend(all()),
                Some(Touched::Some(numbers)) => {
                    paid.extend(all().filter(|(_, one)| numbers.contains(&one.promised.number)));
                }
                None => {}
            }
        }
        let is_outdated =
            |record: &&&LoanRecord| record.since_on < today.business_date && !self.made.contains(&record.id);
        let outdated: Vec<Uuid> = self.changed.iter().filter(is_outdated).map(|record| record.id).collect();
        // The state before is copied first.
        let mut writings: Vec<Writing> = loans_to_past(outdated, today.business_date).into_iter().collect();
        writings.push(loans_save(
            today,
            States::of(&self.changed),
            Paid::of(&paid)?,
            Lines::of(self.allocations)?,
            Events::of(self.events),
        ));
        writings.extend(instalments_insert(&fresh)?);
        Ok(writings)
    }

    /// Several events of one loan touch what any of them touches.
    fn touched_by_loan(&self) -> HashMap<Uuid, Touched> {
        let mut by_loan: HashMap<Uuid, Touched> = HashMap::new();
        for (loan_id, touched) in self.touched {
            let known = by_loan.entry(*loan_id).or_insert_with(|| Touched::Some(HashSet::new()));
            match (known, touched) {
                (Touched::Some(numbers), Touched::Some(more)) => numbers.extend(more),
                (Touched::New, _) | (Touched::All, Touched::Some(_)) => {}
                (known, touched) => *known = touched.clone(),
            }
        }
        by_loan
    }
}

/// Which receipt numbers are used already.
pub async fn receipts_taken(tx: &Tx, receipts: &[&str]) -> Result<Vec<String>, Fault> {
    if receipts.is_empty() {
        return Ok(Vec::new());
    }
    Ok(tx.query(RECEIPTS, &[&receipts]).await?.iter().map(|row| row.get("receipt")).collect())
}

const RECEIPTS: &str = "select receipt from loan_event where receipt = any($1)";

/// Copies states that were known until the day before $2, column by column by name.
pub(super) const STATES_TO_PAST: &str = "insert into loan_state_past (until_on, loan_id, client_id, product_id, terms_id,
           branch_id, created_at, committed_minor, deducted_fees_minor, withheld_minor, principal_minor,
           principal_paid_minor, interest_minor, interest_paid_minor, overpaid_minor, since_on, version, instalments,
           schedule_version, currency, status, officer_id, first_due_on, disbursed_on, matures_on, settled_on,
           renegotiated_since, oldest_unpaid_due_on, last_value_on, last_rank, last_event_id)
     select $2::date, loan_id, client_id, product_id, terms_id, branch_id, created_at, committed_minor, deducted_fees_minor,
            withheld_minor, principal_minor, principal_paid_minor, interest_minor, interest_paid_minor,
            overpaid_minor, since_on, version, instalments, schedule_version, currency, status, officer_id,
            first_due_on, disbursed_on, matures_on, settled_on, renegotiated_since, oldest_unpaid_due_on,
            last_value_on, last_rank, last_event_id
     from loan_state where loan_id = any($1) and since_on < $2";

/// Keeps the state of earlier days, of loans that change for the first time on this one: what a report says of them is read there.
fn loans_to_past(ids: Vec<Uuid>, business_date: NaiveDate) -> Option<Writing> {
    (!ids.is_empty()).then(|| Writing::new(STATES_TO_PAST).with(ids).with(business_date))
}

const INSTALMENTS_INSERT: &str = "insert into loan_instalment (loan_id, schedule_version, number, from_on, due_on, principal_minor, interest_minor, balance_minor,
                                  interest_before_minor, settlement_minor, settlement_before_minor, principal_paid_minor,
                                  interest_paid_minor, settled_on)
     select * from unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::date[], $5::date[], $6::bigint[], $7::bigint[], $8::bigint[],
                          $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::date[])";

fn instalments_insert(rows: &Rows<'_>) -> Result<Option<Writing>, Fault> {
    if rows.is_empty() {
        return Ok(None);
    }
    let loans: Vec<Uuid> = rows.iter().map(|(record, _)| record.id).collect();
    let versions: Vec<i16> = rows.iter().map(|(record, _)| record.schedule_version).collect();
    let from: Vec<NaiveDate> = rows.iter().map(|(_, one)| one.promised.from).collect();
    let due: Vec<NaiveDate> = rows.iter().map(|(_, one)| one.promised.due_on).collect();
    let settled: Vec<Option<NaiveDate>> = rows.iter().map(|(_, one)| one.settled_on).collect();
    let writing = Writing::new(INSTALMENTS_INSERT)
        .with(loans)
        .with(versions)
        .with(numbers(rows)?)
        .with(from)
        .with(due)
        .with(minors(rows, |one| one.promised.principal))
        .with(minors(rows, |one| one.promised.interest))
        .with(minors(rows, |one| one.promised.balance))
        .with(minors(rows, |one| one.interest_before))
        .with(minors(rows, |one| one.settlement_interest))
        .with(minors(rows, |one| one.settlement_interest_before))
        .with(minors(rows, |one| one.principal_paid))
        .with(minors(rows, |one| one.interest_paid))
        .with(settled);
    Ok(Some(writing))
}

/// States, payments of instalments, events and how their money was split, in one statement: each statement has its price, whatever
/// it does.
const LOANS_SAVE: &str = "with instalment as (
         update loan_instalment set principal_paid_minor = new.principal_paid, interest_paid_minor = new.interest_paid,
                settled_on = new.settled_on
         from unnest($22::uuid[], $23::smallint[], $24::smallint[], $25::bigint[], $26::bigint[], $27::date[])
              as new (loan_id, schedule_version, number, principal_paid, interest_paid, settled_on)
         where loan_instalment.loan_id = new.loan_id and loan_instalment.schedule_version = new.schedule_version
           and loan_instalment.number = new.number
     ), line as (
         insert into loan_allocation (booked_on, event_id, loan_id, instalment, part, amount_minor)
         select $21, * from unnest($28::uuid[], $29::uuid[], $30::smallint[], $31::text[], $32::bigint[])
     ), event as (
         insert into loan_event (recorded_at, id, loan_id, number, kind, value_on, booked_on, amount_minor, deducted_fees_minor,
                                 withheld_minor, flag, reverses, channel, receipt, reason, entry_id, user_id, command_id)
         select $33, * from unnest($34::uuid[], $35::uuid[], $36::integer[], $37::text[], $38::date[], $39::date[], $40::bigint[],
                                   $41::bigint[], $42::bigint[], $43::boolean[], $44::uuid[], $45::text[], $46::text[], $47::text[],
                                   $48::uuid[], $49::uuid[], $50::uuid[])
     )
     update loan_state set status = new.status, committed_minor = new.committed, disbursed_on = new.disbursed_on,
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
          as new (loan_id, status, committed, disbursed_on, deducted_fees, withheld, principal, principal_paid, interest, interest_paid,
                  overpaid, matures_on, settled_on, renegotiated_since, oldest_unpaid_due_on, schedule_version,
                  last_value_on, last_rank, last_event_id, version)
     where loan_state.loan_id = new.loan_id";

fn loans_save(today: Today, states: States, paid: Paid, lines: Lines, events: Events) -> Writing {
    Writing::new(LOANS_SAVE)
        .with(states.ids)
        .with(states.statuses)
        .with(states.committed)
        .with(states.disbursed_on)
        .with(states.deducted_fees)
        .with(states.withheld)
        .with(states.principal)
        .with(states.principal_paid)
        .with(states.interest)
        .with(states.interest_paid)
        .with(states.overpaid)
        .with(states.matures_on)
        .with(states.settled_on)
        .with(states.renegotiated_since)
        .with(states.oldest_unpaid_due_on)
        .with(states.schedule_versions)
        .with(states.last_value_on)
        .with(states.last_ranks)
        .with(states.last_events)
        .with(states.versions)
        .with(today.business_date)
        .with(paid.loans)
        .with(paid.schedule_versions)
        .with(paid.numbers)
        .with(paid.principal_paid)
        .with(paid.interest_paid)
        .with(paid.settled_on)
        .with(lines.events)
        .with(lines.loans)
        .with(lines.instalments)
        .with(lines.parts)
        .with(lines.amounts)
        .with(today.now)
        .with(events.ids)
        .with(events.loans)
        .with(events.numbers)
        .with(events.kinds)
        .with(events.value_on)
        .with(events.booked_on)
        .with(events.amounts)
        .with(events.deducted_fees)
        .with(events.withheld)
        .with(events.flags)
        .with(events.reverses)
        .with(events.channels)
        .with(events.receipts)
        .with(events.reasons)
        .with(events.entries)
        .with(events.users)
        .with(events.commands)
}
