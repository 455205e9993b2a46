//! What the database itself promises, seen in its catalog and tried out.

use tokio_postgres::error::SqlState;

use crate::harness::*;

/// Rows that are never deleted need no index on the references to them.
const NEVER_DELETED: &[&str] = &["branch", "staff", "app_user", "role", "gl_account"];

/// Written with every command, beside history.
const HOT: &[&str] = &[
    "ledger_turnover",
    "loan",
    "loan_state",
    "loan_state_past",
    "loan_instalment",
    "outbox",
    "idempotency_key",
    "idempotency_body",
];

/// Tables of which the serving role may take rows away: sums that were folded, and what has had its time.
const THINNED: &[&str] = &["user_role", "sign_in_failure", "ledger_turnover", "ledger_balance", "period_close_order"];

/// What was written there stays: the tables that migrations declare.
fn history(database: &Database) -> Vec<String> {
    let tables = names(database, "select name from history_table order by name");
    assert!(["audit", "history_table", "journal_line"].iter().all(|known| tables.iter().any(|table| table == known)));
    tables
}

fn names(database: &Database, sql: &str) -> Vec<String> {
    database.query(sql, &[]).iter().map(|row| row.get(0)).collect()
}

#[test]
fn every_foreign_key_is_indexed() {
    let database = Database::empty();
    let bare = database.query(
        "select conrelid::regclass::text, conname::text, confrelid::regclass::text from pg_constraint
         where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
             select from pg_index where indrelid = conrelid and indkey[0] = conkey[1])",
        &[],
    );
    for row in bare {
        let target: String = row.get(2);
        assert!(
            NEVER_DELETED.contains(&target.as_str()),
            "{}.{} has no index",
            row.get::<_, String>(0),
            row.get::<_, String>(1)
        );
    }
}

#[test]
fn tables_are_explained_and_narrow() {
    let database = Database::empty();
    let silent = names(
        &database,
        "select relname::text from pg_class where relkind in ('r', 'p', 'v') and relnamespace = 'public'::regnamespace
         and obj_description(oid, 'pg_class') is null",
    );
    assert!(silent.is_empty(), "tables without a comment: {silent:?}");
    let wide = names(
        &database,
        "select attrelid::regclass::text from pg_attribute join pg_class on pg_class.oid = attrelid
         where relkind = 'r' and relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped
         group by attrelid having count(*) > 32",
    );
    assert!(wide.is_empty(), "tables of more than 32 columns: {wide:?}");
    let keyless = names(
        &database,
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
         and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)",
    );
    let summed = ["ledger_turnover", "ledger_balance", "loan_allocation", "channel_account"];
    assert!(keyless.iter().all(|table| summed.contains(&table.as_str())), "tables without a key: {keyless:?}");
    let enums = names(
        &database,
        "select typname::text from pg_type where typtype = 'e' and typnamespace = 'public'::regnamespace",
    );
    assert!(enums.is_empty(), "enum types, which an institution a schema forbids: {enums:?}");
    let floats = names(
        &database,
        "select table_name || '.' || column_name from information_schema.columns
         where table_schema = 'public' and data_type in ('real', 'double precision', 'money')",
    );
    assert!(floats.is_empty(), "inexact columns: {floats:?}");
}

#[test]
fn hot_tables_have_no_foreign_keys() {
    let database = Database::empty();
    for table in history(&database).iter().map(String::as_str).chain(HOT.iter().copied()) {
        let keys: i64 = database
            .one("select count(*) from pg_constraint where contype = 'f' and conrelid = to_regclass($1)", &[&table]);
        assert_eq!(keys, 0, "{table} has foreign keys");
        assert!(database.one::<bool>("select to_regclass($1) is not null", &[&table]), "{table} is not there");
    }
}

