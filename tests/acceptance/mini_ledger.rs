//! The mini ledger: eighteen events on their dates, to the cent.

use super::bank::{self, balances, change, close, entry, expected, lines_of, must_verify, par, rows, trial_balance};
use crate::harness::builders::Loan;
use crate::harness::people::id;
use crate::harness::*;

struct Ledger {
    house: Institution,
    a: Loan,
    b: Loan,
    /// The repayments of 28 February.
    a_paid: Value,
    /// What the trial balance of the open 28 February said.
    open_day: Value,
}

/// Events 1 to 18.
fn keep() -> Ledger {
    let house = Institution::start();
    for lines in [
        [("1040", 50_000_00), ("3010", -50_000_00)],
        [("1040", 30_000_00), ("2210", -30_000_00)],
        [("1010", 10_000_00), ("1040", -10_000_00)],
        [("1510", 3_000_00), ("1040", -3_000_00)],
    ] {
        entry(&house, "nrb", &lines);
    }
    let a = disbursed(&house, "W02", &[("1210", 12_000_00), ("1040", -11_760_00), ("4020", -240_00)]);
    let b = disbursed(&house, "W01", &[("1210", 12_000_00), ("1040", -10_800_00), ("2020", -1_200_00)]);
    entry(&house, "nrb", &[("1020", 500_00), ("2010", -500_00)]);
    let before = balances(&house);
    close(&house, "2026-02-27");
    assert_eq!(change(&before, &balances(&house)), expected(&[("1310", 480_00), ("4010", -480_00)]), "event 8");
    let a_paid =
        repaid(&house, a, "1134.72", "mobile_money", &[("1050", 1_134_72), ("1310", -240_00), ("1210", -894_72)]);
    repaid(&house, b, "1000.00", "officer", &[("1030", 1_000_00), ("1310", -240_00), ("1210", -760_00)]);
    for lines in [
        [("1040", 1_000_00), ("1030", -1_000_00)],
        [("5010", 1_50), ("2110", -1_50)],
        [("5020", 300_00), ("2120", -300_00)],
        [("5210", 900_00), ("1040", -900_00)],
        [("5310", 200_00), ("1040", -200_00)],
        [("5330", 5_00), ("1050", -5_00)],
        [("5320", 50_00), ("1590", -50_00)],
        [("5110", 673_05), ("1290", -673_05)],
    ] {
        entry(&house, "nrb", &lines);
    }
    let open_day = trial_balance(&house, "2026-02-28");
    Ledger { house, a, b, a_paid, open_day }
}

/// 12,000 by bank, and what the journal says beside the commitment's memo.
fn disbursed(house: &Institution, product: &str, booked: &[(&str, i64)]) -> Loan {
    let request = house.loan_request(house.client("nrb"), product);
    let loan = house.session("loan_officer@nrb").post("/v1/loans", &request).ok(201);
    let loan = Loan { id: id(&loan["id"]), branch: "nrb" };
    house.session("branch_manager@nrb").post(&loan.path("approve"), &json!({})).expect(200);
    let request = json!({"disbursed_on": "2026-01-31", "channel": "bank"});
    let answer = house.session("teller@nrb").post(&loan.path("disburse"), &request).ok(200);
    let mut lines = lines_of(house, &answer["transaction"]["journal_entry_id"]);
    assert_eq!((lines.remove("9020"), lines.remove("9021")), (Some(-12_000_00), Some(12_000_00)));
    assert_eq!(lines, expected(booked));
    assert_eq!(bank::show(house, loan, "schedule")["instalments"][0]["due_on"], "2026-02-28");
    loan
}

fn repaid(house: &Institution, loan: Loan, amount: &str, channel: &str, booked: &[(&str, i64)]) -> Value {
    let request = json!({"amount": amount, "paid_on": "2026-02-28", "channel": channel});
    let answer = house.session("teller@nrb").post(&loan.path("repayments"), &request).ok(201);
    assert_eq!(lines_of(house, &answer["transaction"]["journal_entry_id"]), expected(booked));
    answer["transaction"].clone()
}

