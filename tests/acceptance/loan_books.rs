//! One loan worked through, with the journal lines of every event and every night: `docs/decisions/0003`, row by row.

use super::bank::{self, Plan, balances, change, expected, lines, lines_of, reverse, show};
use crate::harness::builders::Loan;
use crate::harness::people::id;
use crate::harness::*;

/// A loan of 12,000.00 whose every entry is held against what is written down.
struct Worked {
    house: Institution,
    loan: Loan,
}

impl Worked {
    /// A dry run says the lines; then they are booked, on today's date.
    #[track_caller]
    fn command(&self, action: &str, request: &Value, booked: &[(&str, i64)]) -> Value {
        let manager = self.house.session("branch_manager@nrb");
        let path = self.loan.path(action);
        let rows = self.house.database.row_counts();
        let dry = manager.ask(&format!("{path}?dry_run=true"), request).ok(200);
        assert_eq!(self.house.database.row_counts(), rows, "a dry run stores nothing");
        assert_eq!(dry["dry_run"], true);
        assert_eq!(lines(&dry["lines"]), expected(booked), "dry run of {action}");
        let is_back_dated = dry["answer"]["transaction"]["on"] != dry["answer"]["transaction"]["booked_on"];
        assert_eq!(bank::warnings(&dry).contains(&"back_dated".to_owned()), is_back_dated, "{dry}");
        let before = balances(&self.house);
        let done = manager.post(&path, request);
        assert_eq!(done.status / 100, 2, "{}", done.text);
        assert!(done.text.len() <= 1_024, "{} bytes: {}", done.text.len(), done.text);
        let done = done.json();
        let transaction = &done["transaction"];
        assert_eq!(lines_of(&self.house, &transaction["journal_entry_id"]), expected(booked), "{action}");
        assert_eq!(change(&before, &balances(&self.house)), expected(booked), "{action}");
        for member in ["amount", "parts", "balance", "on", "booked_on", "kind"] {
            assert_eq!(
                dry["answer"]["transaction"][member], transaction[member],
                "{member} of the dry run of {action}"
            );
        }
        assert_eq!(dry["answer"]["loan"], done["loan"], "the dry run of {action}");
        assert_eq!(transaction["booked_on"], bank::business_date(&self.house));
        transaction.clone()
    }

    #[track_caller]
    fn repaid(&self, amount: &str, on: &str, booked: &[(&str, i64)]) -> Value {
        self.command("repayments", &json!({"amount": amount, "paid_on": on, "channel": "bank"}), booked)
    }

    /// What the closes of some days book, in all.
    #[track_caller]
    fn closes(&self, through: &str, booked: &[(&str, i64)]) {
        let before = balances(&self.house);
        bank::close(&self.house, through);
        assert_eq!(change(&before, &balances(&self.house)), expected(booked), "closes through {through}");
    }
}

#[test]
fn one_loan_worked_through() {
    let house = Institution::on("2026-01-30");
    let loan = house.applied_loan("nrb");
    let approved = house.session("branch_manager@nrb").post(&loan.path("approve"), &json!({})).ok(200);
    let entry = &approved["transaction"]["journal_entry_id"];
    assert_eq!(lines_of(&house, entry), expected(&[("9020", 12_000_00), ("9021", -12_000_00)]));
    let worked = Worked { house, loan };
    worked.closes("2026-01-30", &[]);
    worked.command(
        "disburse",
        &json!({"disbursed_on": "2026-01-31", "channel": "bank"}),
        &[("1210", 12_000_00), ("9021", 12_000_00), ("1040", -11_760_00), ("4020", -240_00), ("9020", -12_000_00)],
    );
    worked.closes("2026-01-31", &[("1310", 8_57), ("4010", -8_57)]);
    worked.closes("2026-02-27", &[("1310", 231_43), ("4010", -231_43)]);
    worked.repaid("1134.72", "2026-02-28", &[("1040", 1_134_72), ("1210", -894_72), ("1310", -240_00)]);
    worked.closes("2026-02-28", &[("1310", 7_16), ("4010", -7_16)]);
    worked.closes("2026-03-20", &[("1310", 143_30), ("4010", -143_30)]);
    let early = [("1040", 1_134_72), ("1210", -912_61), ("1310", -150_46), ("2395", -71_65)];
    worked.repaid("1134.72", "2026-03-21", &early);
    worked.closes("2026-03-21", &[("2395", 7_17), ("4010", -7_17)]);
    worked.closes("2026-03-30", &[("2395", 64_48), ("4010", -64_48)]);
    worked.closes("2026-05-08", &[("1310", 257_63), ("4010", -257_63)]);
    let cheque = worked.repaid("1134.72", "2026-05-09", &[("1040", 1_134_72), ("1210", -930_87), ("1310", -203_85)]);
    worked.closes("2026-06-02", &[("1310", 148_09), ("4010", -148_09)]);
    worked.repaid("1134.72", "2026-05-25", &[("1040", 1_134_72), ("1210", -949_48), ("1310", -185_24)]);
    worked.closes("2026-06-04", &[("1310", 11_08), ("4010", -11_08)]);
    let overdue = |worked: &Worked| show(&worked.house, worked.loan, "")["arrears"]["days_overdue"].clone();
    assert_eq!(overdue(&worked), 0);
    let bounced = worked.command(
        &format!("transactions/{}/reverse", id(&cheque["id"])),
        &json!({"reason": "The cheque bounced"}),
        &[("1210", 949_48), ("1310", 185_24), ("1040", -1_134_72)],
    );
    assert_eq!(
        (&bounced["on"], &bounced["reverses"], overdue(&worked)),
        (&json!("2026-05-09"), &cheque["id"], json!(5))
    );
    reverse(&worked.house, worked.loan, &cheque["id"]).problem(409, "loan.reversed_already");
    worked.closes("2026-08-28", &[("1310", 404_34), ("4010", -404_34)]);
    worked.closes("2026-08-29", &[("4010", 617_29), ("9050", 621_39), ("1310", -617_29), ("9051", -621_39)]);
    worked.closes("2026-09-09", &[("9050", 39_76), ("9051", -39_76)]);
    let payoff = show(&worked.house, worked.loan, "payoff");
    assert_eq!(
        (&payoff["total"], &payoff["principal"], &payoff["interest"]),
        (&json!("9922.95"), &json!("9261.80"), &json!("661.15"))
    );
    assert_eq!(payoff["interest_falls_away"], "289.48");
    let settled = worked.repaid(
        "10000.00",
        "2026-09-10",
        &[
            ("1040", 10_000_00),
            ("9051", 661_15),
            ("1210", -9_261_80),
            ("4010", -661_15),
            ("2340", -77_05),
            ("9050", -661_15),
        ],
    );
    assert_eq!(settled["parts"]["overpaid"], "77.05");
    let after = balances(&worked.house);
    let end = [("1040", 1_644_16), ("2340", -77_05), ("4010", -1_327_11), ("4020", -240_00)];
    assert_eq!(after, expected(&end));
    worked.closes("2026-12-31", &[]);
    worked.house.must_hold(&[]);
}

