//! Input that has no schedule: each refusal by its public code.

use kernel::amount::Amount;
use loans::schedule::schedule;
use loans::terms::{AmortizationMethod, Bucket, Contract, RatePer, Rounding, RoundingMode, Terms, Unit};

use crate::support::{contract, contract_on, daily, date, declining, equal_principal, every, flat, rounded};

fn check(terms: Terms, contract: Contract, code: &str) {
    let refused = schedule(&terms, &contract).map_err(|error| error.code());
    assert_eq!(refused.err(), Some(code), "{terms:?} {contract:?}");
}

fn monthly() -> Terms {
    declining("24", RatePer::Year)
}

#[test]
fn terms_that_no_loan_can_have() {
    let with = |change: &dyn Fn(&mut Terms)| {
        let mut terms = monthly();
        change(&mut terms);
        terms
    };
    let beyond = Amount::of_minor(Amount::LIMIT.minor() + 1);
    let beyond = Rounding { instalment_multiple: beyond, mode: RoundingMode::Up };
    let year = RatePer::Year;
    let cases = [
        (every(monthly(), 0, Unit::Month), "terms.every_out_of_range"),
        (every(monthly(), 367, Unit::Day), "terms.every_out_of_range"),
        (declining("-0.01", year), "terms.rate_out_of_range"),
        (declining("1000.01", RatePer::Day), "terms.rate_out_of_range"),
        (declining("0.0000000000001", year), "terms.rate_too_fine"),
        (daily(flat("24", year), "30/360"), "terms.flat_with_daily"),
        (
            {
                let mut terms = flat("24", year);
                terms.amortization.method = AmortizationMethod::EqualPrincipal;
                terms
            },
            "terms.flat_with_equal_principal",
        ),
        (rounded(monthly(), "0", RoundingMode::Up), "terms.rounding_multiple_out_of_range"),
        (rounded(monthly(), "-5", RoundingMode::Up), "terms.rounding_multiple_out_of_range"),
        (with(&|terms| terms.rounding = Some(beyond)), "terms.rounding_multiple_out_of_range"),
        (with(&|terms| terms.allocation.order.truncate(11)), "terms.allocation_order_incomplete"),
        (with(&|terms| terms.allocation.order[0] = Bucket::DueFee), "terms.allocation_order_incomplete"),
        (with(&|terms| terms.allocation.order.push(Bucket::DueFee)), "terms.allocation_order_incomplete"),
        (with(&|terms| terms.engine = 0), "terms.engine_unknown"),
        (with(&|terms| terms.engine += 1), "terms.engine_unknown"),
    ];
    for (terms, code) in cases {
        check(terms, contract("1000", 12), code);
    }
}

#[test]
fn figures_that_no_loan_can_have() {
    let of = |minor| Contract { principal: Amount::of_minor(minor), ..contract("1", 12) };
    let on = |day| Contract { disbursed_on: date(day), ..contract("1000", 12) };
    let cases = [
        (of(0), "loan.principal_out_of_range"),
        (of(-1), "loan.principal_out_of_range"),
        (of(Amount::LIMIT.minor() + 1), "loan.principal_out_of_range"),
        (of(i64::MAX), "loan.principal_out_of_range"),
        (contract("1000", 0), "loan.instalments_out_of_range"),
        (contract("1000", 1001), "loan.instalments_out_of_range"),
        (on("1899-12-31"), "loan.disbursed_on_out_of_range"),
        (on("2200-01-01"), "loan.disbursed_on_out_of_range"),
        (on("2199-01-01"), "loan.last_due_on_out_of_range"),
        (contract_on("1000", 2, "2026-01-31", "2199-12-31"), "loan.last_due_on_out_of_range"),
        (contract_on("1000", 1, "2026-01-31", "2200-01-01"), "loan.last_due_on_out_of_range"),
        (contract_on("1000", 12, "2026-01-31", "2026-01-31"), "loan.first_due_on_not_after_disbursement"),
        (contract_on("1000", 12, "2026-01-31", "2026-01-30"), "loan.first_due_on_not_after_disbursement"),
    ];
    for (contract, code) in cases {
        check(monthly(), contract, code);
    }
}

#[test]
fn rounding_that_is_too_coarse() {
    use RoundingMode::{Down, Nearest, Up};
    let thirty = |multiple, mode| rounded(declining("30", RatePer::Year), multiple, mode);
    let code = "product.rounding_too_coarse";
    // 974.87 down to 900: the last instalment is 1,983.
    check(thirty("100", Down), contract("10000", 12), code);
    // To nothing, and to less than the interest.
    check(thirty("2000", Nearest), contract("10000", 12), code);
    check(thirty("200", Down), contract("10000", 120), code);
    check(rounded(flat("24", RatePer::Year), "60", Down), contract("1000", 12), code);
    check(rounded(flat("24", RatePer::Year), "20", Down), contract("100", 12), code);
    check(rounded(equal_principal("24", RatePer::Year), "50", Down), contract("1000", 12), code);
    check(rounded(equal_principal("24", RatePer::Year), "500", Nearest), contract("1000", 12), code);
    assert!(schedule(&thirty("2000", Up), &contract("10000", 12)).is_ok());
}

/// The last instalment may be 150 % of the level one, and not a minor unit more.
#[test]
fn the_bound_of_rounding() {
    let down = rounded(declining("0", RatePer::Year), "0.10", RoundingMode::Down);
    // 2.95 ÷ 2 → 1.40 and 1.55; 0.25 ÷ 2 → 0.10 and 0.15; 0.26 ÷ 2 → 0.10 and 0.16.
    assert!(schedule(&down, &contract("2.95", 2)).is_ok());
    assert!(schedule(&down, &contract("0.25", 2)).is_ok());
    check(down, contract("0.26", 2), "product.rounding_too_coarse");
}

#[test]
fn loans_that_would_never_be_repaid() {
    // A first period of 90 days at 24 % bears 6 %, more than the 2.6 % that a level instalment is of 50 weekly ones.
    let weekly = every(monthly(), 1, Unit::Week);
    let late = contract_on("1000", 50, "2026-01-01", "2026-04-01");
    check(weekly, late, "loan.instalment_below_interest");
    check(
        every(equal_principal("24", RatePer::Year), 1, Unit::Week),
        Contract { instalments: 0, ..late },
        "loan.instalments_out_of_range",
    );
    assert!(schedule(&every(equal_principal("24", RatePer::Year), 1, Unit::Week), &late).is_ok());
    // So high a rate that the first instalment, to the minor unit, is its interest.
    check(declining("1000", RatePer::Year), contract("1000", 60), "loan.instalment_below_interest");
    for terms in [declining("0", RatePer::Year), flat("24", RatePer::Year), equal_principal("24", RatePer::Year)] {
        check(terms, contract("0.05", 12), "loan.principal_too_small");
    }
}

#[test]
fn interest_beyond_all_measure() {
    let most = |instalments| Contract { principal: Amount::LIMIT, ..contract("1", instalments) };
    for terms in [declining("1000", RatePer::Day), flat("1000", RatePer::Day), equal_principal("1000", RatePer::Day)] {
        for every_months in [1, 12, 366] {
            check(every(terms.clone(), every_months, Unit::Month), most(5), "loan.interest_too_large");
        }
    }
    let finest = daily(declining("999.999999999999", RatePer::Day), "actual/actual");
    check(every(finest, 366, Unit::Month), most(5), "loan.interest_too_large");
    assert!(schedule(&monthly(), &most(12)).is_ok());
    assert!(schedule(&daily(declining("23.999999999999", RatePer::Year), "actual/actual"), &most(60)).is_ok());
}
