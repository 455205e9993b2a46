//! Turns, rows, weights, pauses and quarantine, without a database.

use tokio::sync::oneshot;

use super::super::{About, Answer, Asked, Outcome, Promise, Reply};
use super::*;
use crate::caller::Actor;
use crate::fault::Fault;
use crate::tx::Tx;

#[derive(Debug)]
struct Pay {
    row: u128,
    weight: usize,
}

impl Command for Pay {
    type Done = ();
    const LANE: &'static str = "test";

    fn about(&self) -> About {
        About { rows: vec![Uuid::from_u128(self.row)], more: self.weight - 1, ..About::of("test.pay") }
    }

    async fn visible(_: &Tx, _: &[(Asked<'_, Self>, &Answer)]) -> Result<Vec<bool>, Fault> {
        Err(Fault::Invariant("these tests store nothing".into()))
    }

    async fn run(_: &mut Tx, _: &[Asked<'_, Self>]) -> Result<Vec<Outcome<()>>, Fault> {
        Err(Fault::Invariant("these tests run nothing".into()))
    }
}

fn pay(user: u128, row: u128) -> Pending<Pay> {
    let (reply, _) = oneshot::channel::<Reply>();
    let user_id = Uuid::from_u128(user);
    let command = Pay { row, weight: 1 };
    Pending {
        actor: Actor { user_id, namespace: user_id, signed_in_at: crate::clock::now(), request_id: Uuid::nil() },
        line: Line { user_id, is_bulk: false },
        permissions: Vec::new(),
        key: None,
        sent: None,
        about: command.about(),
        command,
        deadline: Instant::now() + Duration::from_secs(3600),
        passed_over: 0,
        not_before: None,
        promise: Promise::new(reply),
    }
}

fn item(user: u128, row: u128) -> Pending<Pay> {
    Pending { line: Line { user_id: Uuid::from_u128(user), is_bulk: true }, ..pay(user, row) }
}

/// An atomic call of some items.
fn call(user: u128, row: u128, weight: usize) -> Pending<Pay> {
    let command = Pay { row, weight };
    Pending { about: command.about(), command, ..pay(user, row) }
}

fn lane(biggest: usize) -> Waiting<Pay> {
    Waiting::new(Limits { biggest, ..Limits::default() })
}

fn take_in(waiting: &mut Waiting<Pay>, pending: Pending<Pay>) {
    assert!(waiting.push(pending).is_ok());
}

fn rows(composed: &Composed<Pay>) -> Vec<u128> {
    composed.batch.iter().map(|pending| pending.command.row).collect()
}

/// The rows of the next batch, in its order.
fn next(waiting: &mut Waiting<Pay>) -> Vec<u128> {
    rows(&waiting.compose(Instant::now()))
}

fn ended(waiting: &mut Waiting<Pay>, rows: &[u128]) {
    waiting.free(&rows.iter().map(|row| Uuid::from_u128(*row)).collect::<Vec<_>>());
}

#[test]
fn callers_take_turns() {
    let mut waiting = lane(4);
    (0..6).for_each(|row| take_in(&mut waiting, pay(1, row)));
    take_in(&mut waiting, pay(2, 20));
    take_in(&mut waiting, pay(3, 30));
    take_in(&mut waiting, pay(2, 21));
    assert_eq!(next(&mut waiting), [0, 20, 30, 1]);
    // Who was next in the turn is first in the next batch.
    assert_eq!(next(&mut waiting), [21, 2, 3, 4]);
    assert_eq!((next(&mut waiting), waiting.len()), (vec![5], 0));
}

#[test]
fn a_bulk_call_takes_half_of_a_batch_and_leaves_nobody_behind() {
    let mut waiting = lane(8);
    (0..100).for_each(|row| take_in(&mut waiting, item(7, row)));
    take_in(&mut waiting, pay(2, 200));
    assert_eq!(next(&mut waiting), [0, 200, 1, 2, 3], "the teller waits behind one of the hundred");
    take_in(&mut waiting, item(8, 300));
    take_in(&mut waiting, item(8, 301));
    assert_eq!(next(&mut waiting), [4, 300, 5, 301, 6, 7]);
    assert_eq!(waiting.len(), 92);
}

#[test]
fn the_commands_on_a_row_keep_their_order() {
    let mut waiting = lane(3);
    (0..4).for_each(|row| take_in(&mut waiting, pay(1, row)));
    // Came after the first caller's command on row 3, and its turn is earlier.
    take_in(&mut waiting, pay(2, 3));
    assert_eq!(next(&mut waiting), [0, 1, 2]);
    // Several of a row go together.
    assert_eq!(next(&mut waiting), [3, 3]);
    take_in(&mut waiting, pay(3, 2));
    take_in(&mut waiting, pay(3, 9));
    assert_eq!(next(&mut waiting), [9], "row 2 is on its way: what waits for it stops nobody");
    ended(&mut waiting, &[0, 1, 2]);
    assert_eq!(next(&mut waiting), [2]);
}

#[test]
fn what_was_passed_over_comes_first_again_and_then_runs_alone() {
    let mut waiting = lane(8);
    take_in(&mut waiting, pay(1, 1));
    take_in(&mut waiting, pay(1, 2));
    let mut first = waiting.compose(Instant::now()).batch.remove(0);
    ended(&mut waiting, &[1, 2]);
    first.passed_over = 1;
    take_in(&mut waiting, pay(1, 3));
    waiting.push_back(first);
    let mut batch = waiting.compose(Instant::now()).batch;
    assert_eq!(batch.iter().map(|one| one.command.row).collect::<Vec<_>>(), [1, 3]);
    ended(&mut waiting, &[1, 3]);
    let mut first = batch.remove(0);
    first.passed_over = PASSED_OVER_BEFORE_WAITING;
    take_in(&mut waiting, pay(1, 4));
    waiting.push_back(first);
    assert_eq!(next(&mut waiting), [1]);
    assert_eq!(next(&mut waiting), [4]);
}

#[test]
fn a_pause_is_kept_unless_a_batch_ends() {
    let mut waiting = lane(8);
    let paused = Pending { not_before: Some(Instant::now() + Duration::from_secs(5)), ..pay(1, 1) };
    waiting.push_back(paused);
    assert_eq!(next(&mut waiting), [0_u128; 0]);
    ended(&mut waiting, &[]);
    assert_eq!(next(&mut waiting), [1]);
}

#[test]
fn what_waited_too_long_is_not_carried_out() {
    let mut waiting = lane(8);
    take_in(&mut waiting, Pending { deadline: Instant::now(), ..pay(1, 1) });
    take_in(&mut waiting, pay(1, 1));
    let composed = waiting.compose(Instant::now());
    assert_eq!((composed.expired.len(), composed.batch.len(), waiting.len()), (1, 1, 0));
}

#[test]
fn who_broke_a_batch_runs_alone_for_a_while_in_nobodys_place() {
    let mut waiting = lane(8);
    let now = Instant::now();
    waiting.quarantine(Uuid::from_u128(1), "test.pay", now);
    take_in(&mut waiting, pay(2, 20));
    (10..13).for_each(|row| take_in(&mut waiting, pay(1, row)));
    take_in(&mut waiting, Pending { about: About { operation: "test.look", ..pay(1, 30).about }, ..pay(1, 30) });
    take_in(&mut waiting, pay(2, 21));
    assert_eq!(next(&mut waiting), [20, 30, 21], "neither the others nor another operation is held up");
    assert_eq!(rows(&waiting.compose_quarantined(now)), [10]);
    assert_eq!(rows(&waiting.compose_quarantined(now)), [11]);
    assert_eq!(next(&mut waiting), [0_u128; 0]);
    // A row that a quarantined command waits for keeps its order.
    take_in(&mut waiting, pay(2, 12));
    assert_eq!(next(&mut waiting), [0_u128; 0]);
    let later = waiting.compose(now + QUARANTINE + Duration::from_secs(1));
    assert_eq!(rows(&later), [12, 12]);
    assert!(waiting.compose_quarantined(now).batch.is_empty());
}

#[test]
fn the_batch_that_waits_for_a_row_holds_all_that_wait_for_it_and_no_other() {
    let mut waiting = lane(8);
    waiting.push_back(Pending { passed_over: PASSED_OVER_BEFORE_WAITING, ..pay(1, 5) });
    take_in(&mut waiting, pay(2, 5));
    take_in(&mut waiting, pay(2, 6));
    take_in(&mut waiting, pay(3, 5));
    assert_eq!(next(&mut waiting), [5, 5, 5]);
    assert_eq!(next(&mut waiting), [6]);
    assert_eq!(waiting.len(), 0);
}

#[test]
fn a_user_may_have_so_many_on_their_way_and_no_more() {
    let mut waiting = Waiting::new(Limits { biggest: 8, of_user: 3, ..Limits::default() });
    (0..3).for_each(|row| take_in(&mut waiting, item(1, row)));
    assert!(waiting.push(pay(1, 3)).is_err());
    take_in(&mut waiting, pay(2, 4));
    // What is on its way counts until it has ended.
    assert_eq!(next(&mut waiting).len(), 4);
    assert!(waiting.push(pay(1, 3)).is_err());
    waiting.ended(&[(Uuid::from_u128(1), 1)]);
    take_in(&mut waiting, pay(1, 3));
    assert!(waiting.push(pay(1, 5)).is_err());
}

#[test]
fn an_atomic_call_weighs_as_its_items() {
    let mut waiting = lane(8);
    take_in(&mut waiting, call(1, 1, 3));
    take_in(&mut waiting, call(2, 2, 3));
    take_in(&mut waiting, call(3, 3, 3));
    take_in(&mut waiting, pay(4, 4));
    assert_eq!(next(&mut waiting), [1, 2, 4], "the third does not fit");
    assert_eq!(next(&mut waiting), [3]);
    // One that is heavier than half a batch waits until it is first, and then nothing else of its user is beside it.
    take_in(&mut waiting, pay(1, 10));
    take_in(&mut waiting, call(1, 11, 6));
    take_in(&mut waiting, pay(1, 12));
    take_in(&mut waiting, item(1, 13));
    take_in(&mut waiting, pay(2, 14));
    assert_eq!(next(&mut waiting), [10, 13, 14]);
    take_in(&mut waiting, pay(2, 15));
    assert_eq!(next(&mut waiting), [11, 15]);
    assert_eq!(next(&mut waiting), [12]);
}
