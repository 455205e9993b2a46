//! Why a change to users, roles, API clients or approvals is refused.

use kernel::refusal::{Kind, Refusal};
use uuid::Uuid;

use crate::password::PasswordError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    #[error("the id {0} is taken: send a new id, or none")]
    IdTaken(Uuid),
    #[error("this username is taken: choose another")]
    UsernameTaken,
    #[error("the code {0} is taken by another role: choose another")]
    RoleCodeTaken(String),
    #[error("there is an integration of this name outside your branches: choose another name")]
    IntegrationTaken,
    #[error("there is no such branch, or it is outside your branches")]
    BranchNotFound,
    #[error("there is no such active member of staff, or it is outside your branches")]
    StaffNotFound,
    #[error("there is no role {code}: GET /v1/roles lists them")]
    RoleNotFound { index: usize, code: String },
    #[error("only a member of staff has a portfolio: give staff_id, or leave own_portfolio false")]
    PortfolioWithoutStaff,
    #[error("an integration signs in with its client credentials: it has no password")]
    IntegrationHasNoPassword,
    #[error("{0}")]
    Password(#[from] PasswordError),
    #[error("nobody changes the own roles: ask another administrator")]
    OwnRoles,
    #[error("nobody changes the own member of staff: ask another administrator")]
    OwnStaff,
    #[error("nobody disables the own user: ask another administrator")]
    OwnUser,
    #[error("this was changed since you read it: read it again and repeat your change")]
    Stale,
    #[error("this approval is already decided: read it again")]
    ApprovalDecided,
    #[error("this approval has expired: give the command again")]
    ApprovalExpired,
    #[error("the person who gave the command cannot decide on it: ask another")]
    ApprovalOwn,
    #[error("the person who gave the command may no longer give it: reject it, and let another give it")]
    MakerMayNot,
    #[error(
        "this waits for a second person, and there is none who may decide it: give somebody else a role that may, and send it again"
    )]
    NobodyCanDecide,
}

impl Refusal for AccessError {
    fn code(&self) -> &'static str {
        match self {
            AccessError::IdTaken(_) => "id.taken",
            AccessError::UsernameTaken => "user.username_taken",
            AccessError::RoleCodeTaken(_) => "role.code_taken",
            AccessError::IntegrationTaken => "api_client.name_taken",
            AccessError::BranchNotFound | AccessError::StaffNotFound | AccessError::RoleNotFound { .. } => {
                "reference.not_found"
            }
            AccessError::PortfolioWithoutStaff => "user.portfolio_without_staff",
            AccessError::IntegrationHasNoPassword => "user.is_integration",
            AccessError::Password(PasswordError::TooShort) => "password.too_short",
            AccessError::Password(PasswordError::TooLong) => "password.too_long",
            AccessError::Password(PasswordError::Common) => "password.common",
            AccessError::Password(PasswordError::ContainsUsername) => "password.contains_username",
            AccessError::OwnRoles => "user.own_roles",
            AccessError::OwnStaff => "user.own_staff",
            AccessError::OwnUser => "user.own_user",
            AccessError::Stale => "version.stale",
            AccessError::ApprovalDecided => "approval.decided",
            AccessError::ApprovalExpired => "approval.expired",
            AccessError::ApprovalOwn => "approval.own",
            AccessError::MakerMayNot => "approval.maker_may_not",
            AccessError::NobodyCanDecide => "approval.nobody_can_decide",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            AccessError::IdTaken(_)
            | AccessError::UsernameTaken
            | AccessError::RoleCodeTaken(_)
            | AccessError::IntegrationTaken
            | AccessError::ApprovalDecided
            | AccessError::ApprovalExpired
            | AccessError::MakerMayNot
            | AccessError::NobodyCanDecide => Kind::Conflict,
            AccessError::BranchNotFound
            | AccessError::StaffNotFound
            | AccessError::RoleNotFound { .. }
            | AccessError::PortfolioWithoutStaff
            | AccessError::IntegrationHasNoPassword
            | AccessError::Password(_) => Kind::Unprocessable,
            AccessError::OwnRoles | AccessError::OwnStaff | AccessError::OwnUser | AccessError::ApprovalOwn => {
                Kind::Forbidden
            }
            AccessError::Stale => Kind::Stale,
        }
    }

    fn pointer(&self) -> Option<String> {
        match self {
            AccessError::IdTaken(_) => Some("/id".into()),
            AccessError::UsernameTaken => Some("/username".into()),
            AccessError::RoleCodeTaken(_) => Some("/code".into()),
            AccessError::IntegrationTaken => Some("/name".into()),
            AccessError::BranchNotFound => Some("/branch_id".into()),
            AccessError::StaffNotFound | AccessError::OwnStaff => Some("/staff_id".into()),
            AccessError::RoleNotFound { index, .. } => Some(format!("/roles/{index}")),
            AccessError::PortfolioWithoutStaff => Some("/own_portfolio".into()),
            AccessError::IntegrationHasNoPassword | AccessError::Password(_) => Some("/password".into()),
            AccessError::OwnRoles => Some("/roles".into()),
            AccessError::OwnUser => Some("/active".into()),
            AccessError::Stale
            | AccessError::ApprovalDecided
            | AccessError::ApprovalExpired
            | AccessError::ApprovalOwn
            | AccessError::MakerMayNot
            | AccessError::NobodyCanDecide => None,
        }
    }
}
