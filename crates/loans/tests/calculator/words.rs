//! Terms as the API writes them.

use loans::terms::{RatePer, RoundingMode, Terms, Unit};

use crate::support::{daily, declining, every, rounded};

/// What is left out has the defaults of the API.
#[test]
fn the_shortest_terms() {
    let text = r#"{"frequency": {"every": 1, "unit": "month"},
                   "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}}"#;
    assert_eq!(serde_json::from_str::<Terms>(text).unwrap(), declining("24", RatePer::Year));
}

#[test]
fn terms_written_out() {
    let text = r#"{
        "frequency": {"every": 4, "unit": "week"},
        "interest": {"method": "declining", "rate": {"percent": "1.75", "per": "four_weeks"}, "calculation": "daily",
                     "day_count": "actual/364", "first_period": "by_days"},
        "amortization": {"method": "equal_instalments"},
        "rounding": {"instalment_multiple": 500, "mode": "up"},
        "allocation": {"order": ["past_due_penalty", "past_due_fee", "past_due_interest", "past_due_principal",
                                 "due_penalty", "due_fee", "due_interest", "due_principal",
                                 "in_advance_penalty", "in_advance_fee", "in_advance_interest", "in_advance_principal"],
                       "walk": "by_instalment", "advance": "next_instalment"},
        "settlement_rebate": "actuarial", "non_accrual_days": 90, "engine": 1}"#;
    let terms = every(declining("1.75", RatePer::FourWeeks), 4, Unit::Week);
    let terms = rounded(daily(terms, "actual/364"), "5.00", RoundingMode::Up);
    assert_eq!(serde_json::from_str::<Terms>(text).unwrap(), terms);
    let written = serde_json::to_string(&terms).unwrap();
    assert_eq!(serde_json::from_str::<Terms>(&written).unwrap(), terms);
}

#[test]
fn what_is_no_rate_or_day_count_is_not_read() {
    let text = |percent: &str, day_count: &str| {
        format!(
            r#"{{"frequency": {{"every": 1, "unit": "month"}}, "interest": {{"method": "flat", "day_count": "{day_count}",
               "rate": {{"percent": {percent}, "per": "year"}}}}}}"#
        )
    };
    assert!(serde_json::from_str::<Terms>(&text("\"24\"", "30e/360")).is_ok());
    for (percent, day_count) in
        [("24", "30e/360"), ("\"24%\"", "30e/360"), ("\"1e2\"", "30e/360"), ("\"24\"", "30/365")]
    {
        assert!(serde_json::from_str::<Terms>(&text(percent, day_count)).is_err(), "{percent} {day_count}");
    }
}
