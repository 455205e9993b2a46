//! The ageing and portfolio-at-risk fixture: nine loans, made as loans are made.

use std::collections::BTreeMap;

use super::bank::{self, Plan, cents, money, par, product};
use crate::harness::builders::Loan;
use crate::harness::*;

const AS_OF: &str = "2026-06-30";

/// A loan of the fixture, and how it comes to be so.
struct Made {
    name: &'static str,
    branch: &'static str,
    product: &'static str,
    principal: i64,
    instalments: u32,
    /// Disbursed with this value date, on this business day.
    disbursed: (&'static str, &'static str),
    first_due_on: &'static str,
    /// Instalments that are paid on their due dates; then so much that the balance remains.
    paid: usize,
    /// The day on which the last part came; none: nothing more was needed.
    part_on: Option<&'static str>,
    balance: i64,
    days_overdue: i64,
    renegotiated: Option<&'static str>,
    gender: &'static str,
    area: &'static str,
}

#[rustfmt::skip]
const NINE: [Made; 9] = [
    Made { name: "P1", branch: "nrb", product: "EP", principal: 6_000_00, instalments: 10, disbursed: ("2026-02-28", "2026-02-28"), first_due_on: "2026-04-15", paid: 3, part_on: None, balance: 4_200_00, days_overdue: 0, renegotiated: None, gender: "female", area: "urban" },
    Made { name: "P2", branch: "nrb", product: "EMI", principal: 2_500_00, instalments: 12, disbursed: ("2026-02-27", "2026-02-28"), first_due_on: "2026-03-29", paid: 3, part_on: Some("2026-06-29"), balance: 1_850_50, days_overdue: 1, renegotiated: None, gender: "female", area: "rural" },
    Made { name: "P3", branch: "ksm", product: "EP", principal: 3_900_00, instalments: 13, disbursed: ("2026-02-28", "2026-02-28"), first_due_on: "2026-03-31", paid: 2, part_on: None, balance: 3_300_00, days_overdue: 30, renegotiated: None, gender: "male", area: "urban" },
    Made { name: "P4", branch: "ksm", product: "EMI", principal: 3_000_00, instalments: 12, disbursed: ("2026-03-30", "2026-04-02"), first_due_on: "2026-04-30", paid: 1, part_on: Some("2026-06-02"), balance: 2_750_25, days_overdue: 31, renegotiated: None, gender: "female", area: "rural" },
    Made { name: "P5", branch: "ksm", product: "FLAT", principal: 1_300_00, instalments: 13, disbursed: ("2025-12-30", "2026-01-05"), first_due_on: "2026-01-30", paid: 3, part_on: Some("2026-05-20"), balance: 990_00, days_overdue: 61, renegotiated: None, gender: "female", area: "rural" },
    Made { name: "P6", branch: "nrb", product: "WEEK", principal: 2_000_00, instalments: 16, disbursed: ("2026-06-02", "2026-06-02"), first_due_on: "2026-06-09", paid: 4, part_on: None, balance: 1_500_00, days_overdue: 0, renegotiated: Some("2026-06-11"), gender: "male", area: "urban" },
    Made { name: "P7", branch: "nrb", product: "EMI", principal: 700_00, instalments: 6, disbursed: ("2026-02-27", "2026-02-27"), first_due_on: "2026-03-27", paid: 0, part_on: Some("2026-04-03"), balance: 640_75, days_overdue: 95, renegotiated: Some("2026-05-01"), gender: "female", area: "urban" },
    Made { name: "P8", branch: "ksm", product: "FLAT", principal: 2_100_00, instalments: 6, disbursed: ("2025-11-30", "2025-12-03"), first_due_on: "2025-12-31", paid: 0, part_on: None, balance: 2_100_00, days_overdue: 181, renegotiated: None, gender: "male", area: "rural" },
    Made { name: "P9", branch: "nrb", product: "EMI", principal: 8_000_00, instalments: 24, disbursed: ("2026-06-30", "2026-06-30"), first_due_on: "2026-07-31", paid: 0, part_on: None, balance: 8_000_00, days_overdue: 0, renegotiated: None, gender: "female", area: "urban" },
];