const AFTER_18: &[(&str, i64)] = &[
    ("1010", 10_000_00),
    ("1020", 500_00),
    ("1040", 44_340_00),
    ("1050", 1_129_72),
    ("1210", 22_345_28),
    ("1510", 3_000_00),
    ("5010", 1_50),
    ("5020", 300_00),
    ("5110", 673_05),
    ("5210", 900_00),
    ("5310", 200_00),
    ("5320", 50_00),
    ("5330", 5_00),
    ("1290", -673_05),
    ("1590", -50_00),
    ("2010", -500_00),
    ("2020", -1_200_00),
    ("2110", -1_50),
    ("2120", -300_00),
    ("2210", -30_000_00),
    ("3010", -50_000_00),
    ("4010", -480_00),
    ("4020", -240_00),
];

#[test]
fn eighteen_events_end_in_the_trial_balance() {
    let Ledger { house, open_day: report, .. } = keep();
    let kept = rows(&report);
    assert_eq!(kept, expected(AFTER_18));
    assert_eq!((report["total_debit"].as_str(), report["total_credit"].as_str()), (Some("83444.55"), Some("83444.55")));
    assert_eq!(
        (&report["open"], &report["business_date"], &report["currency"]),
        (&json!(true), &json!("2026-02-28"), &json!("KES"))
    );
    // Its branch says the same, and the other one nothing.
    let of = |branch: &str| {
        let path = format!("/v1/reports/trial-balance?as_of=2026-02-28&branch_id={}", house.branch(branch));
        rows(&house.session("accountant@hq").get(&path).ok(200))
    };
    assert_eq!((of("nrb"), of("ksm").len()), (kept.clone(), 0));
    // Income, expense, result, and the balance sheet that follows.
    let class =
        |first: char| kept.iter().filter(|(code, _)| code.starts_with(first)).map(|(_, amount)| amount).sum::<i64>();
    assert_eq!((class('4'), class('5'), class('1')), (-720_00, 2_129_55, 80_591_95));
    assert_eq!((class('2'), class('3')), (-32_001_50, -50_000_00));
    let cash: i64 = ["1010", "1020", "1040", "1050"].iter().map(|code| kept[*code]).sum();
    assert_eq!(cash, 55_969_72);
    // The same table as a file.
    let csv = house.session("auditor@hq").get("/v1/reports/trial-balance?as_of=2026-02-28&format=csv").expect(200);
    let csv: Vec<Vec<&str>> = csv.text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(csv[0], ["account", "name", "debit", "credit"]);
    assert_eq!(csv.len(), AFTER_18.len() + 2);
    for row in &csv[1..csv.len() - 1] {
        let amount = bank::cents(&json!(row[row.len() - 2])) - bank::cents(&json!(row[row.len() - 1]));
        assert_eq!(kept[row[0]], amount, "{row:?}");
    }
    assert!(csv.last().unwrap().ends_with(&["83444.55", "83444.55"]), "{csv:?}");
    house.must_hold(&[]);
}

#[test]
fn the_next_day_shows_who_is_late() {
    let Ledger { house, .. } = keep();
    let at_risk = |report: &Value, column: usize, name: &str| {
        report["total"]["at_risk"][column][name].as_str().unwrap().to_owned()
    };
    let open = par(&house, "as_of=2026-02-28");
    assert_eq!(
        (at_risk(&open, 0, "with_renegotiated"), at_risk(&open, 0, "percent_with")),
        ("0.00".into(), "0.00".into()),
        "what is due today is not late"
    );
    let before = balances(&house);
    close(&house, "2026-02-28");
    assert_eq!(change(&before, &balances(&house)), expected(&[("1310", 14_90), ("4010", -14_90)]));
    let accrued: Vec<String> = nights(&house, "2026-02-28");
    assert_eq!(accrued, ["7.16", "7.74"], "A and B");
    let report = par(&house, "as_of=2026-03-01");
    assert_eq!(report["total"]["outstanding"], "22345.28");
    assert_eq!(
        (at_risk(&report, 0, "with_renegotiated"), at_risk(&report, 0, "percent_with")),
        ("11240.00".into(), "50.30".into())
    );
    assert_eq!(
        (at_risk(&report, 0, "without_renegotiated"), at_risk(&report, 1, "with_renegotiated")),
        ("11240.00".into(), "0.00".into())
    );
    // The whole allowance over PAR ≥ 1: 5.99 %.
    let covered = 673_05 * 10_000 * 2 / bank::cents(&report["total"]["at_risk"][0]["with_renegotiated"]);
    assert_eq!((covered + 1) / 2, 599);
    // As known at the close of 28 February nobody was late.
    assert_eq!(at_risk(&par(&house, "as_of=2026-02-28"), 0, "with_renegotiated"), "0.00");
    house.must_hold(&[]);
}

