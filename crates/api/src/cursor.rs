//! Cursors: where a list goes on, bound to the filter that it was made for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use db::keys::Claim;
use db::page::{LIMIT_DEFAULT, LIMIT_MOST, Page, Position, Rows};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::problem::Problem;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Send it as `cursor`, with the same filters, for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Reads `limit` and `cursor`. `filter` is the text of all other parameters: a cursor of another filter is refused.
pub fn page(limit: Option<i64>, cursor: Option<&str>, filter: &str) -> Result<Page, Problem> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MOST).contains(&limit) {
        return Err(Problem::malformed(format!("limit is a number from 1 to {LIMIT_MOST}")).at(
            "limit",
            "field.invalid",
            "out of range",
        ));
    }
    let after = match cursor {
        None => None,
        Some(text) => Some(read(text, filter).ok_or_else(|| {
            Problem::malformed(
                "the cursor is not one of this list: begin again without it, and keep the filters between pages",
            )
            .at("cursor", "field.invalid", "not a cursor of this list")
        })?),
    };
    Ok(Page { limit, after })
}

pub fn list<T, V>(rows: Rows<T>, filter: &str, view: impl Fn(T) -> V) -> List<V> {
    List {
        data: rows.rows.into_iter().map(view).collect(),
        next_cursor: rows.next.map(|position| write(position, filter)),
    }
}

fn write(position: Position, filter: &str) -> String {
    let mut bytes = position.at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend(position.id.as_bytes());
    bytes.extend(Claim::of("cursor", filter).0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(text: &str, filter: &str) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, rest) = bytes.split_at_checked(8)?;
    let (id, bound) = rest.split_at_checked(16)?;
    let at = DateTime::from_timestamp_micros(i64::from_be_bytes(at.try_into().ok()?))?;
    let position = Position { at, id: Uuid::from_slice(id).ok()? };
    (bound == Claim::of("cursor", filter).0.to_be_bytes()).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_filter() {
        let at = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let position = Position { at, id: Uuid::from_u128(7) };
        let text = write(position, "status=active");
        assert_eq!(read(&text, "status=active"), Some(position));
        assert_eq!(read(&text, "status=closed"), None);
        assert_eq!(read("AAAA", ""), None);
    }
}
