//! Why a command is refused: a fact with a stable public code and a kind that the edge turns into a status.

/// How a refusal reads to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// This payload cannot succeed under the rules.
    Unprocessable,
    /// The same request may succeed later, because state differs.
    Conflict,
    /// The caller may not do this.
    Forbidden,
    /// The version that the caller saw is not the current one.
    Stale,
    /// The record is absent or out of the caller's scope.
    Absent,
}

/// A refusal. Its `Display` says to a person what is wrong and what to do.
pub trait Refusal: std::error::Error {
    /// The stable public code: `loan.not_active`.
    fn code(&self) -> &'static str;

    fn kind(&self) -> Kind;

    /// The place in the request that it is about, as a JSON pointer.
    fn pointer(&self) -> Option<String> {
        None
    }

    /// After how many seconds the same request may succeed by itself.
    fn retry_after(&self) -> Option<u32> {
        None
    }
}
