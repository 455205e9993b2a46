//! What posting needs to know: accounts, slots, channels, the last closed month.
//!
//! The chart is kept with the pool by its version, which is random: equal versions are equal charts, and what a transaction that
//! was rolled back has read is never found again. It is read with one statement, so it is of one moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::Tx;
use kernel::currency::Currency;
use uuid::Uuid;

use crate::chart::Account;
use crate::error::LedgerError;
use crate::periods::Month;
use crate::slots::Channel;
use crate::store;

pub use crate::chart_rows::ChartRows;

/// The code of the account that says what other branches owe.
pub const DUE_FROM_BRANCHES: &str = "1440";
/// The code of the account that says what is owed to other branches.
pub const DUE_TO_BRANCHES: &str = "2380";

/// The chart that was used last. One is enough: a pool has one database, and versions follow each other.
#[derive(Debug, Default)]
struct LastChart(Mutex<Option<Arc<Chart>>>);

#[derive(Debug)]
struct Chart {
    version: Uuid,
    base_currency: Currency,
    accounts: HashMap<Uuid, Account>,
    by_code: HashMap<String, Uuid>,
    slots: HashMap<Uuid, HashMap<String, Uuid>>,
    channels: HashMap<(Channel, Option<Uuid>), Uuid>,
}

/// Cheap to clone; right for the transaction that read it.
#[derive(Debug, Clone)]
pub struct Books {
    chart: Arc<Chart>,
    closed_through: Option<NaiveDate>,
    /// The month that is being closed: the last of those that are.
    closing: Option<Month>,
}

impl Books {
    /// Reads the books as they stand now. Called after the gates are held and the rows locked.
    pub async fn read(tx: &Tx) -> Result<Books, Fault> {
        let (version, months) = store::chart_version(tx).await?;
        Books::of_version(tx, version, months).await
    }

    /// The books of the moment at which the transaction read its business day; without a statement, where the chart is still in
    /// memory. The gates keep what a decision looks at as it was then.
    pub async fn known(tx: &Tx) -> Result<Books, Fault> {
        let months = (tx.known.closed_month, tx.known.closing_month);
        match tx.known.chart_version {
            Some(version) => Books::of_version(tx, version, months).await,
            None => Books::read(tx).await,
        }
    }

    async fn of_version(
        tx: &Tx,
        version: Uuid,
        (closed, closing): (Option<NaiveDate>, Option<NaiveDate>),
    ) -> Result<Books, Fault> {
        let (closed_through, closing) = (closed.map(store::month_end), closing.map(Month::of));
        let kept = tx.cache::<LastChart>()?;
        let last = kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(chart) = last.filter(|chart| chart.version == version) {
            return Ok(Books { chart, closed_through, closing });
        }
        let chart = Arc::new(Chart::of(store::chart_rows(tx).await?));
        *kept.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(chart.clone());
        Ok(Books { chart, closed_through, closing })
    }

    /// Books of these rows; for decisions that are tried without a database.
    pub fn new(rows: ChartRows, closed_through: Option<NaiveDate>) -> Books {
        Books { chart: Arc::new(Chart::of(rows)), closed_through, closing: None }
    }

    pub fn base_currency(&self) -> Currency {
        self.chart.base_currency
    }

    pub fn account(&self, id: Uuid) -> Option<&Account> {
        self.chart.accounts.get(&id)
    }

    pub fn account_by_code(&self, code: &str) -> Option<&Account> {
        self.chart.by_code.get(code).and_then(|id| self.chart.accounts.get(id))
    }

    /// The account of a product's slot. That every slot is mapped was checked when the product was created.
    pub fn slot(&self, product_id: Uuid, slot: &str) -> Result<Uuid, Fault> {
        let account = self.chart.slots.get(&product_id).and_then(|slots| slots.get(slot));
        account.copied().ok_or_else(|| Fault::Invariant(format!("the product {product_id} has no account for {slot}")))
    }

    /// Where a channel's money stands in a branch.
    pub fn channel(&self, channel: Channel, branch_id: Uuid) -> Result<Uuid, Fault> {
        let of = |branch| self.chart.channels.get(&(channel, branch)).copied();
        of(Some(branch_id))
            .or_else(|| of(None))
            .ok_or_else(|| Fault::Invariant(format!("the channel {channel} has no account")))
    }

    /// The last day of the last closed month. All months before it are closed too.
    pub fn closed_through(&self) -> Option<NaiveDate> {
        self.closed_through
    }

    /// Whether nothing may be booked on this day any more.
    pub fn is_closed(&self, day: NaiveDate) -> bool {
        self.closed_through.is_some_and(|last| day <= last)
    }

