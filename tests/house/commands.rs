//! The other commands of the binary, and how it refuses to start.

use crate::harness::*;

#[track_caller]
fn refuses(arguments: &[&str], words: &[&str]) {
    let mut child = server::ayni(arguments)
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let status = eventually("ayni ends", || child.try_wait().unwrap());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!status.success(), "{arguments:?} went well");
    for word in words {
        assert!(said.contains(word), "{arguments:?} says nothing of {word}: {said}");
    }
}

#[test]
fn it_serves_only_as_who_cannot_change_history() {
    let database = Database::empty();
    let serve = |url: &str| {
        refuses(&["serve", "--listen", "127.0.0.1:0", "--database-url", url], &["ayni_app", "--allow-owner"])
    };
    serve(&database.owner_url());
    serve(&database.superuser_url());
    assert_eq!(database.one::<i64>("select count(*) from branch", &[]), 0, "it was furnished all the same");
    drop(Server::start(&database.owner_url(), &["--allow-owner"]));
    assert_eq!(database.one::<i64>("select count(*) from branch", &[]), 1);
}

#[test]
fn it_says_what_is_missing() {
    let bare = Database::bare();
    refuses(&["serve", "--listen", "127.0.0.1:0", "--database-url", &bare.app_url()], &["migrate"]);
    refuses(&["serve", "--listen", "127.0.0.1:0", "--database-url", "nonsense"], &["postgres://"]);
    refuses(
        &["serve", "--listen", "127.0.0.1:0", "--database-url", "postgres://ayni_app@127.0.0.1:1/x"],
        &["database"],
    );
    refuses(&["serve", "--listen", "nowhere"], &["--listen"]);
    refuses(&["serve", "--currency", "XXY"], &["--currency"]);
    refuses(&["serve", "--business-date", "2026-02-30"], &["--business-date"]);
    refuses(&["frobnicate"], &["frobnicate"]);
    let house = Institution::start();
    refuses(&["serve", "--listen", house.server.address(), "--database-url", &house.database.app_url()], &["--listen"]);
}

#[test]
fn migrating_again_changes_nothing_and_a_newer_database_is_left_alone() {
    let database = Database::empty();
    let migrate = || server::ayni(&["migrate", "--database-url", &database.owner_url()]).output().unwrap();
    let before = database.row_counts();
    let again = migrate();
    assert!(again.status.success() && String::from_utf8_lossy(&again.stdout).contains("up to date"));
    assert_eq!(database.row_counts(), before);
    database.execute("insert into schema_migration (name, digest) values ('9999_future', '\\x00')");
    let newer = migrate();
    assert!(!newer.status.success() && String::from_utf8_lossy(&newer.stderr).contains("9999_future"));
    database.execute("delete from schema_migration where name = '9999_future'; update schema_migration set digest = '\\x00' where name = '0001_house'");
    let changed = migrate();
    assert!(!changed.status.success() && String::from_utf8_lossy(&changed.stderr).contains("0001_house"));
}

#[test]
fn a_stop_finishes_what_runs() {
    let mut house = Institution::start();
    let loan = house.active_loan("nrb");
    // The loan is in somebody's hands, so the repayment waits in its lane.
    let holder = house.database.connect();
    database::block_on(
        holder.batch_execute(&format!("begin; select from loan_state where loan_id = '{}' for update", loan.id)),
    )
    .unwrap();
    let teller = house.session("teller@nrb");
    let waiting = std::thread::spawn(move || teller.post(&loan.path("repayments"), &builders::repayment("10.00")));
    eventually("the repayment is on its way", || {
        let seen: i64 = house.database.one(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
            &[],
        );
        (seen > 0).then_some(())
    });
    database::block_on(holder.batch_execute("rollback")).unwrap();
    assert!(house.server.stop(), "it did not end well");
    waiting.join().unwrap().expect(201);
    house.server.restart();
    house.must_hold(&[]);
}

#[test]
fn databases_beside_each_other_are_migrated_at_once() {
    // Roles are the whole server's: all of these alter the same ones.
    let made: Vec<_> = (0..6).map(|_| std::thread::spawn(Database::empty)).collect();
    for made in made {
        let database = made.join().unwrap();
        assert_eq!(database.query("select from business_day", &[]).len(), 0);
    }
}
