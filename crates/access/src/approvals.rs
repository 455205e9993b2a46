//! Approvals: commands that wait for a second person.
//!
//! The table of limits (`limits.rs`) says which command is held; here is what waits, and the one rule that all share: a command is
//! decided on once, in time, by another person than the one who gave it. A person is a member of staff, whatever the user; a
//! user without one counts as itself. That time passes changes no row: a pending approval past its time reads as expired.
//!
//! What is held never changes: operation, path and body as they were sent, with what was left out and is now known written in. So it can
//! be read before the row is locked, and under the lock only its state is looked at.

use chrono::{DateTime, Duration, Utc};
use db::caller::Caller;
use serde_json::Value;
use uuid::Uuid;

use crate::error::AccessError;

pub use crate::store_approvals::{approvals_page, deciders, find_approval};

/// How long a command waits.
pub const LIFETIME: Duration = Duration::days(14);

kernel::text_enum! {
    pub enum ApprovalStatus {
        Pending = "pending",
        Approved = "approved",
        Rejected = "rejected",
        /// Pending, and past its time.
        Expired = "expired",
    }
}

/// What a second person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approved,
    Rejected,
}

/// A command that is held back.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApproval {
    pub id: Uuid,
    /// The name of the command's operation, by which it is carried out later: `journal_entry.post`.
    pub operation: String,
    /// The path's parameters, in the order of the template, with `/` between them.
    pub path: String,
    /// The body as it was sent, with what was left out and is now known.
    pub body: Value,
    /// For the second person: what will happen, in one line.
    pub summary: String,
    /// Who sees this branch sees the approval.
    pub branch_id: Uuid,
    pub maker_id: Uuid,
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    pub id: Uuid,
    pub operation: String,
    pub path: String,
    pub body: Value,
    pub summary: String,
    pub branch_id: Uuid,
    pub maker: Maker,
    pub asked_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// None: nobody has decided.
    pub decided: Option<Decided>,
    pub version: i64,
}

/// Who gave a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    pub user_id: Uuid,
    pub staff_id: Option<Uuid>,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    pub verdict: Verdict,
    pub by: Uuid,
    pub at: DateTime<Utc>,
    /// The record that the command made.
    pub result_id: Option<Uuid>,
}

impl Approval {
    pub fn status(&self, now: DateTime<Utc>) -> ApprovalStatus {
        match self.decided.map(|decided| decided.verdict) {
            Some(Verdict::Approved) => ApprovalStatus::Approved,
            Some(Verdict::Rejected) => ApprovalStatus::Rejected,
            None if self.expires_at <= now => ApprovalStatus::Expired,
            None => ApprovalStatus::Pending,
        }
    }
}

/// Whether a caller may decide on an approval now, having seen this version of it. Whether the caller holds the permission
/// for that kind of command, the table of limits says. The maker may not reject either: that would be a withdrawal, which
/// is another fact.
pub fn decidable(
    approval: &Approval,
    caller: &Caller,
    seen_version: i64,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    let own = caller.is_same_person(approval.maker.user_id, approval.maker.staff_id);
    decidable_by(approval, own, seen_version, now)
}

fn decidable_by(approval: &Approval, own: bool, seen_version: i64, now: DateTime<Utc>) -> Result<(), AccessError> {
    match approval.status(now) {
        ApprovalStatus::Approved | ApprovalStatus::Rejected => Err(AccessError::ApprovalDecided),
        ApprovalStatus::Expired => Err(AccessError::ApprovalExpired),
        ApprovalStatus::Pending if own => Err(AccessError::ApprovalOwn),
        ApprovalStatus::Pending if seen_version != approval.version => Err(AccessError::Stale),
        ApprovalStatus::Pending => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hour * 3_600, 0).unwrap()
    }

    fn approval(decided: Option<Verdict>) -> Approval {
        Approval {
            id: Uuid::from_u128(1),
            operation: "journal_entry.post".into(),
            path: String::new(),
            body: Value::Null,
            summary: "A manual entry of 150,000.00 KES".into(),
            branch_id: Uuid::from_u128(2),
            maker: Maker { user_id: Uuid::from_u128(3), staff_id: None, name: "Wanjiru".into() },
            asked_at: at(0),
            expires_at: at(24),
            decided: decided.map(|verdict| Decided { verdict, by: Uuid::from_u128(4), at: at(1), result_id: None }),
            version: 1,
        }
    }

    #[test]
    fn an_approval_is_decided_once_in_time_by_another() {
        let cases = [
            ("in time", None, false, 1, at(23), Ok(())),
            ("too late", None, false, 1, at(24), Err(AccessError::ApprovalExpired)),
            ("by the maker", None, true, 1, at(1), Err(AccessError::ApprovalOwn)),
            ("of what was not seen", None, false, 2, at(1), Err(AccessError::Stale)),
            ("twice", Some(Verdict::Approved), false, 1, at(1), Err(AccessError::ApprovalDecided)),
            ("after a no", Some(Verdict::Rejected), true, 2, at(30), Err(AccessError::ApprovalDecided)),
        ];
        for (name, decided, own, seen, now, expected) in cases {
            assert_eq!(decidable_by(&approval(decided), own, seen, now), expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_pending_expires() {
        assert_eq!(approval(None).status(at(1)), ApprovalStatus::Pending);
        assert_eq!(approval(None).status(at(24)), ApprovalStatus::Expired);
        assert_eq!(approval(Some(Verdict::Approved)).status(at(30)), ApprovalStatus::Approved);
    }
}
