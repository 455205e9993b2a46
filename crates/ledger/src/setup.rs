//! What a new institution's ledger begins with: the chart of accounts of microfinance texts (SEEP/CGAP order) and where each
//! channel's money stands.

use db::fault::Fault;
use db::tx::Tx;
use kernel::currency::Currency;
use uuid::Uuid;

use crate::books::ChartRows;
use crate::chart::{Account, Class, Side};
use crate::slots::Channel;
use crate::store;

/// Accounts by their first digit; a code that is followed by `true` is a contra account, on the other side than its class.
const STANDARD: &[(&str, &str, bool)] = &[
    ("1010", "Vault cash", false),
    ("1020", "Teller cash", false),
    ("1030", "Officer cash in transit", false),
    ("1040", "Bank current accounts", false),
    ("1050", "Mobile-money float", false),
    ("1060", "Agent float / cash in agents", false),
    ("1110", "Short-term investments", false),
    ("1210", "Gross loans – current", false),
    ("1220", "Gross loans – past due", false),
    ("1230", "Gross loans – renegotiated", false),
    ("1240", "Net investment in finance leases", false),
    ("1250", "Factored receivables", false),
    ("1260", "Unamortised loan fees", true),
    ("1290", "Impairment loss allowance", true),
    ("1310", "Interest receivable on loans", false),
    ("1320", "Fees receivable", false),
    ("1330", "Penalties receivable", false),
    ("1340", "Interest in suspense", true),
    ("1380", "Cheques in clearing", false),
    ("1410", "Staff advances, prepayments", false),
    ("1420", "Insurance claims receivable", false),
    ("1430", "Repossessed assets", false),
    ("1440", "Inter-branch due from", false),
    ("1450", "Teller shortage receivable", false),
    ("1460", "Cash in transit vault–bank", false),
    ("1470", "Recoverable legal costs", false),
    ("1510", "Property and equipment", false),
    ("1590", "Accumulated depreciation", true),
    ("1970", "FX position", false),
    ("2010", "Voluntary demand savings", false),
    ("2020", "Compulsory savings", false),
    ("2030", "Term deposits", false),
    ("2040", "Group savings / internal account", false),
    ("2050", "Dormant / unclaimed (escheat)", false),
    ("2110", "Interest payable on deposits", false),
    ("2120", "Interest payable on borrowings", false),
    ("2210", "Borrowings", false),
    ("2220", "P2P lender balances (client money)", false),
    ("2230", "P2P participations sold", false),
    ("2310", "Withholding tax payable", false),
    ("2320", "Insurance premiums payable to insurer", false),
    ("2325", "Insurance claims payable to beneficiaries", false),
    ("2326", "Unearned premium (own risk)", false),
    ("2327", "Outstanding claims (own risk)", false),
    ("2330", "Remittances payable", false),
    ("2335", "Tax on interest and fees payable", false),
    ("2340", "Loan overpayments due to clients", false),
    ("2350", "Unidentified receipts (suspense)", false),
    ("2360", "Factoring reserve due to clients", false),
    ("2370", "Accounts payable, accruals", false),
    ("2375", "Cash overages to be explained", false),
    ("2380", "Inter-branch due to", false),
    ("2390", "Deferred grant income", false),
    ("2395", "Unearned interest and fees", false),
    ("2970", "FX equivalent", false),
    ("3010", "Paid-in capital / member shares", false),
    ("3020", "Donated equity", false),
    ("3030", "Retained earnings, prior", false),
    ("3040", "Current-year result (computed)", false),
    ("3050", "Statutory and other reserves", false),
    ("3060", "Regulatory provision reserve", false),
    ("3070", "Translation / opening-balance contra", false),
    ("4010", "Interest on loans", false),
    ("4015", "Fees on deposits", false),
    ("4020", "Fees and commissions on loans", false),
    ("4030", "Penalty income", false),
    ("4040", "Income on finance leases", false),
    ("4050", "Factoring discount and fees", false),
    ("4060", "Transfer commissions", false),
    ("4070", "Insurance commission", false),
    ("4075", "Premium income (own risk)", false),
    ("4080", "P2P servicing fee income", false),
    ("4090", "Income from investments", false),
    ("4110", "Recoveries on written-off loans", false),
    ("4120", "FX gain", false),
    ("4130", "Rounding gain/loss (net)", false),
    ("4210", "Grants and donations", false),
    ("5010", "Interest on deposits", false),
    ("5020", "Interest on borrowings", false),
    ("5030", "FX loss", false),
    ("5040", "Funding fees", false),
    ("5110", "Provision expense (impairment)", false),
    ("5120", "Loans waived/forgiven", false),
    ("5130", "Insurance claims expense (own risk)", false),
    ("5140", "Deposit-insurance and other levies", false),
    ("5210", "Personnel", false),
    ("5310", "Administrative (rent, transport, comms)", false),
    ("5320", "Depreciation", false),
    ("5330", "Payment-channel fees", false),
    ("5340", "Cash shortage expense", false),
    ("5350", "Non-operating expense", false),
    ("5410", "Income tax", false),
    ("9010", "Written-off loans memo", false),
    ("9011", "Written-off contra", true),
    ("9020", "Undisbursed commitments", false),
    ("9021", "Commitments contra", true),
    ("9030", "Guarantees and collateral held", false),
    ("9031", "Collateral contra", true),
    ("9040", "Third-party P2P loans serviced (memo)", false),
    ("9041", "P2P memo contra", true),
    ("9050", "Interest on non-accrual loans (memo)", false),
    ("9051", "Interest on non-accrual loans contra", true),
];

