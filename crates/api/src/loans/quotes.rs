//! `/v1/loan-quotes`: the calculator. Stateless, without a product, open to every signed-in user.

use edge::answer::Json;
use edge::problem::Problem;
use edge::route::post;
use edge::wire::{AmountText, CurrencyCode, Day};
use kernel::amount::Amount;
use kernel::currency::Currency;
use loans::disclosure::{Disclosure, disclosure};
use loans::product::kept_back;
use loans::schedule::{Instalment, Schedule, schedule};
use loans::terms::Contract;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::asking::Asking;
use crate::body::Body;
use crate::loans::charges::{ChargeRequest, read_charges};
use crate::loans::terms::{self, TermsRequest, unprocessable};
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[Operation::ask("/v1/loan-quotes", "loan_quote.get", Access::SignedIn, || post(quote))
    .about("Loans", "Calculate a schedule and its true price; nothing is stored")
    .takes(
        schema::<QuoteRequest>,
        r#"{"currency": "KES", "principal": "12000.00", "instalments": 12, "disbursed_on": "2026-01-31",
            "terms": {"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}}}"#,
    )
    .answers(200, schema::<QuoteView>)];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    currency: CurrencyCode,
    terms: TermsRequest,
    principal: AmountText,
    instalments: u32,
    disbursed_on: Day,
    /// Left out: one period after the disbursement.
    first_due_on: Option<Day>,
    #[serde(default)]
    charges: Vec<ChargeRequest>,
    #[schema(ignore)]
    disbursements: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct QuoteView {
    currency: CurrencyCode,
    instalments: Vec<InstalmentView>,
    totals: TotalsView,
    /// The periodic rate × periods a year.
    apr_percent: String,
    /// (1 + periodic rate) ^ periods a year − 1.
    eir_percent: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InstalmentView {
    number: u32,
    from: Day,
    due_on: Day,
    principal: String,
    interest: String,
    fees: String,
    penalties: String,
    total: String,
    /// Principal owed after it.
    balance: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsView {
    principal: String,
    interest: String,
    /// With what is kept back at disbursement.
    fees: String,
    total: String,
}

async fn quote(_asking: Asking, body: Body<QuoteRequest>) -> Result<Json<QuoteView>, Problem> {
    let request = body.value;
    let currency = request.currency.0;
    if request.disbursements.is_some() {
        let detail = "disbursements in parts are not calculated by this version: leave the member out";
        return Err(unprocessable("terms.not_supported", detail, "/disbursements"));
    }
    let terms = terms::read(request.terms, currency, "/terms")?;
    let charges = read_charges(request.charges, currency, "/charges")?;
    let contract = Contract {
        principal: request.principal.read(currency, "/principal")?,
        instalments: request.instalments,
        disbursed_on: request.disbursed_on.0,
        first_due_on: request.first_due_on.map(|day| day.0),
    };
    let schedule = schedule(&terms, &contract).map_err(|error| unprocessable(error.code(), error.to_string(), ""))?;
    let (fees, _) = kept_back(&charges, &[], contract.principal).ok_or_else(|| {
        unprocessable("loan.nothing_paid_out", "the charges are not less than the principal: lower them", "/charges")
    })?;
    let price = disclosure(&terms, &contract, &schedule, fees)
        .map_err(|error| unprocessable(error.code(), error.to_string(), ""))?;
    Ok(Json(QuoteView::of(&schedule, &price, fees, currency)))
}

impl QuoteView {
    fn of(schedule: &Schedule, price: &Disclosure, fees: Amount, currency: Currency) -> QuoteView {
        QuoteView {
            currency: CurrencyCode(currency),
            instalments: schedule
                .instalments
                .iter()
                .map(|instalment| InstalmentView::of(instalment, currency))
                .collect(),
            totals: TotalsView {
                principal: schedule.principal().format(currency),
                interest: schedule.interest().format(currency),
                fees: fees.format(currency),
                total: (schedule.total() + fees).format(currency),
            },
            apr_percent: price.apr_percent.to_string(),
            eir_percent: price.eir_percent.to_string(),
        }
    }
}

impl InstalmentView {
    fn of(instalment: &Instalment, currency: Currency) -> InstalmentView {
        InstalmentView {
            number: instalment.number,
            from: Day(instalment.from),
            due_on: Day(instalment.due_on),
            principal: instalment.principal.format(currency),
            interest: instalment.interest.format(currency),
            fees: Amount::ZERO.format(currency),
            penalties: Amount::ZERO.format(currency),
            total: instalment.total().format(currency),
            balance: instalment.balance.format(currency),
        }
    }
}
