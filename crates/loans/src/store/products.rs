//! Products.

use std::collections::HashMap;

use db::fault::Fault;
use db::narrow::narrow;
use db::page::{Page, Position, Rows};
use db::tx::{Row, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::read::{amount, currency};
use crate::product::{Limits, Product};

pub async fn products_taken(tx: &Tx, ids: &[Uuid], codes: &[&str]) -> Result<Vec<(Uuid, String)>, Fault> {
    let rows =
        tx.query("select id, code from loan_product where id = any($1) or code = any($2)", &[&ids, &codes]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("code"))).collect())
}

pub async fn product_insert(tx: &Tx, product: &Product) -> Result<(), Fault> {
    let limits = &product.limits;
    tx.execute(
        "insert into loan_product (id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest,
                                   instalments_most, charges, withholds, basis, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            &product.id,
            &product.code,
            &product.name,
            &product.currency.code(),
            &json(&product.terms)?,
            &limits.principal_least.minor(),
            &limits.principal_most.minor(),
            &narrow::<i16>(limits.instalments_fewest, "loan_product.instalments_fewest")?,
            &narrow::<i16>(limits.instalments_most, "loan_product.instalments_most")?,
            &json(&product.charges)?,
            &json(&product.withholds)?,
            &product.terms.basis.as_str(),
            &product.created_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::Invariant(format!("a stored part cannot be written: {error}")))
}

pub(super) fn of_json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Fault> {
    serde_json::from_value(row.get(column))
        .map_err(|error| Fault::Invariant(format!("stored {column} cannot be read: {error}")))
}

const PRODUCTS_OF: &str =
    "select id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest,
            instalments_most, charges, withholds, created_at, version
     from loan_product where id = any($1) or id in (select product_id from loan where id = any($2))";

/// Products that are named, and those of loans.
pub(crate) async fn products_of(tx: &Tx, ids: &[Uuid], loans: &[Uuid]) -> Result<HashMap<Uuid, Product>, Fault> {
    if ids.is_empty() && loans.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx.query(PRODUCTS_OF, &[&ids, &loans]).await?;
    rows.iter().map(|row| Ok((row.get("id"), product_of_row(row)?))).collect()
}

pub async fn products_by_ids(tx: &Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Product>, Fault> {
    let rows = tx
        .query(
            "select id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest, instalments_most,
                    charges, withholds, created_at, version
             from loan_product where id = any($1)",
            &[&ids],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get("id"), product_of_row(row)?))).collect()
}

pub async fn products_page(tx: &Tx, page: &Page) -> Result<Rows<Product>, Fault> {
    let rows = tx
        .query(
            "select id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest, instalments_most,
                    charges, withholds, created_at, version
             from loan_product where $1::timestamptz is null or (created_at, id) < ($1, $2)
             order by created_at desc, id desc limit $3",
            &[&page.after_at(), &page.after_id(), &page.fetch()],
        )
        .await?;
    let products: Result<Vec<Product>, Fault> = rows.iter().map(product_of_row).collect();
    Ok(page.rows(products?, |product| Position { at: product.created_at, id: product.id }))
}

fn product_of_row(row: &Row) -> Result<Product, Fault> {
    let count = |column: &'static str| narrow(row.get::<_, i16>(column), column);
    Ok(Product {
        id: row.get("id"),
        code: row.get("code"),
        name: row.get("name"),
        currency: currency(row)?,
        terms: of_json(row, "terms")?,
        limits: Limits {
            principal_least: amount(row, "principal_least_minor"),
            principal_most: amount(row, "principal_most_minor"),
            instalments_fewest: count("instalments_fewest")?,
            instalments_most: count("instalments_most")?,
        },
        charges: of_json(row, "charges")?,
        withholds: of_json(row, "withholds")?,
        created_at: row.get("created_at"),
        version: row.get("version"),
    })
}
