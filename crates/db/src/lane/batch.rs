//! A batch: the protocol of a lane, in its order.
//!
//! 1. begin; share the day gate; try-lock every value that a caller chose, and the gates that commands only try.
//! 2. In statements after those: the open day, the callers' grants, the rows of keys that were used before.
//! 3. Answer replays, keys that another server carries out, and who may not; run what is left.
//! 4. Audit and key rows, the answers and the outbox (`written`); commit; only then answer. A commit that breaks off may have
//!    happened: `fate` finds out.
//!
//! A batch never waits for a row and has no savepoints: where a statement fails, the batch is rolled back whole, and run again
//! or halved until the command at fault stands alone.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use rand::RngExt;
use tokio::time::Instant;
use uuid::Uuid;

use super::fate::was_committed;
use super::written::{Decided, Verdict};
use super::{Answer, Asked, Command, Outcome, Pending, Render, Reply, locking_for};
use crate::caller::{Caller, admit, callers_by_ids};
use crate::fault::{Fault, Remedy};
use crate::gates::{self, Gate, Try};
use crate::keys::{Claim, Key};
use crate::narrow::narrow;
use crate::pool::Pool;
use crate::tx::{DayRow, Row, Tx, Values};

/// How often a batch that met another transaction runs again before it is halved.
const ATTEMPTS: u32 = 3;

pub(super) struct Batch<C: Command> {
    pub pool: Pool,
    pub render: Render<C>,
    pub commands: Vec<Pending<C>>,
}

