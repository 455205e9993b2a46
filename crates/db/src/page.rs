//! Keyset pages: a cursor names the last row that was seen, so that a page costs the same wherever it lies.

use uuid::Uuid;

/// Most rows on a page, and how many without a wish.
pub const LIMIT_MOST: i64 = 200;
pub const LIMIT_DEFAULT: i64 = 50;

/// Where a page begins: after this row in the order of server-made ids, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub limit: i64,
    pub after: Option<Uuid>,
}

/// Rows with the position of the next page, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    pub next: Option<Uuid>,
}

impl Page {
    /// The limit to ask the database for: one more shows whether there is a next page.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    pub fn rows<T>(&self, mut rows: Vec<T>, position: impl Fn(&T) -> Uuid) -> Rows<T> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(position) } else { None };
        Rows { rows, next }
    }
}
