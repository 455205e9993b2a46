//! A transaction. The one value below the edge that is "inside a transaction, at this instant, on this business day".

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::connection::TransactionDepthChange;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::clock;
use crate::fault::Fault;
use crate::kept::Kept;
use crate::keys::Claim;
use crate::pool::{Object, Pool};
pub use crate::row::Row;
use crate::session;
use crate::statement::Statement;
pub use crate::statement::{Values, Writing};

/// What a lane's transaction begins with: a row is never waited for long, and a statement plans well on a table that was
/// never analysed (a sequential scan of an empty table would stay in the plan cache while the table grows).
const BEGIN_WRITING: &str = "begin; set local lock_timeout = '2s'; set local statement_timeout = '15s'; \
     set local idle_in_transaction_session_timeout = '15s'; set local enable_seqscan = off; \
     set local plan_cache_mode = force_generic_plan";
const PASS: &str =
    "set local plan_cache_mode = force_custom_plan; set local enable_nestloop = off; set local work_mem = '64MB'";
const PASS_OVER: &str =
    "set local plan_cache_mode = auto; set local enable_nestloop = on; set local work_mem = default";
const BEGIN_READING: &str = "begin isolation level repeatable read read only";
const BEGIN_LONG: &str = "begin";

/// How an action takes its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// Pass over rows that another transaction holds; the command comes again.
    Skip,
    /// Wait under the lock timeout: a command that was passed over several times.
    Wait,
    /// Take no lock: a dry run.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Writing,
    Reading,
}

pub struct Tx {
    connection: Option<Object>,
    mode: Mode,
    institution_id: Uuid,
    kept: Arc<Kept>,
    pub now: DateTime<Utc>,
    /// The open business day. Read after the day gate was taken.
    pub business_date: NaiveDate,
    pub locking: Locking,
    /// What was read with the business day.
    pub known: Known,
    pub(crate) events: Vec<Event>,
    /// What is carried out with the commit, before it.
    last: Vec<Writing>,
}

/// Versions of what a process keeps in memory, and which months are closed; of one moment, after the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    pub settings_version: Option<i64>,
    pub chart_version: Option<Uuid>,
    /// The first day of the last month into which nothing more is booked; all before it are closed too.
    pub closed_month: Option<NaiveDate>,
    /// The first day of a month that is being closed.
    pub closing_month: Option<NaiveDate>,
}

/// The open day with what is known beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DayRow {
    open_on: NaiveDate,
    known: Known,
}

impl DayRow {
    pub fn of_row(row: &Row) -> DayRow {
        let known = Known {
            settings_version: row.get("settings_version"),
            chart_version: row.get("chart_version"),
            closed_month: row.get("closed_month"),
            closing_month: row.get("closing_month"),
        };
        DayRow { open_on: row.get("open_on"), known }
    }
}

const CLOCK: &str = "select clock_timestamp() as at";

const DAY: &str = "select open_on, setting.version as settings_version, chart.version as chart_version,
            (select max(starts_on) from period where status <> 'open') as closed_month,
            (select min(starts_on) from period where status = 'closing') as closing_month
     from business_day left join setting on true left join chart on true";

/// Now, and the open business day: the time of a transaction as a pure function takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today {
    pub now: DateTime<Utc>,
    pub business_date: NaiveDate,
}

/// What the outbox tells of a commit.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub kind: &'static str,
    pub subject_id: Uuid,
    pub payload: Value,
}

impl Tx {
    /// A writing transaction of a lane. It begins with `begin_pending`, together with its first statements; the business date
    /// is set once the gates are held.
    pub(crate) async fn begin_writing(pool: &Pool, locking: Locking) -> Result<Tx, Fault> {
        Tx::on(pool, Mode::Writing, locking).await
    }

    /// Sends the `begin` of a lane's transaction. To be joined with the first statements: they are sent after it, in the
    /// same round trip, and if it fails the connection is given up with whatever they did.
    pub(crate) async fn begin_pending(&self) -> Result<(), Fault> {
        self.batch(BEGIN_WRITING).await
    }

    /// A writing transaction without time limits: close of day, close of period, set-up, fold.
    pub async fn begin_long(pool: &Pool) -> Result<Tx, Fault> {
        let mut tx = Tx::begin(pool, BEGIN_LONG, Mode::Writing, Locking::Wait).await?;
        tx.read_business_date().await?;
        Ok(tx)
    }

