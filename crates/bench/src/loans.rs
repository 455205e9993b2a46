//! The loans that are repaid in the benchmarks.

use std::sync::Arc;

use uuid::Uuid;

use crate::Failure;
use crate::limit::Accounts;
use crate::people::Institution;

/// The loans of the two patterns: all in one branch, and over a hundred branches.
pub struct Loans {
    pub hot: Arc<[Uuid]>,
    pub uniform: Arc<[Uuid]>,
}

impl Loans {
    pub async fn make(address: &str, brief: bool) -> Result<Loans, Failure> {
        let (branches, loans) = if brief { (4, 40) } else { (101, 10_000) };
        let institution = Institution::found(address).await?;
        let branches = institution.branches(branches).await?;
        let hot = institution.loans(&branches[..1], loans).await?;
        let uniform = institution.loans(&branches[1..], loans).await?;
        Ok(Loans { hot, uniform })
    }

    pub fn of(&self, accounts: Accounts) -> Arc<[Uuid]> {
        match accounts {
            Accounts::Hot => self.hot.clone(),
            Accounts::Uniform => self.uniform.clone(),
        }
    }
}
