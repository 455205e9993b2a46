//! What the database refuses, and what verify sees when somebody got past it.

use uuid::Uuid;

use crate::support::{HEAD, World, draft, run};

const INSERT_PAIR: &str = "insert into journal_line (entry_id, line_no, account_id, branch_id, currency, amount_minor, booked_on, recorded_at)
    select entry.id, line.no, (select id from gl_account where code = '1040'), entry.branch_id, 'KES', line.amount, line.booked_on, now()
    from journal_entry entry, (values (3, 5, date '2026-03-02'), (4, -5, '2026-03-02')) line (no, amount, booked_on)";

async fn world_with_an_entry() -> World {
    let world = World::new().await;
    let books = world.books().await;
    world.post(&[draft(&books, 1, "2026-03-02", &[("1020", HEAD, 500), ("1210", HEAD, -500)])]).await;
    world
}

async fn code_of(world: &World, sql: &str) -> String {
    let error = world.superuser.batch_execute(sql).await.unwrap_err();
    error.code().map(|code| code.code().to_owned()).unwrap_or_default()
}

#[test]
fn lines_come_whole_and_once() {
    run(async {
        let world = world_with_an_entry().await;
        // A balanced pair, appended to an entry that stands.
        assert_eq!(code_of(&world, INSERT_PAIR).await, "AY002");
        let other = Uuid::from_u128(2);
        let entry = format!(
            "insert into journal_entry (id, booked_on, value_on, branch_id, event, line_count, user_id, recorded_at)
             values ('{other}', '2026-03-02', '2026-03-02', '{HEAD}', 'x', 2, '{HEAD}', now());"
        );
        let lines = |second: i64, day: &str| {
            format!(
                "{entry} insert into journal_line (entry_id, line_no, account_id, branch_id, currency, amount_minor, booked_on, recorded_at)
                 values ('{other}', 1, '{HEAD}', '{HEAD}', 'KES', 5, '{day}', now()), ('{other}', 2, '{HEAD}', '{HEAD}', 'KES', {second}, '{day}', now())"
            )
        };
        assert_eq!(code_of(&world, &lines(-4, "2026-03-02")).await, "AY001");
        assert_eq!(code_of(&world, &lines(-5, "2026-03-01")).await, "AY002");
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

#[test]
fn history_is_fixed_for_the_application_and_for_the_owner() {
    run(async {
        let world = world_with_an_entry().await;
        for sql in [
            "update journal_line set amount_minor = 7",
            "delete from journal_line",
            "truncate journal_line",
            "update journal_entry set booked_on = '2020-01-01'",
            "delete from journal_entry",
        ] {
            assert_eq!(code_of(&world, sql).await, "AY003", "{sql}");
            let tx = world.begin().await;
            let refused = match sql {
                "update journal_line set amount_minor = 7" => {
                    tx.execute("update journal_line set amount_minor = 7", &[]).await
                }
                _ => tx.execute("delete from journal_entry", &[]).await,
            };
            assert!(refused.unwrap_err().to_string().contains("permission denied"), "{sql}");
        }
    });
}

/// Who owns the tables can switch the guards off. Verify names what was done.
#[test]
fn verify_names_what_a_superuser_has_changed() {
    run(async {
        let cases: &[(&str, &[&str])] = &[
            (
                "update journal_line set amount_minor = 499 where line_no = 1",
                &["ledger.entry_unbalanced", "ledger.turnover"],
            ),
            (
                "delete from journal_line where line_no = 2",
                &["ledger.entry_unbalanced", "ledger.entry_not_whole", "ledger.turnover"],
            ),
            ("delete from journal_entry", &["ledger.entry_not_whole"]),
            (INSERT_PAIR, &["ledger.entry_not_whole", "ledger.turnover"]),
            ("update ledger_turnover set credit_minor = credit_minor + 1 where credit_minor > 0", &["ledger.turnover"]),
            ("delete from ledger_turnover", &["ledger.turnover"]),
            (
                "insert into ledger_balance select account_id, branch_id, product_id, currency, '2026-02-28', 1 from ledger_turnover limit 1",
                &["ledger.month_end_balance", "ledger.balance_of_open_month"],
            ),
            (
                "update journal_line set account_id = gen_random_uuid() where line_no = 1",
                &["ledger.turnover", "ledger.line_without_account"],
            ),
            (
                "update journal_line set branch_id = '00000000-0000-0000-0000-000000000001'; update ledger_turnover set branch_id = '00000000-0000-0000-0000-000000000001'",
                &["ledger.line_without_branch"],
            ),
            ("update journal_entry set branch_id = gen_random_uuid()", &["ledger.entry_without_branch"]),
            (
                "insert into journal_reversal values (gen_random_uuid(), gen_random_uuid())",
                &["ledger.reversal_without_entry"],
            ),
            (
                "update gl_account set control = true where code = '1020'; update journal_entry set event = 'journal_entry.posted', description = 'x'",
                &["ledger.control_account_by_hand"],
            ),
            ("update business_day set open_on = '2026-03-01'", &["ledger.booked_in_future"]),
        ];
        let world = world_with_an_entry().await;
        for (sql, expect) in cases {
            world.superuser.batch_execute("begin; alter table journal_line disable trigger user; alter table journal_entry disable trigger user").await.unwrap();
            world.superuser.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            world.superuser.batch_execute("select 1").await.unwrap();
            // `verify` looks from inside of the transaction, which is rolled back afterwards.
            let seen = findings_inside(&world).await;
            let seen: Vec<&str> =
                seen.iter().map(String::as_str).filter(|check| !check.starts_with("history.")).collect();
            assert_eq!(&seen, expect, "{sql}");
            world.superuser.batch_execute("rollback").await.unwrap();
        }
        assert_eq!(world.findings().await, [] as [&str; 0]);
    });
}

async fn findings_inside(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for (name, sql) in ledger::verify::statements() {
        if !world.superuser.query(sql, &[]).await.unwrap().is_empty() {
            found.push(name.to_owned());
        }
    }
    found
}

#[test]
fn verify_names_guards_and_rights_that_are_not_as_they_were() {
    run(async {
        let cases = [
            ("alter table journal_line disable trigger journal_line_whole", "history.guard_missing"),
            ("alter table journal_entry enable trigger history_is_fixed", "history.guard_missing"),
            ("drop trigger history_is_not_emptied on audit", "history.guard_missing"),
            ("drop table audit", "history.guard_missing"),
            (
                "alter table history_table disable trigger history_is_fixed; delete from history_table where name = 'audit';
                 alter table history_table enable always trigger history_is_fixed",
                "history.not_declared",
            ),
            ("grant delete on journal_line to ayni_app", "history.role_may_change_it"),
            ("grant update (description) on journal_entry to ayni_read", "history.role_may_change_it"),
        ];
        for (sql, expect) in cases {
            let world = World::new().await;
            world.superuser.batch_execute(sql).await.unwrap();
            assert_eq!(world.findings().await, [expect], "{sql}");
        }
    });
}