/// What the queue learns when a batch has ended.
pub(super) struct Finished<C> {
    /// How many it was given.
    pub commands: usize,
    pub rows: Vec<Uuid>,
    /// Whose they were, and what each weighed.
    pub users: Vec<(Uuid, usize)>,
    pub passed_over: Vec<Pending<C>>,
    /// (user, operation) of commands that broke a batch although nothing refused them.
    pub failed: Vec<(Uuid, &'static str)>,
    /// The time of all attempts, and what their commits took of it.
    pub took: Duration,
    pub committing: Duration,
}

impl<C: Command> Batch<C> {
    /// Runs the batch until every command is answered or passed over. Never panics, never fails.
    pub async fn settle(self) -> Finished<C> {
        let commands = self.commands.len();
        let rows = self.commands.iter().flat_map(|pending| pending.about.rows.iter().copied()).collect();
        let users = self.commands.iter().map(|pending| (pending.actor.user_id, pending.about.weight())).collect();
        let (mut passed_over, mut failed) = (Vec::new(), Vec::new());
        let (began, mut committing) = (Instant::now(), Duration::ZERO);
        let mut parts = vec![self.commands];
        while let Some(mut part) = parts.pop() {
            match attempts(&self.pool, self.render, &part).await {
                Ok((verdicts, commit)) => {
                    committing += commit;
                    for (mut pending, verdict) in part.into_iter().zip(verdicts) {
                        match verdict {
                            Verdict::Reply(reply) => pending.answer(reply),
                            Verdict::PassedOver { dragged } => {
                                pending.passed_over += u8::from(!dragged);
                                passed_over.push(pending);
                            }
                        }
                    }
                }
                Err(fault) if fault.remedy() == Remedy::Unavailable || part.len() == 1 => {
                    if fault.remedy() == Remedy::Halve {
                        failed.extend(part.iter().map(|pending| (pending.actor.user_id, pending.about.operation)));
                    }
                    part.iter_mut().for_each(|pending| give_up(pending, &fault));
                }
                Err(_) => {
                    let later = part.split_off(part.len() / 2);
                    parts.push(later);
                    parts.push(part);
                }
            }
        }
        Finished { commands, rows, users, passed_over, failed, took: began.elapsed(), committing }
    }
}

/// One command could not be carried out. Contention and a lost database are the caller's to try again; anything else is our
/// fault, and raises an alarm.
fn give_up<C: Command>(pending: &mut Pending<C>, fault: &Fault) {
    let (operation, request_id) = (pending.about.operation, pending.actor.request_id);
    if fault.remedy() == Remedy::Halve {
        alarm(operation, request_id, fault);
        pending.answer(Reply::Failed);
    } else {
        tracing::warn!(operation, %request_id, %fault, "the database is not available");
        pending.answer(Reply::Unavailable);
    }
}

/// Says that a command failed although nothing refused it.
pub(super) fn alarm(operation: &'static str, request_id: Uuid, fault: &Fault) {
    tracing::error!(operation, %request_id, %fault, "a command could not be carried out");
    metrics::counter!("ayni_lane_failures", "operation" => operation).increment(1);
}

/// What an attempt decided, and how long its commit took.
type Attempted = (Vec<Verdict>, Duration);

async fn attempts<C: Command>(pool: &Pool, render: Render<C>, part: &[Pending<C>]) -> Result<Attempted, Fault> {
    let mut attempt = 1;
    loop {
        match once(pool, render, part).await {
            Err(fault) if fault.remedy() == Remedy::Again && attempt < ATTEMPTS => {
                attempt += 1;
                let pause = rand::rng().random_range(1..10);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            other => return other,
        }
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("without words").to_owned()
}

async fn once<C: Command>(pool: &Pool, render: Render<C>, part: &[Pending<C>]) -> Result<Attempted, Fault> {
    let passed_over = part.iter().map(|pending| pending.passed_over).max().unwrap_or_default();
    let mut tx = Tx::begin_writing(pool, locking_for(passed_over)).await?;
    // A panic is caught here, so that the transaction ends before anybody tries its commands again: its locks would tell
    // them that they are on their way on another server.
    let result = AssertUnwindSafe(within(&mut tx, render, part)).catch_unwind().await;
    let (verdicts, decided) = match result.unwrap_or_else(|payload| Err(Fault::Panic(panic_text(payload.as_ref())))) {
        Ok(done) => done,
        Err(fault) => {
            // Where not even this goes through, the connection is closed, which ends it as well.
            let _ = tx.rollback().await;
            return Err(fault);
        }
    };
    let Some(decided) = decided else {
        tx.rollback().await?;
        return Ok((verdicts, Duration::ZERO));
    };
    let trace = decided.trace(&tx);
    match decided.write_and_commit(tx).await {
        Ok(commit) => Ok((verdicts, commit)),
        Err(fault) if fault.remedy() == Remedy::Unavailable && was_committed(pool, trace).await => {
            Ok((verdicts, Duration::ZERO))
        }
        Err(fault) => Err(fault),
    }
}

/// Decides on all commands and writes their effects; what the lane itself writes comes with the commit. `None`: nothing is committed.
async fn within<C: Command>(
    tx: &mut Tx,
    render: Render<C>,
    part: &[Pending<C>],
) -> Result<(Vec<Verdict>, Option<Decided>), Fault> {
    let seen = Seen::read(tx, part).await?;
    let (mut verdicts, mut callers) = (Vec::with_capacity(part.len()), Vec::with_capacity(part.len()));
    for pending in part {
        let admitted = admit(&pending.actor, &seen.callers, &pending.permissions);
        verdicts.push(match admitted {
            Err(denied) => Some(Verdict::Reply(Reply::Denied(denied))),
            Ok(_) => seen.verdict_before_run(pending),
        });
        callers.push(admitted.ok());
    }
    drag(part, &mut verdicts);
    hide_out_of_scope(tx, part, &callers, &mut verdicts).await?;

    let mut indexes = Vec::new();
    let mut asked = Vec::new();
    for (index, (pending, caller)) in part.iter().zip(&callers).enumerate() {
        if let (Some(caller), None) = (caller, &verdicts[index]) {
            indexes.push(index);
            asked.push(pending.asked(caller, tx.new_id()));
        }
    }
    let mut committed = None;
    if !asked.is_empty() {
        let outcomes = C::run(tx, &asked).await?;
        if outcomes.len() != asked.len() {
            return Err(Fault::Invariant(format!(
                "the lane {} returned {} outcomes for {} commands",
                C::LANE,
                outcomes.len(),
                asked.len()
            )));
        }
        let mut decided = Decided::default();
        for ((index, asked), outcome) in indexes.into_iter().zip(&asked).zip(outcomes) {
            if let Outcome::Failed(fault) = &outcome {
                alarm(asked.about.operation, asked.caller.request_id, fault);
            }
            verdicts[index] = Some(decided.take(render, &part[index], asked, &outcome));
        }
        committed = Some(decided);
    }
    let verdicts = verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Reply(Reply::Unavailable)));
    Ok((verdicts.collect(), committed))
}

/// A command that comes later does not overtake one on the same row that waits for a gate.
fn drag<C: Command>(part: &[Pending<C>], verdicts: &mut [Option<Verdict>]) {
    let mut waited_for: HashSet<Uuid> = HashSet::new();
    for (pending, verdict) in part.iter().zip(verdicts) {
        if verdict.is_none() && pending.about.rows.iter().any(|row| waited_for.contains(row)) {
            *verdict = Some(Verdict::PassedOver { dragged: true });
        }
        if matches!(verdict, Some(Verdict::PassedOver { .. })) {
            waited_for.extend(&pending.about.rows);
        }
    }
}

/// The open day, and what else every batch must know of the institution, stands beside each key, and alone where no key is stored:
/// one statement.
const DAY_AND_KEYS: &str = "select open_on, setting.version as settings_version, chart.version as chart_version,
            (select max(starts_on) from period where status <> 'open') as closed_month,
            (select min(starts_on) from period where status = 'closing') as closing_month,
            key.id, operation, fingerprint, key.status, subject_id, approval_id, bodies[body_no] as body
     from business_day left join setting on true left join chart on true
     left join (idempotency_key key left join idempotency_body body on body.id = body_id) on key.id = any($1)";

/// A stored answer is shown only to who may still see its record.
async fn hide_out_of_scope<C: Command>(
    tx: &Tx,
    part: &[Pending<C>],
    callers: &[Option<Caller>],
    verdicts: &mut [Option<Verdict>],
) -> Result<(), Fault> {
    let mut indexes = Vec::new();
    let mut stored = Vec::new();
    for (index, (pending, caller)) in part.iter().zip(callers).enumerate() {
        if let (Some(Verdict::Reply(Reply::Answer(answer))), Some(caller)) = (&verdicts[index], caller) {
            indexes.push(index);
            stored.push((pending.asked(caller, Uuid::nil()), answer));
        }
    }
    if stored.is_empty() {
        return Ok(());
    }
    let visible = C::visible(tx, &stored).await?;
    for (index, _) in indexes.into_iter().zip(visible).filter(|(_, visible)| !visible) {
        verdicts[index] = Some(Verdict::Reply(Reply::Absent));
    }
    Ok(())
}

/// What a batch reads before it runs.
struct Seen {
    callers: HashMap<Uuid, Caller>,
    stored: HashMap<Uuid, Stored>,
    obtained: HashSet<Claim>,
    tried: HashSet<Try>,
}

/// A command's stored answer.
#[derive(Debug)]
pub struct Stored {
    pub operation: String,
    fingerprint: Vec<u8>,
    pub answer: Answer,
    /// Where the command was held for a second person.
    pub approval_id: Option<Uuid>,
}

/// Whether a key is on its way on any server: its claim is held.
pub async fn is_claimed(tx: &Tx, key_id: Uuid) -> Result<bool, Fault> {
    let row = tx
        .query_one(
            "select exists (select from pg_locks
                 where locktype = 'advisory' and objsubid = 1 and granted and (classid::bigint << 32) | objid::bigint = $1
                   and database = (select oid from pg_database where datname = current_database()))",
            &[&tx.lock_number(Claim::of_key(key_id))],
        )
        .await?;
    Ok(row.get(0usize))
}

