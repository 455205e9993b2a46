//! Closing and reopening months.

use std::time::Duration;

use db::deciding::{Facts, NotDone};
use db::gates::Gate;
use db::lane::{Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use ledger::command::EntryCommand;
use ledger::error::LedgerError;
use ledger::manual::PostManualEntry;
use ledger::periods::{ClosePeriod, Month, Period, PeriodStatus, ReopenPeriod, work_off};
use ledger::store_periods;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{HEAD, NORTH, USER, Words, World, day, draft, refused, rent, run, take, words};

const BALANCES: &str = "select count(*) from ledger_balance";
const PATIENCE: Duration = Duration::from_secs(60);

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

async fn order(world: &World, text: &str) -> Outcome<Period> {
    let mut tx = world.begin().await;
    let caller = world.caller(&tx).await;
    let command = ClosePeriod { month: month(text) };
    let about = command.about();
    let asked = Asked { caller: &caller, command: &command, about: &about, sent: None, command_id: Uuid::now_v7() };
    let outcome = ClosePeriod::run(&mut tx, &[asked]).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    outcome
}

async fn ordered(world: &World, text: &str) -> Period {
    match order(world, text).await {
        Outcome::Done(period) => period,
        other => panic!("not ordered: {other:?}"),
    }
}

/// Why the close of a month is not even ordered.
async fn not_ordered(world: &World, text: &str) -> Words {
    match order(world, text).await {
        Outcome::Refused(refusal) => words(refusal.as_ref()),
        other => panic!("not refused: {other:?}"),
    }
}

async fn period(world: &World, text: &str) -> Period {
    store_periods::period(&world.begin().await, month(text)).await.unwrap()
}

/// Orders the close of a month, and carries it out.
async fn close(world: &World, text: &str) -> Period {
    ordered(world, text).await;
    assert_eq!(work_off(&world.pool).await.unwrap(), 1);
    period(world, text).await
}

/// What reopening would do, for the second person who has to agree first.
async fn before_reopening(world: &World, text: &str) -> Result<Facts, NotDone> {
    let tx = Tx::begin_reading(&world.pool).await.unwrap();
    ReopenPeriod { month: month(text) }.decide(&tx).await.unwrap()
}

/// Reopens a month, as a second person has agreed to it.
async fn reopen(world: &World, text: &str) -> Result<Period, NotDone> {
    let tx = world.begin().await;
    let command = ReopenPeriod { month: month(text) };
    command.decide(&tx).await.unwrap()?;
    let period = command.carry_out(&tx, USER).await.unwrap();
    tx.commit().await.unwrap();
    Ok(period)
}

/// Begins what every batch of a lane holds to its end; the superuser's `rollback` ends it.
async fn share_the_day(world: &World) {
    let institution = world.superuser.query_one("select institution_id from setting", &[]).await.unwrap();
    let (high, low) = Gate::Day.numbers(institution.get(0));
    let share = format!("begin; set local lock_timeout = '2s'; select pg_advisory_xact_lock_shared({high}, {low})");
    world.superuser.batch_execute(&share).await.unwrap();
}

#[test]
fn months_close_with_their_balances_and_open_again() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        for (id, day, amount) in
            [(1, "2026-01-10", 500), (2, "2026-01-31", 30), (3, "2026-02-03", 7), (4, "2026-03-02", 1)]
        {
            world.post(&[draft(&books, id, day, &[("1020", NORTH, amount), ("1210", HEAD, -amount)])]).await;
        }
        assert!(matches!(order(&world, "2025-12").await, Outcome::Absent));
        let earlier = LedgerError::EarlierMonthOpen { month: month("2026-01") };
        assert_eq!(not_ordered(&world, "2026-02").await, words(&earlier));
        let not_over = LedgerError::MonthNotOver { month: month("2026-03"), business_date: day("2026-03-02") };
        assert_eq!(not_ordered(&world, "2026-03").await, words(&not_over));

        world.superuser.batch_execute("insert into day_close (closed_on, rolled_at, rolled_by) values ('2026-01-31', now(), gen_random_uuid())").await.unwrap();
        let not_booked = LedgerError::DayNotBooked { day: day("2026-01-31") };
        assert_eq!(not_ordered(&world, "2026-01").await, words(&not_booked));
        assert_eq!(work_off(&world.pool).await.unwrap(), 0);
        world.superuser.batch_execute("update day_close set booked_at = now(), entry_count = 0").await.unwrap();

        let january = close(&world, "2026-01").await;
        assert_eq!((january.status, january.order), (PeriodStatus::Closed, None));
        assert_eq!(january.changed.map(|(_, by)| by), Some(USER));
        let closed = LedgerError::MonthClosed { month: month("2026-01") };
        assert_eq!(not_ordered(&world, "2026-01").await, words(&closed));
        assert_eq!(close(&world, "2026-02").await.status, PeriodStatus::Closed);
        assert_eq!(world.number(BALANCES).await, 8);
        let cash = "select balance_minor::bigint from ledger_balance join gl_account on id = account_id
                    where code = '1020' and month_end_on = '2026-02-28'";
        assert_eq!(world.number(cash).await, 537);
        assert_eq!(world.findings().await, [] as [&str; 0]);
        assert!(world.books().await.is_closed(day("2026-02-28")));

        let later = LedgerError::LaterMonthClosed { month: month("2026-02") };
        assert_eq!(refused(before_reopening(&world, "2026-01").await), words(&later));
        let facts = Facts { branches: vec![HEAD], description: Some("2026-02".into()), ..Facts::default() };
        assert_eq!(before_reopening(&world, "2026-02").await.unwrap(), facts);
        assert_eq!(world.number(BALANCES).await, 8);
        assert_eq!(reopen(&world, "2026-02").await.unwrap().status, PeriodStatus::Open);
        assert_eq!(world.number(BALANCES).await, 4);
        assert!(!world.books().await.is_closed(day("2026-02-01")));
        let open = LedgerError::MonthOpen { month: month("2026-02") };
        assert_eq!(refused(reopen(&world, "2026-02").await), words(&open));
        assert_eq!(close(&world, "2026-02").await.status, PeriodStatus::Closed);
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// The month is marked alone at the day gate: so all that was booked into it is committed, also where months without end close with
/// it. Its balances are written while others share the day.
#[test]
fn only_the_first_step_of_a_close_stops_the_day() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world.post(&[draft(&books, 1, "2026-01-10", &[("1020", HEAD, 5), ("1210", HEAD, -5)])]).await;
        share_the_day(&world).await;
        ordered(&world, "2026-01").await;
        let pool = world.pool.clone();
        let closing = tokio::spawn(async move { work_off(&pool).await.unwrap() });
        // It gives up after 200 ms each time, so that others who share the day are not kept waiting behind it.
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(!closing.is_finished());
        assert_eq!(period(&world, "2026-01").await.status, PeriodStatus::Open);

        // From here on the month can be marked, and its balances cannot be written.
        let before_balances = world.begin().await;
        before_balances.execute("lock table ledger_balance in exclusive mode", &[]).await.unwrap();
        world.superuser.batch_execute("rollback").await.unwrap();
        let marked = async {
            while period(&world, "2026-01").await.status != PeriodStatus::Closing {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, marked).await.unwrap();
        share_the_day(&world).await;
        let mut tx = world.begin().await;
        let caller = world.caller(&tx).await;
        let on = |id, booked_on| EntryCommand::Post(PostManualEntry { booked_on: Some(day(booked_on)), ..rent(id, 5) });
        let commands = [on(2, "2026-01-31"), on(3, "2025-12-31"), on(4, "2026-02-01")];
        let mut done = take(&mut tx, &caller, &commands).await.into_iter();
        let mut next = || done.next().unwrap();
        assert_eq!(refused(next()), words(&LedgerError::PeriodClosing { month: month("2026-01") }));
        assert_eq!(refused(next()), words(&LedgerError::PeriodClosed { month: month("2025-12") }));
        assert_eq!(next().unwrap().head.booked_on, day("2026-02-01"));
        tx.commit().await.unwrap();
        assert!(!closing.is_finished());

        before_balances.rollback().await.unwrap();
        assert_eq!(timeout(PATIENCE, closing).await.unwrap().unwrap(), 1);
        assert_eq!(period(&world, "2026-01").await.status, PeriodStatus::Closed);
        world.superuser.batch_execute("rollback").await.unwrap();
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// An order looks at the state of its day, and so does the job that carries it out: what became wrong meanwhile is said on the order.
#[test]
fn an_order_is_refused_where_an_earlier_month_has_become_the_first() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world.post(&[draft(&books, 1, "2026-01-10", &[("1020", HEAD, 5), ("1210", HEAD, -5)])]).await;
        let waiting = ordered(&world, "2026-01").await;
        let order = waiting.order.as_ref().unwrap();
        assert_eq!((waiting.status, order.by, order.refused.as_ref()), (PeriodStatus::Open, USER, None));
        // Whoever orders it again finds the first order.
        assert_eq!(ordered(&world, "2026-01").await, waiting);
        // The last batch before the month can be marked books into an earlier one.
        share_the_day(&world).await;
        let pool = world.pool.clone();
        let closing = tokio::spawn(async move { work_off(&pool).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.post(&[draft(&books, 2, "2025-06-30", &[("1020", HEAD, 7), ("1210", HEAD, -7)])]).await;
        world.superuser.batch_execute("rollback").await.unwrap();
        assert_eq!(timeout(PATIENCE, closing).await.unwrap().unwrap(), 0);
        let why = LedgerError::EarlierMonthOpen { month: month("2025-06") };
        let january = period(&world, "2026-01").await;
        assert_eq!((january.status, january.order.unwrap().refused), (PeriodStatus::Open, Some(why.to_string())));
        assert_eq!(not_ordered(&world, "2026-01").await, words(&why));

        // All at once, each behind the one that is ordered before it.
        for one in std::iter::successors(Some(month("2025-06")), |one| Some(one.next())).take(8) {
            ordered(&world, &one.to_string()).await;
        }
        assert_eq!(work_off(&world.pool).await.unwrap(), 8);
        let january = period(&world, "2026-01").await;
        assert_eq!((january.status, january.order), (PeriodStatus::Closed, None));
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

#[test]
fn a_close_that_was_killed_goes_on_where_it_was() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world.post(&[draft(&books, 1, "2026-01-10", &[("1020", HEAD, 5), ("1210", HEAD, -5)])]).await;
        ordered(&world, "2026-01").await;
        world
            .superuser
            .batch_execute("insert into period values ('2026-01-01', 'closing', now(), gen_random_uuid())")
            .await
            .unwrap();
        assert_eq!(ordered(&world, "2026-01").await.status, PeriodStatus::Closing);
        assert_eq!(world.findings().await, [] as [&str; 0]);
        assert_eq!(work_off(&world.pool).await.unwrap(), 1);
        assert_eq!(period(&world, "2026-01").await.status, PeriodStatus::Closed);
        assert_eq!((work_off(&world.pool).await.unwrap(), world.number(BALANCES).await), (0, 2));
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}
