//! What a fault of the database means for a batch is told by its kind and its words, as the server really says them.

use std::time::Duration;

use db::fault::{Fault, Remedy};
use db::pool::Pool;
use db::tx::Tx;

use crate::harness::database::block_on;
use crate::harness::*;

async fn begin(pool: &Pool) -> Tx {
    Tx::begin_long(pool).await.unwrap()
}

/// Waits for a lock that another transaction has, within a limit that is set for this transaction.
async fn wait_for(tx: &Tx, limit: &'static str, milliseconds: &str, lock: i64) -> Fault {
    tx.query("select set_config($1, $2, true)", &[&limit, &milliseconds]).await.unwrap();
    tx.query("select pg_advisory_xact_lock($1)", &[&lock]).await.unwrap_err()
}

#[test]
fn another_transaction_in_the_way_is_tried_again() {
    let database = Database::furnished();
    block_on(async {
        let pool = Pool::try_new(&database.app_url(), 4).unwrap();
        let (one, other) = (begin(&pool).await, begin(&pool).await);
        one.query("select pg_advisory_xact_lock(1)", &[]).await.unwrap();
        let timeout = wait_for(&other, "lock_timeout", "50", 1).await;
        assert_eq!(timeout.remedy(), Remedy::Again, "{timeout}");
        drop(other);

        one.query("select open_on from business_day for update", &[]).await.unwrap();
        let other = begin(&pool).await;
        let nowait = other.query("select open_on from business_day for update nowait", &[]).await.unwrap_err();
        assert_eq!(nowait.remedy(), Remedy::Again, "{nowait}");
        drop(other);

        let other = begin(&pool).await;
        other.query("select pg_advisory_xact_lock(2)", &[]).await.unwrap();
        let (first, second) = futures::join!(
            one.query("select pg_advisory_xact_lock(2)", &[]),
            other.query("select pg_advisory_xact_lock(1)", &[])
        );
        let deadlock = first.err().or(second.err()).unwrap();
        assert_eq!(deadlock.remedy(), Remedy::Again, "{deadlock}");
        drop((one, other));

        // As where a snapshot is older than a change.
        let raise =
            "do $$ begin raise exception using errcode = 'serialization_failure', message = 'in the way'; end $$";
        let older = begin(&pool).await.execute(raise, &[]).await.unwrap_err();
        assert_eq!(older.remedy(), Remedy::Again, "{older}");
    });
}

#[test]
fn a_database_that_ends_or_refuses_is_unavailable() {
    let database = Database::furnished();
    block_on(async {
        let pool = Pool::try_new(&database.app_url(), 4).unwrap();
        let holder = begin(&pool).await;
        holder.query("select pg_advisory_xact_lock(1)", &[]).await.unwrap();
        let late = begin(&pool).await;
        let timeout = wait_for(&late, "statement_timeout", "50", 1).await;
        assert_eq!(timeout.remedy(), Remedy::Unavailable, "{timeout}");
        drop(late);

        let killed = begin(&pool).await;
        let backend: i32 = killed.query_one("select pg_backend_pid() as pid", &[]).await.unwrap().get("pid");
        // A statement meets the end of its session, and the next one a connection that is closed.
        let ended = futures::join!(killed.query("select pg_sleep(10)", &[]), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            holder.query("select pg_terminate_backend($1)", &[&backend]).await.unwrap();
        });
        let ended = ended.0.unwrap_err();
        assert_eq!(ended.remedy(), Remedy::Unavailable, "{ended}");
        let closed = killed.query("select 1", &[]).await.unwrap_err();
        assert_eq!(closed.remedy(), Remedy::Unavailable, "{closed}");
        // It is not given out again.
        drop(killed);
        for _ in 0..4 {
            begin(&pool).await.query("select 1", &[]).await.unwrap();
        }
    });
}

#[test]
fn a_command_at_fault_is_found_by_halving() {
    let database = Database::furnished();
    block_on(async {
        let pool = Pool::try_new(&database.app_url(), 2).unwrap();
        let tx = begin(&pool).await;
        let overflow = tx.query("select 9223372036854775807 + length('1')::bigint", &[]).await.unwrap_err();
        assert_eq!((overflow.remedy(), overflow.constraint()), (Remedy::Halve, None), "{overflow}");
        drop(tx);
        let tx = begin(&pool).await;
        let twice = tx.execute("insert into business_day (open_on) values (current_date)", &[]).await.unwrap_err();
        assert_eq!(twice.remedy(), Remedy::Halve, "{twice}");
    });
}

/// A connection lives on the runtime that made the pool: one that a thread opened serves after the thread has ended.
#[test]
fn a_connection_outlives_the_thread_that_asked_for_it() {
    let database = Database::furnished();
    let pool = block_on(async { Pool::try_new(&database.app_url(), 1).unwrap() });
    let session = |pool: Pool| async move {
        let session = pool.session().await.unwrap();
        session.query_one("select pg_backend_pid() as pid", &[]).await.unwrap().get::<_, i32>("pid")
    };
    let of_thread = {
        let pool = pool.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(session(pool))
        })
        .join()
        .unwrap()
    };
    assert_eq!(block_on(session(pool)), of_thread);
}