    /// One snapshot for as many reads as an answer needs. It ends by itself when dropped.
    pub async fn begin_reading(pool: &Pool) -> Result<Tx, Fault> {
        let mut tx = Tx::begin(pool, BEGIN_READING, Mode::Reading, Locking::None).await?;
        tx.read_business_date().await?;
        Ok(tx)
    }

    async fn begin(pool: &Pool, begin: &str, mode: Mode, locking: Locking) -> Result<Tx, Fault> {
        let tx = Tx::on(pool, mode, locking).await?;
        tx.batch(begin).await?;
        Ok(tx)
    }

    /// On a connection of the pool, before it begins.
    async fn on(pool: &Pool, mode: Mode, locking: Locking) -> Result<Tx, Fault> {
        let mut connection = pool.get().await?;
        let institution_id = pool.kept().institution_id(&connection).await?;
        // From here on it counts as inside a transaction: given back before the end, it is closed.
        mark(&mut connection, TransactionDepthChange::IncreaseDepth)?;
        let (now, business_date) = (clock::now(), NaiveDate::MIN);
        let (events, last) = (Vec::new(), Vec::new());
        let kept = pool.kept().clone();
        let known = Known::default();
        Ok(Tx {
            connection: Some(connection),
            mode,
            institution_id,
            kept,
            now,
            business_date,
            locking,
            known,
            events,
            last,
        })
    }

    /// Whose database it is; nil as long as there is no institution in it.
    pub(crate) fn institution_id(&self) -> Uuid {
        self.institution_id
    }

    /// What this process keeps of the database under a type: the same value for all transactions of the pool. Whatever is kept there
    /// must be right for any of them, also after this one was rolled back.
    pub fn cache<T: Default + Send + Sync + 'static>(&self) -> Result<Arc<T>, Fault> {
        self.kept.cache()
    }

    /// The number of a claim's advisory lock here.
    pub fn lock_number(&self, claim: Claim) -> i64 {
        claim.number(self.institution_id)
    }

    /// Reads the open day; on a database that is not set up yet there is none, and the date stays at its minimum.
    pub(crate) async fn read_business_date(&mut self) -> Result<(), Fault> {
        if let Some(row) = self.query_opt(DAY, &[]).await? {
            self.know(DayRow::of_row(&row));
        }
        Ok(())
    }

    pub(crate) fn know(&mut self, day: DayRow) {
        self.business_date = day.open_on;
        self.known = day.known;
    }

    pub async fn query(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        session::rows(self.connection()?, Statement::of(sql, values)).await
    }

    pub async fn query_opt(&self, sql: &'static str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    pub async fn query_one(&self, sql: &'static str, values: Values<'_>) -> Result<Row, Fault> {
        self.query_opt(sql, values).await?.ok_or_else(|| Fault::Invariant(format!("no row came back from: {sql}")))
    }

    /// Returns how many rows were changed.
    pub async fn execute(&self, sql: &'static str, values: Values<'_>) -> Result<usize, Fault> {
        session::run(self.connection()?, Statement::of(sql, values)).await
    }

    /// Carries statements out in one round trip, in this order.
    pub async fn carry_out(&self, writings: &[Writing]) -> Result<(), Fault> {
        send_all(self.connection()?, writings).await
    }

    /// The same, in one round trip with the commit: for an action of which these are the last statements, and that looks at nothing
    /// they did. What fails then fails the commit.
    pub fn carry_out_last(&mut self, writings: Vec<Writing>) {
        self.last.extend(writings);
    }

    /// From here on each statement is planned for its own values. For reports: the plan that Postgres keeps after some runs knows
    /// neither the day nor the branch, takes few loans for likely, and then joins all of them with branch after branch.
    pub async fn plan_for_values(&self) -> Result<(), Fault> {
        self.batch("set local plan_cache_mode = force_custom_plan").await
    }

    /// A statement that reads whole tables: joined by hash in one pass, never by a million looks into an index, which the planner
    /// prefers while it thinks little of the tables. Only this statement is planned so.
    pub async fn query_pass(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        self.batch(PASS).await?;
        let rows = self.query(sql, values).await?;
        self.batch(PASS_OVER).await?;
        Ok(rows)
    }

    /// The database's clock, now: after the statements before it.
    pub async fn clock(&self) -> Result<DateTime<Utc>, Fault> {
        Ok(self.query_one(CLOCK, &[]).await?.get("at"))
    }

    /// What a decision may know of time.
    pub fn today(&self) -> Today {
        Today { now: self.now, business_date: self.business_date }
    }

    /// A new id, in the order of time.
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Says in the outbox that something happened to a record. Written with the transaction.
    pub fn emit(&mut self, kind: &'static str, subject_id: Uuid, payload: Value) {
        self.events.push(Event { kind, subject_id, payload });
    }

    pub(crate) async fn write_events(&mut self) -> Result<(), Fault> {
        if self.events.is_empty() {
            return Ok(());
        }
        let events = outbox(std::mem::take(&mut self.events))?;
        self.execute("insert into outbox (at, events) values ($1, $2)", &[&self.now, &events]).await?;
        Ok(())
    }

    /// Writes the outbox and commits. Not for lanes, which commit themselves after their keys are stored.
    pub async fn commit(mut self) -> Result<(), Fault> {
        let last = std::mem::take(&mut self.last);
        self.carry_out(&last).await?;
        self.write_events().await?;
        self.commit_only().await
    }

    /// What was left for the end, the last statement and the commit in one round trip: a commit after a statement that failed rolls
    /// back. Gives the time between the ends of the last two, which is the flush.
    pub(crate) async fn execute_and_commit(mut self, sql: &'static str, values: Values<'_>) -> Result<Duration, Fault> {
        let last = std::mem::take(&mut self.last);
        let connection = self.connection()?;
        let executed = async { session::run(connection, Statement::of(sql, values)).await.map(|_| Instant::now()) };
        // A statement like the others: all wait for the same list of prepared statements, in the order in which they were polled. A
        // commit sent as a plain text would overtake one that has to be prepared.
        let committed = session::run(connection, Statement::new("commit"));
        let ((), executed, _) = futures::try_join!(send_all(connection, &last), executed, committed)?;
        self.end();
        Ok(executed.elapsed())
    }

    async fn commit_only(mut self) -> Result<(), Fault> {
        self.batch("commit").await?;
        self.end();
        Ok(())
    }

    pub async fn rollback(mut self) -> Result<(), Fault> {
        self.batch("rollback").await?;
        self.end();
        Ok(())
    }

    /// Statements that take no values, in one text.
    async fn batch(&self, sql: &str) -> Result<(), Fault> {
        let mut connection = self.connection()?;
        Ok(connection.batch_execute(sql).await?)
    }

    /// The connection goes back to the pool, outside a transaction.
    fn end(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // What is done is done: where the connection cannot be used again it is closed, and nobody hears of it.
        if mark(&mut connection, TransactionDepthChange::DecreaseDepth).is_err() {
            drop(Object::take(connection));
        }
    }

    pub(crate) fn connection(&self) -> Result<&AsyncPgConnection, Fault> {
        self.connection.as_deref().ok_or_else(|| Fault::Invariant("a transaction was used after its end".into()))
    }
}

