//! The institution that the template holds: a head office with two branches, one user for each role in each of them, two
//! products. All made through the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::permission::standard_roles;
use access::tokens::Tokens;
use serde_json::{Value, json};
use uuid::Uuid;

use super::database::Database;
use super::http::Session;
use super::server::{ADMIN_PASSWORD, Server};

/// The day on which every test begins, unless it says otherwise.
pub const FIRST_DAY: &str = "2026-01-31";

pub const PASSWORD: &str = "river stone cloud lamp";

pub struct People {
    /// By code: hq, nrb, ksm.
    pub branches: BTreeMap<&'static str, Uuid>,
    /// By `role@branch`.
    pub users: BTreeMap<String, Uuid>,
    /// By `role@branch`: officers and managers.
    pub staff: BTreeMap<String, Uuid>,
    /// By code: W01 (flat, savings kept back), W02 (declining, a fee kept back).
    pub products: BTreeMap<&'static str, Uuid>,
    pub tokens: Tokens,
}

pub fn tokens(database: &Database) -> Tokens {
    let rows = database.query("select id, private_key from signing_key order by created_at desc, id desc", &[]);
    let keys: Vec<(Uuid, Vec<u8>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    Tokens::try_new(&keys).unwrap()
}

/// Serves a migrated database for as long as it takes to fill it.
pub fn furnish(database: &Database) -> People {
    let mut server = Server::start(&database.app_url(), &["--business-date", FIRST_DAY]);
    let people = furnish_by(&server, tokens(database));
    assert!(server.stop(), "the server did not stop well");
    people
}

/// Fills the fresh institution of a server.
pub fn furnish_by(server: &Server, tokens: Tokens) -> People {
    let nobody = Session::new(&server.base, Uuid::nil(), String::new(), Arc::default());
    let signed_in = nobody.ask("/v1/auth/token", &json!({"username": "admin", "password": ADMIN_PASSWORD})).ok(200);
    let token = signed_in["access_token"].as_str().unwrap().to_owned();
    let admin = Session::new(&server.base, Uuid::nil(), token, Arc::default());
    let me = admin.get("/v1/me").ok(200);
    let head = id(&me["branch_id"]);
    let mut people = People {
        branches: BTreeMap::from([("hq", head)]),
        users: BTreeMap::new(),
        staff: BTreeMap::new(),
        products: BTreeMap::new(),
        tokens,
    };
    for (code, name) in [("nrb", "Nairobi"), ("ksm", "Kisumu")] {
        let branch = admin.post("/v1/branches", &json!({"code": code.to_uppercase(), "name": name})).ok(201);
        people.branches.insert(code, id(&branch["id"]));
    }
    for (branch, branch_id) in people.branches.clone() {
        for (role, ..) in standard_roles() {
            add_user(&admin, &mut people, role, branch, branch_id);
        }
    }
    for (code, product) in products() {
        let offered = admin.post("/v1/loan-products", &product).ok(201);
        people.products.insert(code, id(&offered["id"]));
    }
    people
}

fn add_user(admin: &Session, people: &mut People, role: &'static str, branch: &'static str, branch_id: Uuid) {
    let name = format!("{role}@{branch}");
    let mut user = json!({
        "username": name, "password": PASSWORD, "name": format!("The {role} of {branch}"), "roles": [role], "branch_id": branch_id
    });
    if matches!(role, "loan_officer" | "branch_manager") {
        let staff = json!({"number": format!("S-{role}-{branch}"), "name": format!("Staff {role} {branch}"), "branch_id": branch_id});
        let staff = id(&admin.post("/v1/staff", &staff).ok(201)["id"]);
        people.staff.insert(name.clone(), staff);
        user["staff_id"] = json!(staff);
    }
    let user = admin.post("/v1/users", &user).ok(201);
    people.users.insert(name, id(&user["id"]));
}

pub fn products() -> [(&'static str, Value); 2] {
    let limits = json!({"principal": {"min": "100.00", "max": "5000000.00"}, "instalments": {"min": 1, "max": 60}});
    let declining = json!({"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}});
    let flat = json!({"frequency": {"unit": "month"}, "interest": {"method": "flat", "rate": {"percent": "2", "per": "month"}}});
    let fee = json!([{"kind": "fee", "name": "Processing fee", "when": "disbursement", "percent": "2", "of": "principal", "treatment": "deducted"}]);
    [
        (
            "W01",
            json!({"code": "W01", "name": "Flat loan", "currency": "KES", "terms": flat, "limits": limits,
            "withhold": [{"slot": "compulsory_savings", "percent": "10"}]}),
        ),
        (
            "W02",
            json!({"code": "W02", "name": "Business loan", "currency": "KES", "terms": declining, "limits": limits, "charges": fee}),
        ),
    ]
}

/// The id that an answer names.
#[track_caller]
pub fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no id: {value}"))
}
