//! `/v1/settings`

use edge::answer::{Response, versioned};
use edge::problem::Problem;
use edge::route::{get, patch};
use edge::wire::{AmountText, CurrencyCode};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use org::settings::{ChangeSettings, Settings};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/settings", "setting.get", Access::Needs(Permission::SettingRead), || get(show))
        .about("Institution", "The institution's settings")
        .answers(200, schema::<SettingsView>),
    Operation::patch("/v1/settings", "setting.change", Access::Needs(Permission::SettingManage), || patch(change))
        .about("Institution", "Change settings; null takes a limit away")
        .takes(schema::<SettingsRequest>, r#"{"backdating_limit_days": 30, "journal_approval_limit": "100000.00"}"#)
        .answers(200, schema::<SettingsView>),
];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsRequest {
    /// How many days before the business date a value date may lie; null: any.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 36500)]
    backdating_limit_days: Option<Option<u16>>,
    /// A manual entry above this total waits for a second person; null: none does.
    #[serde(default, deserialize_with = "given")]
    journal_approval_limit: Option<Option<AmountText>>,
}

/// Tells null, which takes a setting away, from absent, which leaves it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    base_currency: CurrencyCode,
    backdating_limit_days: Option<i32>,
    journal_approval_limit: Option<String>,
    /// How a half minor unit is rounded; fixed.
    rounding: &'static str,
    version: i64,
}

impl SettingsView {
    pub fn of(settings: &Settings) -> SettingsView {
        SettingsView {
            base_currency: CurrencyCode(settings.base_currency),
            backdating_limit_days: settings.backdating_limit_days,
            journal_approval_limit: settings.journal_approval_limit.map(|limit| limit.format(settings.base_currency)),
            rounding: "half_up",
            version: settings.version,
        }
    }
}

async fn show(reading: Reading) -> Result<Response, Problem> {
    let settings = Settings::read(&reading.tx).await?;
    Ok(versioned(settings.version, SettingsView::of(&settings)))
}

async fn change(asking: Asking, body: Body<SettingsRequest>) -> Result<Response, Problem> {
    let seen_version = asking.if_match()?;
    let currency = asking.app.base_currency;
    let limit = match body.value.journal_approval_limit {
        Some(Some(amount)) => Some(Some(amount.read(currency, "/journal_approval_limit")?)),
        Some(None) => Some(None),
        None => None,
    };
    let command = ChangeSettings {
        seen_version,
        backdating_limit_days: body.value.backdating_limit_days.map(|days| days.map(i32::from)),
        journal_approval_limit: limit,
    };
    asking.submit(&body.canonical, OfficeCommand::ChangeSettings(command)).await
}
