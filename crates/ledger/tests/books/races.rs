//! The close of a month against entries that are booked into it, through the lanes that serve both.

use db::caller::Actor;
use db::lane::{Answer, Asked, Command, InFlight, Lane, Limits, Outcome, OutcomeOf, Reply};
use kernel::amount::Amount;
use ledger::manual::{ManualLine, PostManualEntry};
use ledger::periods::ClosePeriod;
use uuid::Uuid;

use crate::support::{NORTH, USER, World, day, run};

fn answer<C: Command>(_: &Asked<'_, C>, outcome: &OutcomeOf<C>) -> Answer {
    let status = if matches!(outcome, Outcome::Done(_)) { 200 } else { 409 };
    Answer { status, body: String::new(), stored: false, subject_id: None, replayed: false }
}

fn actor() -> Actor {
    Actor { user_id: USER, namespace: USER, signed_in_at: db::clock::now(), request_id: Uuid::now_v7() }
}

fn status(reply: &Reply) -> u16 {
    match reply {
        Reply::Answer(answer) => answer.status,
        Reply::Unavailable => 503,
        other => panic!("{other:?}"),
    }
}

fn entry(booked_on: &str) -> PostManualEntry {
    let line = |account: &str, debit: bool| ManualLine {
        account: account.into(),
        branch_id: None,
        debit: debit.then_some(Amount::of_minor(7)),
        credit: (!debit).then_some(Amount::of_minor(7)),
    };
    PostManualEntry {
        id: Uuid::now_v7(),
        booked_on: Some(day(booked_on)),
        value_on: None,
        branch_id: NORTH,
        description: "Rent".into(),
        currency: "KES".parse().unwrap(),
        lines: vec![line("5310", true), line("1040", false)],
    }
}

/// The balances of a closed month are the sums of its lines, whoever came last: an entry either is in them or is refused. With the first
/// month all earlier ones close, so entries go there too.
#[test]
fn an_entry_is_in_the_balances_of_its_month_or_refused() {
    run(async {
        for _ in 0..3 {
            let world = World::new().await;
            world
                .superuser
                .batch_execute(&format!(
                    "insert into role (code, name, permissions, created_at) values ('all', 'All', array['x'], now());
                     insert into user_role (user_id, role_code) values ('{USER}', 'all')"
                ))
                .await
                .unwrap();
            let in_flight = InFlight::default();
            let limits = Limits { biggest: 8, ..Limits::default() };
            let posting = Lane::start(world.pool.clone(), in_flight.clone(), limits, answer::<PostManualEntry>);
            let closing = Lane::start(world.pool.clone(), in_flight, limits, answer::<ClosePeriod>);
            // So that January is the first month.
            assert_eq!(status(&posting.submit(actor(), "x", None, entry("2026-01-05")).await), 200);
            let writers: Vec<_> = (0..120)
                .map(|index| {
                    let (lane, days) = (posting.clone(), ["2026-01-20", "2026-01-31", "2025-06-30"]);
                    tokio::spawn(async move { status(&lane.submit(actor(), "x", None, entry(days[index % 3])).await) })
                })
                .collect();
            let close = ClosePeriod { month: "2026-01".parse().unwrap() };
            let mut closed = status(&closing.submit(actor(), "x", None, close.clone()).await);
            let mut tries = 1;
            while closed != 200 && tries < 50 {
                // 409 where June 2025 has become the first month meanwhile; 503 where it did not get the gate.
                let june = ClosePeriod { month: "2025-06".parse().unwrap() };
                for month in std::iter::successors(Some(june.month), |month| Some(month.next())).take(7) {
                    closing.submit(actor(), "x", None, ClosePeriod { month }).await;
                }
                closed = status(&closing.submit(actor(), "x", None, close.clone()).await);
                tries += 1;
            }
            assert_eq!(closed, 200);
            for writer in writers {
                let status = writer.await.unwrap();
                assert!(matches!(status, 200 | 409 | 503), "{status}");
            }
            assert_eq!(status(&posting.submit(actor(), "x", None, entry("2026-01-20")).await), 409);
            assert_eq!(world.findings().await, [] as [&str; 0]);
        }
    });
}
