//! The one list of operations.

use crate::operation::Operation;
use crate::{access, clients, command_keys, ledger, loans, org, reports};

/// Every operation, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    LISTS.iter().copied().flatten()
}

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
    command_keys::OPERATIONS,
    ledger::decisions::OPERATIONS,
    ledger::accounts::OPERATIONS,
    ledger::account_lines::OPERATIONS,
    ledger::journal::OPERATIONS,
    ledger::periods::OPERATIONS,
    reports::trial_balance::OPERATIONS,
    reports::portfolio_at_risk::OPERATIONS,
];
