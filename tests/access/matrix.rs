//! Every operation × every standard role × a record of the own branch, of another branch, and none. The permission table alone
//! decides who is refused.

use std::fmt::Write;

use access::permission::standard_roles;
use api::operation::{Access, Method, Operation, Repeat};
use api::operations::all;
use kernel::permission::Permission;

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;
use crate::house::contract::committed;

/// The records of a branch that paths and bodies name.
struct Records {
    branch: Uuid,
    staff: Uuid,
    user: Uuid,
    client: Uuid,
    loan: Loan,
    transaction: Uuid,
    entry: Uuid,
    approval: Uuid,
}

impl Records {
    fn make(house: &Institution, branch: &'static str) -> Records {
        let accountant = house.session(&format!("accountant@{branch}"));
        let loan = house.active_loan(branch);
        let paid = house.repay(loan, "100.00").ok(201);
        let entry = accountant.post("/v1/journal-entries", &house.entry_request(branch, "10.00")).ok(201);
        let held = accountant.post("/v1/journal-entries", &house.entry_request(branch, "500.00")).ok(202);
        Records {
            branch: house.branch(branch),
            staff: house.people.staff[&format!("loan_officer@{branch}")],
            user: user(house, branch),
            client: house.client(branch),
            loan,
            transaction: people::id(&paid["transaction"]["id"]),
            entry: people::id(&entry["id"]),
            approval: people::id(&held["approval"]["id"]),
        }
    }

    fn missing() -> Records {
        let [branch, staff, user, client, id, transaction, entry, approval] = [(); 8].map(|()| Uuid::new_v4());
        Records { branch, staff, user, client, loan: Loan { id, branch: "nowhere" }, transaction, entry, approval }
    }

    /// The path of an operation about these records, and whether it lies in a branch.
    fn path(&self, operation: &Operation, shared: &Shared) -> (String, bool) {
        let prefix = operation.path.split("/{").next().unwrap();
        let (id, in_branch) = match prefix {
            "/v1/loans" => (self.loan.id, true),
            "/v1/clients" => (self.client, true),
            "/v1/users" => (self.user, true),
            "/v1/approvals" => (self.approval, true),
            "/v1/journal-entries" => (self.entry, true),
            "/v1/gl-accounts" => (shared.account, false),
            "/v1/loan-products" => (shared.product, false),
            _ => (Uuid::nil(), false),
        };
        assert!(id != Uuid::nil() || !operation.path.contains("{id}"), "say which record {operation:?} is about");
        let path =
            operation.path.replace("{id}", &id.to_string()).replace("{transaction_id}", &self.transaction.to_string());
        let path = path.replace("{period}", "2026-01").replace("{date}", "2026-01-30").replace("{key}", "some-key");
        (path, in_branch && operation.path.contains("{id}"))
    }

    /// The example's body about these records, and whether it names one that lies in a branch.
    fn body(&self, operation: &Operation, shared: &Shared) -> (Option<Value>, bool) {
        let Some(example) = operation.example else { return (None, false) };
        let mut body: Value = serde_json::from_str(example).unwrap();
        let mut named = false;
        self.put_into(&mut body, shared, &mut named);
        if operation.id == "business_day.close" {
            body["through"] = json!("2025-12-31");
        }
        (Some(body), named)
    }

    fn put_into(&self, part: &mut Value, shared: &Shared, named: &mut bool) {
        match part {
            Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    let scoped = match name.as_str() {
                        "branch_id" | "parent_id" => Some(self.branch),
                        "staff_id" | "officer_id" => Some(self.staff),
                        "client_id" => Some(self.client),
                        "loan_id" => Some(self.loan.id),
                        _ => None,
                    };
                    match (name.as_str(), scoped) {
                        (_, Some(id)) => {
                            *value = json!(id);
                            *named = true;
                        }
                        ("product_id", _) => *value = json!(shared.product),
                        ("code" | "number" | "username" | "key" | "receipt", _) => {
                            *value = json!(format!("x{}", &key()[24..]))
                        }
                        _ => self.put_into(value, shared, named),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.put_into(item, shared, named)),
            _ => {}
        }
    }
}

