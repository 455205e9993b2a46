//! The close of day counts in SQL what the loans count in Rust: the same integers.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use db::pool::Pool;
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::day_count::DayCount;
use loans::accrual::share;
use loans::event::Event;
use loans::position::{Position, Slot, difference, position};
use loans::postings::SLOTS;
use loans::replay::replay;
use loans::store::close::night;
use loans::store::read::{events_of_loans, loans_by_ids};
use rand::RngExt;
use rand::rngs::StdRng;

use super::random_life::Life;
use crate::harness::database::block_on;
use crate::harness::{Database, Institution, Uuid, random};

/// Any day of the calendar; half of the time one at the end or the beginning of a month, often of February.
fn any_day(random: &mut StdRng) -> NaiveDate {
    let day = kernel::date::EARLIEST + Days::new(random.random_range(0..109_572));
    if random.random_bool(0.5) {
        return day;
    }
    let month = if random.random_bool(0.4) { 2 } else { day.month() };
    let first = NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap();
    let next = first + chrono::Months::new(1);
    let near = next - Days::new(random.random_range(0..4));
    near.min(kernel::date::LATEST)
}

/// Small numbers as often as large ones.
fn up_to_digits(random: &mut StdRng, most: u32) -> i64 {
    let digits = random.random_range(1..=most);
    random.random_range(0..=10_i64.pow(digits))
}

#[test]
fn days_weigh_the_same_in_sql() {
    let house = Database::furnished();
    let mut random = random("days_weigh_the_same_in_sql");
    let mut spans: Vec<(&str, NaiveDate, NaiveDate)> = Vec::new();
    for count in DayCount::ALL {
        for _ in 0..4_000 {
            let one = any_day(&mut random);
            // Mostly spans as instalments have them; some of decades.
            let other = match random.random_range(0..4) {
                0 => any_day(&mut random),
                _ => (one + Days::new(random.random_range(0..800))).min(kernel::date::LATEST),
            };
            spans.push((count.as_str(), one.min(other), one.max(other)));
        }
    }
    let bases: Vec<&str> = spans.iter().map(|span| span.0).collect();
    let from: Vec<NaiveDate> = spans.iter().map(|span| span.1).collect();
    let to: Vec<NaiveDate> = spans.iter().map(|span| span.2).collect();
    let rows = house.query(
        "select day_weight(basis, from_on, to_on) as weight, day_weight('actual_days', from_on, to_on) as days
         from unnest($1::text[], $2::date[], $3::date[]) with ordinality as span (basis, from_on, to_on, number) order by number",
        &[&bases, &from, &to],
    );
    assert_eq!(rows.len(), spans.len());
    for (row, (basis, from, to)) in rows.iter().zip(spans) {
        let count: DayCount = basis.parse().unwrap();
        assert_eq!(row.get::<_, i64>("weight"), count.weight(from, to), "{basis} {from} {to}");
        assert_eq!(row.get::<_, i64>("days"), (to - from).num_days(), "{from} {to}");
    }
}

#[test]
fn shares_are_the_same_in_sql() {
    let house = Database::furnished();
    let mut random = random("shares_are_the_same_in_sql");
    let mut asked: Vec<(i64, i64, i64)> =
        vec![(0, 0, 0), (1, 1, 2), (3, 1, 2), (1, -5, 2), (7, 9, 2), (5, 5, 5), (5, 3, 0), (5, 3, -1)];
    let limit = Amount::LIMIT.minor();
    for _ in 0..10_000 {
        let amount = match random.random_range(0..4) {
            0 => random.random_range(0..100),
            1 => random.random_range(limit - 1_000..=limit),
            _ => up_to_digits(&mut random, 15),
        };
        // Days, or days × 366 over a century.
        let length = up_to_digits(&mut random, 8);
        let elapsed = random.random_range(-2..=length + 2);
        asked.push((amount, elapsed, length));
        // Exactly a half: the amount odd, one of two.
        asked.push((2 * (amount / 4) + 1, length, 2 * length));
    }
    let column = |pick: fn(&(i64, i64, i64)) -> i64| asked.iter().map(pick).collect::<Vec<i64>>();
    let (amounts, elapsed, lengths) = (column(|one| one.0), column(|one| one.1), column(|one| one.2));
    let rows = house.query(
        "select accrual_share(amount, elapsed, length) as share
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality as asked (amount, elapsed, length, number) order by number",
        &[&amounts, &elapsed, &lengths],
    );
    for (row, (amount, elapsed, length)) in rows.iter().zip(asked) {
        let expected = share(Amount::of_minor(amount), elapsed, length).minor();
        assert_eq!(row.get::<_, i64>("share"), expected, "{amount} × {elapsed} ÷ {length}");
    }
}

