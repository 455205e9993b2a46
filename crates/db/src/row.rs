//! A row as the database sent it, read by the names or places of its columns.

use diesel::deserialize::FromSql;
use diesel::pg::Pg;
use diesel::row::{Field, Row as _, RowIndex};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};

use crate::statement::Bound;

type PgRow = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

pub struct Row(pub(crate) PgRow);

/// What a column can be found by.
pub trait Column: Copy + std::fmt::Debug {
    fn place(self, row: &Row) -> Option<usize>;
}

impl Column for &str {
    fn place(self, row: &Row) -> Option<usize> {
        row.0.idx(self)
    }
}

impl Column for usize {
    fn place(self, row: &Row) -> Option<usize> {
        row.0.idx(self)
    }
}

impl Row {
    /// The value of a column.
    ///
    /// # Panics
    /// Where the statement has no such column, or one whose bytes are none of this type: a mistake of the program, which the test that
    /// runs the statement meets. Types of the same length are not told apart. A request or a batch that panics is answered 500.
    pub fn get<C: Column, T: Bound + FromSql<T::Sql, Pg>>(&self, column: C) -> T {
        match self.try_get(column) {
            Ok(value) => value,
            #[allow(clippy::panic, reason = "see above")]
            Err(error) => panic!("the column {column:?} cannot be read: {error}"),
        }
    }

    fn try_get<C: Column, T: Bound + FromSql<T::Sql, Pg>>(&self, column: C) -> diesel::deserialize::Result<T> {
        let place = column.place(self).ok_or("there is no such column")?;
        let field = self.0.get(place).ok_or("there is no such column")?;
        T::from_nullable_sql(field.value())
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("columns", &self.0.field_count()).finish_non_exhaustive()
    }
}
