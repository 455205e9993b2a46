//! The calculator against the worked cases, to the cent.

use super::bank::{cents, merge, money};
use crate::harness::*;

/// 12,000 at 24 % a year in 12 months from 31 January 2026, with members over it.
pub fn request(more: &Value, terms: &Value) -> Value {
    let mut request = json!({
        "currency": "KES", "principal": "12000.00", "instalments": 12, "disbursed_on": "2026-01-31",
        "terms": {"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}}
    });
    merge(&mut request["terms"], terms);
    merge(&mut request, more);
    request
}

/// What every schedule must be, whatever its terms; gives the quote.
#[track_caller]
fn quote(house: &Institution, more: &Value, terms: &Value) -> Value {
    let request = request(more, terms);
    let quote = house.session("auditor@hq").ask("/v1/loan-quotes", &request).ok(200);
    let mut balance = cents(&request["principal"]);
    let (mut principal, mut interest) = (0, 0);
    let mut before = request["disbursed_on"].as_str().unwrap().to_owned();
    for (index, one) in quote["instalments"].as_array().unwrap().iter().enumerate() {
        balance -= cents(&one["principal"]);
        principal += cents(&one["principal"]);
        interest += cents(&one["interest"]);
        assert_eq!(one["number"], index + 1);
        assert_eq!(cents(&one["balance"]), balance, "{one}");
        assert_eq!(cents(&one["total"]), cents(&one["principal"]) + cents(&one["interest"]), "{one}");
        assert_eq!((&one["fees"], &one["penalties"]), (&json!("0.00"), &json!("0.00")));
        assert_eq!(one["from"], before, "{one}");
        assert!(cents(&one["total"]) > 0 && balance >= 0, "{one}");
        before = one["due_on"].as_str().unwrap().to_owned();
        assert!(before.as_str() > one["from"].as_str().unwrap(), "{one}");
    }
    assert_eq!(balance, 0, "{quote}");
    let totals = &quote["totals"];
    assert_eq!((cents(&totals["principal"]), cents(&totals["interest"])), (principal, interest));
    assert_eq!(cents(&totals["total"]), principal + interest + cents(&totals["fees"]));
    quote
}

/// Level instalments (all but the last are equal), the last, how many, the interest in all, the first row.
struct Expect {
    level: i64,
    last: i64,
    count: usize,
    interest: i64,
    /// Principal, interest, balance.
    first: (i64, i64, i64),
}

#[track_caller]
fn must_be(name: &str, quote: &Value, expect: &Expect) {
    let totals: Vec<i64> = quote["instalments"].as_array().unwrap().iter().map(|one| cents(&one["total"])).collect();
    assert_eq!(totals.len(), expect.count, "{name}");
    let (last, level) = totals.split_last().unwrap();
    assert!(level.iter().all(|total| *total == expect.level), "{name}: {totals:?}");
    assert_eq!(*last, expect.last, "{name}");
    assert_eq!(cents(&quote["totals"]["interest"]), expect.interest, "{name}");
    must_start(name, quote, 0, expect.first);
}

#[track_caller]
fn must_start(name: &str, quote: &Value, row: usize, (principal, interest, balance): (i64, i64, i64)) {
    let one = &quote["instalments"][row];
    let shown = (cents(&one["principal"]), cents(&one["interest"]), cents(&one["balance"]));
    assert_eq!(shown, (principal, interest, balance), "{name}, instalment {}", row + 1);
}

fn flat(percent: &str, per: &str) -> Value {
    json!({"interest": {"method": "flat", "rate": {"percent": percent, "per": per}}})
}

fn every_weeks(weeks: u32) -> Value {
    json!({"frequency": {"every": weeks, "unit": "week"}})
}

fn at(percent: &str, per: &str, weeks: u32) -> Value {
    let mut terms = every_weeks(weeks);
    merge(&mut terms, &json!({"interest": {"method": "declining", "rate": {"percent": percent, "per": per}}}));
    terms
}

#[test]
fn w01_w02_w03_twelve_months() {
    let house = Institution::start();
    let none = json!({});
    for terms in [flat("2", "month"), flat("24", "year"), flat("24", "term")] {
        let w01 = quote(&house, &none, &terms);
        must_be(
            "W01",
            &w01,
            &Expect {
                level: 1_240_00,
                last: 1_240_00,
                count: 12,
                interest: 2_880_00,
                first: (1_000_00, 240_00, 11_000_00),
            },
        );
        assert_eq!((&w01["apr_percent"], &w01["eir_percent"]), (&json!("41.70"), &json!("50.67")), "{terms}");
    }
    let w02 = quote(&house, &none, &none);
    must_be(
        "W02",
        &w02,
        &Expect { level: 1_134_72, last: 1_134_67, count: 12, interest: 1_616_59, first: (894_72, 240_00, 11_105_28) },
    );
    let rows: [(i64, i64, i64); 12] = [
        (894_72, 240_00, 11_105_28),
        (912_61, 222_11, 10_192_67),
        (930_87, 203_85, 9_261_80),
        (949_48, 185_24, 8_312_32),
        (968_47, 166_25, 7_343_85),
        (987_84, 146_88, 6_356_01),
        (1_007_60, 127_12, 5_348_41),
        (1_027_75, 106_97, 4_320_66),
        (1_048_31, 86_41, 3_272_35),
        (1_069_27, 65_45, 2_203_08),
        (1_090_66, 44_06, 1_112_42),
        (1_112_42, 22_25, 0),
    ];
    for (index, row) in rows.into_iter().enumerate() {
        must_start("W02", &w02, index, row);
    }
    assert_eq!((&w02["apr_percent"], &w02["eir_percent"]), (&json!("24.00"), &json!("26.82")));
    let w03 = quote(&house, &none, &json!({"amortization": {"method": "equal_principal"}}));
    let totals: Vec<i64> = w03["instalments"].as_array().unwrap().iter().map(|one| cents(&one["total"])).collect();
    assert_eq!(totals, (0..12).map(|number| 1_240_00 - number * 20_00).collect::<Vec<i64>>());
    assert_eq!(cents(&w03["totals"]["interest"]), 1_560_00);
    must_start("W03", &w03, 1, (1_000_00, 220_00, 10_000_00));
}

#[test]
fn w07_w08_w09_weeks() {
    let house = Institution::start();
    let count = |instalments: u32| json!({ "instalments": instalments });
    let w07 = quote(&house, &count(26), &every_weeks(2));
    must_be(
        "W07",
        &w07,
        &Expect { level: 521_25, last: 521_34, count: 26, interest: 1_552_59, first: (410_48, 110_77, 11_589_52) },
    );
    let w08 = quote(&house, &count(12), &every_weeks(4));
    must_be(
        "W08",
        &w08,
        &Expect { level: 1_124_02, last: 1_124_05, count: 12, interest: 1_488_27, first: (902_48, 221_54, 11_097_52) },
    );
    let w09 = quote(&house, &count(52), &every_weeks(1));
    must_be(
        "W09",
        &w09,
        &Expect { level: 260_10, last: 259_96, count: 52, interest: 1_525_06, first: (204_72, 55_38, 11_795_28) },
    );
    for (name, quote) in [("W07", w07), ("W08", w08), ("W09", w09)] {
        // Without fees the price is the contract's rate.
        let apr = cents(&quote["apr_percent"]);
        assert!((2_399..=2_401).contains(&apr), "{name}: {apr}");
    }
    // A rate per four weeks, per week or per fortnight's worth of days is the same loan when it is the same rate.
    let yearly = quote(&house, &count(13), &at("26", "year", 4));
    let four_weekly = quote(&house, &count(13), &at("2", "four_weeks", 4));
    assert_eq!(yearly["instalments"], four_weekly["instalments"]);
    assert_eq!(four_weekly["instalments"], quote(&house, &count(13), &at("0.5", "week", 4))["instalments"]);
}

#[test]
fn w15_to_w20_rounding_to_cash() {
    let house = Institution::start();
    let more = json!({"principal": "10000.00"});
    let rate = json!({"interest": {"method": "declining", "rate": {"percent": "30", "per": "year"}}});
    let cases = [
        (
            "W15",
            None,
            Expect { level: 974_87, last: 974_90, count: 12, interest: 1_698_47, first: (724_87, 250_00, 9_275_13) },
        ),
        (
            "W16",
            Some(("5", "nearest")),
            Expect { level: 975_00, last: 973_23, count: 12, interest: 1_698_23, first: (725_00, 250_00, 9_275_00) },
        ),
        (
            "W17",
            Some(("10", "nearest")),
            Expect { level: 970_00, last: 1_037_21, count: 12, interest: 1_707_21, first: (720_00, 250_00, 9_280_00) },
        ),
        (
            "W18",
            Some(("10.00", "up")),
            Expect { level: 980_00, last: 909_25, count: 12, interest: 1_689_25, first: (730_00, 250_00, 9_270_00) },
        ),
        (
            "W19",
            Some(("50", "nearest")),
            Expect { level: 950_00, last: 1_293_11, count: 12, interest: 1_743_11, first: (700_00, 250_00, 9_300_00) },
        ),
        (
            "W20",
            Some(("100", "up")),
            Expect { level: 1_000_00, last: 653_34, count: 12, interest: 1_653_34, first: (750_00, 250_00, 9_250_00) },
        ),
    ];
    for (name, rounding, expect) in cases {
        let mut terms = rate.clone();
        if let Some((multiple, mode)) = rounding {
            terms["rounding"] = json!({"instalment_multiple": multiple, "mode": mode});
        }
        must_be(name, &quote(&house, &more, &terms), &expect);
    }
    let mut terms = rate;
    terms["rounding"] = json!({"instalment_multiple": "10"});
    let w17 = quote(&house, &more, &terms);
    let rows: [(i64, i64, i64); 12] = [
        (720_00, 250_00, 9_280_00),
        (738_00, 232_00, 8_542_00),
        (756_45, 213_55, 7_785_55),
        (775_36, 194_64, 7_010_19),
        (794_75, 175_25, 6_215_44),
        (814_61, 155_39, 5_400_83),
        (834_98, 135_02, 4_565_85),
        (855_85, 114_15, 3_710_00),
        (877_25, 92_75, 2_832_75),
        (899_18, 70_82, 1_933_57),
        (921_66, 48_34, 1_011_91),
        (1_011_91, 25_30, 0),
    ];
    for (index, row) in rows.into_iter().enumerate() {
        must_start("W17", &w17, index, row);
    }
}

#[test]
fn w21_flat_and_rounded_up_to_five() {
    let house = Institution::start();
    let more = json!({"principal": "1000.00"});
    let plain = quote(&house, &more, &flat("24", "year"));
    must_be(
        "W21",
        &plain,
        &Expect { level: 103_33, last: 103_37, count: 12, interest: 240_00, first: (83_33, 20_00, 916_67) },
    );
    let last = &plain["instalments"][11];
    assert_eq!((cents(&last["principal"]), cents(&last["interest"])), (83_37, 20_00));
    let mut terms = flat("24", "year");
    terms["rounding"] = json!({"instalment_multiple": "5", "mode": "up"});
    let rounded = quote(&house, &more, &terms);
    must_be(
        "W21 up to 5",
        &rounded,
        &Expect { level: 105_00, last: 85_00, count: 12, interest: 240_00, first: (85_00, 20_00, 915_00) },
    );
}

#[test]
fn fees_dates_and_decimals() {
    let house = Institution::start();
    // L2 of the pricing ladder: 1,000 at 3 % a month with 2 % deducted; L5 the same, flat.
    let fee = json!({"principal": "1000.00", "charges": [{"kind": "fee", "name": "Fee", "when": "disbursement", "percent": "2", "of": "principal", "treatment": "deducted"}]});
    let ladder = [("declining", "40.08", "48.33"), ("flat", "65.29", "88.84")];
    for (method, apr, eir) in ladder {
        let terms = json!({"interest": {"method": method, "rate": {"percent": "3", "per": "month"}}});
        let quote = quote(&house, &fee, &terms);
        assert_eq!((&quote["apr_percent"], &quote["eir_percent"]), (&json!(apr), &json!(eir)), "{method}");
        assert_eq!(quote["totals"]["fees"], "20.00");
    }
    // Months keep their anchor day; a leap year has one more.
    let due = |disbursed_on: &str| -> Vec<String> {
        let quote = quote(&house, &json!({"disbursed_on": disbursed_on, "instalments": 4}), &json!({}));
        quote["instalments"].as_array().unwrap().iter().map(|one| one["due_on"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(due("2026-01-31"), ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
    assert_eq!(due("2027-12-30"), ["2028-01-30", "2028-02-29", "2028-03-30", "2028-04-30"]);
    // The table of day counts (§2.4), as one instalment of interest on 10,000.00 at 18 %.
    let counts = ["30/360", "30e/360", "actual/360", "actual/364", "actual/365", "actual/actual"];
    let table = [
        ("2026-01-31", "2026-02-28", [140_00, 140_00, 140_00, 138_46, 138_08, 138_08]),
        ("2026-02-28", "2026-03-31", [150_00, 160_00, 155_00, 153_30, 152_88, 152_88]),
        ("2023-11-15", "2024-02-15", [450_00, 450_00, 460_00, 454_95, 453_70, 453_09]),
        ("2024-01-15", "2024-07-15", [900_00, 900_00, 910_00, 900_00, 897_53, 895_08]),
        ("2026-01-10", "2026-03-05", [275_00, 275_00, 270_00, 267_03, 266_30, 266_30]),
    ];
    for (from, to, amounts) in table {
        for (count, amount) in counts.into_iter().zip(amounts) {
            let more = json!({"principal": "10000.00", "instalments": 1, "disbursed_on": from, "first_due_on": to});
            let terms = json!({"interest": {"method": "declining", "rate": {"percent": "18", "per": "year"}, "calculation": "daily", "day_count": count}});
            assert_eq!(quote(&house, &more, &terms)["totals"]["interest"], money(amount), "{count} {from} {to}");
        }
    }
    // A currency without decimals, and one with three.
    let yen = request(&json!({"currency": "JPY", "principal": "12000"}), &json!({}));
    let yen = house.session("auditor@hq").ask("/v1/loan-quotes", &yen).ok(200);
    assert_eq!((&yen["instalments"][0]["total"], &yen["instalments"][0]["interest"]), (&json!("1135"), &json!("240")));
    let dinar = request(&json!({"currency": "KWD", "principal": "12000.000"}), &json!({}));
    let dinar = house.session("auditor@hq").ask("/v1/loan-quotes", &dinar).ok(200);
    assert_eq!(dinar["instalments"][0]["total"], "1134.715");
}