struct Fixture {
    house: Institution,
    loans: BTreeMap<&'static str, Loan>,
    products: BTreeMap<&'static str, Uuid>,
}

fn offer(house: &Institution) -> BTreeMap<&'static str, Uuid> {
    let terms = |unit: &str, method: &str, amortization: &str| json!({"frequency": {"unit": unit}, "interest": {"method": method, "rate": {"percent": "24", "per": "year"}}, "amortization": {"method": amortization}});
    let offered = [
        ("EMI", terms("month", "declining", "equal_instalments")),
        ("EP", terms("month", "declining", "equal_principal")),
        ("FLAT", terms("month", "flat", "equal_instalments")),
        ("WEEK", terms("week", "declining", "equal_principal")),
    ];
    offered.map(|(code, terms)| (code, product(house, code, &terms, &json!({})))).into_iter().collect()
}

/// Everything on its business day, in order, with all days closed between; then the day itself is closed.
fn make() -> Fixture {
    let house = Institution::on("2025-12-01");
    let products = offer(&house);
    let mut loans = BTreeMap::new();
    let mut days: Vec<String> = NINE.iter().map(|made| made.disbursed.1.to_owned()).collect();
    days.extend(NINE.iter().flat_map(|made| [made.part_on, made.renegotiated]).flatten().map(str::to_owned));
    days.extend(["2026-01-30", "2026-03-30", "2026-04-15", "2026-05-15", "2026-06-16", AS_OF].map(str::to_owned));
    days.sort();
    days.dedup();
    let mut paid: BTreeMap<&str, usize> = BTreeMap::new();
    for day in &days {
        bank::open_day(&house, day);
        for made in &NINE {
            if made.disbursed.1 == *day {
                let plan = Plan {
                    branch: made.branch,
                    first_due_on: Some(made.first_due_on),
                    disbursed_on: Some(made.disbursed.0),
                    ..Plan::of(products[made.product], made.principal, made.instalments)
                };
                loans.insert(made.name, bank::lend_to(&house, client(&house, made), &plan));
            }
            if let Some(loan) = loans.get(made.name) {
                collect(&house, made, *loan, day, paid.entry(made.name).or_default());
            }
        }
    }
    Fixture { house, loans, products }
}

/// What is due by a day, valued on its due date; the last part on its day; the flag on its own.
fn collect(house: &Institution, made: &Made, loan: Loan, day: &str, paid: &mut usize) {
    let schedule = bank::show(house, loan, "schedule");
    while *paid < made.paid {
        let instalment = &schedule["instalments"][*paid];
        let due_on = instalment["due_on"].as_str().unwrap();
        if due_on > day {
            break;
        }
        bank::pay(house, loan, cents(&instalment["total"]), Some(due_on));
        *paid += 1;
    }
    if made.part_on == Some(day) {
        let next = &schedule["instalments"][*paid];
        let owed = cents(&bank::show(house, loan, "")["balances"]["principal"]);
        bank::pay(house, loan, cents(&next["interest"]) + owed - made.balance, None);
    }
    if made.renegotiated == Some(day) {
        let request = json!({"on": day, "reason": "The harvest failed"});
        house
            .session(&format!("branch_manager@{}", made.branch))
            .post(&loan.path("renegotiated"), &request)
            .expect(200);
    }
}

/// A client of a gender and an area.
fn client(house: &Institution, made: &Made) -> Uuid {
    let mut request = house.client_request(made.branch);
    bank::merge(&mut request, &json!({"gender": made.gender, "area": made.area}));
    let officer = house.session(&format!("loan_officer@{}", made.branch));
    crate::harness::people::id(&officer.post("/v1/clients", &request).ok(201)["id"])
}

/// What a group of the nine must show: loans, outstanding, then per column with, without and their percentages.
fn naive(of: &[&Made]) -> Vec<String> {
    let total: i64 = of.iter().map(|made| made.balance).sum();
    let mut cells = vec![of.len().to_string(), money(total)];
    for over in [0, 30, 60, 90, 180] {
        let with: i64 = of
            .iter()
            .filter(|made| made.days_overdue > over || made.renegotiated.is_some())
            .map(|made| made.balance)
            .sum();
        let without: i64 = of.iter().filter(|made| made.days_overdue > over).map(|made| made.balance).sum();
        cells.extend([money(with), money(without), percent(with, total), percent(without, total)]);
    }
    cells
}

