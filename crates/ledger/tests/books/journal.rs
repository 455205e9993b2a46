//! Manual entries, reversal, the lists.

use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::page::Page;
use db::tx::Tx;
use kernel::amount::Amount;
use ledger::approvals::Order;
use ledger::books::Books;
use ledger::error::LedgerError;
use ledger::journal::Entry;
use ledger::manual::{self, ManualLine, PostManualEntry};
use ledger::reversal::{self, ReverseEntry};
use ledger::slots::{self, Channel, SlotMapping};
use ledger::store_journal::{JournalFilter, LinePage, account_lines_page, entries_page, find_entry};
use uuid::Uuid;

use crate::support::{HEAD, NORTH, PRODUCT, USER, World, day, draft, everywhere, run};

fn rent(id: u128, amount: i64) -> PostManualEntry {
    let line = |account: &str, debit: bool| ManualLine {
        account: account.into(),
        branch_id: None,
        debit: debit.then_some(Amount::of_minor(amount)),
        credit: (!debit).then_some(Amount::of_minor(amount)),
    };
    PostManualEntry {
        id: Uuid::from_u128(id),
        booked_on: None,
        value_on: None,
        branch_id: NORTH,
        description: "Rent".into(),
        currency: "KES".parse().unwrap(),
        lines: vec![line("5310", true), ManualLine { branch_id: Some(HEAD), ..line("1040", false) }],
    }
}

async fn post_by_hand(tx: &Tx, command: &PostManualEntry, approved: bool) -> Outcome<Entry, LedgerError> {
    let order = Order { command, scope: everywhere(), user_id: USER, approved };
    manual::carry_out(tx, &[order]).await.unwrap().remove(0)
}

async fn reverse(tx: &Tx, entry_id: Uuid, id: u128) -> Outcome<Entry, LedgerError> {
    let command = ReverseEntry { entry_id, id: Uuid::from_u128(id), description: None };
    let order = Order { command: &command, scope: everywhere(), user_id: USER, approved: false };
    reversal::carry_out(tx, &[order]).await.unwrap().remove(0)
}

