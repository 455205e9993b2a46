//! The close of a day: the day rolls, then what its night brings is booked.
//!
//! Rolling is a tiny transaction alone at the day gate: from then on nothing more can be booked on the day, so what its close
//! books is a function of fixed inputs. Booking is one transaction beside the next day's traffic: it locks no loan, writes an
//! entry per branch and product, and marks the day. Killed anywhere and run again, it gives the same: entry ids are made from
//! day, branch, product and currency.
//!
//! An order says up to which day to close. It is a command like any other; every server works on it until it is done.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use db::caller::SYSTEM;
use db::fault::Fault;
use db::gates::{self, Gate};
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::narrow::narrow;
use db::pool::Pool;
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::refusal::{Kind, Refusal};
use ledger::books::Books;
use ledger::draft::{Draft, DraftLine, Drafting, Heading, MOST_LINES};
use ledger::post::post;
use loans::position::Slot;
use loans::postings::CLOSE_OF_DAY;
use loans::store::close::{Night, night};
use org::{business_day, places};
use uuid::Uuid;

/// Orders that all days up to and including one be closed.
#[derive(Debug, Clone)]
pub struct CloseDays {
    pub through: NaiveDate,
    /// The calendar's today, which a business day may not pass; `None`: it may, on trial.
    pub not_after: Option<NaiveDate>,
}

/// What was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ordered {
    pub through: NaiveDate,
    /// The open day once all is done.
    pub business_date: NaiveDate,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    #[error(
        "{through} lies after today, {today}: a day is closed when it is over (or start the server with --sandbox-clock for a trial)"
    )]
    NotOverYet { through: NaiveDate, today: NaiveDate },
    #[error("days are closed for the whole institution: this needs a user of the head office")]
    HeadOfficeOnly,
    #[error("{0} is too far ahead: close at most ten years at once")]
    TooFar(NaiveDate),
}

impl Refusal for CloseError {
    fn code(&self) -> &'static str {
        match self {
            CloseError::NotOverYet { .. } => "day.not_over_yet",
            CloseError::HeadOfficeOnly => "day.head_office_only",
            CloseError::TooFar(_) => "day.too_far",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            CloseError::NotOverYet { .. } => Kind::Conflict,
            CloseError::HeadOfficeOnly => Kind::Forbidden,
            CloseError::TooFar(_) => Kind::Unprocessable,
        }
    }

    fn pointer(&self) -> Option<String> {
        match self {
            CloseError::HeadOfficeOnly => None,
            CloseError::NotOverYet { .. } | CloseError::TooFar(_) => Some("/through".into()),
        }
    }
}

/// The most days that one order may close.
const MOST_DAYS: i64 = 3_660;

impl SlicedCommand for CloseDays {
    type Done = Ordered;

    fn about(&self) -> About {
        About { claims: vec![Claim::of("business_day.close", "")], ..About::of("business_day.close") }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            if caller.scope.branch_id != places::head_office(tx).await? {
                outcomes.push(Outcome::refused(CloseError::HeadOfficeOnly));
                continue;
            }
            match decide(command, tx.business_date) {
                Ok(ordered) => {
                    org::store::day_close_order(tx, ordered.through, caller.user_id).await?;
                    outcomes.push(Outcome::Done(ordered));
                }
                Err(refused) => outcomes.push(Outcome::refused(refused)),
            }
        }
        Ok(outcomes)
    }
}

fn decide(command: &CloseDays, business_date: NaiveDate) -> Result<Ordered, CloseError> {
    let through = command.through;
    if let Some(today) = command.not_after.filter(|today| through > *today) {
        return Err(CloseError::NotOverYet { through, today });
    }
    let next = through.succ_opt().filter(|next| (*next - business_date).num_days() <= MOST_DAYS);
    let next = next.ok_or(CloseError::TooFar(through))?;
    Ok(Ordered { through, business_date: next.max(business_date) })
}

/// Closes day after day until the order is done and every rolled day is booked, then the months that are ordered. Returns how many
/// days and months it closed itself.
pub async fn work_off(pool: &Pool) -> Result<u32, Fault> {
    let mut booked = 0;
    loop {
        if let Some(day) = oldest_unbooked(pool).await? {
            booked += u32::from(book(pool, day).await?);
            continue;
        }
        match next_to_roll(pool).await? {
            Some((day, ordered_by)) => business_day::roll(pool, day, ordered_by).await?,
            // Months close when their days have.
            None => return Ok(booked + ledger::periods::work_off(pool).await?),
        }
    }
}

/// Orders the close of all days through one, and works it off. For the command line and the demo, which have no caller.
pub async fn close_through(pool: &Pool, through: NaiveDate) -> Result<u32, Fault> {
    let tx = Tx::begin_long(pool).await?;
    org::store::day_close_order(&tx, through, SYSTEM).await?;
    tx.commit().await?;
    work_off(pool).await
}

