//! The institution's settings: one row. A limit that is not set holds nothing back.

use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::currency::Currency;

use crate::error::OrgError;
use crate::store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub base_currency: Currency,
    /// How many days before the business date a value date may lie.
    pub backdating_limit_days: Option<i32>,
    /// A manual entry above this total waits for a second person; in the base currency.
    pub journal_approval_limit: Option<Amount>,
    pub version: i64,
}

/// Changes what is given: the outer `None` leaves a setting as it is, the inner one takes it away.
#[derive(Debug, Clone)]
pub struct ChangeSettings {
    pub seen_version: i64,
    pub backdating_limit_days: Option<Option<i32>>,
    pub journal_approval_limit: Option<Option<Amount>>,
}

impl Command for ChangeSettings {
    type Done = Settings;
    type Refused = OrgError;
    const OPERATION: &'static str = "settings.change";

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::of("settings", "")]
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let mut settings = store::settings(tx).await?;
        let before = settings.version;
        let mut outcomes = Vec::new();
        for Asked { command, .. } in asked {
            if command.seen_version != settings.version {
                outcomes.push(Outcome::Refused(OrgError::Stale));
                continue;
            }
            settings.backdating_limit_days = command.backdating_limit_days.unwrap_or(settings.backdating_limit_days);
            settings.journal_approval_limit = command.journal_approval_limit.unwrap_or(settings.journal_approval_limit);
            settings.version += 1;
            outcomes.push(Outcome::Done(settings.clone()));
        }
        if settings.version != before {
            store::settings_update(tx, &settings).await?;
        }
        Ok(outcomes)
    }
}
