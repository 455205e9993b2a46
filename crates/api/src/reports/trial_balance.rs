//! `/v1/reports/trial-balance`

use edge::answer::{Json, Response};
use edge::problem::Problem;
use edge::request::{Accept, Parameters};
use edge::route::get;
use edge::wire::{CurrencyCode, Day};
use std::borrow::Cow;

use kernel::permission::Permission;
use org::settings::Settings;
use reporting::csv_text;
use reporting::trial_balance::{TrialBalance, trial_balance};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Form, as_of, branch_in_scope, csv_file};
use crate::asking::Reading;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[Operation::get(
    "/v1/reports/trial-balance",
    "trial_balance.report",
    Access::Needs(Permission::ReportRead),
    || get(show),
)
.about("Reports", "Each account's balance as known at the close of a day, of a branch with all below it")
.query(parameters::<TrialBalanceQuery>)
.answers(200, schema::<TrialBalanceView>)];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TrialBalanceQuery {
    /// Left out: the open business day, with what is booked so far.
    as_of: Option<Day>,
    /// The branch with all below it. Left out: all your branches.
    branch_id: Option<Uuid>,
    /// Left out: the institution's.
    currency: Option<CurrencyCode>,
    /// json or csv. Left out: what the header Accept says.
    format: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalanceView {
    currency: CurrencyCode,
    as_of: Day,
    business_date: Day,
    /// Always false: a balance is what was known at the close of the day.
    restated: bool,
    /// The day is still open, or its close is not booked: what is booked so far.
    open: bool,
    branch_id: Uuid,
    rows: Vec<RowView>,
    total_debit: String,
    total_credit: String,
}

/// A balance on one side; the other one is zero.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowView {
    account: String,
    name: String,
    debit: String,
    credit: String,
}

async fn show(reading: Reading, accept: Accept, query: Parameters<TrialBalanceQuery>) -> Result<Response, Problem> {
    let query = query.0;
    let form = Form::read(query.format.as_deref(), &accept)?;
    let setting = Settings::read(&reading.tx).await?;
    let currency = query.currency.map_or(setting.base_currency, |currency| currency.0);
    let business_date = reading.tx.business_date;
    let as_of = as_of(query.as_of, business_date)?;
    let branch_id = branch_in_scope(&reading, query.branch_id).await?;
    let report = trial_balance(&reading.tx, branch_id, currency, as_of).await?;
    let view = TrialBalanceView::of(&report, business_date);
    match form {
        Form::Json => Ok(Json(view).into_response()),
        Form::Csv => Ok(csv_file(&format!("trial-balance-{as_of}-{currency}"), view.csv()?)),
    }
}

impl TrialBalanceView {
    fn of(report: &TrialBalance, business_date: chrono::NaiveDate) -> TrialBalanceView {
        let rows = report.rows.iter().map(|row| RowView {
            account: row.code.clone(),
            name: row.name.clone(),
            debit: row.debit().format(report.currency),
            credit: row.credit().format(report.currency),
        });
        TrialBalanceView {
            currency: CurrencyCode(report.currency),
            as_of: Day(report.as_of),
            business_date: Day(business_date),
            restated: false,
            open: report.open,
            branch_id: report.branch_id,
            rows: rows.collect(),
            total_debit: report.total_debit().format(report.currency),
            total_credit: report.total_credit().format(report.currency),
        }
    }

    fn csv(&self) -> Result<String, Problem> {
        let head = ["account", "name", "debit", "credit"].map(Cow::Borrowed);
        let rows = self.rows.iter().map(|row| {
            [csv_text::guarded(&row.account), csv_text::guarded(&row.name), (&row.debit).into(), (&row.credit).into()]
        });
        let total = ["".into(), "Total".into(), (&self.total_debit).into(), (&self.total_credit).into()];
        Ok(csv_text::write(std::iter::once(head).chain(rows).chain(std::iter::once(total)))?)
    }
}
