//! Why a change to the institution is refused.

use kernel::refusal::{Kind, Refusal};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrgError {
    #[error("the id {0} is taken: send a new id, or none")]
    IdTaken(Uuid),
    #[error("the code {0} is taken by another branch: choose another")]
    BranchCodeTaken(String),
    #[error("the number {0} is taken by another member of staff: choose another")]
    StaffNumberTaken(String),
    #[error("there is no such branch, or it is outside your branches")]
    BranchNotFound { pointer: &'static str },
    #[error("this day is already a holiday there")]
    HolidayTaken,
    #[error("the settings were changed since you read them: read them again and repeat your change")]
    Stale,
}

impl Refusal for OrgError {
    fn code(&self) -> &'static str {
        match self {
            OrgError::IdTaken(_) => "id.taken",
            OrgError::BranchCodeTaken(_) => "branch.code_taken",
            OrgError::StaffNumberTaken(_) => "staff.number_taken",
            OrgError::BranchNotFound { .. } => "reference.not_found",
            OrgError::HolidayTaken => "holiday.taken",
            OrgError::Stale => "version.stale",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            OrgError::IdTaken(_)
            | OrgError::BranchCodeTaken(_)
            | OrgError::StaffNumberTaken(_)
            | OrgError::HolidayTaken => Kind::Conflict,
            OrgError::BranchNotFound { .. } => Kind::Unprocessable,
            OrgError::Stale => Kind::Stale,
        }
    }

    fn pointer(&self) -> Option<String> {
        match self {
            OrgError::IdTaken(_) => Some("/id".into()),
            OrgError::BranchCodeTaken(_) => Some("/code".into()),
            OrgError::StaffNumberTaken(_) => Some("/number".into()),
            OrgError::BranchNotFound { pointer } => Some((*pointer).into()),
            OrgError::HolidayTaken => Some("/held_on".into()),
            OrgError::Stale => None,
        }
    }
}