/// What is stored under a key.
pub async fn stored_answer(tx: &Tx, key_id: Uuid) -> Result<Option<Stored>, Fault> {
    let rows = tx.query(DAY_AND_KEYS, &[&vec![key_id]]).await?;
    Ok(Stored::of_rows(&rows)?.remove(&key_id))
}

impl Seen {
    async fn read<C: Command>(tx: &mut Tx, part: &[Pending<C>]) -> Result<Seen, Fault> {
        let mut tries: Vec<Try> = part.iter().flat_map(|pending| pending.about.tries.iter().copied()).collect();
        tries.sort_unstable();
        tries.dedup();
        let claims: Vec<Claim> = part.iter().flat_map(claims_of).collect();
        let keys: Vec<Uuid> = part.iter().filter_map(|pending| pending.key).map(|key| key.id).collect();
        let mut users: Vec<Uuid> = part.iter().map(|pending| pending.actor.user_id).collect();
        users.sort_unstable();
        users.dedup();
        let shared = &*tx;
        // One round trip: sent together, carried out in this order, each statement with a snapshot of its own, so that what
        // is read is read after the gates are held.
        let keys: Values = &[&keys];
        let (_, obtained, tried, known, callers) = futures::try_join!(
            shared.begin_pending(),
            gates::share_and_claim(shared, Gate::Day, &claims),
            gates::try_all(shared, &tries),
            shared.query(DAY_AND_KEYS, keys),
            callers_by_ids(shared, &users),
        )?;
        let day = known.first().ok_or_else(|| Fault::Invariant("there is no open business day".into()))?;
        tx.know(DayRow::of_row(day));
        Ok(Seen { callers, stored: Stored::of_rows(&known)?, obtained, tried })
    }

