//! A batch: the protocol of a lane, in its order.
//!
//! 1. begin; share the gates; try-lock every value that a caller chose.
//! 2. In statements after those: the open day, the callers' grants, the rows of keys that were used before.
//! 3. Answer replays, keys in other hands, and who may not; run what is left.
//! 4. Outbox, audit rows, key rows with their answers; commit; only then answer.
//!
//! A batch never waits for a row and has no savepoints: where a statement fails, the batch is rolled back whole, and run again
//! or halved until the command at fault stands alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Answer, Asked, Command, Outcome, Pending, Render, Reply, locking_for};
use crate::caller::{CALLERS_BY_IDS, Caller, admit, callers_by_ids};
use crate::fault::{Fault, Remedy};
use crate::gates::{self, Gate};
use crate::keys::Claim;
use crate::pool::Pool;
use crate::tx::{Tx, Values};

/// How often a batch that met another transaction runs again before it is halved.
const ATTEMPTS: u32 = 3;

pub(super) struct Batch<C: Command> {
    pub pool: Pool,
    pub render: Render<C>,
    pub commands: Vec<Pending<C>>,
}

/// What the queue learns when a batch has ended.
pub(super) struct Finished<C> {
    pub rows: Vec<Uuid>,
    pub passed_over: Vec<Pending<C>>,
}

/// What one attempt says of a command: an answer, or that its row was not to be had.
enum Verdict {
    Reply(Reply),
    PassedOver,
}

impl<C: Command> Batch<C> {
    /// Runs the batch until every command is answered or passed over. Never panics, never fails.
    pub async fn settle(self) -> Finished<C> {
        let rows = self.commands.iter().flat_map(|pending| pending.command.rows()).collect();
        let mut passed_over = Vec::new();
        let mut parts = vec![self.commands];
        while let Some(part) = parts.pop() {
            let part = Arc::new(part);
            let result = attempts(&self.pool, self.render, &part).await;
            let Some(mut part) = Arc::into_inner(part) else { continue };
            match result {
                Ok(verdicts) => {
                    for (mut pending, verdict) in part.into_iter().zip(verdicts) {
                        match verdict {
                            Verdict::Reply(reply) => pending.answer(reply),
                            Verdict::PassedOver => {
                                pending.passed_over += 1;
                                passed_over.push(pending);
                            }
                        }
                    }
                }
                Err(fault) if fault.remedy() == Remedy::Unavailable || part.len() == 1 => {
                    part.iter_mut().for_each(|pending| give_up(pending, &fault));
                }
                Err(_) => {
                    let later = part.split_off(part.len() / 2);
                    parts.push(later);
                    parts.push(part);
                }
            }
        }
        Finished { rows, passed_over }
    }
}

/// One command could not be carried out. Contention and a lost database are the caller's to try again; anything else is ours
/// to mend, and is told to whoever watches.
fn give_up<C: Command>(pending: &mut Pending<C>, fault: &Fault) {
    let request_id = pending.actor.request_id;
    if fault.remedy() == Remedy::Halve {
        tracing::error!(operation = C::OPERATION, %request_id, %fault, "a command could not be carried out");
        metrics::counter!("ayni_lane_failures", "operation" => C::OPERATION).increment(1);
        pending.answer(Reply::Failed);
    } else {
        tracing::warn!(operation = C::OPERATION, %request_id, %fault, "the database is not available");
        pending.answer(Reply::Unavailable);
    }
}

async fn attempts<C: Command>(
    pool: &Pool,
    render: Render<C>,
    part: &Arc<Vec<Pending<C>>>,
) -> Result<Vec<Verdict>, Fault> {
    let mut attempt = 1;
    loop {
        // Under a join handle of its own, so that a panic is a fault of this batch and not the end of the lane.
        let running = tokio::spawn(once(pool.clone(), render, part.clone()));
        let result = running.await.unwrap_or_else(|end| Err(Fault::Panic(panic_text(end))));
        match result {
            Err(fault) if fault.remedy() == Remedy::Again && attempt < ATTEMPTS => {
                attempt += 1;
                let pause = rand::rng().random_range(1..10);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            other => return other,
        }
    }
}

fn panic_text(end: tokio::task::JoinError) -> String {
    match end.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "without words".to_owned()),
        Err(_) => "the task was cancelled".to_owned(),
    }
}

