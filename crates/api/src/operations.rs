//! The one list of operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::operation::{Method, Operation};
use crate::{access, clients, command_keys, commands, ledger, loans, org, reports};

/// Every operation, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    LISTS.iter().copied().flatten()
}

/// The row of an operation.
pub fn by_id(id: &str) -> Option<&'static Operation> {
    static BY_ID: LazyLock<HashMap<&'static str, &'static Operation>> =
        LazyLock::new(|| all().map(|operation| (operation.id, operation)).collect());
    BY_ID.get(id).copied()
}

/// A row without what the document, the matrix or a caller needs does not compile.
const _: () = {
    let mut list = 0;
    while list < LISTS.len() {
        let mut row = 0;
        while row < LISTS[list].len() {
            let operation = &LISTS[list][row];
            assert!(!operation.tag.is_empty() && !operation.summary.is_empty(), "an operation has a tag and a summary");
            assert!(operation.answer.is_some(), "an operation says what it answers");
            assert!(operation.route.is_some() || operation.command.is_some(), "an operation has a handler");
            let reads = matches!(operation.method, Method::Get);
            assert!(reads || operation.example.is_some(), "an operation that takes a body has an example of it");
            row += 1;
        }
        list += 1;
    }
};

const LISTS: &[&[Operation]] = &[
    access::token::OPERATIONS,
    access::me::OPERATIONS,
    access::users::OPERATIONS,
    access::roles::OPERATIONS,
    access::api_clients::OPERATIONS,
    access::approvals::OPERATIONS,
    org::branches::OPERATIONS,
    org::staff::OPERATIONS,
    org::holidays::OPERATIONS,
    org::settings::OPERATIONS,
    org::business_date::OPERATIONS,
    clients::OPERATIONS,
    loans::quotes::OPERATIONS,
    loans::products::OPERATIONS,
    loans::show::OPERATIONS,
    loans::history::OPERATIONS,
    loans::applications::OPERATIONS,
    loans::transactions::OPERATIONS,
    loans::repayments::OPERATIONS,
    loans::breakdown::OPERATIONS,
    commands::OPERATIONS,
    command_keys::OPERATIONS,
    ledger::decisions::OPERATIONS,
    ledger::accounts::OPERATIONS,
    ledger::account_lines::OPERATIONS,
    ledger::journal::OPERATIONS,
    ledger::periods::OPERATIONS,
    reports::trial_balance::OPERATIONS,
    reports::portfolio_at_risk::OPERATIONS,
];