/// One who may be changed.
fn user(house: &Institution, branch: &str) -> Uuid {
    let request = json!({"username": format!("temporary@{branch}"), "password": people::PASSWORD, "name": "Temporary",
        "roles": ["auditor"], "branch_id": house.branch(branch)});
    people::id(&house.session("admin@hq").post("/v1/users", &request).ok(201)["id"])
}

/// What all branches have in common.
struct Shared {
    account: Uuid,
    product: Uuid,
}

fn may(operation: &Operation, granted: &[Permission]) -> bool {
    match operation.access {
        Access::Public | Access::SignedIn => true,
        Access::Needs(permission) => granted.contains(&permission),
    }
}

/// Sends an operation as it is documented.
pub fn call(session: &Session, operation: &Operation, path: &str, body: Option<&Value>) -> Answer {
    let key = key();
    let key = (operation.repeat == Repeat::ByKey).then_some(key.as_str());
    let headers: &[(&str, &str)] = if operation.repeat == Repeat::ByVersion { &[("if-match", "\"1\"")] } else { &[] };
    let method = match operation.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Patch => "PATCH",
    };
    session.send(method, path, key, body.map(Value::to_string).as_deref(), headers).unwrap()
}

fn furnished() -> (Institution, Shared) {
    let house = Institution::start();
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"journal_approval_limit": "100.00"})).expect(200);
    let accounts = admin.get("/v1/gl-accounts").ok(200);
    let shared = Shared { account: people::id(&accounts["data"][0]["id"]), product: house.product("W02") };
    (house, shared)
}

#[test]
fn the_permission_table_alone_decides() {
    let (house, shared) = furnished();
    let (own, other, missing) = (Records::make(&house, "nrb"), Records::make(&house, "ksm"), Records::missing());
    for operation in all().filter(|operation| operation.access != Access::Public) {
        for (role, _, granted) in standard_roles() {
            let session = house.session(&format!("{role}@nrb"));
            for (name, records) in [("own", &own), ("other", &other), ("missing", &missing)] {
                let (path, path_in_branch) = records.path(operation, &shared);
                let (body, body_in_branch) = records.body(operation, &shared);
                let answer = call(&session, operation, &path, body.as_ref());
                let case = format!("{role}, {name}: {operation:?}: {} {}", answer.status, answer.text);
                let forbidden = answer.status == 403 && answer.text.contains("\"access.forbidden\"");
                assert_eq!(forbidden, !may(operation, &granted), "{case}");
                if forbidden {
                    continue;
                }
                match name {
                    // No day was closed yet.
                    "own" if operation.path.contains("{date}") => assert_eq!(answer.status, 404, "{case}"),
                    "own" => {
                        assert!(!matches!(answer.status, 400 | 401 | 404 | 405 | 428) && answer.status < 500, "{case}")
                    }
                    _ if path_in_branch => assert_eq!(answer.status, 404, "{case}"),
                    _ if operation.id == "repayments.run" => {
                        assert_eq!(answer.json()["data"][0]["status"], 404, "{case}")
                    }
                    _ if body_in_branch => {
                        assert_eq!(answer.status, 422, "{case}");
                        assert!(answer.text.contains("\"reference.not_found\""), "{case}");
                    }
                    _ => assert!(answer.status < 500, "{case}"),
                }
            }
        }
    }
    house.must_hold(&[]);
}

