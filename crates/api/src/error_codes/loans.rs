//! Codes of products, terms, schedules and loans.

use super::{ErrorCode, code};

pub const PRODUCTS: &[ErrorCode] = &[
    code("product.code_taken", 409, "Another product has this code.", "Choose another."),
    code(
        "product.slot_unmapped",
        422,
        "A slot of the product has no account.",
        "Name one in `accounting` that exists in the chart and takes postings.",
    ),
    code("product.slot_unknown", 422, "There is no slot of this name.", "`docs/posting-rules.md` has their names."),
    code(
        "product.account_posted_by_hand",
        409,
        "The account has entries made by hand, so a sub-ledger could never agree with it.",
        "Reverse them, or choose another account.",
    ),
    code("product.limits_crossed", 422, "The least is above the most.", "Mend the limits."),
    code("product.instalments_out_of_range", 422, "A loan has 1 to 1000 instalments.", "Mend the limits."),
    code(
        "product.principal_outside_limits",
        422,
        "The product allows no such principal.",
        "`detail` says between which amounts it lies.",
    ),
    code(
        "product.instalments_outside_limits",
        422,
        "The product allows no such number of instalments.",
        "`detail` says which it allows.",
    ),
    code("charge.price_missing", 422, "A charge is an amount or a percentage.", "Send one of the two."),
    code(
        "charge.not_positive",
        422,
        "What is kept back is more than zero.",
        "Mend the amount, or leave the charge out.",
    ),
    code("charge.percent_out_of_range", 422, "A percentage kept back lies between 0 and 100.", "Mend it."),
];

pub const TERMS: &[ErrorCode] = &[
    code(
        "terms.not_supported",
        422,
        "This version does not calculate with this member or this word.",
        "Leave it out, or choose one that the reference lists.",
    ),
    code(
        "terms.every_out_of_range",
        422,
        "An instalment falls due every 1 to 366 days, weeks or months.",
        "Mend `frequency.every`.",
    ),
    code("terms.rate_out_of_range", 422, "A rate is 0 to 1000 percent.", "Mend `interest.rate.percent`."),
    code("terms.rate_too_fine", 422, "The rate has too many decimals.", "Round it."),
    code(
        "terms.flat_with_daily",
        422,
        "Flat interest is not calculated daily.",
        "Use per_period, or method declining.",
    ),
    code(
        "terms.flat_with_equal_principal",
        422,
        "Flat interest does not go with equal principal.",
        "Use equal_instalments, or method declining.",
    ),
    code(
        "terms.rounding_multiple_out_of_range",
        422,
        "The multiple is not an amount that can be booked.",
        "Send a positive one, or leave `rounding` out.",
    ),
    code(
        "terms.allocation_order_incomplete",
        422,
        "The order of allocation names each of the twelve buckets once.",
        "Mend it, or leave it out.",
    ),
    code(
        "terms.non_accrual_days_out_of_range",
        422,
        "`non_accrual_days` is 1 to 3650.",
        "Mend it, or leave it out for 90.",
    ),
    code("terms.engine_unknown", 422, "The terms were made by a newer version.", "Run the version that made them."),
];

pub const SCHEDULES: &[ErrorCode] = &[
    code(
        "loan.principal_out_of_range",
        422,
        "A principal is more than zero and at most 10^15 minor units.",
        "Name another.",
    ),
    code("loan.instalments_out_of_range", 422, "A loan has 1 to 1000 instalments.", "Name a number within."),
    code(
        "loan.disbursed_on_out_of_range",
        422,
        "The disbursement lies outside 1900-01-01 to 2199-12-31.",
        "Name a day within.",
    ),
    code(
        "loan.first_due_on_not_after_disbursement",
        422,
        "The first instalment is not due after the disbursement.",
        "Name a later day.",
    ),
    code(
        "loan.last_due_on_out_of_range",
        422,
        "The last instalment would be due after 2199-12-31.",
        "Ask for fewer or more frequent instalments.",
    ),
    code("loan.principal_too_small", 422, "The principal cannot be spread over so many instalments.", "Ask for fewer."),
    code(
        "loan.instalment_below_interest",
        422,
        "The level instalment would not even pay the interest.",
        "Bring the first due date forward, lower the rate, or use equal_principal.",
    ),
    code(
        "product.rounding_too_coarse",
        422,
        "Rounded so, the last instalment would exceed 150 % of the level one, or the level one repay nothing.",
        "Use a smaller multiple, or mode up.",
    ),
    code(
        "loan.interest_too_large",
        422,
        "The interest would be more than 10^15 minor units.",
        "Lower the rate, the term or the principal.",
    ),
    code("disclosure.nothing_advanced", 422, "The charges are not less than the principal.", "Lower them."),
    code(
        "disclosure.rate_too_high",
        422,
        "The effective rate is too high to be told.",
        "Lower the rate or the charges.",
    ),
];

pub const LOANS: &[ErrorCode] = &[
    code(
        "loan.nothing_paid_out",
        422,
        "What is kept back is not less than the principal.",
        "Lower the charges, or raise the principal.",
    ),
    code(
        "loan.wrong_status",
        409,
        "The loan is not in the state that this needs.",
        "`detail` says in which it is; read the loan again.",
    ),
    code(
        "loan.not_active",
        409,
        "The loan is not disbursed, or is closed: it takes no repayments.",
        "Read the loan again.",
    ),
    code("loan.approval_expired", 409, "The approval is no longer valid.", "Withdraw the loan and apply again."),
    code(
        "loan.above_approved",
        422,
        "More would be paid out than was approved.",
        "Pay out what was approved, or less.",
    ),
    code(
        "loan.amount_exceeds_payoff",
        422,
        "The payment is more than settles the loan, and the request says to refuse a surplus.",
        "Pay the payoff, or send `\"overpayment\": \"take\"`.",
    ),
    code(
        "loan.history_would_break",
        409,
        "With this event a later one of the loan would be impossible.",
        "Reverse the later event first, or choose another date.",
    ),
    code("loan.not_reversible", 422, "Only a disbursement or a repayment is reversed.", "Choose another transaction."),
    code("loan.reversed_already", 409, "The transaction is reversed already.", "Nothing is left to do."),
    code("loan.flagged_already", 409, "The loan counts so already.", "Nothing is left to do."),
    code("loan.dates_crossed", 422, "The dates of the request do not fit each other.", "`detail` says which."),
    code(
        "receipt.taken",
        409,
        "Another payment has this receipt number.",
        "Each receipt is used once: check whether it is the same payment.",
    ),
];
