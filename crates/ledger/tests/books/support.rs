//! A furnished database for each test, and entries to put into it.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::NaiveDate;
use db::caller::{Caller, Scope, callers_by_ids};
use db::embedded::testing::TestCluster;
use db::migrations;
use db::pool::Pool;
use db::tx::Tx;
use kernel::amount::Amount;
use ledger::books::Books;
use ledger::draft::{Draft, DraftLine, Drafting, Heading};
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
        let pool = Pool::try_new(&connection.url("ayni_app", password, &name), 4).unwrap();
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

    /// One number of a statement.
    pub async fn number(&self, sql: &str) -> i64 {
        self.superuser.query_one(sql, &[]).await.unwrap().get(0)
    }
}

pub fn everywhere() -> Scope {
    Scope { branch_id: HEAD, officer_id: None }
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