#[test]
fn an_entry_over_two_branches_is_posted_read_and_taken_back_once() {
    run(async {
        let world = World::new().await;
        let tx = world.begin().await;
        let Outcome::Done(entry) = post_by_hand(&tx, &rent(1, 500), false).await else { panic!("refused") };
        assert_eq!(entry.lines.len(), 4);
        tx.commit().await.unwrap();

        let tx = world.begin().await;
        let read = find_entry(&tx, entry.head.id, &everywhere()).await.unwrap().unwrap();
        assert_eq!(read, entry);
        let Outcome::Done(reversal) = reverse(&tx, entry.head.id, 2).await else { panic!("refused") };
        assert_eq!(reversal.head.reverses, Some(entry.head.id));
        tx.commit().await.unwrap();

        let tx = world.begin().await;
        assert_eq!(
            reverse(&tx, entry.head.id, 3).await,
            Outcome::Refused(LedgerError::AlreadyReversed { by: reversal.head.id })
        );
        assert_eq!(reverse(&tx, reversal.head.id, 3).await, Outcome::Refused(LedgerError::IsReversal));
        assert_eq!(reverse(&tx, Uuid::from_u128(9), 3).await, Outcome::Absent);
        assert_eq!(
            post_by_hand(&tx, &rent(1, 500), false).await,
            Outcome::Refused(LedgerError::IdTaken(Uuid::from_u128(1)))
        );
        let left = tx.query_one("select sum(debit_minor - credit_minor)::bigint as left, count(distinct account_id) as accounts from ledger_turnover", &[]).await.unwrap();
        assert_eq!((left.get::<_, i64>("left"), left.get::<_, i64>("accounts")), (0, 4));
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

#[test]
fn above_the_limit_an_entry_and_its_reversal_wait() {
    run(async {
        let world = World::new().await;
        world.superuser.batch_execute("update setting set journal_approval_limit_minor = 499").await.unwrap();
        let tx = world.begin().await;
        let Outcome::Held(held) = post_by_hand(&tx, &rent(1, 500), false).await else { panic!("not held") };
        let row = tx
            .query_one(
                "select operation, branch_id, maker_id, command from approval where id = $1",
                &[&held.approval_id],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>("operation"), "journal.post");
        // The one branch that sees both.
        assert_eq!(row.get::<_, Uuid>("branch_id"), HEAD);
        let kept: PostManualEntry = serde_json::from_value(row.get("command")).unwrap();
        assert_eq!(kept, PostManualEntry { value_on: Some(day("2026-03-02")), ..rent(1, 500) });
        assert!(matches!(post_by_hand(&tx, &kept, true).await, Outcome::Done(_)));
        assert!(matches!(reverse(&tx, Uuid::from_u128(1), 2).await, Outcome::Held(_)));
        tx.commit().await.unwrap();
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// What a dry run answers, in a transaction that can neither write nor lock.
async fn foreseen<C: Command>(world: &World, command: &C) -> OutcomeOf<C> {
    let mut tx = Tx::begin_reading(&world.pool).await.unwrap();
    let caller = world.caller(&tx).await;
    C::preview(&mut tx, &[Asked { caller: &caller, command, key_id: None }]).await.unwrap().remove(0)
}

#[test]
fn a_dry_run_answers_what_would_be_posted_and_leaves_no_trace() {
    run(async {
        let world = World::new().await;
        let Outcome::Done(foreseen_entry) = foreseen(&world, &rent(1, 500)).await else { panic!("refused") };
        assert_eq!(world.number("select count(*) from journal_entry").await, 0);
        let tx = world.begin().await;
        let Outcome::Done(entry) = post_by_hand(&tx, &rent(1, 500), false).await else { panic!("refused") };
        tx.commit().await.unwrap();
        assert_eq!(foreseen_entry.lines, entry.lines);
        assert_eq!(foreseen(&world, &rent(1, 500)).await, Outcome::Refused(LedgerError::IdTaken(entry.head.id)));

        let take_back = ReverseEntry { entry_id: entry.head.id, id: Uuid::from_u128(2), description: None };
        let Outcome::Done(reversal) = foreseen(&world, &take_back).await else { panic!("refused") };
        assert_eq!((reversal.head.reverses, reversal.lines.len()), (Some(entry.head.id), 4));
        assert_eq!(world.number("select count(*) from journal_reversal").await, 0);
        assert_eq!(
            foreseen(&world, &ReverseEntry { entry_id: Uuid::from_u128(9), ..take_back }).await,
            Outcome::Absent
        );
    });
}

#[test]
fn a_dry_run_of_what_would_wait_shows_the_entry_and_says_so() {
    run(async {
        let world = World::new().await;
        world.superuser.batch_execute("update setting set journal_approval_limit_minor = 499").await.unwrap();
        let command = rent(1, 500);
        assert!(matches!(foreseen(&world, &command).await, Outcome::Done(_)));
        assert_eq!(world.number("select count(*) from approval").await, 0);
        let tx = Tx::begin_reading(&world.pool).await.unwrap();
        for (currency, total, waits) in [("KES", 500, true), ("KES", 499, false), ("USD", 1, true)] {
            let total = Amount::of_minor(total);
            let said = manual::waits_for_approval(&tx, currency.parse().unwrap(), total).await.unwrap();
            assert_eq!(said, waits, "{total:?} {currency}");
        }
        // The lines between branches are no part of it.
        assert_eq!(command.total(), Amount::of_minor(500));
    });
}

#[test]
fn what_a_product_booked_is_not_taken_back_by_hand() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world.post(&[draft(&books, 1, "2026-03-02", &[("1020", HEAD, 500), ("1210", HEAD, -500)])]).await;
        let tx = world.begin().await;
        let refused = LedgerError::NotManual { event: "loan.repaid".into() };
        assert_eq!(reverse(&tx, Uuid::from_u128(1), 2).await, Outcome::Refused(refused));
    });
}

#[test]
fn a_product_maps_its_slots_and_takes_its_accounts_under_control() {
    run(async {
        let world = World::new().await;
        let tx = world.begin().await;
        let before = Books::read(&tx).await.unwrap();
        let id = |code: &str| before.account_by_code(code).unwrap().id;
        let (loans, income) = (id("1210"), id("4010"));
        assert!(matches!(post_by_hand(&tx, &rent(1, 500), false).await, Outcome::Done(_)));
        let by_hand = slots::posted_by_hand(&tx, &[loans, income, id("5310")]).await.unwrap();
        assert_eq!(by_hand.into_iter().collect::<Vec<_>>(), [id("5310")]);
        let slot = |slot, account_id, control| SlotMapping { slot, account_id, control };
        let slots = [slot("loan_portfolio", loans, true), slot("interest_income", income, false)];
        slots::slots_insert(&tx, PRODUCT, &slots).await.unwrap();
        let books = Books::read(&tx).await.unwrap();
        assert_eq!(books.slot(PRODUCT, "loan_portfolio").unwrap(), loans);
        assert!(books.account(loans).unwrap().control && !books.account(income).unwrap().control);
        assert_eq!(books.channel(Channel::Officer, NORTH).unwrap(), id("1030"));
        let mut by_hand = rent(2, 500);
        by_hand.lines[0].account = "1210".into();
        let refused = post_by_hand(&tx, &by_hand, false).await;
        assert!(matches!(refused, Outcome::Refused(LedgerError::ControlAccount { .. })));
        // What was taken back was never there for the next transaction, whatever was kept in memory.
        tx.rollback().await.unwrap();
        assert!(world.books().await.slot(PRODUCT, "loan_portfolio").is_err());
    });
}

#[test]
fn lists_go_by_day_and_each_row_stands_on_one_page() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        for (id, day, branch) in
            [(9, "2026-03-02", HEAD), (4, "2026-03-01", NORTH), (7, "2026-03-02", NORTH), (2, "2026-02-10", HEAD)]
        {
            let lines = [("1020", branch, 5), ("1210", branch, -3), ("1020", branch, -2)];
            world.post(&[draft(&books, id, day, &lines)]).await;
        }
        let tx = Tx::begin_reading(&world.pool).await.unwrap();
        let listed = |branch_id, from: Option<&str>| {
            let filter = JournalFilter { branch_id, booked_from: from.map(day), booked_to: None };
            let tx = &tx;
            async move {
                let (mut ids, mut after) = (Vec::new(), None);
                loop {
                    let rows = entries_page(tx, &everywhere(), &filter, &Page { limit: 1, after }).await.unwrap();
                    ids.extend(rows.rows.iter().map(|head| head.id.as_u128()));
                    after = rows.next;
                    if after.is_none() {
                        return ids;
                    }
                }
            }
        };
        assert_eq!(listed(None, None).await, [7, 9, 4, 2]);
        assert_eq!(listed(Some(NORTH), None).await, [7, 4]);
        assert_eq!(listed(None, Some("2026-03-01")).await, [7, 9, 4]);

        let account = books.account_by_code("1020").unwrap().id;
        let (mut lines, mut after) = (Vec::new(), None);
        loop {
            let page = LinePage { limit: 3, after };
            let rows =
                account_lines_page(&tx, account, &everywhere(), &JournalFilter::default(), None, &page).await.unwrap();
            lines.extend(rows.lines.iter().map(|line| (line.entry_id.as_u128(), line.line_no)));
            after = rows.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(lines, [(7, 3), (7, 1), (9, 3), (9, 1), (4, 3), (4, 1), (2, 3), (2, 1)]);
    });
}
