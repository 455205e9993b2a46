//! The close of a month against entries that are booked into it, through the lanes that serve both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use db::caller::Actor;
use db::fault::Fault;
use db::lane::{About, Answer, Asked, Command, InFlight, Lane, Limits, Order, Outcome, Reply, SlicedCommand};
use db::tx::Tx;
use ledger::command::EntryCommand;
use ledger::journal::Entry;
use ledger::manual::PostManualEntry;
use ledger::periods::{ClosePeriod, Month, Period, PeriodStatus, work_off};
use ledger::store_periods;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{AtHand, USER, World, day, rent, run};

/// Who writes at once, on lanes as of so many servers.
const WRITERS: usize = 30;
const SERVERS: usize = 3;
/// How long a batch takes from its decisions to its commit: longer than a close that waited for nobody.
const SLOW: Duration = Duration::from_millis(50);

/// A command about entries, as the desk's lane carries it out.
#[derive(Debug)]
struct OnLane(EntryCommand);

impl Command for OnLane {
    type Done = Entry;
    const LANE: &'static str = "test";

    fn about(&self) -> About {
        self.0.action().about()
    }

    async fn visible(_: &Tx, stored: &[(Asked<'_, Self>, &Answer)]) -> Result<Vec<bool>, Fault> {
        Ok(vec![true; stored.len()])
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Entry>>, Fault> {
        let commands: Vec<&EntryCommand> = asked.iter().map(|one| &one.command.0).collect();
        let mut at = AtHand::take(tx, &commands).await?;
        let decided = asked.iter().map(|one| at.decide(&one.command.0, one.caller, one.command_id));
        let outcomes = decided.map(|one| one.map_or_else(Outcome::from, |effect| Outcome::Done(effect.done))).collect();
        // What was decided before the month was marked is written after it would be, if the gate let it.
        tokio::time::sleep(SLOW).await;
        let writings = at.put_back(tx)?;
        tx.carry_out_last(writings);
        Ok(outcomes)
    }
}

/// An order to close a month, as the office's lane carries it out.
#[derive(Debug)]
struct CloseOnLane(ClosePeriod);

impl Command for CloseOnLane {
    type Done = Period;
    const LANE: &'static str = "test";

    fn about(&self) -> About {
        self.0.about()
    }

    async fn visible(_: &Tx, stored: &[(Asked<'_, Self>, &Answer)]) -> Result<Vec<bool>, Fault> {
        Ok(vec![true; stored.len()])
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Period>>, Fault> {
        let asked: Vec<Asked<'_, ClosePeriod>> = asked
            .iter()
            .map(|one| {
                let Asked { caller, command, about, sent, command_id } = *one;
                Asked { caller, command: &command.0, about, sent, command_id }
            })
            .collect();
        ClosePeriod::run(tx, &asked).await
    }
}

fn answer<C: Command>(_: &Asked<'_, C>, outcome: &Outcome<C::Done>) -> Answer {
    let (status, code) = match outcome {
        Outcome::Done(_) => (200, ""),
        Outcome::Refused(refusal) => (409, refusal.code()),
        _ => (500, "neither done nor refused"),
    };
    Answer { status, body: code.into(), stored: false, subject_id: None, replayed: false, retry_after: None }
}

/// Gives a command to a lane. Returns the status, and the code where it was refused.
async fn ask<C: Command>(lane: &Lane<C>, command: C) -> (u16, String) {
    let actor = Actor { user_id: USER, namespace: USER, signed_in_at: db::clock::now(), request_id: Uuid::now_v7() };
    let order = Order { actor, share: None, permissions: Vec::new(), key: None, sent: None, command };
    match lane.submit(order).await {
        Reply::Answer(answer) => (answer.status, answer.body),
        Reply::Unavailable => (503, String::new()),
        other => panic!("{other:?}"),
    }
}

fn entry(booked_on: &str) -> OnLane {
    let id = Uuid::now_v7();
    OnLane(EntryCommand::Post(PostManualEntry { id, booked_on: Some(day(booked_on)), ..rent(0, 7) }))
}

/// Writes entries until one is refused: so they come before, while and after the month is marked.
async fn write(lane: Lane<OnLane>, booked_on: &str, posted: &AtomicI64) {
    loop {
        match ask(&lane, entry(booked_on)).await {
            (200, _) => drop(posted.fetch_add(1, Ordering::Relaxed)),
            (503, _) => {}
            (409, code) => {
                assert!(["period.closing", "period.closed"].contains(&code.as_str()), "{code}");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Carries out the close of January on two servers, and orders it again until it is closed.
async fn close(world: &World, orders: &Lane<CloseOnLane>) {
    let [november, january]: [Month; 2] = ["2025-11", "2026-01"].map(|text| text.parse().unwrap());
    for _ in 0..50 {
        tokio::try_join!(work_off(&world.pool), work_off(&world.pool)).unwrap();
        let tx = Tx::begin_reading(&world.pool).await.unwrap();
        if store_periods::period(&tx, january).await.unwrap().status == PeriodStatus::Closed {
            return;
        }
        // November has become the first month meanwhile.
        for month in std::iter::successors(Some(november), |month| Some(month.next())).take(3) {
            ask(orders, CloseOnLane(ClosePeriod { month })).await;
        }
    }
    panic!("January is not closed");
}

/// The balances of a closed month are the sums of its lines, in whatever order they commit: an entry either is in them or is refused.
/// With the first month all earlier ones close, so entries go there too.
#[test]
fn an_entry_is_in_the_balances_of_its_month_or_refused() {
    run(async {
        // So many entries are there before the order is carried out.
        for before in [1, 20, 100] {
            let world = World::new().await;
            let limits = Limits { biggest: 8, ..Limits::default() };
            let start = || Lane::start(world.pool.clone(), InFlight::default(), limits, answer::<OnLane>);
            let lanes: [Lane<OnLane>; SERVERS] = std::array::from_fn(|_| start());
            let orders = Lane::start(world.pool.clone(), InFlight::default(), limits, answer::<CloseOnLane>);
            // So that January is the first month.
            assert_eq!(ask(&lanes[0], entry("2026-01-05")).await.0, 200);
            let january = CloseOnLane(ClosePeriod { month: "2026-01".parse().unwrap() });
            assert_eq!(ask(&orders, january).await.0, 200);
            let posted = Arc::new(AtomicI64::new(1));
            let mut writers = JoinSet::new();
            for index in 0..WRITERS {
                let (lane, posted) = (lanes[index % SERVERS].clone(), posted.clone());
                // Each server gets entries of each day.
                let booked_on = ["2026-01-20", "2026-01-31", "2025-11-30"][index / SERVERS % 3];
                writers.spawn(async move { write(lane, booked_on, &posted).await });
            }
            while posted.load(Ordering::Relaxed) < before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            close(&world, &orders).await;
            writers.join_all().await;
            assert_eq!(ask(&lanes[0], entry("2026-01-20")).await, (409, "period.closed".into()));
            assert_eq!(world.number("select count(*) from journal_entry").await, posted.load(Ordering::Relaxed));
            assert_eq!(world.findings().await, [] as [&str; 0]);
        }
    });
}
