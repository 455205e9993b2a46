//! `/v1/loan-products`

use edge::answer::{Json, Response, versioned};
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::{get, post};
use edge::wire::{AmountText, Code, CurrencyCode, Name, new_id};
use flows::office::OfficeCommand;
use kernel::currency::Currency;
use kernel::permission::Permission;
use loans::actions::offer_product::OfferProduct;
use loans::product::{Limits, Product};
use loans::store::products;
use loans::terms::Basis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::loans::charges::{ChargeRequest, ChargeView, WithholdRequest, WithholdView, read_charges, read_withholds};
use crate::loans::terms::{self, TermsRequest, TermsView, unprocessable};
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/loan-products", "loan_product.list", Access::Needs(Permission::ProductRead), || get(list))
        .about("Loan products", "Loan products, newest first")
        .query(parameters::<ProductQuery>)
        .answers(200, schema::<List<ProductView>>),
    Operation::post("/v1/loan-products", "loan_product.offer", Access::Needs(Permission::ProductManage), || post(offer))
        .about("Loan products", "Offer a loan product: active at once; its terms never change")
        .takes(
            schema::<ProductRequest>,
            r#"{"code": "BIZ-12", "name": "Business loan", "currency": "KES",
                "terms": {"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}},
                "limits": {"principal": {"min": "1000.00", "max": "500000.00"}, "instalments": {"min": 3, "max": 24}},
                "charges": [{"kind": "fee", "name": "Processing fee", "when": "disbursement", "percent": "2", "of": "principal", "treatment": "deducted"}],
                "withhold": [{"slot": "compulsory_savings", "percent": "10"}]}"#,
        )
        .answers(201, schema::<ProductView>),
    Operation::get("/v1/loan-products/{id}", "loan_product.get", Access::Needs(Permission::ProductRead), || get(show))
        .about("Loan products", "One loan product")
        .answers(200, schema::<ProductView>),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ProductQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductRequest {
    id: Option<Uuid>,
    code: Code,
    name: Name,
    currency: CurrencyCode,
    terms: TermsRequest,
    limits: LimitsRequest,
    #[serde(default)]
    charges: Vec<ChargeRequest>,
    #[serde(default)]
    withhold: Vec<WithholdRequest>,
    /// Slot → account code; what is left out uses the standard chart.
    #[serde(default)]
    accounting: BTreeMap<String, Code>,
    /// Whether interest is income as it is earned (accrual, the default) or as it is paid.
    basis: Option<Basis>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsRequest {
    principal: PrincipalLimits,
    instalments: InstalmentLimits,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalLimits {
    min: AmountText,
    max: AmountText,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstalmentLimits {
    min: u32,
    max: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    id: Uuid,
    code: String,
    name: String,
    currency: CurrencyCode,
    terms: TermsView,
    limits: LimitsView,
    charges: Vec<ChargeView>,
    withhold: Vec<WithholdView>,
    basis: Basis,
    status: &'static str,
    version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct LimitsView {
    principal: PrincipalLimitsView,
    instalments: InstalmentLimits,
}

#[derive(Debug, Serialize, ToSchema)]
struct PrincipalLimitsView {
    min: String,
    max: String,
}

impl ProductView {
    pub fn of(product: &Product) -> ProductView {
        let currency = product.currency;
        let limits = &product.limits;
        ProductView {
            id: product.id,
            code: product.code.clone(),
            name: product.name.clone(),
            currency: CurrencyCode(currency),
            terms: TermsView::of(&product.terms, currency),
            limits: LimitsView {
                principal: PrincipalLimitsView {
                    min: limits.principal_least.format(currency),
                    max: limits.principal_most.format(currency),
                },
                instalments: InstalmentLimits { min: limits.instalments_fewest, max: limits.instalments_most },
            },
            charges: product.charges.iter().map(|charge| ChargeView::of(charge, currency)).collect(),
            withhold: product.withholds.iter().map(|withhold| WithholdView::of(withhold, currency)).collect(),
            basis: product.terms.basis,
            status: "active",
            version: product.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<ProductQuery>) -> Result<Json<List<ProductView>>, Problem> {
    let page = cursor::page(query.0.limit, query.0.cursor.as_deref(), "loan-products")?;
    let rows = products::products_page(&reading.tx, &page).await?;
    Ok(Json(cursor::list(rows, "loan-products", |product| ProductView::of(&product))))
}

async fn show(reading: Reading, id: Id) -> Result<Response, Problem> {
    let mut found = products::products_by_ids(&reading.tx, &[id.0]).await?;
    let product = found.remove(&id.0).ok_or_else(Problem::not_found)?;
    Ok(versioned(product.version, ProductView::of(&product)))
}

async fn offer(asking: Asking, body: Body<ProductRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let currency = request.currency.0;
    let mut terms = terms::read(request.terms, currency, "/terms")?;
    terms.basis = request.basis.unwrap_or_default();
    let command = OfferProduct {
        id: new_id(request.id)?,
        code: request.code.0,
        name: request.name.0,
        currency,
        terms,
        limits: read_limits(&request.limits, currency)?,
        charges: read_charges(request.charges, currency, "/charges")?,
        withholds: read_withholds(request.withhold, currency, "/withhold")?,
        accounting: request.accounting.into_iter().map(|(slot, code)| (slot, code.0)).collect(),
    };
    asking.submit(&body.canonical, OfficeCommand::OfferProduct(command)).await
}

fn read_limits(limits: &LimitsRequest, currency: Currency) -> Result<Limits, Problem> {
    let least = limits.principal.min.read(currency, "/limits/principal/min")?;
    let most = limits.principal.max.read(currency, "/limits/principal/max")?;
    if !least.is_positive() {
        return Err(unprocessable(
            "amount.not_positive",
            "the least principal is more than zero",
            "/limits/principal/min",
        ));
    }
    let (fewest, many) = (limits.instalments.min, limits.instalments.max);
    if fewest == 0 || many > 1000 {
        return Err(unprocessable(
            "product.instalments_out_of_range",
            "a loan has 1 to 1000 instalments",
            "/limits/instalments",
        ));
    }
    Ok(Limits { principal_least: least, principal_most: most, instalments_fewest: fewest, instalments_most: many })
}
