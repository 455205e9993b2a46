//! What a batch writes beside its effects: outbox, audit, keys with their answers.

use std::time::Duration;

use uuid::Uuid;

use super::fate::Trace;
use super::{Asked, Command, Outcome, Pending, Render, Reply};
use crate::fault::Fault;
use crate::keys::Claim;
use crate::narrow::narrow;
use crate::tx::{Tx, outbox};

/// What one attempt says of a command: an answer, or that its row was locked.
pub(super) enum Verdict {
    Reply(Reply),
    /// `dragged`: only because an earlier command waits for the row.
    PassedOver {
        dragged: bool,
    },
}

/// One row of the audit.
struct AuditRow {
    id: Uuid,
    operation: &'static str,
    user_id: Uuid,
    subject_id: Option<Uuid>,
    status: u16,
    request_id: Uuid,
    key_id: Option<Uuid>,
}

/// A key with its answer.
struct KeyRow {
    id: Uuid,
    operation: &'static str,
    fingerprint: Vec<u8>,
    status: u16,
    user_id: Uuid,
    subject_id: Option<Uuid>,
    approval_id: Option<Uuid>,
    body: String,
}

/// The key and audit rows of what was decided.
#[derive(Default)]
pub(super) struct Decided {
    audit: Vec<AuditRow>,
    keys: Vec<KeyRow>,
}

impl Decided {
    pub fn take<C: Command>(
        &mut self,
        render: Render<C>,
        pending: &Pending<C>,
        asked: &Asked<'_, C>,
        outcome: &Outcome<C::Done>,
    ) -> Verdict {
        let approval_id = match outcome {
            Outcome::Busy { dragged } => return Verdict::PassedOver { dragged: *dragged },
            Outcome::Denied(denied) => return Verdict::Reply(Reply::Denied(*denied)),
            Outcome::Failed(_) => return Verdict::Reply(Reply::Failed),
            Outcome::Held(held) => Some(held.approval_id),
            _ => None,
        };
        let answer = render(asked, outcome);
        let status = answer.status;
        let user_id = pending.actor.user_id;
        let subject_id = answer.subject_id.or(pending.about.subject);
        let key = pending.key.filter(|_| answer.stored);
        let operation = pending.about.operation;
        let (id, request_id, key_id) = (asked.command_id, pending.actor.request_id, key.map(|key| key.id));
        self.audit.push(AuditRow { id, operation, user_id, subject_id, status, request_id, key_id });
        if let Outcome::Done(done) = outcome {
            for part in asked.command.parts(done) {
                let (id, operation, subject_id) = (part.command_id, part.operation, part.subject);
                // The key is that of the whole.
                self.audit.push(AuditRow { id, operation, user_id, subject_id, status, request_id, key_id: None });
            }
        }
        if let Some(key) = key {
            let (fingerprint, body) = (key.fingerprint.to_vec(), answer.body.clone());
            self.keys.push(KeyRow {
                id: key.id,
                operation,
                fingerprint,
                status,
                user_id,
                subject_id,
                approval_id,
                body,
            });
        }
        Verdict::Reply(Reply::Answer(answer))
    }

    pub fn trace(&self, tx: &Tx) -> Trace {
        Trace {
            audit_id: self.audit.first().map(|row| row.id).unwrap_or_default(),
            claim: self.keys.first().map(|row| tx.lock_number(Claim::of_key(row.id))),
        }
    }

    /// Everything in one statement, and the commit with it. Gives how long the commit took.
    pub async fn write_and_commit(self, mut tx: Tx) -> Result<Duration, Fault> {
        let events = std::mem::take(&mut tx.events);
        let events = if events.is_empty() { None } else { Some(outbox(events)?) };
        let (audit, keys) = (AuditColumns::of(&self.audit)?, KeyColumns::of(&self.keys)?);
        let (now, business_date, body_id) = (tx.now, tx.business_date, tx.new_id());
        tx.execute_and_commit(
            WRITE,
            &[
                &now,
                &business_date,
                &audit.operations,
                &events,
                &audit.ids,
                &audit.users,
                &audit.subjects,
                &audit.statuses,
                &audit.requests,
                &audit.keys,
                &keys.ids,
                &keys.operations,
                &keys.fingerprints,
                &keys.statuses,
                &keys.users,
                &keys.subjects,
                &keys.approvals,
                &body_id,
                &keys.bodies,
            ],
        )
        .await
    }
}

/// Answers and events are one row a commit: nobody looks for a single one of them but by its key.
const WRITE: &str = "with told as (
         insert into outbox (at, events) select $1, $4::jsonb where $4 is not null
     ), body as (
         insert into idempotency_body (stored_at, id, bodies) select $1, $18::uuid, $19::text[] where cardinality($19) > 0
     ), key as (
         insert into idempotency_key (stored_at, body_id, id, operation, fingerprint, status, user_id, subject_id, approval_id, body_no)
         select $1, $18, *
         from unnest($11::uuid[], $12::text[], $13::bytea[], $14::smallint[], $15::uuid[], $16::uuid[], $17::uuid[]) with ordinality
     )
     insert into audit (at, business_date, operation, id, user_id, subject_id, status, request_id, key_id)
     select $1, $2, * from unnest($3::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::smallint[], $9::uuid[], $10::uuid[])";

struct AuditColumns {
    ids: Vec<Uuid>,
    operations: Vec<&'static str>,
    users: Vec<Uuid>,
    subjects: Vec<Option<Uuid>>,
    statuses: Vec<i16>,
    requests: Vec<Uuid>,
    keys: Vec<Option<Uuid>>,
}

impl AuditColumns {
    fn of(rows: &[AuditRow]) -> Result<AuditColumns, Fault> {
        Ok(AuditColumns {
            ids: rows.iter().map(|row| row.id).collect(),
            operations: rows.iter().map(|row| row.operation).collect(),
            users: rows.iter().map(|row| row.user_id).collect(),
            subjects: rows.iter().map(|row| row.subject_id).collect(),
            statuses: statuses(rows.iter().map(|row| row.status))?,
            requests: rows.iter().map(|row| row.request_id).collect(),
            keys: rows.iter().map(|row| row.key_id).collect(),
        })
    }
}

struct KeyColumns<'a> {
    ids: Vec<Uuid>,
    operations: Vec<&'static str>,
    fingerprints: Vec<&'a [u8]>,
    statuses: Vec<i16>,
    users: Vec<Uuid>,
    subjects: Vec<Option<Uuid>>,
    approvals: Vec<Option<Uuid>>,
    bodies: Vec<&'a str>,
}

impl<'a> KeyColumns<'a> {
    fn of(rows: &'a [KeyRow]) -> Result<KeyColumns<'a>, Fault> {
        Ok(KeyColumns {
            ids: rows.iter().map(|row| row.id).collect(),
            operations: rows.iter().map(|row| row.operation).collect(),
            fingerprints: rows.iter().map(|row| row.fingerprint.as_slice()).collect(),
            statuses: statuses(rows.iter().map(|row| row.status))?,
            users: rows.iter().map(|row| row.user_id).collect(),
            subjects: rows.iter().map(|row| row.subject_id).collect(),
            approvals: rows.iter().map(|row| row.approval_id).collect(),
            bodies: rows.iter().map(|row| row.body.as_str()).collect(),
        })
    }
}

fn statuses(rows: impl Iterator<Item = u16>) -> Result<Vec<i16>, Fault> {
    rows.map(|status| narrow(status, "audit.status")).collect()
}
