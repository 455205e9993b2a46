//! Codes of signing in, users, and what a second person decides.

use super::{ErrorCode, code};

pub const SIGN_IN: &[ErrorCode] = &[
    code(
        "access.unauthenticated",
        401,
        "There is no valid access token with the request, or its user may no longer sign in.",
        "Get a token with `POST /v1/auth/token` and send `Authorization: Bearer <token>`.",
    ),
    code(
        "access.wrong_credentials",
        401,
        "The name or the secret is wrong, or the account may not sign in.",
        "Check both, or ask an administrator for a new password.",
    ),
    code("access.refresh_refused", 401, "The refresh token is not valid any more.", "Sign in again."),
    code("access.throttled", 429, "Too many sign-ins have failed.", "Wait for the seconds of `Retry-After`."),
    code(
        "access.forbidden",
        403,
        "None of your roles grants the permission that this needs.",
        "Ask an administrator for a role that does.",
    ),
    code("password.too_short", 422, "A password has at least 12 characters.", "Choose a longer one."),
    code("password.too_long", 422, "A password has at most 128 characters.", "Choose a shorter one."),
    code("password.common", 422, "The password is among those that are tried first.", "Choose another."),
    code("password.contains_username", 422, "The password contains the username.", "Choose another."),
];

pub const USERS: &[ErrorCode] = &[
    code("user.username_taken", 409, "Another user has this name.", "Choose another."),
    code(
        "user.portfolio_without_staff",
        422,
        "Only a member of staff has a portfolio.",
        "Send `staff_id`, or leave `own_portfolio` false.",
    ),
    code("user.is_integration", 422, "An integration has no password.", "It signs in with its client credentials."),
    code("user.own_roles", 403, "Nobody changes the own roles.", "Ask another administrator."),
    code("user.own_staff", 403, "Nobody changes the own member of staff.", "Ask another administrator."),
    code("user.own_user", 403, "Nobody disables the own user.", "Ask another administrator."),
    code("role.code_taken", 409, "Another role has this code.", "Choose another."),
    code(
        "api_client.name_taken",
        409,
        "An integration of this name exists outside your branches.",
        "Choose another name.",
    ),
];

pub const APPROVALS: &[ErrorCode] = &[
    code("approval.decided", 409, "It is already decided.", "Read the approval again."),
    code("approval.expired", 409, "Nobody decided in time.", "Give the command again."),
    code(
        "approval.maker_may_not",
        409,
        "Who gave the command may not give it any more.",
        "Reject it, and let another give it.",
    ),
    code(
        "approval.nobody_can_decide",
        409,
        "The command waits for a second person, and there is none who may decide it. Nothing was filed.",
        "Give somebody else a role that may, and send it again.",
    ),
    code("approval.own", 403, "Who gave a command does not decide on it.", "Ask another person."),
    code(
        "approval.same_person",
        403,
        "Who applied for a loan does not approve it.",
        "Ask a colleague, or the branch above.",
    ),
];