/// A product on the cash basis: interest is income when it is paid, and the nights bring nothing.
#[test]
fn on_the_cash_basis_interest_is_income_when_it_is_paid() {
    let house = Institution::start();
    let terms = json!({"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}});
    let cash = bank::product(&house, "CASH", &terms, &json!({"basis": "cash"}));
    let loan = bank::lend(&house, &Plan::of(cash, 12_000_00, 12));
    let worked = Worked { house, loan };
    worked.closes("2026-02-09", &[]);
    let ahead = worked.repaid("1134.72", "2026-02-10", &[("1040", 1_134_72), ("1210", -894_72), ("4010", -240_00)]);
    worked.closes("2026-07-31", &[]);
    assert_eq!(show(&worked.house, loan, "")["balances"]["principal"], "11105.28");
    let path = format!("transactions/{}/reverse", id(&ahead["id"]));
    worked.command(&path, &json!({}), &[("1210", 894_72), ("4010", 240_00), ("1040", -1_134_72)]);
    // 180 days late, and its contract interest is in no memo; but what settles it is the same as on accrual.
    worked.closes("2026-10-30", &[]);
    let payoff = show(&worked.house, loan, "payoff");
    // Nine instalments have fallen due; 1,484.83 of interest are their promise, and nothing was paid.
    assert_eq!((&payoff["principal"], &payoff["interest"]), (&json!("12000.00"), &json!("1484.83")));
    worked.repaid("13484.83", "2026-10-31", &[("1040", 13_484_83), ("1210", -12_000_00), ("4010", -1_484_83)]);
    worked.house.must_hold(&[]);
}

/// Every channel has its account.
#[test]
fn money_moves_through_the_account_of_its_channel() {
    let house = Institution::start();
    for (channel, account) in [("cash", "1020"), ("bank", "1040"), ("mobile_money", "1050"), ("officer", "1030")] {
        let loan = bank::lend(&house, &Plan { channel, ..Plan::of(house.product("W01"), 1_000_00, 4) });
        let worked_before = balances(&house);
        let request = json!({"amount": "100.00", "channel": channel});
        let paid = house.session("integrator@nrb").post(&loan.path("repayments"), &request).ok(201);
        let booked = change(&worked_before, &balances(&house));
        assert_eq!((booked[account], booked["2395"]), (100_00, -20_00), "{channel}");
        // The money goes back the way it came.
        reverse(&house, loan, &paid["transaction"]["id"]).expect(200);
        assert_eq!(balances(&house), worked_before, "{channel}");
    }
    assert_eq!(balances(&house)["2020"], -400_00);
    let loan = house.approved_loan("nrb");
    let barter = json!({"channel": "barter"});
    house.session("teller@nrb").post(&loan.path("disburse"), &barter).problem(400, "request.malformed");
    house.must_hold(&[]);
}

/// A state repeats four columns of its loan: that they are the same is part of the proof.
#[test]
fn verify_names_a_state_that_is_not_of_its_loan() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let later = |by: &str| {
        house.database.execute(&format!(
            "update loan_state set created_at = created_at + interval '{by}' where loan_id = '{}'",
            loan.id
        ));
        server::ayni(&["verify", "--database-url", &house.database.app_url()]).output().unwrap()
    };
    let verified = later("1 second");
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(!verified.status.success() && said.contains("loan.state_unmatched"), "{said}");
    assert!(said.contains(&loan.id.to_string()), "{said}");
    assert!(later("-1 second").status.success());
    house.must_hold(&[]);
}
