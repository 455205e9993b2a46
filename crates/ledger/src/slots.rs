//! Slots and channels: how a product's posting rules find their accounts.
//!
//! A product names its slots with stable texts (`postings.rs`); which account a slot means is fixed when the product is created
//! and never changed once used. The account of a channel is where money of that kind stands, for all branches or for one.

use std::collections::HashSet;

use db::fault::Fault;
use db::tx::Tx;
use serde::Deserialize;
use uuid::Uuid;

use crate::store;

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

/// Which of these accounts have lines that were posted by hand: they cannot become control accounts, because the sub-ledger would
/// never add up to them. From this call to the end of the transaction nobody posts by hand.
pub async fn posted_by_hand(tx: &Tx, accounts: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    // Manual entries share this row while they decide (`manual.rs`), so those on their way are seen by the next statement.
    store::chart_touch(tx).await?;
    store::accounts_posted_by_hand(tx, accounts).await
}

/// Maps the slots of a new product. Which accounts exist, and whether one may become a control account
/// ([`posted_by_hand`]), was decided before.
pub async fn slots_insert(tx: &Tx, product_id: Uuid, mappings: &[SlotMapping<'_>]) -> Result<(), Fault> {
    if mappings.is_empty() {
        return Ok(());
    }
    store::chart_touch(tx).await?;
    store::slots_insert(tx, product_id, mappings).await?;
    let controls: Vec<Uuid> = mappings.iter().filter(|slot| slot.control).map(|slot| slot.account_id).collect();
    store::accounts_become_control(tx, &controls).await
}