    /// Replays, and what another server carries out. `None`: to be run.
    fn verdict_before_run<C: Command>(&self, pending: &Pending<C>) -> Option<Verdict> {
        let is_elsewhere = |claim| !self.obtained.contains(&claim);
        if let Some(key) = pending.key {
            if is_elsewhere(Claim::of_key(key.id)) {
                return Some(Verdict::Reply(Reply::InProgress));
            }
            // What was decided before needs none of its other values again.
            if let Some(stored) = self.stored.get(&key.id) {
                return Some(Verdict::Reply(stored.reply(&key, pending.about.operation)));
            }
        }
        if pending.about.claims.iter().copied().any(is_elsewhere) {
            return Some(Verdict::Reply(Reply::InProgress));
        }
        let is_taken = pending.about.tries.iter().any(|gate| !self.tried.contains(gate));
        is_taken.then_some(Verdict::PassedOver { dragged: false })
    }
}

fn claims_of<C: Command>(pending: &Pending<C>) -> impl Iterator<Item = Claim> {
    pending.key.map(|key| Claim::of_key(key.id)).into_iter().chain(pending.about.claims.iter().copied())
}

impl<C: Command> Pending<C> {
    fn asked<'a>(&'a self, caller: &'a Caller, command_id: Uuid) -> Asked<'a, C> {
        Asked { caller, command: &self.command, about: &self.about, sent: self.sent.as_ref(), command_id }
    }
}

impl Stored {
    fn reply(&self, key: &Key, operation: &'static str) -> Reply {
        if self.fingerprint != key.fingerprint {
            return Reply::KeyReused;
        }
        metrics::counter!("ayni_idempotency_replays", "operation" => operation).increment(1);
        Reply::Answer(self.answer.clone())
    }

    fn of_rows(rows: &[Row]) -> Result<HashMap<Uuid, Stored>, Fault> {
        rows.iter().filter_map(|row| Stored::of_row(row).transpose()).collect()
    }

    /// `None`: the row tells the day, and of no key.
    fn of_row(row: &Row) -> Result<Option<(Uuid, Stored)>, Fault> {
        let Some(id) = row.get::<_, Option<Uuid>>("id") else { return Ok(None) };
        let answer = Answer {
            status: narrow(row.get::<_, i16>("status"), "idempotency_key.status")?,
            body: row.get::<_, Option<String>>("body").unwrap_or_default(),
            stored: true,
            subject_id: row.get("subject_id"),
            replayed: true,
            retry_after: None,
        };
        let (operation, fingerprint, approval_id) =
            (row.get("operation"), row.get("fingerprint"), row.get("approval_id"));
        Ok(Some((id, Stored { operation, fingerprint, answer, approval_id })))
    }
}
