//! Manual entries, reversal, the lists.

use db::deciding::{Effect, Facts, NotDone};
use db::page::Page;
use db::tx::Tx;
use kernel::amount::Amount;
use ledger::books::Books;
use ledger::command::EntryCommand;
use ledger::error::LedgerError;
use ledger::journal::Entry;
use ledger::manual::PostManualEntry;
use ledger::reversal::ReverseEntry;
use ledger::slots::{self, Channel, SlotMapping};
use ledger::store_journal::{JournalFilter, LinePage, account_lines_page, entries_page, find_entry};
use org::settings::Settings;
use serde_json::json;
use uuid::Uuid;

use crate::support::{AtHand, HEAD, NORTH, PRODUCT, World, day, draft, everywhere, refused, rent, run, take, words};

fn reversing(entry_id: Uuid, id: u128) -> EntryCommand {
    EntryCommand::Reverse(ReverseEntry { entry_id, id: Uuid::from_u128(id), description: None })
}

async fn carry_out(world: &World, tx: &mut Tx, command: EntryCommand) -> Result<Entry, NotDone> {
    let caller = world.caller(tx).await;
    take(tx, &caller, &[command]).await.remove(0)
}

async fn post_by_hand(world: &World, tx: &mut Tx, command: PostManualEntry) -> Result<Entry, NotDone> {
    carry_out(world, tx, EntryCommand::Post(command)).await
}

async fn reverse(world: &World, tx: &mut Tx, entry_id: Uuid, id: u128) -> Result<Entry, NotDone> {
    carry_out(world, tx, reversing(entry_id, id)).await
}

