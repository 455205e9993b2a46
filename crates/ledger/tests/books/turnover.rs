//! Posting, turnover and its fold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use db::tx::Tx;
use ledger::fold::fold;

use crate::support::{HEAD, NORTH, World, draft, run};

const SUMS: &str = "select coalesce(sum(debit_minor), 0)::bigint from ledger_turnover";
const ROWS: &str = "select count(*) from ledger_turnover";

#[test]
fn what_is_posted_is_there_whole_and_agrees_with_its_sums() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        world
            .post(&[
                draft(&books, 1, "2026-03-02", &[("1020", HEAD, 500), ("1210", HEAD, -400), ("4010", HEAD, -100)]),
                draft(&books, 2, "2026-03-02", &[("1020", NORTH, 70), ("1210", HEAD, -70)]),
            ])
            .await;
        assert_eq!(world.number("select count(*) from journal_line").await, 7);
        assert_eq!(world.number("select sum(debit_minor)::bigint from ledger_turnover where branch_id = '00000000-0000-0000-0000-00000000000b'").await, 70);
        assert_eq!(world.findings().await, [] as [&str; 0]);
        world.post(&[]).await;
    });
}

#[test]
fn the_fold_changes_no_sum() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        for id in 1..=20 {
            let day = if id % 3 == 0 { "2026-03-01" } else { "2026-03-02" };
            let amount = i64::try_from(id).unwrap() * 10;
            world.post(&[draft(&books, id, day, &[("1020", NORTH, amount), ("1210", HEAD, -amount)])]).await;
        }
        let (sums, rows) = (world.number(SUMS).await, world.number(ROWS).await);
        assert_eq!(rows, 80);
        // Four accounts and branches, two days.
        assert_eq!(fold(&world.pool).await.unwrap(), Some(8));
        assert_eq!((world.number(SUMS).await, world.number(ROWS).await), (sums, 8));
        assert_eq!(fold(&world.pool).await.unwrap(), Some(0));
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

#[test]
fn nobody_sees_half_a_fold() {
    run(async {
        let world = World::new().await;
        let books = world.books().await;
        let done = Arc::new(AtomicBool::new(false));
        let (pool, seen) = (world.pool.clone(), done.clone());
        let folding = tokio::spawn(async move {
            while !seen.load(Ordering::Relaxed) {
                fold(&pool).await.unwrap();
            }
        });
        for id in 1..=40 {
            world.post(&[draft(&books, id, "2026-03-02", &[("1020", HEAD, 5), ("1210", HEAD, -5)])]).await;
            let tx = Tx::begin_long(&world.pool).await.unwrap();
            let row = tx.query_one("select sum(debit_minor)::bigint as debit, sum(credit_minor)::bigint as credit from ledger_turnover", &[]).await.unwrap();
            let sums: (i64, i64) = (row.get("debit"), row.get("credit"));
            let expect = 5 * i64::try_from(id).unwrap();
            assert_eq!(sums, (expect, expect));
            tx.rollback().await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        folding.await.unwrap();
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}