#[test]
fn lists_show_the_own_branches_only() {
    let (house, _) = furnished();
    let (nrb, ksm) = (Records::make(&house, "nrb"), Records::make(&house, "ksm"));
    let lists = [
        ("/v1/clients", "loan_officer", nrb.client, ksm.client),
        ("/v1/loans", "loan_officer", nrb.loan.id, ksm.loan.id),
        ("/v1/branches", "loan_officer", nrb.branch, ksm.branch),
        ("/v1/staff", "loan_officer", nrb.staff, ksm.staff),
        ("/v1/users", "auditor", nrb.user, ksm.user),
        ("/v1/approvals", "auditor", nrb.approval, ksm.approval),
        ("/v1/journal-entries", "auditor", nrb.entry, ksm.entry),
    ];
    for (path, role, ours, theirs) in lists {
        let ids = |who: &str| -> Vec<Uuid> {
            let list = house
                .session(who)
                .get(
                    &format!("{path}?limit=200")
                        .replace("branches?limit=200", "branches")
                        .replace("staff?limit=200", "staff"),
                )
                .ok(200);
            list["data"].as_array().unwrap().iter().map(|row| people::id(&row["id"])).collect()
        };
        let seen = ids(&format!("{role}@nrb"));
        assert!(seen.contains(&ours) && !seen.contains(&theirs), "{path} of nrb");
        let seen = ids(&format!("{role}@hq"));
        assert!(seen.contains(&ours) && seen.contains(&theirs), "{path} of the head office");
    }
    // A filter does not widen the view.
    let officer = house.session("loan_officer@nrb");
    for path in ["/v1/clients", "/v1/loans"] {
        let list = officer.get(&format!("{path}?branch_id={}", ksm.branch)).ok(200);
        assert_eq!(list["data"].as_array().unwrap().len(), 0, "{path}");
    }
    let report =
        house.session("branch_manager@nrb").get(&format!("/v1/reports/trial-balance?branch_id={}", ksm.branch));
    assert!(matches!(report.status, 404 | 422), "{}", report.text);
}

#[test]
fn an_own_portfolio_is_all_that_its_officer_sees() {
    let house = Institution::start();
    let admin = house.session("admin@nrb");
    let staff = json!({"number": "S-own", "name": "Own portfolio", "branch_id": house.branch("nrb")});
    let staff = people::id(&admin.post("/v1/staff", &staff).ok(201)["id"]);
    let user = json!({"username": "own", "password": people::PASSWORD, "name": "Own", "roles": ["loan_officer"],
        "branch_id": house.branch("nrb"), "staff_id": staff, "own_portfolio": true});
    let own = house.session_of(people::id(&admin.post("/v1/users", &user).ok(201)["id"]));
    let colleagues = house.active_loan("nrb");
    for path in ["schedule", "payoff", "transactions", "events"] {
        own.get(&colleagues.path(path)).problem(404, "resource.not_found");
    }
    own.post(&colleagues.path("repayments"), &repayment("10.00")).problem(404, "resource.not_found");
    own.post(&format!("{}?dry_run=true", colleagues.path("repayments")), &repayment("10.00"))
        .problem(404, "resource.not_found");
    assert_eq!(own.get("/v1/loans").ok(200)["data"].as_array().unwrap().len(), 0);
    let mut client = house.client_request("nrb");
    own.post("/v1/clients", &client).problem(422, "reference.not_found");
    client.as_object_mut().unwrap().remove("officer_id");
    let client = own.post("/v1/clients", &client).ok(201);
    assert_eq!(client["officer_id"], json!(staff));
    let loan = own.post("/v1/loans", &house.loan_request(people::id(&client["id"]), "W01")).ok(201);
    assert_eq!(own.get("/v1/loans").ok(200)["data"][0]["id"], loan["id"]);
    house.must_hold(&[]);
}

#[test]
fn the_committed_matrix_is_what_the_list_says() {
    let roles = standard_roles();
    let mut page = "# Who may do what\n\nGenerated from the list of operations and the standard roles by\n\
        `AYNI_REGENERATE=1 cargo test -p server --test end_to_end committed`; do not edit.\nA user acts in its branch and all below it; \
        what lies outside is not found.\n\n| operation | needs |"
        .to_owned();
    roles.iter().for_each(|(code, ..)| write!(page, " {code} |").unwrap());
    write!(page, "\n|---|---|{}\n", "---|".repeat(roles.len())).unwrap();
    for operation in all() {
        let needs = match operation.access {
            Access::Public => "nothing".to_owned(),
            Access::SignedIn => "a user".to_owned(),
            Access::Needs(permission) => format!("`{permission}`"),
        };
        let method = format!("{:?}", operation.method).to_uppercase();
        write!(page, "| {method} {} | {needs} |", operation.path).unwrap();
        for (.., granted) in &roles {
            page.push_str(if may(operation, granted) { " yes |" } else { " |" });
        }
        page.push('\n');
    }
    committed("docs/access-matrix.md", &page);
}