#[test]
fn an_entry_over_two_branches_is_posted_read_and_taken_back_once() {
    run(async {
        let world = World::new().await;
        let mut tx = world.begin().await;
        let entry = post_by_hand(&world, &mut tx, rent(1, 500)).await.unwrap();
        assert_eq!(entry.lines.len(), 4);
        tx.commit().await.unwrap();

        let mut tx = world.begin().await;
        let read = find_entry(&tx, entry.head.id, &everywhere()).await.unwrap().unwrap();
        assert_eq!(read, entry);
        let reversal = reverse(&world, &mut tx, entry.head.id, 2).await.unwrap();
        assert_eq!(reversal.head.reverses, Some(entry.head.id));
        tx.commit().await.unwrap();

        let mut tx = world.begin().await;
        assert_eq!(
            refused(reverse(&world, &mut tx, entry.head.id, 3).await),
            words(&LedgerError::AlreadyReversed { by: reversal.head.id })
        );
        assert_eq!(refused(reverse(&world, &mut tx, reversal.head.id, 3).await), words(&LedgerError::IsReversal));
        let absent = reverse(&world, &mut tx, Uuid::from_u128(9), 3).await;
        assert!(matches!(absent, Err(NotDone::Absent)), "{absent:?}");
        assert_eq!(
            refused(post_by_hand(&world, &mut tx, rent(1, 500)).await),
            words(&LedgerError::IdTaken(Uuid::from_u128(1)))
        );
        let left = tx.query_one("select sum(debit_minor - credit_minor)::bigint as left, count(distinct account_id) as accounts from ledger_turnover", &[]).await.unwrap();
        assert_eq!((left.get::<_, i64>("left"), left.get::<_, i64>("accounts")), (0, 4));
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// The second command on an entry sees what the first did, although nothing is written yet; what is refused leaves no trace.
#[test]
fn the_commands_of_a_batch_see_each_other() {
    run(async {
        let world = World::new().await;
        let mut tx = world.begin().await;
        let caller = world.caller(&tx).await;
        let id = Uuid::from_u128(1);
        let unbalanced = PostManualEntry { lines: vec![rent(3, 5).lines[0].clone(); 2], ..rent(3, 5) };
        let commands = [
            EntryCommand::Post(rent(1, 500)),
            EntryCommand::Post(rent(1, 500)),
            EntryCommand::Post(unbalanced),
            reversing(id, 3),
            reversing(id, 4),
            EntryCommand::Post(rent(3, 7)),
        ];
        let mut done = take(&mut tx, &caller, &commands).await.into_iter();
        let mut next = || done.next().unwrap();
        let posted = next().unwrap();
        assert_eq!(refused(next()), words(&LedgerError::IdTaken(id)));
        assert_eq!(refused(next()).0, "journal.unbalanced");
        let reversal = next().unwrap();
        assert_eq!((reversal.head.id, reversal.head.reverses), (Uuid::from_u128(3), Some(id)));
        assert_eq!(refused(next()), words(&LedgerError::AlreadyReversed { by: reversal.head.id }));
        assert_eq!(refused(next()), words(&LedgerError::IdTaken(reversal.head.id)));
        tx.commit().await.unwrap();

        let tx = world.begin().await;
        let read = find_entry(&tx, id, &everywhere()).await.unwrap().unwrap();
        assert_eq!((read.lines, read.head.reversed_by), (posted.lines, Some(reversal.head.id)));
        assert_eq!(find_entry(&tx, reversal.head.id, &everywhere()).await.unwrap(), Some(reversal));
        assert_eq!(world.number("select count(*) from journal_entry").await, 2);
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// The table of limits, above this crate, compares the facts with the settings. What it holds back falls back here, and comes again
/// with what was resolved.
#[test]
fn above_the_limit_an_entry_and_its_reversal_wait() {
    run(async {
        let world = World::new().await;
        // So that settings of an earlier version are in memory.
        Settings::known(&world.begin().await).await.unwrap();
        world.limit(499).await;
        let mut tx = world.begin().await;
        let caller = world.caller(&tx).await;
        let command = EntryCommand::Post(rent(1, 500));
        assert_eq!(command.action().about().operation, "journal_entry.post");
        let mut at = AtHand::take(&tx, &[&command]).await.unwrap();
        let limit = at.sheet.settings.journal_approval_limit;
        assert_eq!(limit, Some(Amount::of_minor(499)));
        let facts = at.try_out(&command, &caller).unwrap().facts;
        let expect = Facts {
            amount: Some((Amount::of_minor(500), "KES".parse().unwrap())),
            branches: vec![NORTH, HEAD],
            description: Some("Rent".into()),
            resolved: vec![("/value_on".into(), json!("2026-03-02"))],
        };
        assert_eq!(facts, expect);
        // The one branch that sees both.
        assert_eq!(at.sheet.places.common_branch(facts.branches.into_iter()), Some(HEAD));
        assert_eq!((at.sheet.drafts(), at.entries.is_taken(Uuid::from_u128(1))), (&[] as &[_], false));
        assert!(at.put_back(&mut tx).unwrap().is_empty());

        let kept = PostManualEntry { value_on: Some(day("2026-03-02")), ..rent(1, 500) };
        let entry = post_by_hand(&world, &mut tx, kept).await.unwrap();
        assert_eq!(entry.head.value_on, day("2026-03-02"));

        let command = reversing(entry.head.id, 2);
        assert_eq!(command.action().about().operation, "journal_entry.reverse");
        let mut at = AtHand::take(&tx, &[&command]).await.unwrap();
        let facts = at.try_out(&command, &caller).unwrap().facts;
        let (amount, currency) = facts.amount.unwrap();
        assert!(Some(amount) > limit, "{amount:?}");
        assert_eq!(currency, "KES".parse().unwrap());
        assert_eq!((facts.description.as_deref(), facts.resolved), (Some("Reversal: Rent"), Vec::new()));
        assert_eq!(at.sheet.places.common_branch(facts.branches.into_iter()), Some(HEAD));
        assert!(at.put_back(&mut tx).unwrap().is_empty());
        tx.commit().await.unwrap();
        assert_eq!(world.number("select count(*) from journal_entry").await, 1);
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

/// What a dry run answers, in a transaction that can neither write nor lock.
async fn foreseen(world: &World, command: EntryCommand) -> Result<Effect<Entry>, NotDone> {
    let tx = Tx::begin_reading(&world.pool).await.unwrap();
    let caller = world.caller(&tx).await;
    let mut at = AtHand::take(&tx, &[&command]).await.unwrap();
    at.decide(&command, &caller, Uuid::now_v7())
}

#[test]
fn a_dry_run_answers_what_would_be_posted_and_leaves_no_trace() {
    run(async {
        let world = World::new().await;
        let foreseen_entry = foreseen(&world, EntryCommand::Post(rent(1, 500))).await.unwrap().done;
        assert_eq!(world.number("select count(*) from journal_entry").await, 0);
        let mut tx = world.begin().await;
        let entry = post_by_hand(&world, &mut tx, rent(1, 500)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(foreseen_entry.lines, entry.lines);
        let again = foreseen(&world, EntryCommand::Post(rent(1, 500))).await;
        assert_eq!(refused(again), words(&LedgerError::IdTaken(entry.head.id)));

        let reversal = foreseen(&world, reversing(entry.head.id, 2)).await.unwrap().done;
        assert_eq!((reversal.head.reverses, reversal.lines.len()), (Some(entry.head.id), 4));
        assert_eq!(world.number("select count(*) from journal_reversal").await, 0);
        let absent = foreseen(&world, reversing(Uuid::from_u128(9), 2)).await;
        assert!(matches!(absent, Err(NotDone::Absent)), "{absent:?}");
    });
}

/// A limit changes nothing in the entry that is shown. The amount that the limit is compared with is in the facts; which amounts wait is
/// tried with the table of limits.
#[test]
fn a_dry_run_of_what_would_wait_shows_the_entry_and_says_so() {
    run(async {
        let world = World::new().await;
        let shown = foreseen(&world, EntryCommand::Post(rent(1, 500))).await.unwrap();
        world.limit(499).await;
        let above = foreseen(&world, EntryCommand::Post(rent(1, 500))).await.unwrap();
        assert_eq!(above.done.lines, shown.done.lines);
        assert_eq!(world.number("select count(*) from approval").await, 0);
        for (currency, total) in [("KES", 500), ("KES", 499), ("USD", 1)] {
            let currency = currency.parse().unwrap();
            let command = EntryCommand::Post(PostManualEntry { currency, ..rent(1, total) });
            let effect = foreseen(&world, command).await.unwrap();
            // The lines between branches are no part of it.
            assert_eq!(effect.done.lines.len(), 4);
            assert_eq!(effect.facts.amount, Some((Amount::of_minor(total), currency)));
        }
    });
}

#[test]
fn what_a_product_booked_is_not_taken_back_by_hand() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world.post(&[draft(&books, 1, "2026-03-02", &[("1020", HEAD, 500), ("1210", HEAD, -500)])]).await;
        let mut tx = world.begin().await;
        let expect = words(&LedgerError::NotManual { event: "loan.repaid".into() });
        assert_eq!(refused(reverse(&world, &mut tx, Uuid::from_u128(1), 2).await), expect);
    });
}

#[test]
fn a_product_maps_its_slots_and_takes_its_accounts_under_control() {
    run(async {
        let world = World::new().await;
        let mut tx = world.begin().await;
        let before = Books::read(&tx).await.unwrap();
        let id = |code: &str| before.account_by_code(code).unwrap().id;
        let (loans, income) = (id("1210"), id("4010"));
        post_by_hand(&world, &mut tx, rent(1, 500)).await.unwrap();
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
        let command = EntryCommand::Post(by_hand);
        let caller = world.caller(&tx).await;
        // With the books as they stand now, which this transaction itself has changed.
        let mut at = AtHand::with_books(&tx, &[&command], books).await.unwrap();
        let expect = LedgerError::ControlAccount { pointer: "/lines/0/account".into(), code: "1210".into() };
        assert_eq!(refused(at.try_out(&command, &caller)), words(&expect));
        // The next transaction sees nothing of one that was rolled back, although books are kept in memory.
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
