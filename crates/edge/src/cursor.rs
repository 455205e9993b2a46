//! Cursors: where a list goes on, bound to the filter that it was made for.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use db::keys::short_digest;
use db::page::{LIMIT_DEFAULT, LIMIT_MOST, Page, Position, Rows};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Array, Object, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use crate::problem::Problem;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Send it as `cursor`, with the same filters, for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let rows = Array::new(Ref::from_schema_name(T::name()));
        let next = Object::builder().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        let next =
            next.description(Some("Send it as `cursor`, with the same filters, for the next page; null on the last."));
        let list = Object::builder().schema_type(Type::Object).description(Some("A page of a list."));
        list.property("data", rows).property("next_cursor", next).required("data").into()
    }
}

impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name().trim_end_matches("View")).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// Of a list that is read whole because it is short: all of it, unless a page is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WholeQuery {
    /// Rows on a page, up to 200. Left out: all rows, and behind a cursor 50.
    pub limit: Option<i64>,
    pub cursor: Option<String>,
}

/// Of a list that may be long: pages of 50, unless another number is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Rows on a page, up to 200. Left out: 50.
    limit: Option<i64>,
    cursor: Option<String>,
}

impl PageQuery {
    pub fn page(&self, filter: &str) -> Result<Page, Problem> {
        page(self.limit, self.cursor.as_deref(), filter)
    }
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
        Some(text) => Some(read(text, filter).ok_or_else(elsewhere)?),
    };
    Ok(Page { limit, after })
}

pub fn list<T, V>(rows: Rows<T>, filter: &str, view: impl Fn(T) -> V) -> List<V> {
    List {
        data: rows.rows.into_iter().map(view).collect(),
        next_cursor: rows.next.map(|position| write(position, filter)),
    }
}

/// What of a list that was read whole is asked for. `id` tells its rows apart, `filter` it from other lists.
pub fn whole<T, V>(
    rows: Vec<T>,
    query: &WholeQuery,
    filter: &str,
    id: impl Fn(&T) -> Uuid,
    view: impl Fn(&T) -> V,
) -> Result<List<V>, Problem> {
    if query.limit.is_none() && query.cursor.is_none() {
        return Ok(List { data: rows.iter().map(view).collect(), next_cursor: None });
    }
    let page = page(query.limit, query.cursor.as_deref(), filter)?;
    cut(rows, &page, filter, id, view)
}

/// A page of rows that were read whole.
pub fn cut<T, V>(
    mut rows: Vec<T>,
    page: &Page,
    filter: &str,
    id: impl Fn(&T) -> Uuid,
    view: impl Fn(&T) -> V,
) -> Result<List<V>, Problem> {
    if let Some(after) = page.after_id() {
        let last = rows.iter().position(|row| id(row) == after).ok_or_else(elsewhere)?;
        rows.drain(..=last);
    }
    // The order is the list's own: a row is found again by its id.
    let rows = page.rows(rows, |row| Position { at: DateTime::UNIX_EPOCH, id: id(row) });
    Ok(list(rows, filter, |row| view(&row)))
}

/// The id of a row that has only a code: for its cursor.
pub fn id_of_code(code: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, code.as_bytes())
}

fn elsewhere() -> Problem {
    Problem::malformed("the cursor is not one of this list: begin again without it, and keep the filters between pages")
        .at("cursor", "field.invalid", "not a cursor of this list")
}

fn write(position: Position, filter: &str) -> String {
    let mut bytes = position.at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend(position.id.as_bytes());
    bytes.extend(short_digest("cursor", filter));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(text: &str, filter: &str) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, rest) = bytes.split_at_checked(8)?;
    let (id, bound) = rest.split_at_checked(16)?;
    let at = DateTime::from_timestamp_micros(i64::from_be_bytes(at.try_into().ok()?))?;
    let position = Position { at, id: Uuid::from_slice(id).ok()? };
    (bound == short_digest("cursor", filter)).then_some(position)
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

    #[test]
    fn a_short_list_comes_whole_or_in_pages() {
        let rows: Vec<u128> = (1..=5).collect();
        let ask = |limit, cursor: Option<String>| {
            let query = WholeQuery { limit, cursor };
            whole(rows.clone(), &query, "rows", |row| Uuid::from_u128(*row), |row| *row)
        };
        let all = ask(None, None).unwrap();
        assert_eq!((all.data, all.next_cursor), (rows.clone(), None));
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = ask(Some(2), cursor).unwrap();
            assert!(page.data.len() <= 2);
            seen.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, rows);
        // Of another list, of a row that is gone, and too many at once.
        let at = |id| Position { at: DateTime::UNIX_EPOCH, id: Uuid::from_u128(id) };
        assert!(ask(None, Some(write(at(3), "others"))).is_err());
        assert!(ask(None, Some(write(at(9), "rows"))).is_err());
        assert!(ask(Some(201), None).is_err());
        assert_eq!(ask(None, Some(write(at(3), "rows"))).unwrap().data, [4, 5]);
    }
}