async fn oldest_unbooked(pool: &Pool) -> Result<Option<NaiveDate>, Fault> {
    let tx = Tx::begin_reading(pool).await?;
    Ok(org::store::day_closes_pending(&tx).await?.into_iter().next())
}

async fn next_to_roll(pool: &Pool) -> Result<Option<(NaiveDate, Uuid)>, Fault> {
    let tx = Tx::begin_reading(pool).await?;
    let order = org::store::find_day_close_order(&tx).await?;
    Ok(order.filter(|(through, _)| *through >= tx.business_date).map(|(_, by)| (tx.business_date, by)))
}

/// Books what the night of a rolled day brings. False where another closer is at it, or has done it.
async fn book(pool: &Pool, day: NaiveDate) -> Result<bool, Fault> {
    let tx = Tx::begin_long(pool).await?;
    if !gates::try_close(&tx, Gate::DayClose).await? {
        tx.rollback().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        return Ok(false);
    }
    // Read after the gate: the closer before us may just have booked it.
    if !org::store::day_closes_pending(&tx).await?.contains(&day) {
        tx.rollback().await?;
        return Ok(false);
    }
    let began = std::time::Instant::now();
    let nights = night(&tx, day).await?;
    let drafts = drafts(day, &nights, &Books::read(&tx).await?)?;
    post(&tx, &drafts).await?;
    org::store::day_close_booked(&tx, day, narrow(drafts.len(), "day_close.entry_count")?).await?;
    tx.commit().await?;
    metrics::histogram!("ayni_day_close_seconds").record(began.elapsed());
    metrics::counter!("ayni_day_closes").increment(1);
    tracing::info!(%day, entries = drafts.len(), "a day was closed");
    Ok(true)
}

/// One entry per branch, product and currency; a loan that ceases to accrue has lines of its own in it. Where so many do in one night
/// that one entry cannot hold their lines, more entries follow.
pub fn drafts(day: NaiveDate, nights: &[Night], books: &Books) -> Result<Vec<Draft>, Fault> {
    let mut places: BTreeMap<(Uuid, Uuid, Currency), Vec<&Night>> = BTreeMap::new();
    for night in nights {
        places.entry((night.branch_id, night.product_id, night.currency)).or_default().push(night);
    }
    let mut finished = Vec::new();
    for nights in places.into_values() {
        for (part, nights) in nights.chunks(MOST_LINES / LINES).enumerate() {
            finished.extend(draft(day, nights, part, books)?);
        }
    }
    Ok(finished)
}

/// What a night changes, each a line.
fn changes(night: &Night) -> [(Slot, Amount); LINES] {
    [
        (Slot::InterestReceivable, night.receivable),
        (Slot::Unearned, -night.unearned),
        (Slot::InterestIncome, -night.income()),
        (Slot::NonAccrualMemo, night.memo),
        (Slot::NonAccrualContra, -night.memo),
    ]
}

/// Lines of a night in an entry, at most.
const LINES: usize = 5;

/// One entry of nights of one place.
fn draft(day: NaiveDate, nights: &[&Night], part: usize, books: &Books) -> Result<Option<Draft>, Fault> {
    let Some(first) = nights.first() else { return Ok(None) };
    let mut drafting = Drafting::new(heading(day, first, part));
    for night in nights {
        for (slot, amount) in changes(night) {
            drafting.keep(line(night, books.slot(night.product_id, slot.as_str())?, amount));
        }
    }
    drafting.finish(books)
}

fn line(night: &Night, account_id: Uuid, amount: Amount) -> DraftLine {
    DraftLine {
        account_id,
        branch_id: night.branch_id,
        product_id: Some(night.product_id),
        currency: night.currency,
        amount,
        subject_id: night.loan_id,
    }
}

fn heading(day: NaiveDate, night: &Night, part: usize) -> Heading {
    Heading {
        id: entry_id(day, night, part),
        booked_on: day,
        value_on: day,
        branch_id: night.branch_id,
        event: CLOSE_OF_DAY,
        subject_id: None,
        description: None,
        user_id: SYSTEM,
        reverses: None,
    }
}

/// The entry of a night in its place; `part`: of several, from 0.
pub fn entry_id(day: NaiveDate, night: &Night, part: usize) -> Uuid {
    let mut place = format!("{day}/{}/{}/{}", night.branch_id, night.product_id, night.currency);
    if part > 0 {
        place = format!("{place}/{part}");
    }
    Uuid::new_v5(&Uuid::NAMESPACE_OID, place.as_bytes())
}

#[cfg(test)]
#[path = "close_of_day_tests.rs"]
mod tests;
