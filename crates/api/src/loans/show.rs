//! Reading loans: lists, one loan, its schedule, its payoff.

use edge::answer::{Json, Response, versioned};
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::get;
use edge::wire::{CurrencyCode, Day};
use std::sync::Arc;

use chrono::NaiveDate;
use db::fault::Fault;
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::permission::Permission;
use loans::event::Event;
use loans::loan::{Agreement, Loan, LoanInstalment};
use loans::payoff::payoff;
use loans::position::arrears;
use loans::record::{Application, LoanRecord, LoanStatus, RecordedEvent, balances};
use loans::replay::{Replayed, replay};
use loans::store::applications;
use loans::store::list::{LoanFilter, loans_page};
use loans::store::read;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::asking::Reading;
use crate::loans::terms::TermsView;
use crate::loans::views::{ArrearsView, BalancesView, day};
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/loans", "loan.list", Access::Needs(Permission::LoanRead), || get(list))
        .about("Loans", "Loans, newest first")
        .query(parameters::<LoanQuery>)
        .answers(200, schema::<List<LoanRowView>>),
    Operation::get("/v1/loans/{id}", "loan.get", Access::Needs(Permission::LoanRead), || get(show))
        .about("Loans", "One loan: terms, status, balances, arrears")
        .answers(200, schema::<LoanView>),
    Operation::get("/v1/loans/{id}/schedule", "loan_schedule.get", Access::Needs(Permission::LoanRead), || {
        get(schedule)
    })
    .about("Loans", "The schedule with what is paid, as known at the close of a day")
    .query(parameters::<AsOfQuery>)
    .answers(200, schema::<ScheduleView>),
    Operation::get("/v1/loans/{id}/payoff", "loan_payoff.get", Access::Needs(Permission::LoanRead), || {
        get(show_payoff)
    })
    .about("Loans", "What settles the loan on a day")
    .query(parameters::<PayoffQuery>)
    .answers(200, schema::<PayoffView>),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LoanQuery {
    branch_id: Option<Uuid>,
    officer_id: Option<Uuid>,
    client_id: Option<Uuid>,
    product_id: Option<Uuid>,
    status: Option<LoanStatus>,
    number: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOfQuery {
    /// Known at the close of that day; left out: now.
    as_of: Option<Day>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PayoffQuery {
    /// Left out: the business date.
    on: Option<Day>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LoanRowView {
    id: Uuid,
    number: String,
    client_id: Uuid,
    product_id: Uuid,
    branch_id: Uuid,
    officer_id: Option<Uuid>,
    status: LoanStatus,
    currency: CurrencyCode,
    disbursed_on: Option<Day>,
    renegotiated: bool,
    balances: BalancesView,
    arrears: ArrearsView,
    version: i32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LoanView {
    #[serde(flatten)]
    row: LoanRowView,
    terms: TermsView,
    principal: String,
    instalments: u32,
    expected_disbursed_on: Day,
    first_due_on: Option<Day>,
    matures_on: Option<Day>,
    applied_on: Day,
    approved_on: Option<Day>,
    approved_principal: Option<String>,
    valid_until: Option<Day>,
    conditions: Option<String>,
    closed_reason: Option<String>,
    settled_on: Option<Day>,
    renegotiated_since: Option<Day>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleView {
    version: i16,
    currency: CurrencyCode,
    instalments: Vec<PromisedView>,
    totals: ScheduleTotalsView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PromisedView {
    number: u32,
    from: Day,
    due_on: Day,
    principal: String,
    interest: String,
    fees: String,
    penalties: String,
    taxes: String,
    total: String,
    balance: String,
    paid: PaidView,
    outstanding: String,
    settled_on: Option<Day>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PaidView {
    principal: String,
    interest: String,
    fees: String,
    penalties: String,
    taxes: String,
    total: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleTotalsView {
    principal: String,
    interest: String,
    total: String,
    paid: String,
    outstanding: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PayoffView {
    on: Day,
    currency: CurrencyCode,
    principal: String,
    /// Negative where interest was paid ahead of the time used.
    interest: String,
    total: String,
    /// Interest of the contract that falls away by settling then.
    interest_falls_away: String,
}

impl LoanRowView {
    fn of(record: &LoanRecord, business_date: NaiveDate) -> LoanRowView {
        LoanRowView {
            id: record.id,
            number: record.number.clone(),
            client_id: record.client_id,
            product_id: record.product_id,
            branch_id: record.branch_id,
            officer_id: record.officer_id,
            status: record.status,
            currency: CurrencyCode(record.currency),
            disbursed_on: day(record.loan.disbursed_on),
            renegotiated: record.loan.renegotiated_since.is_some(),
            balances: BalancesView::of(&balances(&record.loan, business_date), record.currency),
            arrears: ArrearsView::of(&arrears(&record.loan, business_date), record.currency),
            version: record.version,
        }
    }
}

impl LoanView {
    pub fn of(record: &LoanRecord, application: &Application, business_date: NaiveDate) -> LoanView {
        let agreement = &record.loan.agreement;
        LoanView {
            row: LoanRowView::of(record, business_date),
            terms: TermsView::of(&agreement.terms, record.currency),
            principal: application.principal.format(record.currency),
            instalments: agreement.instalments,
            expected_disbursed_on: Day(application.expected_disbursed_on),
            first_due_on: day(agreement.first_due_on),
            matures_on: day(record.loan.matures_on),
            applied_on: Day(application.applied_on),
            approved_on: day(application.approved_on),
            approved_principal: application.approved.map(|amount| amount.format(record.currency)),
            valid_until: day(application.valid_until),
            conditions: application.conditions.clone(),
            closed_reason: application.closed_reason.clone(),
            settled_on: day(record.loan.settled.map(|settled| settled.on)),
            renegotiated_since: day(record.loan.renegotiated_since),
        }
    }
}

async fn list(reading: Reading, query: Parameters<LoanQuery>) -> Result<Json<List<LoanRowView>>, Problem> {
    let query = query.0;
    let bound = format!(
        "{:?}{:?}{:?}{:?}{:?}{:?}",
        query.branch_id, query.officer_id, query.client_id, query.product_id, query.status, query.number
    );
    let page = cursor::page(query.limit, query.cursor.as_deref(), &bound)?;
    let filter = LoanFilter {
        branch_id: query.branch_id,
        officer_id: query.officer_id,
        client_id: query.client_id,
        product_id: query.product_id,
        status: query.status.map(LoanStatus::as_str),
        number: query.number,
    };
    let rows = loans_page(&reading.tx, &reading.caller.scope, &filter, &page).await?;
    let business_date = reading.tx.business_date;
    Ok(Json(cursor::list(rows, &bound, |record| LoanRowView::of(&record, business_date))))
}

pub async fn found(reading: &Reading, id: Id) -> Result<LoanRecord, Problem> {
    read::find_loan(&reading.tx, id.0, &reading.caller.scope).await?.ok_or_else(Problem::not_found)
}

async fn show(reading: Reading, id: Id) -> Result<Response, Problem> {
    let record = found(&reading, id).await?;
    let application = applications::applications_by_loans(&reading.tx, &[record.id]).await?.remove(&record.id);
    let application =
        application.ok_or_else(|| Fault::Invariant(format!("the application of {} is missing", record.id)))?;
    Ok(versioned(i64::from(record.version), LoanView::of(&record, &application, reading.tx.business_date)))
}

/// The loan's events and their replay, as known at the close of a day.
pub async fn replayed(
    reading: &Reading,
    record: &LoanRecord,
    as_of: Option<NaiveDate>,
) -> Result<(Vec<RecordedEvent>, Replayed), Problem> {
    let mut events = read::events_of_loans(&reading.tx, &[record.id]).await?.remove(&record.id).unwrap_or_default();
    events.retain(|known| as_of.is_none_or(|as_of| known.event.booked_on <= as_of));
    let history: Vec<Event> = events.iter().map(|known| known.event).collect();
    let agreement: &Arc<Agreement> = &record.loan.agreement;
    Ok((events, replay(agreement, &history)))
}

async fn schedule(reading: Reading, id: Id, query: Parameters<AsOfQuery>) -> Result<Json<ScheduleView>, Problem> {
    let record = found(&reading, id).await?;
    let (_, replayed) = replayed(&reading, &record, query.0.as_of.map(|day| day.0)).await?;
    Ok(Json(ScheduleView::of(&record, &replayed.loan)))
}

impl ScheduleView {
    fn of(record: &LoanRecord, loan: &Loan) -> ScheduleView {
        let text = |amount: Amount| amount.format(record.currency);
        let sum = |pick: fn(&LoanInstalment) -> Amount| text(loan.instalments.iter().map(pick).sum());
        ScheduleView {
            version: record.schedule_version,
            currency: CurrencyCode(record.currency),
            instalments: loan
                .instalments
                .iter()
                .map(|instalment| PromisedView::of(instalment, record.currency))
                .collect(),
            totals: ScheduleTotalsView {
                principal: sum(|one| one.promised.principal),
                interest: sum(|one| one.promised.interest),
                total: sum(|one| one.promised.total()),
                paid: sum(|one| one.principal_paid + one.interest_paid),
                outstanding: sum(|one| one.outstanding_total()),
            },
        }
    }
}

impl PromisedView {
    fn of(instalment: &LoanInstalment, currency: Currency) -> PromisedView {
        let text = |amount: Amount| amount.format(currency);
        let promised = &instalment.promised;
        PromisedView {
            number: promised.number,
            from: Day(promised.from),
            due_on: Day(promised.due_on),
            principal: text(promised.principal),
            interest: text(promised.interest),
            fees: text(Amount::ZERO),
            penalties: text(Amount::ZERO),
            taxes: text(Amount::ZERO),
            total: text(promised.total()),
            balance: text(promised.balance),
            paid: PaidView {
                principal: text(instalment.principal_paid),
                interest: text(instalment.interest_paid),
                fees: text(Amount::ZERO),
                penalties: text(Amount::ZERO),
                taxes: text(Amount::ZERO),
                total: text(instalment.principal_paid + instalment.interest_paid),
            },
            outstanding: text(instalment.outstanding_total()),
            settled_on: day(instalment.settled_on),
        }
    }
}

async fn show_payoff(reading: Reading, id: Id, query: Parameters<PayoffQuery>) -> Result<Json<PayoffView>, Problem> {
    let record = found(&reading, id).await?;
    let on = query.0.on.map_or(reading.tx.business_date, |day| day.0);
    let payoff = payoff(&record.loan, on);
    let text = |amount: Amount| amount.format(record.currency);
    Ok(Json(PayoffView {
        on: Day(on),
        currency: CurrencyCode(record.currency),
        principal: text(payoff.principal),
        interest: text(payoff.interest),
        total: text(payoff.total()),
        interest_falls_away: text(payoff.falls_away),
    }))
}
