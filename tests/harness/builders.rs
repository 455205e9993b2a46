//! Builders. All go through the API, as the people of a branch.

use serde_json::{Value, json};
use uuid::Uuid;

use super::http::Answer;
use super::institution::Institution;
use super::people::id;

/// A loan on its way, and who works on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loan {
    pub id: Uuid,
    /// nrb or ksm.
    pub branch: &'static str,
}

impl Loan {
    pub fn path(&self, action: &str) -> String {
        format!("/v1/loans/{}/{action}", self.id)
    }
}

impl Institution {
    /// An active person, registered by the officer of a branch.
    pub fn client(&self, branch: &'static str) -> Uuid {
        let client = self.client_request(branch);
        id(&self.session(&format!("loan_officer@{branch}")).post("/v1/clients", &client).ok(201)["id"])
    }

    /// Each client has a name and a number that no log may show.
    pub fn client_request(&self, branch: &str) -> Value {
        let mark = Uuid::new_v4().simple().to_string();
        let (given, phone) = (format!("Zawadi{}", &mark[..8]), format!("+2547{}", &mark[8..16]));
        self.record.keep_secret(&given);
        self.record.keep_secret(&phone);
        json!({
            "branch_id": self.branch(branch), "kind": "person", "name": {"given": given, "family": "Odhiambo"},
            "gender": "female", "phone": phone, "officer_id": self.people.staff[&format!("loan_officer@{branch}")]
        })
    }

    pub fn loan_request(&self, client_id: Uuid, product: &str) -> Value {
        json!({
            "client_id": client_id, "product_id": self.product(product), "principal": "12000.00", "instalments": 12,
            "expected_disbursed_on": "2026-01-31"
        })
    }

    /// 12,000.00 in 12 months, of a new client.
    pub fn applied_loan(&self, branch: &'static str) -> Loan {
        let request = self.loan_request(self.client(branch), "W02");
        let loan = self.session(&format!("loan_officer@{branch}")).post("/v1/loans", &request).ok(201);
        Loan { id: id(&loan["id"]), branch }
    }

    pub fn approved_loan(&self, branch: &'static str) -> Loan {
        let loan = self.applied_loan(branch);
        self.session(&format!("branch_manager@{branch}")).post(&loan.path("approve"), &json!({})).expect(200);
        loan
    }

    /// Paid out in cash on the business date.
    pub fn active_loan(&self, branch: &'static str) -> Loan {
        let loan = self.approved_loan(branch);
        let disbursed = json!({"channel": "cash"});
        self.session(&format!("teller@{branch}")).post(&loan.path("disburse"), &disbursed).expect(200);
        loan
    }

    /// A repayment in cash by the teller of the loan's branch, today.
    pub fn repay(&self, loan: Loan, amount: &str) -> Answer {
        self.session(&format!("teller@{}", loan.branch)).post(&loan.path("repayments"), &repayment(amount))
    }

    /// An entry of the accountant.
    pub fn entry_request(&self, branch: &str, amount: &str) -> Value {
        json!({
            "branch_id": self.branch(branch), "description": "Rent",
            "lines": [{"account": "5310", "debit": amount}, {"account": "1040", "credit": amount}]
        })
    }
}

pub fn repayment(amount: &str) -> Value {
    json!({"amount": amount, "channel": "cash"})
}