    /// Whether an entry may be booked on this day.
    pub fn takes(&self, day: NaiveDate) -> Result<(), LedgerError> {
        let month = Month::of(day);
        match self.is_closed(day) {
            true if self.closing == Some(month) => Err(LedgerError::PeriodClosing { month }),
            true => Err(LedgerError::PeriodClosed { month }),
            false => Ok(()),
        }
    }

    /// The accounts between branches: (due from, due to).
    pub fn between_branches(&self) -> Result<(Uuid, Uuid), Fault> {
        let by_code = |code| {
            let id = self.chart.by_code.get(code).copied();
            id.ok_or_else(|| {
                Fault::Invariant(format!("the chart has no account {code} for what lies between branches"))
            })
        };
        Ok((by_code(DUE_FROM_BRANCHES)?, by_code(DUE_TO_BRANCHES)?))
    }
}

impl Chart {
    fn of(rows: ChartRows) -> Chart {
        let mut slots: HashMap<Uuid, HashMap<String, Uuid>> = HashMap::new();
        for slot in rows.slots {
            slots.entry(slot.product_id).or_default().insert(slot.slot, slot.account_id);
        }
        Chart {
            version: rows.version,
            base_currency: rows.base_currency,
            by_code: rows.accounts.iter().map(|account| (account.code.clone(), account.id)).collect(),
            accounts: rows.accounts.into_iter().map(|account| (account.id, account)).collect(),
            slots,
            channels: rows.channels.into_iter().map(|row| ((row.channel, row.branch_id), row.account_id)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup;
    use crate::slots::{ChannelAccount, SlotAccount};
    use kernel::refusal::Refusal;

    fn books(channels: Vec<ChannelAccount>, closed_through: Option<&str>) -> Books {
        let product_id = Uuid::from_u128(1);
        let slots = vec![SlotAccount { product_id, slot: "loan_portfolio".into(), account_id: Uuid::from_u128(2) }];
        let rows = ChartRows { slots, channels, ..setup::sample_rows() };
        Books::new(rows, closed_through.map(|day| day.parse().unwrap()))
    }

    #[test]
    fn a_branch_may_have_its_own_account_for_a_channel() {
        let at = |branch_id, account| ChannelAccount {
            channel: Channel::Cash,
            branch_id,
            account_id: Uuid::from_u128(account),
        };
        let (one, other) = (Uuid::from_u128(70), Uuid::from_u128(71));
        let books = books(vec![at(None, 8), at(Some(one), 9)], None);
        assert_eq!(books.channel(Channel::Cash, one).unwrap(), Uuid::from_u128(9));
        assert_eq!(books.channel(Channel::Cash, other).unwrap(), Uuid::from_u128(8));
        assert!(books.channel(Channel::Bank, one).is_err());
    }

    #[test]
    fn a_slot_is_found_by_its_product() {
        let books = books(Vec::new(), None);
        assert_eq!(books.slot(Uuid::from_u128(1), "loan_portfolio").unwrap(), Uuid::from_u128(2));
        assert!(books.slot(Uuid::from_u128(1), "fee_income").is_err());
        assert!(books.slot(Uuid::from_u128(3), "loan_portfolio").is_err());
    }

    #[test]
    fn everything_up_to_the_last_closed_month_is_closed() {
        let books = books(Vec::new(), Some("2026-02-28"));
        for (day, closed) in [("1995-03-01", true), ("2026-02-28", true), ("2026-03-01", false)] {
            assert_eq!(books.is_closed(day.parse().unwrap()), closed, "{day}");
        }
    }

    /// A caller who is refused while a month is being closed may come again: only then is it closed, or open after all.
    #[test]
    fn nothing_is_booked_into_a_month_that_is_closing_or_closed() {
        let (january, february) = ("2026-01".parse().unwrap(), "2026-02".parse().unwrap());
        let closed = books(Vec::new(), Some("2026-02-28"));
        let closing = Books { closing: Some(february), ..closed.clone() };
        let takes = |books: &Books, day: &str| books.takes(day.parse().unwrap());
        for (books, day, expect) in [
            (&closed, "2026-02-28", Err(LedgerError::PeriodClosed { month: february })),
            (&closed, "2026-03-01", Ok(())),
            (&closing, "2026-02-01", Err(LedgerError::PeriodClosing { month: february })),
            (&closing, "2026-02-28", Err(LedgerError::PeriodClosing { month: february })),
            (&closing, "2026-01-31", Err(LedgerError::PeriodClosed { month: january })),
            (&closing, "2026-03-01", Ok(())),
        ] {
            assert_eq!(takes(books, day), expect, "{day}");
        }
        let comes_again = |day: &str| takes(&closing, day).unwrap_err().retry_after();
        assert_eq!((comes_again("2026-02-01"), comes_again("2026-01-31")), (Some(1), None));
    }
}
