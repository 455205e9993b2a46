//! Why a command about a client is refused.

use chrono::NaiveDate;
use kernel::refusal::{Kind, Refusal};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    #[error("the id {0} is taken: send a new id, or none")]
    IdTaken(Uuid),
    #[error("there is no such record, or it is outside your branches")]
    ReferenceNotFound { pointer: &'static str },
    #[error("a person needs a gender: female, male, other or not_stated")]
    GenderMissing,
    #[error("an organisation has no gender and no day of birth: leave them out")]
    NotForOrganisations { pointer: &'static str },
    #[error("the day of birth {0} lies in the future")]
    NotBornYet(NaiveDate),
}

impl Refusal for ClientError {
    fn code(&self) -> &'static str {
        match self {
            ClientError::IdTaken(_) => "id.taken",
            ClientError::ReferenceNotFound { .. } => "reference.not_found",
            ClientError::GenderMissing => "client.gender_missing",
            ClientError::NotForOrganisations { .. } => "client.not_for_organisations",
            ClientError::NotBornYet(_) => "client.not_born_yet",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            ClientError::IdTaken(_) => Kind::Conflict,
            ClientError::ReferenceNotFound { .. }
            | ClientError::GenderMissing
            | ClientError::NotForOrganisations { .. }
            | ClientError::NotBornYet(_) => Kind::Unprocessable,
        }
    }

    fn pointer(&self) -> Option<String> {
        match self {
            ClientError::IdTaken(_) => Some("/id".into()),
            ClientError::ReferenceNotFound { pointer } | ClientError::NotForOrganisations { pointer } => {
                Some((*pointer).into())
            }
            ClientError::GenderMissing => Some("/gender".into()),
            ClientError::NotBornYet(_) => Some("/birth/on".into()),
        }
    }
}
