//! Statements on a connection: those of a transaction, and those that stand for themselves.

use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use futures::TryStreamExt;

use crate::fault::Fault;
use crate::pool::Object;
use crate::row::Row;
use crate::statement::{Statement, Values};

/// All rows. The statement is sent when this is first polled, behind those that were polled before it.
pub(crate) async fn rows(mut connection: &AsyncPgConnection, statement: Statement<'_>) -> Result<Vec<Row>, Fault> {
    let rows = connection.load(statement).await?;
    Ok(rows.map_ok(Row).try_collect().await?)
}

/// Carries the statement out. Returns how many rows it changed.
pub(crate) async fn run(mut connection: &AsyncPgConnection, statement: Statement<'_>) -> Result<usize, Fault> {
    Ok(connection.execute_returning_count(statement).await?)
}

/// A connection of the pool outside a transaction: each statement stands for itself.
pub struct Session(pub(crate) Object);

impl Session {
    pub async fn query(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        rows(&self.0, Statement::of(sql, values)).await
    }

    pub async fn query_opt(&self, sql: &'static str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    pub async fn query_one(&self, sql: &'static str, values: Values<'_>) -> Result<Row, Fault> {
        self.query_opt(sql, values).await?.ok_or_else(|| Fault::Invariant(format!("no row came back from: {sql}")))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}
