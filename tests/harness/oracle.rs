//! The oracle: what must hold after every test with faults, load or races. The numbers are those of the project's list of
//! invariants; I5 comes with sealing.

use std::collections::{BTreeMap, HashMap};
use std::thread;

use db::keys::key_id;
use serde_json::Value;
use uuid::Uuid;

use super::institution::Institution;
use super::record::Sent;
use super::server::{Server, ayni};

/// Changed tables among those of which no row is ever changed: what is declared as history, and what is kept for a while only.
const CHANGED_HISTORY: &str = "select relname::text from pg_stat_user_tables where n_tup_upd + n_tup_del > 0 and (
         relname in (select name from history_table) or relname in ('idempotency_key', 'idempotency_body', 'outbox'))";

impl Institution {
    /// Asks all questions. `others`: servers beside the institution's own.
    #[track_caller]
    pub fn must_hold(&self, others: &[&Server]) {
        self.serves_again(others);
        let sent = self.record.all();
        statuses(&sent);
        sent.iter().for_each(super::schema::check);
        self.acknowledged_once(&sent);
        self.effects_match_keys();
        self.books_prove_themselves();
        self.repeating_creates_nothing(&sent);
        self.history_is_untouched();
        self.logs_are_silent(others);
    }

    /// I8
    fn serves_again(&self, others: &[&Server]) {
        let nobody = self.with_token("");
        let servers = std::iter::once(&self.server).chain(others.iter().copied());
        for server in servers {
            let session = nobody.at(server);
            super::eventually("the server is ready", || {
                session.send("GET", "/readyz", None, None, &[]).ok().filter(|answer| answer.status == 200)
            });
        }
    }

    /// I1: what was acknowledged is stored once under its key, as it was answered.
    fn acknowledged_once(&self, sent: &[Sent]) {
        let mut expected: HashMap<Uuid, (u16, String)> = HashMap::new();
        for sent in sent.iter().filter(|sent| sent.is_command() && sent.was_acknowledged()) {
            let answer = sent.answer.as_ref().unwrap();
            let id = key_id(sent.session.user_id, sent.key.as_ref().unwrap());
            // Secrets are in the first answer only; a day close says 202 while it is on its way.
            if !is_told_once(&sent.path) {
                let before = expected.insert(id, (answer.status, answer.text.clone()));
                assert!(before.is_none_or(|before| before.1 == answer.text), "two answers to {}", sent.path);
            }
        }
        for (id, status, body) in items(sent) {
            assert!((200..300).contains(&status));
            expected.entry(id).or_insert((status, body));
        }
        let ids: Vec<Uuid> = expected.keys().copied().collect();
        let rows = self.database.query(
            "select key.id, key.status, bodies[body_no] as body, (select count(*) from audit where key_id = key.id and status between 200 and 299) as times
             from idempotency_key key join idempotency_body body on body.id = body_id where key.id = any($1)",
            &[&ids],
        );
        assert_eq!(rows.len(), ids.len(), "I1: acknowledged commands are not stored");
        for row in rows {
            let (status, body) = &expected[&row.get::<_, Uuid>("id")];
            assert_eq!(row.get::<_, i16>("status"), i16::try_from(*status).unwrap(), "I1: {body}");
            assert_eq!(row.get::<_, i64>("times"), 1, "I1: audited more than once: {body}");
            if !body.is_empty() {
                assert_eq!(row.get::<_, &str>("body"), body, "I1");
            }
        }
    }

    /// I1, I2: as many effects as commands that were carried out, each with the amount that its answer says.
    fn effects_match_keys(&self) {
        let pairs = [
            ("loan.repay", "repaid"),
            ("loan.disburse", "disbursed"),
            ("loan.approve", "approved"),
            ("loan.reverse", "reversed"),
        ];
        for (operation, kind) in pairs {
            let done: i64 = self
                .database
                .one("select count(*) from audit where operation = $1 and status in (200, 201)", &[&operation]);
            let events: i64 = self.database.one("select count(*) from loan_event where kind = $1", &[&kind]);
            assert_eq!(done, events, "I1, I2: commands of {operation} and events {kind}");
            let named: i64 = self.database.one(
                "select count(distinct command_id) from loan_event join audit on audit.id = command_id
                 where kind = $2 and operation = $1 and status in (200, 201)",
                &[&operation, &kind],
            );
            assert_eq!(named, events, "I1, I2: an event {kind} that names no command of its own");
        }
        let rows = self.database.query(
            "select key.operation, bodies[body_no] as body from idempotency_key key join idempotency_body body on body.id = body_id
             where operation in ('loan.repay', 'loan.disburse') and status between 200 and 299",
            &[],
        );
        let events = self.database.query(
            "select id, amount_minor - coalesce(deducted_fees_minor, 0) - coalesce(withheld_minor, 0) from loan_event",
            &[],
        );
        let amounts: HashMap<Uuid, Option<i64>> = events.iter().map(|row| (row.get(0), row.get(1))).collect();
        for row in rows {
            let body: Value = serde_json::from_str(row.get("body")).unwrap();
            let transaction = &body["transaction"];
            let recorded = amounts.get(&super::people::id(&transaction["id"])).copied().flatten();
            assert_eq!(recorded, Some(minor(transaction["amount"].as_str().unwrap())), "I1: {body}");
        }
        let manual: i64 = self.database.one(
            "select count(*) from journal_entry where event in ('journal_entry.posted', 'journal_entry.reversed') and id not in (select reversal_id from journal_reversal)
             and id not in (select result_id from approval where result_id is not null)",
            &[],
        );
        let keys: i64 = self
            .database
            .one("select count(*) from audit where operation = 'journal_entry.post' and status in (200, 201)", &[]);
        assert_eq!(manual, keys, "I1, I2: manual entries and their commands");
    }

