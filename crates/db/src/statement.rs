//! A statement whose text is constant: prepared once per connection, and found again by its text and the types of its values.
//!
//! diesel prepares the text of an `sql_query` anew for every run, because it cannot know that it does not vary. Here it is a
//! `&'static str`, so it cannot: text from a request never becomes statement text.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, BoxedSqlQuery, Query, QueryFragment, QueryId, SqlQuery};
use diesel::serialize::ToSql;
use diesel::sql_types::{self, HasSqlType, SingleValue, Untyped};
use diesel::{QueryResult, sql_query};
use uuid::Uuid;

/// A constant text with its values.
pub struct Statement<'v> {
    query: BoxedSqlQuery<'v, Pg, SqlQuery>,
    sql: &'static str,
}

impl<'v> Statement<'v> {
    pub fn new(sql: &'static str) -> Statement<'v> {
        Statement { query: sql_query(sql).into_boxed(), sql }
    }

    pub(crate) fn of(sql: &'static str, values: Values<'v>) -> Statement<'v> {
        values.iter().fold(Statement::new(sql), |statement, value| value.add(statement))
    }
}

/// A statement that owns its values: a store makes it, the transaction that takes it carries it out.
pub struct Writing {
    sql: &'static str,
    values: Vec<Box<dyn Bind + Send + Sync>>,
}

impl Writing {
    pub fn new(sql: &'static str) -> Writing {
        Writing { sql, values: Vec::new() }
    }

    /// The next value: `$1`, then `$2`, and so on. Its SQL type follows from its own.
    pub fn with(mut self, value: impl Bind + Send + Sync + 'static) -> Writing {
        self.values.push(Box::new(value));
        self
    }

    pub(crate) fn statement(&self) -> Statement<'_> {
        self.values.iter().fold(Statement::new(self.sql), |statement, value| value.add(statement))
    }
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("sql", &self.sql).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement").field("sql", &self.sql).finish_non_exhaustive()
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out)
    }

    /// The text is constant, so there is one prepared statement and not one for every request.
    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Not found by its type, which all statements share, but by its text and the types of its values.
impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Rows are read by name.
impl Query for Statement<'_> {
    type SqlType = Untyped;
}

/// A query of diesel's language that is kept as a prepared statement although diesel would not keep it. Only for one with a bounded
/// number of texts: an update of a fixed set of columns.
#[derive(Debug, Clone, Copy)]
pub struct Kept<Q>(pub Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Kept<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The values of a statement, in the order of `$1`, `$2`.
pub type Values<'a> = &'a [&'a (dyn Bind + Sync)];

/// A value that a statement is sent with.
pub trait Bind {
    /// The statement with this value behind those that it has.
    fn add<'v>(&'v self, to: Statement<'v>) -> Statement<'v>;
}

impl<T> Bind for T
where
    T: Bound + ToSql<T::Sql, Pg> + Sync,
    Pg: HasSqlType<T::Sql>,
{
    fn add<'v>(&'v self, to: Statement<'v>) -> Statement<'v> {
        Statement { query: to.query.bind::<T::Sql, &'v T>(self), sql: to.sql }
    }
}

/// As which SQL type a value is sent and read.
pub trait Bound {
    type Sql: Send + 'static;
}

/// A value that can stand in an array, and may be absent.
pub trait Scalar {
    type Sql: SingleValue + diesel::query_builder::QueryId + Send + 'static;
}

macro_rules! scalars {
    ($($rust:ty => $sql:ident),* $(,)?) => {$(
        impl Scalar for $rust { type Sql = sql_types::$sql; }
        impl Bound for $rust { type Sql = sql_types::$sql; }
        impl Bound for Option<$rust> { type Sql = sql_types::Nullable<sql_types::$sql>; }
        impl Bound for Vec<Option<$rust>> { type Sql = sql_types::Array<sql_types::Nullable<sql_types::$sql>>; }
        impl Bound for &[Option<$rust>] { type Sql = sql_types::Array<sql_types::Nullable<sql_types::$sql>>; }
    )*};
}

scalars! {
    bool => Bool, i16 => SmallInt, i32 => Integer, i64 => BigInt, String => Text, &str => Text, Uuid => Uuid, NaiveDate => Date,
    DateTime<Utc> => Timestamptz, serde_json::Value => Jsonb, Vec<u8> => Binary, &[u8] => Binary, &String => Text,
}

impl<T: Scalar> Bound for Vec<T> {
    type Sql = sql_types::Array<T::Sql>;
}

impl<T: Scalar> Bound for &[T] {
    type Sql = sql_types::Array<T::Sql>;
}

impl<T: Scalar> Bound for &Vec<T> {
    type Sql = sql_types::Array<T::Sql>;
}

/// A list that may be absent as a whole.
impl<T: Scalar> Bound for Option<Vec<T>> {
    type Sql = sql_types::Nullable<sql_types::Array<T::Sql>>;
}
