//! `/v1/reports/portfolio-at-risk`

use edge::answer::{Json, Response};
use edge::problem::Problem;
use edge::request::{Accept, Parameters};
use edge::route::get;
use edge::wire::{CurrencyCode, Day};
use std::borrow::Cow;

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::permission::Permission;
use org::settings::Settings;
use reporting::csv_text;
use reporting::portfolio_at_risk::{Asked, By, Cell, OVER_DAYS, PortfolioAtRisk, portfolio_at_risk};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Form, as_of, branch_in_scope, csv_file};
use crate::asking::Reading;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[Operation::get(
    "/v1/reports/portfolio-at-risk",
    "portfolio_at_risk.report",
    Access::Needs(Permission::ReportRead),
    || get(show),
)
.about("Reports", "The whole balance of loans that are late, by days overdue, with and without renegotiated loans")
.query(parameters::<ParQuery>)
.answers(200, schema::<ParView>)];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ParQuery {
    /// Known at the close of that day. Left out: the open business day, as it stands.
    as_of: Option<Day>,
    /// Left out: branch.
    by: Option<By>,
    /// The branch with all below it. Left out: all your branches.
    branch_id: Option<Uuid>,
    /// Left out: the institution's.
    currency: Option<CurrencyCode>,
    /// With all that is known now.
    restated: Option<bool>,
    /// json or csv. Left out: what the header Accept says.
    format: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ParView {
    as_of: Day,
    business_date: Day,
    restated: bool,
    currency: CurrencyCode,
    by: By,
    /// The rule of the columns.
    rule: &'static str,
    rows: Vec<ParRowView>,
    total: ParFiguresView,
}

const RULE: &str =
    "over N: more than N days overdue, counted from the oldest unpaid due date; over 0 is at least 1 day";

#[derive(Debug, Serialize, ToSchema)]
pub struct ParRowView {
    key: String,
    name: String,
    #[serde(flatten)]
    figures: ParFiguresView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ParFiguresView {
    loans: i64,
    outstanding: String,
    at_risk: Vec<AtRiskView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AtRiskView {
    over_days: i32,
    with_renegotiated: String,
    without_renegotiated: String,
    /// Of the outstanding balance, two decimals; n/a where there is none.
    percent_with: String,
    percent_without: String,
}

async fn show(reading: Reading, accept: Accept, query: Parameters<ParQuery>) -> Result<Response, Problem> {
    let query = query.0;
    let form = Form::read(query.format.as_deref(), &accept)?;
    let setting = Settings::read(&reading.tx).await?;
    let business_date = reading.tx.business_date;
    let asked = Asked {
        branch_id: branch_in_scope(&reading, query.branch_id).await?,
        officer_id: reading.caller.scope.officer_id,
        currency: query.currency.map_or(setting.base_currency, |currency| currency.0),
        as_of: as_of(query.as_of, business_date)?,
        restated: query.restated.unwrap_or_default(),
        by: query.by.unwrap_or(By::Branch),
    };
    let report = portfolio_at_risk(&reading.tx, &asked).await?;
    let view = ParView::of(&report, &asked, business_date);
    match form {
        Form::Json => Ok(Json(view).into_response()),
        Form::Csv => Ok(csv_file(&format!("portfolio-at-risk-{}-{}", asked.as_of, asked.by), view.csv()?)),
    }
}

impl ParView {
    fn of(report: &PortfolioAtRisk, asked: &Asked, business_date: NaiveDate) -> ParView {
        let rows = report.groups.iter().map(|group| ParRowView {
            key: group.key.clone(),
            name: group.name.clone(),
            figures: ParFiguresView::of(&group.cell, asked.currency),
        });
        ParView {
            as_of: Day(asked.as_of),
            business_date: Day(business_date),
            restated: asked.restated,
            currency: CurrencyCode(asked.currency),
            by: asked.by,
            rule: RULE,
            rows: rows.collect(),
            total: ParFiguresView::of(&report.total, asked.currency),
        }
    }

    fn csv(&self) -> Result<String, Problem> {
        let mut head = vec!["key".to_owned(), "name".to_owned(), "loans".to_owned(), "outstanding".to_owned()];
        for days in OVER_DAYS {
            for column in ["with_renegotiated", "without_renegotiated", "percent_with", "percent_without"] {
                head.push(format!("over_{days}_{column}"));
            }
        }
        let row = |key: &str, name: &str, figures: &ParFiguresView| -> Vec<String> {
            let mut cells = vec![csv_text::guarded(key).into_owned(), csv_text::guarded(name).into_owned()];
            cells.extend([figures.loans.to_string(), figures.outstanding.clone()]);
            for column in &figures.at_risk {
                let AtRiskView { with_renegotiated, without_renegotiated, percent_with, percent_without, .. } = column;
                cells.extend(
                    [with_renegotiated, without_renegotiated, percent_with, percent_without].map(String::clone),
                );
            }
            cells
        };
        let rows = self.rows.iter().map(|group| row(&group.key, &group.name, &group.figures));
        let all = std::iter::once(head).chain(rows).chain(std::iter::once(row("", "Total", &self.total)));
        Ok(csv_text::write(all.map(|cells| cells.into_iter().map(Cow::Owned).collect::<Vec<_>>()))?)
    }
}

impl ParFiguresView {
    fn of(cell: &Cell, currency: Currency) -> ParFiguresView {
        let columns = OVER_DAYS.iter().zip(cell.with_renegotiated).zip(cell.without_renegotiated);
        let at_risk = columns.map(|((over_days, with), without)| AtRiskView {
            over_days: *over_days,
            with_renegotiated: with.format(currency),
            without_renegotiated: without.format(currency),
            percent_with: percent(with, cell.outstanding),
            percent_without: percent(without, cell.outstanding),
        });
        ParFiguresView { loans: cell.loans, outstanding: cell.outstanding.format(currency), at_risk: at_risk.collect() }
    }
}

/// Two decimals, half-up, of the unrounded amounts; a share of nothing is not a number.
fn percent(part: Amount, whole: Amount) -> String {
    let share = (part.to_decimal() * Decimal::ONE_HUNDRED).checked_div(whole.to_decimal());
    share.map_or_else(
        || "n/a".to_owned(),
        |share| format!("{:.2}", share.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_two_decimals_or_is_none() {
        let cases = [(1_313_150, 2_533_150, "51.84"), (0, 100, "0.00"), (1, 800, "0.13"), (0, 0, "n/a")];
        for (part, whole, expected) in cases {
            assert_eq!(percent(Amount::of_minor(part), Amount::of_minor(whole)), expected);
        }
    }
}
