//! `/v1/reports/trial-balance`

use std::borrow::Cow;

use access::permission::Permission;
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reporting::csv_text;
use reporting::trial_balance::{TrialBalance, is_in_scope, trial_balance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Form, csv_file};
use crate::asking::Reading;
use crate::body::Parameters;
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;
use crate::wire::{CurrencyCode, Day};

pub const OPERATIONS: &[Operation] = &[Operation::get(
    "/v1/reports/trial-balance",
    "report_trial_balance",
    Access::Needs(Permission::ReportRead),
    || get(show),
)
.about("Reports", "Each account's balance as known at the close of a day, of a branch with all below it")
.query(schema::<TrialBalanceQuery>)
.answers(200, schema::<TrialBalanceView>)];

#[derive(Debug, Deserialize, JsonSchema)]
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

#[derive(Debug, Serialize, JsonSchema)]
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
#[derive(Debug, Serialize, JsonSchema)]
pub struct RowView {
    account: String,
    name: String,
    debit: String,
    credit: String,
}

async fn show(reading: Reading, headers: HeaderMap, query: Parameters<TrialBalanceQuery>) -> Result<Response, Problem> {
    let query = query.0;
    let form = Form::read(query.format.as_deref(), &headers)?;
    let setting = org::store::settings(&reading.tx).await?;
    let currency = query.currency.map_or(setting.base_currency, |currency| currency.0);
    let business_date = reading.tx.business_date;
    let as_of = query.as_of.map_or(business_date, |day| day.0);
    if as_of > business_date {
        let detail = format!("the business day is {business_date}: nothing is known of a later day such as {as_of}");
        return Err(unprocessable("report.as_of_in_future", "as_of", &detail));
    }
    let scope = reading.caller.scope.branch_id;
    let branch_id = query.branch_id.unwrap_or(scope);
    if !is_in_scope(&reading.tx, branch_id, scope).await? {
        let detail = "there is no such branch, or it is outside your branches";
        return Err(unprocessable("reference.not_found", "branch_id", detail));
    }
    let report = trial_balance(&reading.tx, branch_id, currency, as_of).await?;
    let view = TrialBalanceView::of(&report, business_date);
    match form {
        Form::Json => Ok(Json(view).into_response()),
        Form::Csv => Ok(csv_file(&format!("trial-balance-{as_of}-{currency}"), view.csv()?)),
    }
}

fn unprocessable(code: &'static str, pointer: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).at(pointer, code, detail)
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
