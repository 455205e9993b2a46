//! Keyset pages: a cursor names the last row that was seen, so that a page costs the same wherever it lies.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Most rows on a page, and how many without a wish.
pub const LIMIT_MOST: i64 = 200;
pub const LIMIT_DEFAULT: i64 = 50;

/// Where a row stands in a list: when it was made, newest first; the id only parts those of one instant, because a caller
/// may have chosen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub at: DateTime<Utc>,
    pub id: Uuid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub limit: i64,
    /// The page begins behind this row. In SQL: `($1::timestamptz is null or (created_at, id) < ($1, $2))`.
    pub after: Option<Position>,
}

/// Rows with the position of the next page, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    pub next: Option<Position>,
}

impl Page {
    /// The limit to ask the database for: one more shows whether there is a next page.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    pub fn after_at(&self) -> Option<DateTime<Utc>> {
        self.after.map(|position| position.at)
    }

    pub fn after_id(&self) -> Option<Uuid> {
        self.after.map(|position| position.id)
    }

    pub fn rows<T>(&self, mut rows: Vec<T>, position: impl Fn(&T) -> Position) -> Rows<T> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(position) } else { None };
        Rows { rows, next }
    }
}
