//! The institution of the postings: branches, people and loans, all made through the API.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::Failure;
use crate::ground::ADMIN_PASSWORD;
use crate::http::{Connection, post};
use crate::load;

/// The open business day of the institution.
pub const BUSINESS_DATE: &str = "2026-01-31";
const PASSWORD: &str = "river stone cloud lamp";

pub struct Institution {
    address: String,
    officer: String,
    manager: String,
    product: Uuid,
}

/// A password for a token of ten minutes.
pub async fn sign_in(address: &str, username: &str) -> Result<String, Failure> {
    let password = if username == "admin" { ADMIN_PASSWORD } else { PASSWORD };
    let body = json!({"username": username, "password": password}).to_string();
    let request = post("", "/v1/auth/token", "", &body);
    let request = String::from_utf8(request)?.replace("authorization: Bearer \r\nidempotency-key: \r\n", "");
    let answer = Connection::open(address).await?.send(request.as_bytes()).await?.done()?.json()?;
    text(&answer["access_token"])
}

fn text(value: &Value) -> Result<String, Failure> {
    Ok(value.as_str().ok_or("an answer without what was asked for")?.to_owned())
}

pub fn id(value: &Value) -> Result<Uuid, Failure> {
    Ok(text(value)?.parse()?)
}

pub fn command(token: &str, path: &str, body: &Value) -> Vec<u8> {
    post(token, path, &Uuid::now_v7().to_string(), &body.to_string())
}

/// Sends one command and gives its answer.
pub async fn give(address: &str, token: &str, path: &str, body: &Value) -> Result<Value, Failure> {
    Connection::open(address).await?.send(&command(token, path, body)).await?.done()?.json()
}

/// A declining loan by months.
fn product(code: &str, percent: usize) -> Value {
    json!({
        "code": code, "name": format!("Business loan {code}"), "currency": "KES",
        "terms": {"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": percent.to_string(), "per": "year"}}},
        "limits": {"principal": {"min": "100.00", "max": "5000000.00"}, "instalments": {"min": 1, "max": 60}}
    })
}

impl Institution {
    /// People and a product, at a server whose database was empty.
    pub async fn found(address: &str) -> Result<Institution, Failure> {
        let admin = sign_in(address, "admin").await?;
        let me = Connection::open(address).await?.send(&crate::http::get(&admin, "/v1/me")).await?.done()?.json()?;
        let head_office = id(&me["branch_id"])?;
        for (name, role) in [
            ("officer", "loan_officer"),
            ("manager", "branch_manager"),
            ("accountant", "accountant"),
            ("auditor", "auditor"),
        ] {
            let user = json!({"username": name, "password": PASSWORD, "name": name, "roles": [role], "branch_id": head_office});
            give(address, &admin, "/v1/users", &user).await?;
        }
        let product = id(&give(address, &admin, "/v1/loan-products", &product("BENCH", 24)).await?["id"])?;
        let (officer, manager) = (sign_in(address, "officer").await?, sign_in(address, "manager").await?);
        Ok(Institution { address: address.to_owned(), officer, manager, product })
    }

    /// Officers, in turn in each branch.
    pub async fn officers(&self, branches: &[Uuid], count: usize) -> Result<Vec<Uuid>, Failure> {
        let admin = sign_in(&self.address, "admin").await?;
        let requests = (0..count)
            .map(|number| json!({"number": format!("S-{number:05}"), "name": format!("Officer {number}"), "branch_id": branches[number % branches.len()]}))
            .map(|body| command(&admin, "/v1/staff", &body));
        load::all(&self.address, requests.collect()).await?.iter().map(|staff| id(&staff["id"])).collect()
    }

    /// Products at different rates.
    pub async fn products(&self, count: usize) -> Result<Vec<Uuid>, Failure> {
        let admin = sign_in(&self.address, "admin").await?;
        let requests = (0..count)
            .map(|number| product(&format!("P{number:02}"), 18 + 3 * number))
            .map(|body| command(&admin, "/v1/loan-products", &body));
        load::all(&self.address, requests.collect()).await?.iter().map(|product| id(&product["id"])).collect()
    }

    pub async fn branches(&self, count: usize) -> Result<Vec<Uuid>, Failure> {
        let admin = sign_in(&self.address, "admin").await?;
        let requests = (0..count)
            .map(|number| json!({"code": format!("B{number:04}"), "name": format!("Branch {number}")}))
            .map(|body| command(&admin, "/v1/branches", &body));
        load::all(&self.address, requests.collect()).await?.iter().map(|branch| id(&branch["id"])).collect()
    }

    /// So many active loans, spread over these branches, each of a client of its own: 900,000.00 in 48 months.
    pub async fn loans(&self, branches: &[Uuid], count: usize) -> Result<Arc<[Uuid]>, Failure> {
        let clients = (0..count)
            .map(|number| {
                json!({"branch_id": branches[number % branches.len()], "kind": "person",
                    "name": {"given": "Achieng", "family": format!("Odhiambo {number}")}, "gender": "female"})
            })
            .map(|body| command(&self.officer, "/v1/clients", &body));
        let clients = load::all(&self.address, clients.collect()).await?;
        let mut applications = Vec::with_capacity(count);
        for client in &clients {
            let body = json!({"client_id": client["id"], "product_id": self.product, "principal": "900000.00",
                "instalments": 48, "expected_disbursed_on": BUSINESS_DATE});
            applications.push(command(&self.officer, "/v1/loans", &body));
        }
        let loans = load::all(&self.address, applications).await?;
        let loans: Vec<Uuid> = loans.iter().map(|loan| id(&loan["id"])).collect::<Result<_, Failure>>()?;
        for (action, body) in [("approve", json!({})), ("disburse", json!({"channel": "bank"}))] {
            let requests =
                loans.iter().map(|loan| command(&self.manager, &format!("/v1/loans/{loan}/{action}"), &body));
            load::all(&self.address, requests.collect()).await?;
        }
        Ok(loans.into())
    }
}
