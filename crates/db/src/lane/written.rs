//! What a batch writes beside its effects: outbox, audit, keys with their answers.

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

    pub async fn write(self, tx: &mut Tx, operation: &'static str) -> Result<(), Fault> {
        tx.write_events().await?;
        let tx = &*tx;
        futures::try_join!(write_audit(tx, operation, &self.audit), write_keys(tx, operation, &self.keys))?;
        Ok(())
    }
}

async fn write_audit(tx: &Tx, operation: &'static str, rows: &[AuditRow]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let users: Vec<Uuid> = rows.iter().map(|row| row.user_id).collect();
    let subjects: Vec<Option<Uuid>> = rows.iter().map(|row| row.subject_id).collect();
    let statuses: Vec<i16> = rows.iter().map(|row| row.status).collect();
    let requests: Vec<Uuid> = rows.iter().map(|row| row.request_id).collect();
    let keys: Vec<Option<Uuid>> = rows.iter().map(|row| row.key_id).collect();
    tx.execute(
        "insert into audit (at, business_date, operation, id, user_id, subject_id, status, request_id, key_id)
         select $1, $2, $3, * from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[], $8::uuid[], $9::uuid[])",
        &[&tx.now, &tx.business_date, &operation, &ids, &users, &subjects, &statuses, &requests, &keys],
    )
    .await?;
    Ok(())
}

async fn write_keys(tx: &Tx, operation: &'static str, rows: &[KeyRow]) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let fingerprints: Vec<&[u8]> = rows.iter().map(|row| row.fingerprint.as_slice()).collect();
    let statuses: Vec<i16> = rows.iter().map(|row| row.status).collect();
    let users: Vec<Uuid> = rows.iter().map(|row| row.user_id).collect();
    let subjects: Vec<Option<Uuid>> = rows.iter().map(|row| row.subject_id).collect();
    let approvals: Vec<Option<Uuid>> = rows.iter().map(|row| row.approval_id).collect();
    let bodies: Vec<&str> = rows.iter().map(|row| row.body.as_str()).collect();
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
