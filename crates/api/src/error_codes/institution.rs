//! Codes of the institution, its clients and its books.

use super::{ErrorCode, code};

pub const INSTITUTION: &[ErrorCode] = &[
    code("branch.code_taken", 409, "Another branch has this code.", "Choose another."),
    code("staff.number_taken", 409, "Another member of staff has this number.", "Choose another, or leave it out."),
    code("holiday.taken", 409, "The day is a holiday there already.", "Nothing is left to do."),
    code(
        "day.not_over_yet",
        409,
        "A day is closed when it is over.",
        "Name an earlier day; for a trial, start the server with `--sandbox-clock`.",
    ),
    code(
        "day.too_far",
        422,
        "One order closes at most ten years.",
        "Name an earlier day, and order the rest afterwards.",
    ),
    code(
        "period.head_office_only",
        403,
        "Months are closed for the whole institution.",
        "Ask a user of the head office.",
    ),
    code("day.head_office_only", 403, "Days are closed for the whole institution.", "Ask a user of the head office."),
];

pub const CLIENTS: &[ErrorCode] = &[
    code("client.gender_missing", 422, "A person needs a gender.", "Send female, male, other or not_stated."),
    code("client.not_for_organisations", 422, "An organisation has no gender and no day of birth.", "Leave them out."),
    code("client.not_born_yet", 422, "The day of birth lies in the future.", "Mend it."),
    code("client.not_active", 409, "The client is not active.", "Activate the client first."),
];

pub const JOURNAL: &[ErrorCode] = &[
    code("account.code_taken", 409, "Another account has this code.", "Choose another."),
    code(
        "journal.header_account",
        422,
        "The account groups others or is computed, and takes no postings.",
        "Post to one that is not a header.",
    ),
    code(
        "journal.control_account",
        422,
        "A sub-ledger keeps the account, so nobody posts to it by hand.",
        "Record the event itself: the repayment, the disbursement.",
    ),
    code("journal.line_count", 422, "A manual entry has 2 to 200 lines.", "Split it into several that balance."),
    code("journal.line_side", 422, "A line has exactly one of debit and credit.", "Leave one out."),
    code(
        "journal.line_amount",
        422,
        "The amount of a line is above zero.",
        "Take the other side instead of a negative amount.",
    ),
    code("journal.unbalanced", 422, "Debits and credits are not the same.", "`detail` says by how much they differ."),
    code("journal.booked_in_future", 422, "Nothing is booked after the business day.", "Name that day or one before."),
    code(
        "journal.value_after_booking",
        422,
        "The value date lies after the day of booking.",
        "Name that day or one before.",
    ),
    code(
        "journal.not_manual",
        422,
        "The entry was made by a product, not by hand.",
        "Reverse the transaction that made it.",
    ),
    code("journal.is_reversal", 422, "The entry is itself a reversal.", "Post a new entry instead."),
    code("journal.already_reversed", 409, "The entry is reversed already.", "Nothing is left to do."),
    code(
        "journal.out_of_scope",
        403,
        "The entry has lines in branches outside yours.",
        "Ask somebody whose branches cover them all.",
    ),
    code(
        "journal.no_breakdown",
        422,
        "Only an entry of the close of day sums up many loans.",
        "This one is whole as it stands: read its lines.",
    ),
];

pub const MONTHS: &[ErrorCode] = &[
    code(
        "period.closed",
        409,
        "The month is closed.",
        "Book on a day of an open month, the value date may stay; or have the month reopened.",
    ),
    code(
        "period.closing",
        409,
        "The month is being closed right now.",
        "Send the same request, with the same key, after the seconds of `Retry-After`; it will say that the month is closed.",
    ),
    code("period.not_over", 409, "The month is not over.", "Close all its days first: `POST /v1/business-date/close`."),
    code(
        "period.day_not_booked",
        409,
        "The close of one of its days is not booked yet.",
        "Wait until it is: `GET /v1/day-closes/{date}`.",
    ),
    code(
        "period.earlier_open",
        409,
        "Months are closed in order, and an earlier one is open.",
        "Close that one first.",
    ),
    code("period.already_closed", 409, "The month is closed already.", "Nothing is left to do."),
    code("period.not_closed", 409, "The month is open.", "There is nothing to reopen."),
    code("period.later_closed", 409, "Months are reopened from the last one back.", "Reopen the later one first."),
];

pub const REPORTS: &[ErrorCode] = &[
    code(
        "report.as_of_in_future",
        422,
        "Nothing is known of a day after the business day.",
        "Name that day or one before.",
    ),
    code("report.format", 422, "A report comes as JSON or CSV.", "Send `format=json` or `format=csv`."),
];