/// Tells diesel and the pool whether the connection is inside a transaction: they have not seen our `begin`.
fn mark(connection: &mut AsyncPgConnection, change: TransactionDepthChange) -> Result<(), Fault> {
    let status = AnsiTransactionManager::transaction_manager_status_mut(connection);
    Ok(status.transaction_state()?.change_transaction_depth(change)?)
}

/// What the outbox stores.
pub(crate) fn outbox(events: Vec<Event>) -> Result<Value, Fault> {
    serde_json::to_value(events).map_err(|error| Fault::Invariant(format!("the outbox cannot be written: {error}")))
}

/// All are sent when this is first polled, in their order; an error in one comes before the next is looked at.
async fn send_all(connection: &AsyncPgConnection, writings: &[Writing]) -> Result<(), Fault> {
    futures::future::try_join_all(writings.iter().map(|one| session::run(connection, one.statement()))).await?;
    Ok(())
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("mode", &self.mode)
            .field("business_date", &self.business_date)
            .finish_non_exhaustive()
    }
}

impl Drop for Tx {
    /// A reading transaction is ended and its connection kept. A writing one that was neither committed nor rolled back
    /// has an unknown state: its connection is closed, so that no session stays idle in transaction.
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match (self.mode, tokio::runtime::Handle::try_current()) {
            (Mode::Reading, Ok(runtime)) => {
                runtime.spawn(async move {
                    let ended = connection.batch_execute("commit").await;
                    if ended.is_err() || mark(&mut connection, TransactionDepthChange::DecreaseDepth).is_err() {
                        drop(Object::take(connection));
                    }
                });
            }
            _ => drop(Object::take(connection)),
        }
    }
}