/// Branch and product → what changes in each slot.
type Changes = BTreeMap<(Uuid, Uuid), BTreeMap<Slot, Amount>>;

fn add(changes: &mut Changes, place: (Uuid, Uuid), slot: Slot, amount: Amount) {
    *changes.entry(place).or_default().entry(slot).or_default() += amount;
}

fn settled(mut changes: Changes) -> Changes {
    for slots in changes.values_mut() {
        slots.retain(|_, amount| !amount.is_zero());
    }
    changes.retain(|_, slots| !slots.is_empty());
    changes
}

/// Σ position(known at the close of D, D + 1) − position(the same, D), loan by loan, as the books define the close.
async fn by_replay(tx: &Tx, ids: &[Uuid], day: NaiveDate) -> Changes {
    let records = loans_by_ids(tx, ids, kernel::date::EARLIEST).await.unwrap();
    let events = events_of_loans(tx, ids).await.unwrap();
    let mut changes = Changes::new();
    for id in ids {
        let record = &records[id];
        let known: Vec<Event> = events
            .get(id)
            .into_iter()
            .flatten()
            .map(|known| known.event)
            .filter(|event| event.booked_on <= day)
            .collect();
        let loan = replay(&record.loan.agreement, &known).loan;
        let change: Position = difference(&position(&loan, day.succ_opt().unwrap()), &position(&loan, day));
        for (slot, amount) in change.lines() {
            add(&mut changes, (record.branch_id, record.product_id), slot, amount);
        }
    }
    settled(changes)
}

/// What the statement of the close says of a day, asked long after it.
async fn by_sql(tx: &Tx, day: NaiveDate) -> Changes {
    let mut changes = Changes::new();
    for night in night(tx, day).await.unwrap() {
        let place = (night.branch_id, night.product_id);
        for (slot, amount) in [
            (Slot::InterestReceivable, night.receivable),
            (Slot::Unearned, -night.unearned),
            (Slot::InterestIncome, night.unearned - night.receivable),
            (Slot::NonAccrualMemo, night.memo),
            (Slot::NonAccrualContra, -night.memo),
        ] {
            add(&mut changes, place, slot, amount);
        }
    }
    settled(changes)
}

/// What was booked as the close of a day.
fn booked(house: &Institution, day: NaiveDate) -> Changes {
    let rows = house.database.query(
        "select line.branch_id, line.product_id, account.code, sum(line.amount_minor)::bigint as amount
         from journal_entry entry join journal_line line on line.entry_id = entry.id join gl_account account on account.id = line.account_id
         where entry.event = 'loan.accrued' and entry.booked_on = $1 group by 1, 2, 3",
        &[&day],
    );
    let mut changes = Changes::new();
    for row in rows {
        let code: String = row.get("code");
        let slot = SLOTS.iter().find(|slot| slot.standard_code == code).unwrap().slot;
        add(&mut changes, (row.get("branch_id"), row.get("product_id")), slot, Amount::of_minor(row.get("amount")));
    }
    settled(changes)
}

#[test]
fn a_night_brings_what_the_positions_say() {
    let mut life = Life::begin("a_night_brings_what_the_positions_say", "2027-12-20");
    let first = life.today;
    life.lend_and_forget();
    for _ in 0..10 {
        for _ in 0..7 {
            life.step();
        }
        let days = life.random.random_range(1..=12);
        life.close(days);
    }
    let ids: Vec<Uuid> =
        life.house.database.query("select id from loan order by id", &[]).iter().map(|row| row.get(0)).collect();
    let pool = block_on(async { Pool::try_new(&life.house.database.app_url(), 1) }).unwrap();
    let mut slots_seen = std::collections::BTreeSet::new();
    for day in first.iter_days().take_while(|day| *day < life.today) {
        let (replayed, counted) = block_on(async {
            let tx = Tx::begin_reading(&pool).await.unwrap();
            let both = (by_replay(&tx, &ids, day).await, by_sql(&tx, day).await);
            tx.rollback().await.unwrap();
            both
        });
        assert_eq!(counted, replayed, "{day}: SQL and replay");
        assert_eq!(booked(&life.house, day), replayed, "{day}: booked and replay");
        slots_seen.extend(replayed.values().flat_map(|slots| slots.keys().copied().map(Slot::as_str)));
    }
    eprintln!("{:?}; {slots_seen:?}", life.done);
    for slot in ["interest_receivable", "interest_income", "unearned", "non_accrual_memo", "non_accrual_contra"] {
        assert!(slots_seen.contains(slot), "no night touched {slot}: {slots_seen:?}");
    }
}