/// What the close of a day booked as interest, product by product.
fn nights(house: &Institution, day: &str) -> Vec<String> {
    let session = house.session("auditor@hq");
    let list = session.get(&format!("/v1/journal-entries?booked_from={day}&booked_to={day}&limit=200")).ok(200);
    let closes = list["data"].as_array().unwrap().iter().filter(|entry| entry["event"] == "loan.accrued");
    let mut accrued: Vec<String> = closes.map(|entry| bank::money(lines_of(house, &entry["id"])["1310"])).collect();
    accrued.sort();
    accrued
}

#[test]
fn what_was_told_is_told_again() {
    let Ledger { house, a, b, a_paid, .. } = keep();
    close(&house, "2026-02-28");
    let told = |day: &str| {
        let mut report = trial_balance(&house, day);
        report.as_object_mut().unwrap().remove("business_date");
        report
    };
    let february = told("2026-02-28");
    let mut closed = expected(AFTER_18);
    *closed.entry("1310".into()).or_default() += 14_90;
    *closed.entry("4010".into()).or_default() -= 14_90;
    assert_eq!(rows(&february), closed);
    assert_eq!(february["open"], false);
    let january = told("2026-01-31");
    close(&house, "2026-03-09");
    let (march, par_march) = (told("2026-03-01"), par(&house, "as_of=2026-03-01")["total"].clone());

    // What B still owed came in time, as it turns out on 10 March; and what A paid by wallet came back.
    let before = balances(&house);
    bank::pay(&house, b, 240_00, Some("2026-02-28"));
    assert_eq!(change(&before, &balances(&house)), expected(&[("1020", 240_00), ("1210", -240_00)]));
    let restated = |as_of: &str| par(&house, &format!("as_of={as_of}&restated=true"))["total"].clone();
    assert_eq!(restated("2026-03-01")["outstanding"], "22105.28");
    assert_eq!(restated("2026-03-01")["at_risk"][0]["with_renegotiated"], "0.00");
    bank::reverse(&house, a, &a_paid["id"]).expect(200);
    let risk = restated("2026-03-01");
    assert_eq!(
        (&risk["outstanding"], &risk["at_risk"][0]["with_renegotiated"]),
        (&json!("23000.00"), &json!("12000.00"))
    );
    assert_eq!(risk["at_risk"][0]["percent_with"], "52.17");

    for again in 0..2 {
        assert_eq!(told("2026-02-28"), february, "{again}");
        assert_eq!(told("2026-01-31"), january, "{again}");
        assert_eq!(told("2026-03-01"), march, "{again}");
        assert_eq!(par(&house, "as_of=2026-03-01")["total"], par_march, "{again}");
        assert_eq!(par_march["at_risk"][0]["percent_with"], "50.30");
        close(&house, "2026-06-30");
    }
    // The month is closed, its balances are folded: still the same, and no entry reaches it any more.
    for month in ["2026-01", "2026-02", "2026-03"] {
        bank::close_month(&house, month);
    }
    assert_eq!((told("2026-02-28"), told("2026-01-31"), told("2026-03-01")), (february, january, march));
    let mut late = bank::entry_request(&house, "nrb", &[("5310", 1_00), ("1040", -1_00)]);
    late["booked_on"] = json!("2026-02-28");
    house.session("accountant@nrb").post("/v1/journal-entries", &late).problem(409, "period.closed");
    must_verify(&house);
    house.must_hold(&[]);
}
