//! The institution's settings: one row. A limit that is not set holds nothing back.

use std::sync::{Arc, Mutex, PoisonError};

use db::fault::Fault;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use kernel::amount::Amount;

use crate::error::OrgError;
use crate::store;

pub use crate::record::Settings;

impl Settings {
    pub async fn read(tx: &Tx) -> Result<Settings, Fault> {
        store::settings(tx).await
    }

    /// The settings of the moment at which the transaction read its business day; without a statement, where they are still in memory.
    pub async fn known(tx: &Tx) -> Result<Arc<Settings>, Fault> {
        let kept = tx.cache::<LastSettings>()?;
        let last = kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(settings) = last.filter(|settings| tx.known.settings_version == Some(settings.version)) {
            return Ok(settings);
        }
        let settings = Arc::new(Settings::read(tx).await?);
        // A change of this transaction is not committed yet: its version may come again with other values.
        if tx.known.settings_version != Some(settings.version) {
            return Ok(settings);
        }
        *kept.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings.clone());
        Ok(settings)
    }
}

/// The settings that were read last. Each change counts their version up, and only committed ones are read by another transaction.
#[derive(Debug, Default)]
struct LastSettings(Mutex<Option<Arc<Settings>>>);

/// Changes what is given: the outer `None` leaves a setting as it is, the inner one takes it away.
#[derive(Debug, Clone)]
pub struct ChangeSettings {
    pub seen_version: i64,
    pub backdating_limit_days: Option<Option<i32>>,
    pub journal_approval_limit: Option<Option<Amount>>,
}

impl SlicedCommand for ChangeSettings {
    type Done = Settings;

    fn about(&self) -> About {
        About { claims: vec![Claim::of("settings", "")], ..About::of("setting.change") }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let mut settings = Settings::read(tx).await?;
        let before = settings.version;
        let mut outcomes = Vec::new();
        for Asked { command, .. } in asked {
            if command.seen_version != settings.version {
                outcomes.push(Outcome::refused(OrgError::Stale));
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