/// Two decimals, half up.
fn percent(part: i64, whole: i64) -> String {
    money((part * 20_000 / whole + 1) / 2)
}

fn shown(figures: &Value) -> Vec<String> {
    let mut cells = vec![figures["loans"].to_string(), figures["outstanding"].as_str().unwrap().to_owned()];
    for (column, over) in figures["at_risk"].as_array().unwrap().iter().zip([0, 30, 60, 90, 180]) {
        assert_eq!(column["over_days"], over);
        for name in ["with_renegotiated", "without_renegotiated", "percent_with", "percent_without"] {
            cells.push(column[name].as_str().unwrap().to_owned());
        }
    }
    cells
}

#[rustfmt::skip]
const TOTAL: [&str; 22] = [
    "9", "25331.50",
    "13131.50", "11631.50", "51.84", "45.92",
    "7981.00", "6481.00", "31.51", "25.58",
    "5230.75", "3730.75", "20.65", "14.73",
    "4240.75", "2740.75", "16.74", "10.82",
    "4240.75", "2100.00", "16.74", "8.29",
];

/// Each row and the total of a report, as JSON and as CSV.
fn must_show_the_nine(fixture: &Fixture) {
    let Fixture { house, products, .. } = fixture;
    let officer = |branch: &str| house.people.staff[&format!("loan_officer@{branch}")].to_string();
    let key = |by: &str, made: &Made| match by {
        "branch" => house.branch(made.branch).to_string(),
        "officer" => officer(made.branch),
        "product" => products[made.product].to_string(),
        "gender" => made.gender.to_owned(),
        _ => made.area.to_owned(),
    };
    for by in ["branch", "officer", "product", "gender", "area"] {
        let mut groups: BTreeMap<String, Vec<&Made>> = BTreeMap::new();
        for made in &NINE {
            groups.entry(key(by, made)).or_default().push(made);
        }
        let wanted: BTreeMap<String, Vec<String>> = groups.into_iter().map(|(key, of)| (key, naive(&of))).collect();
        let query = format!("as_of={AS_OF}&by={by}");
        let report = par(house, &query);
        assert_eq!((&report["as_of"], &report["restated"], &report["by"]), (&json!(AS_OF), &json!(false), &json!(by)));
        let rows = report["rows"].as_array().unwrap().iter();
        let rows: BTreeMap<String, Vec<String>> =
            rows.map(|row| (row["key"].as_str().unwrap().to_owned(), shown(row))).collect();
        assert_eq!(rows, wanted, "{by}");
        assert_eq!(shown(&report["total"]), TOTAL, "{by}");
        let path = format!("/v1/reports/portfolio-at-risk?{query}");
        let csv = house
            .session("accountant@hq")
            .send("GET", &path, None, None, &[("accept", "text/csv")])
            .unwrap()
            .expect(200);
        assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
        let lines: Vec<Vec<String>> =
            csv.text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        assert_eq!(lines[0].len(), 24);
        assert_eq!((&*lines[0][4], &*lines[0][23]), ("over_0_with_renegotiated", "over_180_percent_without"));
        let (last, middle) = lines[1..].split_last().unwrap();
        let middle: BTreeMap<String, Vec<String>> =
            middle.iter().map(|line| (line[0].clone(), line[2..].to_vec())).collect();
        assert_eq!(middle, wanted, "{by} as CSV");
        assert_eq!((&*last[1], &last[2..]), ("Total", TOTAL.map(str::to_owned).as_slice()));
    }
    let share = |by: &str, key: &str| {
        let report = par(house, &format!("as_of={AS_OF}&by={by}"));
        let row = report["rows"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
        percent(cents(&row["outstanding"]), cents(&report["total"]["outstanding"]))
    };
    assert_eq!((share("gender", "female"), share("area", "rural")), ("72.76".into(), "30.36".into()));
}

#[test]
fn nine_loans_in_exactly_those_figures() {
    let fixture = make();
    let Fixture { house, loans, .. } = &fixture;
    for made in &NINE {
        let loan = bank::show(house, loans[made.name], "");
        assert_eq!(loan["balances"]["principal"], money(made.balance), "{}", made.name);
        assert_eq!(loan["arrears"]["days_overdue"], made.days_overdue, "{}", made.name);
        assert_eq!(loan["renegotiated"], made.renegotiated.is_some(), "{}", made.name);
    }
    must_show_the_nine(&fixture);
    bank::close(house, AS_OF);
    must_show_the_nine(&fixture);
    // Scope: a branch sees its own; another's is no branch for it.
    let own = house.session("branch_manager@ksm").get(&format!("/v1/reports/portfolio-at-risk?as_of={AS_OF}")).ok(200);
    let ksm: Vec<&Made> = NINE.iter().filter(|made| made.branch == "ksm").collect();
    assert_eq!(shown(&own["total"]), naive(&ksm));
    let other = format!("/v1/reports/portfolio-at-risk?branch_id={}", house.branch("nrb"));
    house.session("branch_manager@ksm").get(&other).problem(422, "reference.not_found");
    let nothing = par(house, "as_of=2025-12-02");
    assert_eq!(
        (&nothing["total"]["loans"], &nothing["total"]["at_risk"][0]["percent_with"]),
        (&json!(0), &json!("n/a"))
    );
    house.must_hold(&[]);
}

#[test]
fn months_later_the_day_is_told_the_same() {
    let fixture = make();
    let Fixture { house, loans, .. } = &fixture;
    bank::close(house, "2026-07-31");
    // Life goes on: loans are repaid, settled, cured, renegotiated.
    bank::pay(house, loans["P9"], 500_00, None);
    bank::pay(house, loans["P7"], 900_00, None);
    let cured = json!({"on": "2026-08-01", "reason": "Paid as agreed", "renegotiated": false});
    house.session("branch_manager@nrb").post(&loans["P6"].path("renegotiated"), &cured).expect(200);
    house
        .session("branch_manager@nrb")
        .post(&loans["P1"].path("renegotiated"), &json!({"reason": "Fire in the market"}))
        .expect(200);
    bank::close(house, "2026-10-15");
    must_show_the_nine(&fixture);
    assert_eq!(
        shown(&par(house, &format!("as_of={AS_OF}&restated=true"))["total"]),
        TOTAL,
        "nothing was valued before"
    );

    // P4's arrears had come in on 15 June, as a mislaid receipt shows; P2's part of 29 June bounced.
    let schedule = bank::show(house, loans["P4"], "schedule");
    let due: i64 = (1..3).map(|number| cents(&schedule["instalments"][number]["outstanding"])).sum();
    bank::pay(house, loans["P4"], due, Some("2026-06-15"));
    let transactions = bank::show(house, loans["P2"], "transactions");
    let part = transactions["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["on"] == "2026-06-29" && one["balance"] == "1850.50");
    let part = part.unwrap();
    bank::reverse(house, loans["P2"], &part["id"]).expect(200);
    must_show_the_nine(&fixture);
    let restated = par(house, &format!("as_of={AS_OF}&restated=true"));
    let p4_paid: i64 = (1..3).map(|number| cents(&schedule["instalments"][number]["principal"])).sum();
    let p4_paid = p4_paid - cents(&schedule["instalments"][1]["paid"]["principal"]);
    let p2_back = cents(&part["parts"]["principal"]);
    assert!(p4_paid > 0 && p2_back > 0);
    assert_eq!(cents(&restated["total"]["outstanding"]), 25_331_50 - p4_paid + p2_back);
    let column = |index: usize| cents(&restated["total"]["at_risk"][index]["without_renegotiated"]);
    assert_eq!(column(0), 11_631_50 - 2_750_25 + p2_back, "P4 is no longer late");
    assert_eq!(column(1), 6_481_00 - 2_750_25);
    assert_eq!((column(2), column(3), column(4)), (3_730_75, 2_740_75, 2_100_00));
    // A restated day after both are known is what was known then.
    let known = |query: &str| par(house, query)["total"].clone();
    assert_eq!(known("as_of=2026-10-16"), known("as_of=2026-10-16&restated=true"));
    house.must_hold(&[]);
}
