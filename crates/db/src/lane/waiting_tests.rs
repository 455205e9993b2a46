//! Turns, rows, pauses and quarantine, without a database.

use tokio::sync::oneshot;

use super::super::{Asked, OutcomeOf, Promise, Reply};
use super::*;
use crate::caller::Actor;
use crate::fault::Fault;
use crate::tx::Tx;

#[derive(Debug)]
struct Pay {
    row: u128,
}

impl Command for Pay {
    type Done = ();
    type Refused = ();
    const OPERATION: &'static str = "test.pay";

    fn rows(&self) -> Vec<Uuid> {
        vec![Uuid::from_u128(self.row)]
    }

    async fn run(_: &mut Tx, _: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        Err(Fault::Invariant("these tests run nothing".into()))
    }
}

fn pay(user: u128, row: u128) -> Pending<Pay> {
    let (reply, _) = oneshot::channel::<Reply>();
    let user_id = Uuid::from_u128(user);
    Pending {
        actor: Actor { user_id, namespace: user_id, signed_in_at: crate::clock::now(), request_id: Uuid::nil() },
        line: user_id,
        is_bulk: false,
        permission: "test.pay",
        key: None,
        command: Pay { row },
        deadline: Instant::now() + Duration::from_secs(3600),
        passed_over: 0,
        not_before: None,
        promise: Promise::new(reply),
    }
}

fn item(call: u128, row: u128) -> Pending<Pay> {
    Pending { line: Uuid::from_u128(call), is_bulk: true, ..pay(1, row) }
}

/// The rows of the next batch, in its order.
fn next(waiting: &mut Waiting<Pay>) -> Vec<u128> {
    waiting.compose(Instant::now()).batch.iter().map(|pending| pending.command.row).collect()
}

fn ended(waiting: &mut Waiting<Pay>, rows: &[u128]) {
    waiting.free(&rows.iter().map(|row| Uuid::from_u128(*row)).collect::<Vec<_>>());
}

#[test]
fn callers_take_turns() {
    let mut waiting = Waiting::new(4);
    (0..6).for_each(|row| waiting.push(pay(1, row)));
    waiting.push(pay(2, 20));
    waiting.push(pay(3, 30));
    waiting.push(pay(2, 21));
    assert_eq!(next(&mut waiting), [0, 20, 30, 1]);
    // Who was next in the turn is first in the next batch.
    assert_eq!(next(&mut waiting), [21, 2, 3, 4]);
    assert_eq!((next(&mut waiting), waiting.len()), (vec![5], 0));
}

#[test]
fn a_bulk_call_takes_half_of_a_batch_and_leaves_nobody_behind() {
    let mut waiting = Waiting::new(8);
    (0..100).for_each(|row| waiting.push(item(7, row)));
    waiting.push(pay(2, 200));
    assert_eq!(next(&mut waiting), [0, 200, 1, 2, 3], "the teller waits behind one of the hundred");
    waiting.push(item(8, 300));
    waiting.push(item(8, 301));
    assert_eq!(next(&mut waiting), [4, 300, 5, 301, 6, 7]);
    assert_eq!(waiting.len(), 92);
}

#[test]
fn the_commands_on_a_row_keep_their_order() {
    let mut waiting = Waiting::new(3);
    (0..4).for_each(|row| waiting.push(pay(1, row)));
    // Came after the first caller's command on row 3, and its turn is earlier.
    waiting.push(pay(2, 3));
    assert_eq!(next(&mut waiting), [0, 1, 2]);
    // Several of a row go together.
    assert_eq!(next(&mut waiting), [3, 3]);
    waiting.push(pay(3, 2));
    waiting.push(pay(3, 9));
    assert_eq!(next(&mut waiting), [9], "row 2 is on its way: what waits for it stops nobody");
    ended(&mut waiting, &[0, 1, 2]);
    assert_eq!(next(&mut waiting), [2]);
}

#[test]
fn what_was_passed_over_comes_first_again_and_then_runs_alone() {
    let mut waiting = Waiting::new(8);
    waiting.push(pay(1, 1));
    waiting.push(pay(1, 2));
    let mut first = waiting.compose(Instant::now()).batch.remove(0);
    ended(&mut waiting, &[1, 2]);
    first.passed_over = 1;
    waiting.push(pay(1, 3));
    waiting.push_back(first);
    let mut batch = waiting.compose(Instant::now()).batch;
    assert_eq!(batch.iter().map(|one| one.command.row).collect::<Vec<_>>(), [1, 3]);
    ended(&mut waiting, &[1, 3]);
    let mut first = batch.remove(0);
    first.passed_over = PASSED_OVER_BEFORE_WAITING;
    waiting.push(pay(1, 4));
    waiting.push_back(first);
    assert_eq!(next(&mut waiting), [1]);
    assert_eq!(next(&mut waiting), [4]);
}

#[test]
fn a_pause_is_kept_unless_a_batch_ends() {
    let mut waiting = Waiting::new(8);
    let paused = Pending { not_before: Some(Instant::now() + Duration::from_secs(5)), ..pay(1, 1) };
    waiting.push_back(paused);
    assert_eq!(next(&mut waiting), [0_u128; 0]);
    ended(&mut waiting, &[]);
    assert_eq!(next(&mut waiting), [1]);
}

#[test]
fn what_waited_too_long_is_not_carried_out() {
    let mut waiting = Waiting::new(8);
    waiting.push(Pending { deadline: Instant::now(), ..pay(1, 1) });
    waiting.push(pay(1, 1));
    let composed = waiting.compose(Instant::now());
    assert_eq!((composed.expired.len(), composed.batch.len(), waiting.len()), (1, 1, 0));
}

#[test]
fn who_broke_a_batch_runs_alone_for_a_while() {
    let mut waiting = Waiting::new(8);
    let now = Instant::now();
    waiting.quarantine(Uuid::from_u128(1), now);
    waiting.push(pay(2, 20));
    (10..13).for_each(|row| waiting.push(pay(1, row)));
    waiting.push(pay(2, 21));
    assert_eq!(next(&mut waiting), [20, 21], "the others are not held up");
    assert_eq!(next(&mut waiting), [10]);
    waiting.push(pay(2, 22));
    assert_eq!(next(&mut waiting), [11]);
    assert_eq!(next(&mut waiting), [22], "and take their turn");
    waiting.push(pay(2, 23));
    let later = waiting.compose(now + QUARANTINE + Duration::from_secs(1)).batch;
    assert_eq!(later.iter().map(|one| one.command.row).collect::<Vec<_>>(), [12, 23]);
}