/// The ledger itself is their sub-ledger: it books what branches owe each other (`draft.rs`), and nobody else does.
const CONTROL: [&str; 2] = ["1440", "2380"];

/// Computed from income and expense, never posted to.
const COMPUTED: [&str; 1] = ["3040"];

/// Where money of a channel stands until a branch has an account of its own.
pub const CHANNELS: [(Channel, &str); 4] =
    [(Channel::Cash, "1020"), (Channel::Bank, "1040"), (Channel::MobileMoney, "1050"), (Channel::Officer, "1030")];

/// Writes the standard chart and the accounts of the channels. What is there already stays as it is.
pub async fn standard_chart(tx: &Tx) -> Result<(), Fault> {
    let accounts: Vec<Account> = standard_accounts(|| tx.new_id()).collect();
    store::chart_touch(tx).await?;
    store::accounts_insert_new(tx, &accounts).await?;
    store::channels_insert_new(tx, &CHANNELS).await
}

/// The accounts of the standard chart.
pub fn standard_accounts(mut new_id: impl FnMut() -> uuid::Uuid) -> impl Iterator<Item = Account> {
    STANDARD.iter().map(move |(code, name, contra)| {
        let class = class_of(code);
        Account {
            id: new_id(),
            code: (*code).to_owned(),
            name: (*name).to_owned(),
            class,
            side: if *contra { other(class.side()) } else { class.side() },
            header: COMPUTED.contains(code),
            control: CONTROL.contains(code),
            version: 1,
        }
    })
}

/// The FX pair 1970/2970 stays among assets and liabilities: each currency's balance sheet adds up only with its leg.
fn class_of(code: &str) -> Class {
    match code.as_bytes().first() {
        Some(b'1') => Class::Asset,
        Some(b'2') => Class::Liability,
        Some(b'3') => Class::Equity,
        Some(b'4') => Class::Income,
        Some(b'5') => Class::Expense,
        _ => Class::Memo,
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Debit => Side::Credit,
        Side::Credit => Side::Debit,
    }
}

/// The standard chart, for decisions that are tried without a database.
pub fn standard_rows(base_currency: Currency) -> ChartRows {
    let mut ids = 1000_u128..;
    let accounts = standard_accounts(|| Uuid::from_u128(ids.next().unwrap_or_default())).collect();
    ChartRows { version: Uuid::nil(), base_currency, accounts, slots: Vec::new(), channels: Vec::new() }
}

#[cfg(test)]
pub(crate) fn sample_rows() -> ChartRows {
    standard_rows("KES".parse().unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn accounts() -> Vec<Account> {
        sample_rows().accounts
    }

    #[test]
    fn every_code_stands_once_and_every_channel_has_its_account() {
        let accounts = accounts();
        let codes: HashSet<&str> = accounts.iter().map(|account| account.code.as_str()).collect();
        assert_eq!(codes.len(), accounts.len());
        for (channel, code) in CHANNELS {
            assert!(codes.contains(code), "{channel}");
        }
        for code in
            CONTROL.iter().chain(&COMPUTED).chain(&[crate::books::DUE_FROM_BRANCHES, crate::books::DUE_TO_BRANCHES])
        {
            assert!(codes.contains(code), "{code}");
        }
    }

    #[test]
    fn sides_are_those_of_the_domain_text() {
        let accounts = accounts();
        let side = |code: &str| accounts.iter().find(|account| account.code == code).unwrap().side;
        for code in ["1010", "1210", "1970", "5110", "9010", "9020", "9050"] {
            assert_eq!(side(code), Side::Debit, "{code}");
        }
        for code in
            ["1260", "1290", "1340", "1590", "2340", "2970", "3010", "4010", "4130", "9011", "9021", "9041", "9051"]
        {
            assert_eq!(side(code), Side::Credit, "{code}");
        }
    }

    #[test]
    fn memo_accounts_come_in_pairs() {
        let accounts = accounts();
        let memo = || accounts.iter().filter(|account| account.class == Class::Memo);
        assert_eq!(memo().filter(|account| account.side == Side::Debit).count() * 2, memo().count());
    }
}
