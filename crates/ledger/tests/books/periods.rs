//! Closing and reopening months.

use db::lane::{Asked, Command, Outcome};
use ledger::approvals::Order;
use ledger::error::LedgerError;
use ledger::periods::{self, ClosePeriod, Month, Period, PeriodStatus, ReopenPeriod};

use crate::support::{HEAD, NORTH, USER, World, draft, everywhere, run};

const BALANCES: &str = "select count(*) from ledger_balance";

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

async fn close(world: &World, text: &str) -> Outcome<Period, LedgerError> {
    let mut tx = world.begin().await;
    let caller = world.caller(&tx).await;
    let command = ClosePeriod { month: month(text) };
    let asked = Asked { caller: &caller, command: &command, key_id: None };
    let outcome = ClosePeriod::run(&mut tx, &[asked]).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    outcome
}

async fn reopen(world: &World, text: &str, approved: bool) -> Outcome<Period, LedgerError> {
    let tx = world.begin().await;
    let command = ReopenPeriod { month: month(text) };
    let order = Order { command: &command, scope: everywhere(), user_id: USER, approved };
    let outcome = periods::reopen(&tx, &[order]).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    outcome
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
        assert_eq!(close(&world, "2025-12").await, Outcome::Absent);
        let earlier = LedgerError::EarlierMonthOpen { month: month("2026-01") };
        assert_eq!(close(&world, "2026-02").await, Outcome::Refused(earlier));
        assert!(matches!(close(&world, "2026-03").await, Outcome::Refused(LedgerError::MonthNotOver { .. })));

        world.superuser.batch_execute("insert into day_close (closed_on, rolled_at, rolled_by) values ('2026-01-31', now(), gen_random_uuid())").await.unwrap();
        assert!(matches!(close(&world, "2026-01").await, Outcome::Refused(LedgerError::DayNotBooked { .. })));
        world.superuser.batch_execute("update day_close set booked_at = now(), entry_count = 0").await.unwrap();

        assert!(matches!(close(&world, "2026-01").await, Outcome::Done(Period { status: PeriodStatus::Closed, .. })));
        assert!(matches!(close(&world, "2026-01").await, Outcome::Refused(LedgerError::MonthClosed { .. })));
        assert!(matches!(close(&world, "2026-02").await, Outcome::Done(_)));
        assert_eq!(world.number(BALANCES).await, 8);
        let cash = "select balance_minor::bigint from ledger_balance join gl_account on id = account_id
                    where code = '1020' and month_end_on = '2026-02-28'";
        assert_eq!(world.number(cash).await, 537);
        assert_eq!(world.findings().await, [] as [&str; 0]);
        assert!(world.books().await.is_closed("2026-02-28".parse().unwrap()));

        let later = LedgerError::LaterMonthClosed { month: month("2026-02") };
        assert_eq!(reopen(&world, "2026-01", false).await, Outcome::Refused(later));
        assert!(matches!(reopen(&world, "2026-02", false).await, Outcome::Held(_)));
        assert_eq!(world.number(BALANCES).await, 8);
        assert!(matches!(
            reopen(&world, "2026-02", true).await,
            Outcome::Done(Period { status: PeriodStatus::Open, .. })
        ));
        assert_eq!(world.number(BALANCES).await, 4);
        assert!(!world.books().await.is_closed("2026-02-01".parse().unwrap()));
        assert!(matches!(reopen(&world, "2026-02", true).await, Outcome::Refused(LedgerError::MonthOpen { .. })));
        assert!(matches!(close(&world, "2026-02").await, Outcome::Done(_)));
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// With the first month all before it close, and they have no end: no gate of a month keeps out who still books into one of them, so
/// the first close waits for everybody who shares the day. Later ones do not.
#[test]
fn only_the_first_close_stops_the_day() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world.post(&[draft(&books, 1, "2026-01-10", &[("1020", HEAD, 5), ("1210", HEAD, -5)])]).await;
        // What every batch of a lane holds (`db::gates`: 0x0041594e, the day is 0).
        world.superuser.batch_execute("begin; select pg_advisory_xact_lock_shared(4282702, 0)").await.unwrap();
        let mut tx = world.begin().await;
        let caller = world.caller(&tx).await;
        let command = ClosePeriod { month: month("2026-01") };
        let asked = Asked { caller: &caller, command: &command, key_id: None };
        let fault = ClosePeriod::run(&mut tx, &[asked]).await.unwrap_err();
        assert!(db::gates::should_try_again(&fault).await, "{fault}");
        drop(tx);
        world.superuser.batch_execute("rollback").await.unwrap();
        assert!(matches!(close(&world, "2026-01").await, Outcome::Done(_)));
        world.superuser.batch_execute("begin; select pg_advisory_xact_lock_shared(4282702, 0)").await.unwrap();
        assert!(matches!(close(&world, "2026-02").await, Outcome::Done(_)));
    });
}