async fn once<C: Command>(pool: Pool, render: Render<C>, part: Arc<Vec<Pending<C>>>) -> Result<Vec<Verdict>, Fault> {
    let passed_over = part.iter().map(|pending| pending.passed_over).max().unwrap_or_default();
    let mut tx = Tx::begin_writing(&pool, locking_for(passed_over)).await?;
    let seen = Seen::read(&mut tx, &part).await?;
    let mut verdicts: Vec<Option<Verdict>> = part.iter().map(|pending| seen.verdict_before_run(pending)).collect();
    let callers: Vec<Option<Caller>> =
        part.iter().map(|pending| admit(&pending.actor, &seen.callers, Some(pending.permission)).ok()).collect();
    hide_out_of_scope(&tx, &part, &callers, &mut verdicts).await?;

    let mut indexes = Vec::new();
    let mut asked = Vec::new();
    for (index, (pending, caller)) in part.iter().zip(&callers).enumerate() {
        if let (Some(caller), None) = (caller, &verdicts[index]) {
            indexes.push(index);
            asked.push(Asked { caller, command: &pending.command, key_id: pending.key.map(|key| key.id) });
        }
    }
    if asked.is_empty() {
        tx.rollback().await?;
    } else {
        let outcomes = C::run(&mut tx, &asked).await?;
        if outcomes.len() != asked.len() {
            return Err(Fault::Invariant(format!(
                "{} gave {} outcomes for {} commands",
                C::OPERATION,
                outcomes.len(),
                asked.len()
            )));
        }
        let mut decided = Decided::default();
        for ((index, asked), outcome) in indexes.into_iter().zip(&asked).zip(outcomes) {
            verdicts[index] = Some(decided.take(render, &part[index], asked, outcome, &tx));
        }
        decided.write(&mut tx, C::OPERATION).await?;
        tx.commit_only().await?;
    }
    Ok(verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Reply(Reply::Unavailable))).collect())
}

const TRY_CLAIMS: &str =
    "select claim, pg_try_advisory_xact_lock(claim) as obtained from unnest($1::bigint[]) as claim";
const KEYS_BY_IDS: &str = "select key.id, fingerprint, status, subject_id, approval_id, body
     from idempotency_key key left join idempotency_body body using (id) where id = any($1)";
const OPEN_DAY: &str = "select open_on from business_day";

