//! Codes of requests as such, whatever they ask for.

use super::{ErrorCode, code};

pub const REQUESTS: &[ErrorCode] = &[
    code(
        "request.malformed",
        400,
        "The body, a parameter or a part of the path cannot be read.",
        "`detail` and `errors` say where.",
    ),
    code("field.unknown", 400, "In `errors`: no field of this name is known here.", "Leave it out, or mend its name."),
    code("field.required", 400, "In `errors`: the field is missing.", "Send it."),
    code("field.duplicate", 400, "In `errors`: the field stands twice.", "Send it once."),
    code(
        "field.invalid",
        400,
        "In `errors`: the value has not the form that is asked for.",
        "`detail` says which it is.",
    ),
    code(
        "request.not_acceptable",
        406,
        "`Accept-Encoding` refuses every form in which an answer can come.",
        "Leave the header out, or allow `identity` or `gzip`.",
    ),
    code("request.too_slow", 408, "The body did not arrive in time.", "Send it again, over a better line or in parts."),
    code(
        "request.too_large",
        413,
        "The body is larger than 4 MiB, or than 64 KiB of a caller without a token.",
        "Split the request.",
    ),
    code("request.not_json", 415, "The body is not announced as JSON.", "Send `Content-Type: application/json`."),
    code("route.not_found", 404, "There is no such path.", "See the reference at `/docs`."),
    code(
        "route.method_not_allowed",
        405,
        "The path does not take this method.",
        "The header `Allow` says which it takes.",
    ),
    code(
        "command.not_here",
        422,
        "The operation of an item is no command about a client or about money that repeats by its key.",
        "Send it alone; the reference says which operations an item may name.",
    ),
    code(
        "command.key_of_item",
        422,
        "An atomic call is one command: its items have no keys.",
        "Send the key in `Idempotency-Key`.",
    ),
    code(
        "rate.too_many_commands",
        429,
        "A user has as many commands on their way as one may have. Nothing was done.",
        "Send this one again, with the same key, after the seconds of `Retry-After`.",
    ),
    code(
        "service.unavailable",
        503,
        "The database cannot be reached, or too much is waiting. Nothing was done.",
        "Send the same request, with the same key, after the seconds of `Retry-After`.",
    ),
    code(
        "internal.invariant",
        500,
        "Something that must hold did not. It is our fault, and nothing was stored.",
        "Tell your administrator the `request_id`; the log says more under it.",
    ),
];

pub const RECORDS: &[ErrorCode] = &[
    code(
        "resource.not_found",
        404,
        "The record in the path does not exist, or lies outside your branches.",
        "Check the id, or ask for a wider scope.",
    ),
    code(
        "reference.not_found",
        422,
        "A record that the body or a parameter names does not exist, or lies outside your branches.",
        "`errors` says which; name another.",
    ),
    code("id.taken", 409, "A record with the id that you chose exists.", "Send a new id, or none."),
    code(
        "version.required",
        428,
        "A change must say which version it changes.",
        "Send `If-Match` with the ETag of the last GET.",
    ),
    code("version.stale", 412, "The record was changed since you read it.", "Read it again and repeat your change."),
    code(
        "idempotency.key_missing",
        400,
        "A command comes with a key, so that it can be repeated without doing it twice.",
        "Send `Idempotency-Key`: a new UUID for each new command, the same one when you send it again.",
    ),
    code(
        "idempotency.in_progress",
        409,
        "The same command is being carried out right now.",
        "Ask again with the same key, or see `GET /v1/operations/{key}`.",
    ),
    code("idempotency.key_reused", 422, "The key was used for another request.", "Use a new key for a new command."),
];

pub const VALUES: &[ErrorCode] = &[
    code("amount.malformed", 422, "The text is not an amount.", "Send a decimal string such as `\"1250.00\"`."),
    code("amount.too_fine", 422, "The currency has fewer decimals than the amount.", "Round it to what can be paid."),
    code("amount.too_large", 422, "The amount is more than 10^15 minor units.", "Check it; split it if it is right."),
    code("amount.not_positive", 422, "The amount must be more than zero.", "Send one that is."),
    code(
        "date.in_the_future",
        422,
        "A value date lies after the business date.",
        "Name the business date or a day before.",
    ),
    code(
        "date.back_dated_too_far",
        422,
        "The value date lies further back than the institution allows.",
        "Name a later day, or have the limit in the settings changed.",
    ),
];
