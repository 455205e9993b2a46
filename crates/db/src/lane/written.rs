//! What a batch writes beside its effects: outbox, audit, keys with their answers.

use std::time::Duration;

use tokio_postgres::types::Json;
use uuid::Uuid;

use super::batch::Verdict;
use super::fate::Trace;
use super::{Asked, Command, Outcome, Pending, Render, Reply};
use crate::fault::Fault;
use crate::keys::Claim;
use crate::tx::Tx;

/// One row of the audit.
struct AuditRow {
    id: Uuid,
    user_id: Uuid,
    subject_id: Option<Uuid>,
    status: i16,
    request_id: Uuid,
    key_id: Option<Uuid>,
}

/// A key with its answer.
struct KeyRow {
    id: Uuid,
    fingerprint: Vec<u8>,
    status: i16,
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
        let user_id = pending.actor.user_id;
        let subject_id = answer.subject_id.or(pending.command.subject());
        let key = pending.key.filter(|_| answer.stored);
        let (id, request_id, key_id) = (tx.new_id(), pending.actor.request_id, key.map(|key| key.id));
        self.audit.push(AuditRow { id, user_id, subject_id, status, request_id, key_id });
        if let Some(key) = key {
            let (fingerprint, body) = (key.fingerprint.to_vec(), answer.body.clone());
            self.keys.push(KeyRow { id: key.id, fingerprint, status, user_id, subject_id, approval_id, body });
        }
        debug_assert!(tx.business_date > chrono::NaiveDate::MIN);
        Verdict::Reply(Reply::Answer(answer))
    }

    pub fn trace(&self) -> Trace {
        Trace {
            audit_id: self.audit.first().map(|row| row.id).unwrap_or_default(),
            claim: self.keys.first().map(|row| Claim::of_key(row.id)),
        }
    }

    /// Everything in one statement, and the commit with it. Gives how long the commit took.
    pub async fn write_and_commit(self, mut tx: Tx, operation: &'static str) -> Result<Duration, Fault> {
        let events = std::mem::take(&mut tx.events);
        let events = (!events.is_empty()).then_some(Json(events.as_slice()));
        let (audit, keys) = (AuditColumns::of(&self.audit), KeyColumns::of(&self.keys));
        let (now, business_date, body_id) = (tx.now, tx.business_date, tx.new_id());
        tx.execute_and_commit(
            WRITE,
            &[
                &now,
                &business_date,
                &operation,
                &events,
                &audit.ids,
                &audit.users,
                &audit.subjects,
                &audit.statuses,
                &audit.requests,
                &audit.keys,
                &keys.ids,
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
         insert into idempotency_body (stored_at, id, bodies) select $1, $17::uuid, $18::text[] where cardinality($18) > 0
     ), key as (
         insert into idempotency_key (stored_at, operation, body_id, id, fingerprint, status, user_id, subject_id, approval_id, body_no)
         select $1, $3, $17, *
         from unnest($11::uuid[], $12::bytea[], $13::smallint[], $14::uuid[], $15::uuid[], $16::uuid[]) with ordinality
     )
     insert into audit (at, business_date, operation, id, user_id, subject_id, status, request_id, key_id)
     select $1, $2, $3, * from unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::smallint[], $9::uuid[], $10::uuid[])";

struct AuditColumns {
    ids: Vec<Uuid>,
    users: Vec<Uuid>,
    subjects: Vec<Option<Uuid>>,
    statuses: Vec<i16>,
    requests: Vec<Uuid>,
    keys: Vec<Option<Uuid>>,
}

impl AuditColumns {
    fn of(rows: &[AuditRow]) -> AuditColumns {
        AuditColumns {
            ids: rows.iter().map(|row| row.id).collect(),
            users: rows.iter().map(|row| row.user_id).collect(),
            subjects: rows.iter().map(|row| row.subject_id).collect(),
            statuses: rows.iter().map(|row| row.status).collect(),
            requests: rows.iter().map(|row| row.request_id).collect(),
            keys: rows.iter().map(|row| row.key_id).collect(),
        }
    }
}

struct KeyColumns<'a> {
    ids: Vec<Uuid>,
    fingerprints: Vec<&'a [u8]>,
    statuses: Vec<i16>,
    users: Vec<Uuid>,
    subjects: Vec<Option<Uuid>>,
    approvals: Vec<Option<Uuid>>,
    bodies: Vec<&'a str>,
}

impl<'a> KeyColumns<'a> {
    fn of(rows: &'a [KeyRow]) -> KeyColumns<'a> {
        KeyColumns {
            ids: rows.iter().map(|row| row.id).collect(),
            fingerprints: rows.iter().map(|row| row.fingerprint.as_slice()).collect(),
            statuses: rows.iter().map(|row| row.status).collect(),
            users: rows.iter().map(|row| row.user_id).collect(),
            subjects: rows.iter().map(|row| row.subject_id).collect(),
            approvals: rows.iter().map(|row| row.approval_id).collect(),
            bodies: rows.iter().map(|row| row.body.as_str()).collect(),
        }
    }
}
