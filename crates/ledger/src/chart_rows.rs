//! The chart of accounts and the mappings onto it, as the tables hold them.

use kernel::currency::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

kernel::text_enum! {
    /// What an account is in the statements. Memo accounts stand below the line and balance among themselves.
    pub enum Class {
        Asset = "asset",
        Liability = "liability",
        Equity = "equity",
        Income = "income",
        Expense = "expense",
        Memo = "memo",
    }
}

kernel::text_enum! {
    /// The side on which an account's balance normally stands.
    pub enum Side {
        Debit = "debit",
        Credit = "credit",
    }
}

impl Class {
    /// The normal side; contra accounts have the other one.
    pub fn side(self) -> Side {
        match self {
            Class::Asset | Class::Expense | Class::Memo => Side::Debit,
            Class::Liability | Class::Equity | Class::Income => Side::Credit,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub class: Class,
    pub side: Side,
    /// Only groups other accounts, or is computed: nothing is posted to it.
    pub header: bool,
    /// A sub-ledger is active for it: nobody posts to it by hand.
    pub control: bool,
    pub version: i64,
}

kernel::text_enum! {
    /// How money comes in or goes out.
    pub enum Channel {
        Cash = "cash",
        Bank = "bank",
        MobileMoney = "mobile_money",
        Officer = "officer",
    }
}

/// One slot of one product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SlotAccount {
    pub product_id: Uuid,
    pub slot: String,
    pub account_id: Uuid,
}

/// Where a channel's money stands in one branch, or (branch `None`) wherever no row says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChannelAccount {
    pub channel: Channel,
    pub branch_id: Option<Uuid>,
    pub account_id: Uuid,
}

/// A slot of a new product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotMapping<'a> {
    pub slot: &'a str,
    pub account_id: Uuid,
    /// The product keeps a sub-ledger of this slot: from now on nobody posts to the account by hand.
    pub control: bool,
}

/// The chart with its mappings as the tables hold them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChartRows {
    pub version: Uuid,
    pub base_currency: Currency,
    pub accounts: Vec<Account>,
    pub slots: Vec<SlotAccount>,
    pub channels: Vec<ChannelAccount>,
}
