//! Queries in diesel's language, which the compiler checks against the crate `schema`: for statements that are plain.

use diesel::pg::Pg;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use futures::future::BoxFuture;

use crate::fault::Fault;
use crate::tx::Tx;

impl Tx {
    /// Rows of a query in diesel's language. Boxed: the query's type, which holds all of its parts, would stand in the type of every
    /// future above.
    pub fn load<'t, Q, R>(&'t self, query: Q) -> BoxFuture<'t, Result<Vec<R>, Fault>>
    where
        Q: LoadQuery<'t, &'t AsyncPgConnection, R> + Send + 't,
        R: Send + 't,
    {
        Box::pin(async move {
            let mut connection = self.connection()?;
            Ok(diesel_async::RunQueryDsl::load(query, &mut connection).await?)
        })
    }

    /// Its one row, where there is one.
    pub fn find<'t, Q, R>(&'t self, query: Q) -> BoxFuture<'t, Result<Option<R>, Fault>>
    where
        Q: LoadQuery<'t, &'t AsyncPgConnection, R> + Send + 't,
        R: Send + 't,
    {
        Box::pin(async move { Ok(self.load(query).await?.into_iter().next()) })
    }

    /// Carries out a change in diesel's language. Returns how many rows were changed.
    pub fn change<'t, Q>(&'t self, query: Q) -> BoxFuture<'t, Result<usize, Fault>>
    where
        Q: QueryFragment<Pg> + QueryId + Send + 't,
    {
        Box::pin(async move {
            let mut connection = self.connection()?;
            Ok(connection.execute_returning_count(query).await?)
        })
    }
}