#[test]
fn money_columns_are_whole_minor_units() {
    let database = Database::empty();
    let odd = names(
        &database,
        "select table_name || '.' || column_name from information_schema.columns where table_schema = 'public'
         and ((column_name like '%\\_minor' and not (data_type = 'bigint' or (data_type = 'numeric' and numeric_scale = 0)))
              or (column_name ~ '(amount|balance|principal|interest)$' and data_type in ('bigint', 'numeric')))",
    );
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn guards_are_always_on() {
    let database = Database::empty();
    let off = names(
        &database,
        "select tgrelid::regclass::text || '.' || tgname from pg_trigger where not tgisinternal and tgenabled <> 'A'",
    );
    assert!(off.is_empty(), "triggers that a replica or a setting would pass by: {off:?}");
    for table in history(&database) {
        let guards: i64 = database.one(
            "select count(*) from pg_trigger where tgrelid = to_regclass($1) and tgname in ('history_is_fixed', 'history_is_not_emptied')",
            &[&table],
        );
        assert_eq!(guards, 2, "{table}");
    }
}

/// How a statement of a role fails.
#[track_caller]
fn fails(client: &tokio_postgres::Client, sql: &str, code: &SqlState) {
    let error = database::block_on(client.batch_execute(sql)).err().unwrap_or_else(|| panic!("it went through: {sql}"));
    assert_eq!(error.code(), Some(code), "{sql}: {error:?}");
}

#[test]
fn the_serving_role_cannot_change_history_nor_the_schema() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    house.repay(loan, "100.00").expect(201);
    let accountant = house.session("accountant@nrb");
    let entry = accountant.post("/v1/journal-entries", &house.entry_request("nrb", "10.00")).ok(201);
    accountant.post(&format!("/v1/journal-entries/{}/reverse", people::id(&entry["id"])), &json!({})).expect(201);
    let app = database::connect_to(&house.database.app_url());
    let denied = &SqlState::INSUFFICIENT_PRIVILEGE;
    let history = history(&house.database);
    let state = names(&house.database, "select name from state_table");
    assert!(history.iter().all(|table| !state.contains(table)), "{history:?} and {state:?}");
    let tables =
        names(&house.database, "select tablename::text from pg_tables where schemaname = 'public' order by tablename");
    for table in tables {
        let column: String = house.database.one(
            "select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and attidentity = '' order by attnum limit 1",
            &[&table],
        );
        if !state.contains(&table) {
            fails(&app, &format!("update {table} set {column} = {column}"), denied);
        }
        if !THINNED.contains(&table.as_str()) {
            fails(&app, &format!("delete from {table}"), denied);
        }
        fails(&app, &format!("truncate {table}"), denied);
    }
    for sql in [
        "create table mine ()",
        "drop table audit",
        "alter table audit disable trigger all",
        "create function f() returns int language sql return 1",
        "drop trigger history_is_fixed on audit",
        "alter table audit add column x int",
        "set session_replication_role = replica",
        "set role ayni_owner",
        "create role mine",
        "insert into signing_key select * from signing_key",
        "select declare_state('audit')",
        "select declare_history('branch')",
        "truncate ledger_turnover",
        "create schema mine",
        "copy audit to program 'true'",
        "select pg_read_file('/etc/passwd')",
    ] {
        let error =
            database::block_on(app.batch_execute(sql)).err().unwrap_or_else(|| panic!("it went through: {sql}"));
        assert!([denied, &SqlState::WRONG_OBJECT_TYPE].contains(&error.code().unwrap()), "{sql}: {error:?}");
    }
    // Not even the superuser by mistake.
    let superuser = house.database.connect();
    for table in history {
        let code = SqlState::from_code("AY003");
        fails(&superuser, &format!("delete from {table}"), &code);
        fails(&superuser, &format!("truncate {table}"), &code);
        fails(&superuser, &format!("set session_replication_role = replica; delete from {table}"), &code);
    }
    house.must_hold(&[]);
}

#[test]
fn what_is_added_to_the_journal_balances_and_is_whole() {
    let house = Institution::start();
    let accountant = house.session("accountant@nrb");
    let entry = accountant.post("/v1/journal-entries", &house.entry_request("nrb", "10.00")).ok(201);
    let entry = people::id(&entry["id"]);
    let app = database::connect_to(&house.database.app_url());
    let columns = house.database.query(
        "select attname::text from pg_attribute where attrelid = 'journal_line'::regclass and attnum > 0 and not attisdropped order by attnum",
        &[],
    );
    // Copies of the entry's lines with other numbers and amounts.
    let append = |lines: &str| {
        let picked: Vec<String> = columns
            .iter()
            .map(|row| match row.get::<_, &str>(0) {
                "line_no" => "line.no::smallint".to_owned(),
                "amount_minor" => "line.amount".to_owned(),
                other => other.to_owned(),
            })
            .collect();
        format!(
            "insert into journal_line select {} from journal_line join (values {lines}) as line (no, amount) on true where entry_id = '{entry}' and line_no = 1",
            picked.join(", ")
        )
    };
    let unbalanced = SqlState::from_code("AY001");
    fails(&app, &append("(3, 5::bigint)"), &unbalanced);
    fails(&app, &append("(3, 5::bigint), (4, -4)"), &unbalanced);
    // A balanced pair that is appended to an old entry.
    fails(&app, &append("(3, 5::bigint), (4, -5)"), &SqlState::from_code("AY002"));
    house.must_hold(&[]);
}
