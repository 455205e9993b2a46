//! A furnished database for each test, and entries to put into it.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::NaiveDate;
use db::caller::{Caller, Scope, callers_by_ids};
use db::deciding::{Effect, NotDone};
use db::fault::Fault;
use db::ids::Ids;
use db::migrations;
use db::pool::Pool;
use db::tx::{Tx, Writing};
use embedded::testing::TestCluster;
use kernel::amount::Amount;
use kernel::refusal::Refusal;
use ledger::action::AtEntries;
use ledger::books::Books;
use ledger::command::EntryCommand;
use ledger::draft::{Draft, DraftLine, Drafting, Heading};
use ledger::journal::Entry;
use ledger::manual::{ManualLine, PostManualEntry};
use ledger::sheet::DaySheet;
use ledger::shelf::{EntryShelf, EntryTouch};
use org::places::Places;
use org::settings::Settings;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

pub const HEAD: Uuid = Uuid::from_u128(10);
pub const NORTH: Uuid = Uuid::from_u128(11);
pub const USER: Uuid = Uuid::from_u128(20);
pub const PRODUCT: Uuid = Uuid::from_u128(30);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<TestCluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Runs a test on the one runtime that drives the connections of all.
pub fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(test);
}

pub struct World {
    pub pool: Pool,
    /// May do everything: what an attacker with the database's own password does.
    pub superuser: Client,
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn client(config: Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl World {
    /// A head office with one branch below it, the standard chart, the business day 2 March 2026.
    pub async fn new() -> World {
        let cluster = CLUSTER.get_or_init(|| async { TestCluster::start().await.unwrap() }).await;
        let connection = cluster.connection();
        let name = format!("books_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let first = client(connection.config("postgres")).await;
        migrations::make_roles(&first).await.unwrap();
        let password = &connection.password;
        let roles = format!(
            "alter role ayni_owner login password '{password}'; alter role ayni_app login password '{password}'"
        );
        // Tests that start together change the same rows of the catalog.
        while first.batch_execute(&roles).await.is_err() {}
        first.batch_execute(&format!("create database {name} owner ayni_owner")).await.unwrap();
        let mut owner = client(connection.url("ayni_owner", password, &name).parse().unwrap()).await;
        migrations::migrate(&mut owner).await.unwrap();
        let superuser = client(connection.config(&name)).await;
        superuser
            .batch_execute(&format!(
                "insert into setting (base_currency) values ('KES');
                 insert into business_day (open_on) values ('2026-03-02');
                 insert into branch (id, code, name, ancestors, created_at) values ('{HEAD}', 'HQ', 'Head', array['{HEAD}']::uuid[], now());
                 insert into branch (id, code, name, parent_id, ancestors, created_at)
                 values ('{NORTH}', 'N', 'North', '{HEAD}', array['{HEAD}', '{NORTH}']::uuid[], now());
                 insert into app_user (id, username, name, branch_id, sessions_from, created_at)
                 values ('{USER}', 'wanjiru', 'Wanjiru', '{HEAD}', now(), now())"
            ))
            .await
            .unwrap();
        let pool = Pool::try_new(&connection.url("ayni_app", password, &name), 8).unwrap();
        let world = World { pool, superuser };
        let tx = world.begin().await;
        ledger::setup::standard_chart(&tx).await.unwrap();
        tx.commit().await.unwrap();
        world
    }

    pub async fn begin(&self) -> Tx {
        Tx::begin_long(&self.pool).await.unwrap()
    }

    pub async fn post(&self, drafts: &[Draft]) {
        let tx = self.begin().await;
        ledger::post::post(&tx, drafts).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn books(&self) -> Books {
        Books::read(&self.begin().await).await.unwrap()
    }

    pub async fn caller(&self, tx: &Tx) -> Caller {
        callers_by_ids(tx, &[USER]).await.unwrap().remove(&USER).unwrap()
    }

    /// The checks that fail.
    pub async fn findings(&self) -> Vec<&'static str> {
        let tx = Tx::begin_reading(&self.pool).await.unwrap();
        ledger::verify::verify(&tx).await.unwrap().iter().map(|finding| finding.check).collect()
    }

    /// Sets the limit above which a manual entry waits. Settings are kept in memory by their version, so it counts up.
    pub async fn limit(&self, minor: i64) {
        let sql = format!("update setting set journal_approval_limit_minor = {minor}, version = version + 1");
        self.superuser.batch_execute(&sql).await.unwrap();
    }

    /// One number of a statement.
    pub async fn number(&self, sql: &str) -> i64 {
        self.superuser.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// What a batch of commands about entries has at hand, as the desk in `flows` has it: this crate stands below that one.
pub struct AtHand {
    pub entries: EntryShelf,
    pub sheet: DaySheet,
}

impl AtHand {
    pub async fn take(tx: &Tx, commands: &[&EntryCommand]) -> Result<AtHand, Fault> {
        let books = Books::known(tx).await?;
        AtHand::with_books(tx, commands, books).await
    }

    pub async fn with_books(tx: &Tx, commands: &[&EntryCommand], books: Books) -> Result<AtHand, Fault> {
        let touches: Vec<EntryTouch> = commands.iter().map(|command| command.action().touch()).collect();
        let entries = EntryShelf::take(tx, &touches).await?;
        let mut branches: Vec<Uuid> = touches.into_iter().flat_map(|touch| touch.branches).collect();
        branches.extend(entries.branches());
        let settings = Settings::known(tx).await?;
        let mut sheet = DaySheet::new(tx.today(), settings, books, Ids::starting_at(tx.now));
        sheet.places = Places::read(tx, &branches, &[]).await?;
        Ok(AtHand { entries, sheet })
    }

    /// Decides one command whole or not at all.
    pub fn decide(
        &mut self,
        command: &EntryCommand,
        caller: &Caller,
        command_id: Uuid,
    ) -> Result<Effect<Entry>, NotDone> {
        self.attempt(command, caller, command_id, true)
    }

    /// Decides one command, and lets it fall back as one that waits for a second person.
    pub fn try_out(&mut self, command: &EntryCommand, caller: &Caller) -> Result<Effect<Entry>, NotDone> {
        self.attempt(command, caller, Uuid::now_v7(), false)
    }

    fn attempt(
        &mut self,
        command: &EntryCommand,
        caller: &Caller,
        command_id: Uuid,
        counts: bool,
    ) -> Result<Effect<Entry>, NotDone> {
        let (made, sheet) = (self.entries.mark(), self.sheet.mark());
        self.sheet.begin(command_id);
        let mut at = AtEntries { entries: &mut self.entries, sheet: &mut self.sheet };
        let decided = command.action().decide(&mut at, caller);
        if counts && decided.is_ok() {
            self.entries.keep();
        } else {
            self.entries.fall_back(made);
            self.sheet.fall_back(sheet);
        }
        decided
    }

    pub fn put_back(self, tx: &mut Tx) -> Result<Vec<Writing>, Fault> {
        Ok(self.sheet.put_back(tx)?.into_iter().collect())
    }
}

/// Takes commands in a transaction as a batch does: all are decided in their order, then what they did is written.
pub async fn take(tx: &mut Tx, caller: &Caller, commands: &[EntryCommand]) -> Vec<Result<Entry, NotDone>> {
    let mut at = AtHand::take(tx, &commands.iter().collect::<Vec<_>>()).await.unwrap();
    let decided = commands.iter().map(|command| at.decide(command, caller, Uuid::now_v7()));
    let decided = decided.map(|effect| effect.map(|effect| effect.done)).collect();
    let writings = at.put_back(tx).unwrap();
    tx.carry_out(&writings).await.unwrap();
    decided
}

/// A refusal as its caller reads it: code, place, words. Refusals of all products are one type, and so are compared by this.
pub type Words = (&'static str, Option<String>, String);

pub fn words(refusal: &(dyn Refusal + Send + Sync)) -> Words {
    (refusal.code(), refusal.pointer(), refusal.to_string())
}

/// Why a command was refused.
pub fn refused<T: std::fmt::Debug>(decided: Result<T, NotDone>) -> Words {
    match decided {
        Err(NotDone::Refused(refusal)) => words(refusal.as_ref()),
        other => panic!("not refused: {other:?}"),
    }
}

pub fn everywhere() -> Scope {
    Scope { branch_id: HEAD, officer_id: None }
}

/// The rent of a branch, paid by the head office: written by hand.
pub fn rent(id: u128, amount: i64) -> PostManualEntry {
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

/// A product's entry of two or more lines: (account, branch, minor units).
pub fn draft(books: &Books, id: u128, booked_on: &str, lines: &[(&str, Uuid, i64)]) -> Draft {
    let mut drafting = Drafting::new(Heading {
        id: Uuid::from_u128(id),
        booked_on: day(booked_on),
        value_on: day(booked_on),
        branch_id: lines[0].1,
        event: "loan.repaid",
        subject_id: Some(Uuid::from_u128(77)),
        description: None,
        user_id: USER,
        reverses: None,
    });
    for (code, branch_id, amount) in lines {
        drafting.add(DraftLine {
            account_id: books.account_by_code(code).unwrap().id,
            branch_id: *branch_id,
            product_id: Some(PRODUCT),
            currency: "KES".parse().unwrap(),
            amount: Amount::of_minor(*amount),
            subject_id: None,
        });
    }
    drafting.finish(books).unwrap().unwrap()
}
