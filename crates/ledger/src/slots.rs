//! Slots and channels: how a product's posting rules find their accounts.
//!
//! A product names its slots with stable texts (`postings.rs`); which account a slot means is fixed when the product is created
//! and never changed once used. The account of a channel is where money of that kind stands, for all branches or for one.

use std::collections::HashSet;

use db::fault::Fault;
use db::tx::Tx;
use uuid::Uuid;

use crate::store;

pub use crate::chart_rows::{Channel, ChannelAccount, SlotAccount, SlotMapping};

/// Which of these accounts have lines that were posted by hand: they cannot become control accounts, because the sub-ledger would
/// never add up to them. The command that asks holds the chart alone (`Try::TakeChart`): until the end of the transaction nobody posts by hand.
pub async fn posted_by_hand(tx: &Tx, accounts: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
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