    /// I3, I4, the guards of I6: `ayni verify`.
    #[track_caller]
    pub fn books_prove_themselves(&self) {
        let verified = ayni(&["verify", "--database-url", &self.database.app_url()]).output().unwrap();
        assert!(
            verified.status.success(),
            "I3, I4: {}{}",
            String::from_utf8_lossy(&verified.stdout),
            String::from_utf8_lossy(&verified.stderr)
        );
    }

    /// I7: in any order, each stored answer comes back and nothing new appears.
    fn repeating_creates_nothing(&self, sent: &[Sent]) {
        let before = self.database.row_counts();
        let mut distinct: BTreeMap<(Uuid, String, String, String), &Sent> = BTreeMap::new();
        for one in sent.iter().filter(|one| one.is_command() && was_decided(one)) {
            let name =
                (one.session.user_id, one.key.clone().unwrap(), one.path.clone(), one.body.clone().unwrap_or_default());
            distinct.insert(name, one);
        }
        // Four at a time; those under one key one after the other, since another request in flight under it is refused.
        let mut parts: [Vec<&Sent>; 4] = Default::default();
        for ((user, key, ..), one) in &distinct {
            parts[key_id(*user, key).as_bytes()[0] as usize % 4].push(one);
        }
        thread::scope(|scope| {
            for part in &parts {
                scope.spawn(move || part.iter().for_each(|one| self.repeat(one)));
            }
        });
        assert_eq!(history(before), history(self.database.row_counts()), "I7: sending again created rows");
    }

    fn repeat(&self, one: &Sent) {
        let first = one.answer.as_ref().unwrap();
        let again = one.session.at(&self.server).try_post(
            one.key.as_ref().unwrap(),
            &one.path,
            one.body.as_deref().map(parse).as_ref().unwrap_or(&Value::Null),
        );
        let again = again.unwrap();
        if one.was_acknowledged() && !is_told_once(&one.path) {
            assert!(again.is_replay(), "I7: {} was answered {} and then {}", one.path, first.text, again.text);
            assert_eq!((again.status, &again.text), (first.status, &first.text), "I7: {}", one.path);
        } else {
            assert_eq!(again.status / 100, first.status / 100, "I7: {}: {} then {}", one.path, first.text, again.text);
        }
    }

    /// I6: the statistics of the tables know of no change. The guards themselves have tests of their own.
    fn history_is_untouched(&self) {
        let touched = self.database.query(CHANGED_HISTORY, &[]);
        let touched: Vec<String> = touched.iter().map(|row| row.get(0)).collect();
        assert!(touched.is_empty(), "I6: changed rows in {touched:?}");
    }

    /// I10
    fn logs_are_silent(&self, others: &[&Server]) {
        let secrets = self.record.secrets();
        for server in std::iter::once(&self.server).chain(others.iter().copied()) {
            let log = server.log();
            for secret in &secrets {
                let line = log.lines().find(|line| line.contains(secret.as_str()));
                assert!(line.is_none(), "I10: {secret} stands in the log: {}", line.unwrap_or_default());
            }
            let ours = ["\"target\":\"db::lane", "\"target\":\"api::"];
            let is_trouble =
                |line: &&str| line.contains("\"level\":\"ERROR\"") && ours.iter().any(|target| line.contains(target));
            let trouble = log.lines().find(is_trouble);
            assert!(trouble.is_none(), "I9: an error was logged: {}", trouble.unwrap_or_default());
        }
    }
}

/// I9
fn statuses(sent: &[Sent]) {
    for sent in sent {
        let Some(answer) = &sent.answer else { continue };
        match answer.status {
            200..=299 => {}
            400..=499 => assert_problem(sent),
            503 => {
                assert_problem(sent);
                assert!(answer.header("retry-after").is_some(), "I9: a 503 without Retry-After to {}", sent.path);
            }
            other => panic!("I9: {} {} was answered {other}: {}", sent.method, sent.path, answer.text),
        }
    }
}

fn assert_problem(sent: &Sent) {
    let answer = sent.answer.as_ref().unwrap();
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "I9: {} {}", sent.path, answer.text);
}

fn was_decided(sent: &Sent) -> bool {
    let Some(answer) = &sent.answer else { return false };
    // Who may and sees more by now, or less, gets another answer, and after a conflict the same key decides again; that of a
    // decision is kept.
    !matches!(answer.status, 401 | 403 | 404 | 409) && answer.status < 500 && !answer.is_passing()
}

fn is_told_once(path: &str) -> bool {
    path.starts_with("/v1/api-clients") || path.starts_with("/v1/business-date/close")
}

/// The acknowledged items of bulk calls: key, status; their bodies are checked by their amounts.
fn items(sent: &[Sent]) -> Vec<(Uuid, u16, String)> {
    let mut items = Vec::new();
    for sent in sent.iter().filter(|sent| sent.path == "/v1/repayments" && sent.was_acknowledged()) {
        for item in sent.answer.as_ref().unwrap().json()["data"].as_array().unwrap() {
            let status = u16::try_from(item["status"].as_u64().unwrap()).unwrap();
            if (200..300).contains(&status) {
                items.push((key_id(sent.session.user_id, item["key"].as_str().unwrap()), status, String::new()));
            }
        }
    }
    items
}

/// What repeating may not add to: not the audit of refusals, nor failed sign-ins.
fn history(counts: Vec<(String, i64)>) -> Vec<(String, i64)> {
    let passing = ["audit", "sign_in_failure", "refresh_token"];
    counts.into_iter().filter(|(table, _)| !passing.contains(&table.as_str())).collect()
}

fn parse(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

/// Minor units of an amount as the API prints it, with two decimals.
pub fn minor(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap_or_else(|_| panic!("no amount: {amount}"))
}