/// A stored answer is shown only to who may still see its record.
async fn hide_out_of_scope<C: Command>(
    tx: &Tx,
    part: &[Pending<C>],
    callers: &[Option<Caller>],
    verdicts: &mut [Option<Verdict>],
) -> Result<(), Fault> {
    let mut indexes = Vec::new();
    let mut asked = Vec::new();
    for (index, (pending, caller)) in part.iter().zip(callers).enumerate() {
        if let (Some(Verdict::Reply(Reply::Answer(_))), Some(caller)) = (&verdicts[index], caller) {
            indexes.push(index);
            asked.push(Asked { caller, command: &pending.command, key_id: pending.key.map(|key| key.id) });
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let visible = C::in_scope(tx, &asked).await?;
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
}

/// A command's stored answer.
#[derive(Debug)]
pub struct Stored {
    fingerprint: Vec<u8>,
    pub answer: Answer,
    /// Where the command was held for a second person.
    pub approval_id: Option<Uuid>,
}

/// What is stored under a key.
pub async fn stored_answer(tx: &Tx, key_id: Uuid) -> Result<Option<Stored>, Fault> {
    Ok(tx.query_opt(KEYS_BY_IDS, &[&vec![key_id]]).await?.map(|row| Stored::of_row(&row).1))
}

impl Seen {
    async fn read<C: Command>(tx: &mut Tx, part: &[Pending<C>]) -> Result<Seen, Fault> {
        let mut gates = vec![Gate::Day];
        gates.extend(part.iter().filter_map(|pending| pending.command.books_into()).map(Gate::period_of));
        let mut claims: Vec<i64> = part.iter().flat_map(claims_of).map(|claim| claim.0).collect();
        claims.sort_unstable();
        claims.dedup();
        let keys: Vec<Uuid> = part.iter().filter_map(|pending| pending.key).map(|key| key.id).collect();
        let users: Vec<Uuid> = part.iter().map(|pending| pending.actor.user_id).collect();
        let shared = &*tx;
        // One round trip: sent together, carried out in this order, each statement with a snapshot of its own, so that what
        // is read is read after the gates are held.
        shared.prepare(&[gates::SHARE, TRY_CLAIMS, KEYS_BY_IDS, CALLERS_BY_IDS, OPEN_DAY]).await?;
        let (claims, keys): (Values, Values) = (&[&claims], &[&keys]);
        let (_, locks, keys, callers, day) = futures::try_join!(
            gates::share(shared, &gates),
            shared.query(TRY_CLAIMS, claims),
            shared.query(KEYS_BY_IDS, keys),
            callers_by_ids(shared, &users),
            shared.query_one(OPEN_DAY, &[]),
        )?;
        tx.business_date = day.get("open_on");
        Ok(Seen {
            callers,
            stored: keys.iter().map(Stored::of_row).collect(),
            obtained: locks.iter().filter(|row| row.get("obtained")).map(|row| Claim(row.get("claim"))).collect(),
        })
    }

    /// Denials, replays, keys in other hands. `None`: to be run.
    fn verdict_before_run<C: Command>(&self, pending: &Pending<C>) -> Option<Verdict> {
        if let Err(denied) = admit(&pending.actor, &self.callers, Some(pending.permission)) {
            return Some(Verdict::Reply(Reply::Denied(denied)));
        }
        if claims_of(pending).any(|claim| !self.obtained.contains(&claim)) {
            return Some(Verdict::Reply(Reply::InProgress));
        }
        let key = pending.key?;
        let stored = self.stored.get(&key.id)?;
        if stored.fingerprint != key.fingerprint {
            return Some(Verdict::Reply(Reply::KeyReused));
        }
        metrics::counter!("ayni_idempotency_replays", "operation" => C::OPERATION).increment(1);
        Some(Verdict::Reply(Reply::Answer(stored.answer.clone())))
    }
}

fn claims_of<C: Command>(pending: &Pending<C>) -> impl Iterator<Item = Claim> + use<C> {
    pending.key.map(|key| Claim::of_key(key.id)).into_iter().chain(pending.command.claims())
}

impl Stored {
    fn of_row(row: &Row) -> (Uuid, Stored) {
        let answer = Answer {
            status: u16::try_from(row.get::<_, i16>("status")).unwrap_or(500),
            body: row.get::<_, Option<String>>("body").unwrap_or_default(),
            stored: true,
            subject_id: row.get("subject_id"),
            replayed: true,
        };
        (row.get("id"), Stored { fingerprint: row.get("fingerprint"), answer, approval_id: row.get("approval_id") })
    }
}

/// The key and audit rows of what was decided.
#[derive(Default)]
struct Decided {
    audit: Vec<(Uuid, Option<Uuid>, i16, Uuid, Option<Uuid>)>,
    keys: Vec<(Uuid, Vec<u8>, i16, Uuid, Option<Uuid>, Option<Uuid>, String)>,
}

impl Decided {
    fn take<C: Command>(
        &mut self,
        render: Render<C>,
        pending: &Pending<C>,
        asked: &Asked<'_, C>,
        outcome: Outcome<C::Done, C::Refused>,
        tx: &Tx,
    ) -> Verdict {
        let approval_id = match &outcome {
            Outcome::Busy => return Verdict::PassedOver,
            Outcome::Denied(denied) => return Verdict::Reply(Reply::Denied(*denied)),
            Outcome::Held(held) => Some(held.approval_id),
            _ => None,
        };
        let answer = render(asked, &outcome);
        let status = i16::try_from(answer.status).unwrap_or(500);
        let user = pending.actor.user_id;
        let subject = answer.subject_id.or(pending.command.subject());
        let key = pending.key.filter(|_| answer.stored);
        self.audit.push((user, subject, status, pending.actor.request_id, key.map(|key| key.id)));
        if let Some(key) = key {
            let fingerprint = key.fingerprint.to_vec();
            self.keys.push((key.id, fingerprint, status, user, subject, approval_id, answer.body.clone()));
        }
        debug_assert!(tx.business_date > chrono::NaiveDate::MIN);
        Verdict::Reply(Reply::Answer(answer))
    }

    async fn write(self, tx: &mut Tx, operation: &'static str) -> Result<(), Fault> {
        tx.write_events().await?;
        let tx = &*tx;
        futures::try_join!(write_audit(tx, operation, &self.audit), write_keys(tx, operation, &self.keys))?;
        Ok(())
    }
}

async fn write_audit(
    tx: &Tx,
    operation: &'static str,
    rows: &[(Uuid, Option<Uuid>, i16, Uuid, Option<Uuid>)],
) -> Result<(), Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|_| tx.new_id()).collect();
    let users: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
    let subjects: Vec<Option<Uuid>> = rows.iter().map(|row| row.1).collect();
    let statuses: Vec<i16> = rows.iter().map(|row| row.2).collect();
    let requests: Vec<Uuid> = rows.iter().map(|row| row.3).collect();
    let keys: Vec<Option<Uuid>> = rows.iter().map(|row| row.4).collect();
    tx.execute(
        "insert into audit (at, business_date, operation, id, user_id, subject_id, status, request_id, key_id)
         select $1, $2, $3, * from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[], $8::uuid[], $9::uuid[])",
        &[&tx.now, &tx.business_date, &operation, &ids, &users, &subjects, &statuses, &requests, &keys],
    )
    .await?;
    Ok(())
}

async fn write_keys(
    tx: &Tx,
    operation: &'static str,
    rows: &[(Uuid, Vec<u8>, i16, Uuid, Option<Uuid>, Option<Uuid>, String)],
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
    let fingerprints: Vec<&[u8]> = rows.iter().map(|row| row.1.as_slice()).collect();
    let statuses: Vec<i16> = rows.iter().map(|row| row.2).collect();
    let users: Vec<Uuid> = rows.iter().map(|row| row.3).collect();
    let subjects: Vec<Option<Uuid>> = rows.iter().map(|row| row.4).collect();
    let approvals: Vec<Option<Uuid>> = rows.iter().map(|row| row.5).collect();
    let bodies: Vec<&str> = rows.iter().map(|row| row.6.as_str()).collect();
    tx.execute(
        "with body as (
             insert into idempotency_body (stored_at, id, body) select $1, * from unnest($3::uuid[], $9::text[]))
         insert into idempotency_key (stored_at, operation, id, fingerprint, status, user_id, subject_id, approval_id)
         select $1, $2, * from unnest($3::uuid[], $4::bytea[], $5::smallint[], $6::uuid[], $7::uuid[], $8::uuid[])",
        &[&tx.now, &operation, &ids, &fingerprints, &statuses, &users, &subjects, &approvals, &bodies],
    )
    .await?;
    Ok(())
}
