//! Entries of a night, without a database.

use kernel::currency::Currency;
use ledger::books::{Books, ChartRows};
use ledger::setup::standard_rows;
use ledger::slots::SlotAccount;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_day_is_closed_when_it_is_over() {
    let order = |through: &str, today: Option<&str>| {
        decide(&CloseDays { through: day(through), not_after: today.map(day) }, day("2026-01-31"))
    };
    let done =
        |through: &str, business_date: &str| Ok(Ordered { through: day(through), business_date: day(business_date) });
    assert_eq!(order("2026-02-27", Some("2026-03-01")), done("2026-02-27", "2026-02-28"));
    assert_eq!(order("2025-12-31", Some("2026-03-01")), done("2025-12-31", "2026-01-31"));
    assert_eq!(order("2026-02-27", None), done("2026-02-27", "2026-02-28"));
    assert!(matches!(order("2026-03-02", Some("2026-03-01")), Err(CloseError::NotOverYet { .. })));
    assert!(matches!(order("2199-12-31", None), Err(CloseError::TooFar(_))));
}

const PRODUCT: Uuid = Uuid::from_u128(11);

fn books(currency: Currency) -> Books {
    let rows = standard_rows(currency);
    let account = |code: &str| rows.accounts.iter().find(|account| account.code == code).unwrap().id;
    let slots = loans::postings::SLOTS.iter().map(|known| SlotAccount {
        product_id: PRODUCT,
        slot: known.slot.as_str().to_owned(),
        account_id: account(known.standard_code),
    });
    Books::new(ChartRows { slots: slots.collect(), ..rows }, None)
}

/// A night in which so many loans of one place cease to accrue, and the others earn 1,000.00.
fn night_of(ceasing: u128, currency: Currency) -> Vec<Night> {
    let night = |loan_id, receivable, memo| Night {
        branch_id: Uuid::from_u128(10),
        product_id: PRODUCT,
        currency,
        loan_id,
        receivable: Amount::of_minor(receivable),
        unearned: Amount::ZERO,
        memo: Amount::of_minor(memo),
    };
    let ceased = (1..=ceasing).map(|loan| night(Some(Uuid::from_u128(1_000 + loan)), -300, 317));
    ceased.chain([night(None, 100_000, 0)]).collect()
}

#[test]
fn a_night_with_more_lines_than_an_entry_holds_is_booked_as_several() {
    let currency: Currency = "KES".parse().unwrap();
    let books = books(currency);
    for (ceasing, entries) in [(0, 1), (6_552, 1), (6_553, 2), (14_000, 3)] {
        let nights = night_of(ceasing, currency);
        let drafts = drafts(day("2026-04-30"), &nights, &books).unwrap();
        assert_eq!(drafts.len(), entries, "{ceasing} loans");
        let ids: std::collections::HashSet<Uuid> = drafts.iter().map(|draft| draft.heading().id).collect();
        assert_eq!(ids.len(), entries);
        for (part, draft) in drafts.iter().enumerate() {
            assert_eq!(draft.heading().id, entry_id(day("2026-04-30"), &nights[0], part));
            assert!(draft.lines().len() <= MOST_LINES);
            assert!(draft.lines().iter().map(|line| line.amount).sum::<Amount>().is_zero());
        }
        let receivable = books.slot(PRODUCT, Slot::InterestReceivable.as_str()).unwrap();
        let lines = drafts.iter().flat_map(|draft| draft.lines()).filter(|line| line.account_id == receivable);
        let expected = 100_000 - 300 * i64::try_from(ceasing).unwrap();
        assert_eq!(lines.map(|line| line.amount).sum::<Amount>(), Amount::of_minor(expected));
    }
}
