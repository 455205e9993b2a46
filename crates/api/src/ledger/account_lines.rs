//! `/v1/gl-accounts/{id}/entries`: from a row of the trial balance to its lines.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use db::keys::short_digest;
use edge::answer::Json;
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::get;
use edge::wire::{CurrencyCode, Day};
use kernel::amount::Amount;
use kernel::permission::Permission;
use ledger::journal::AccountLine;
use ledger::store_journal::{JournalFilter, LinePage, LinePosition};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::asking::Reading;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[Operation::get(
    "/v1/gl-accounts/{id}/entries",
    "gl_account_entry.list",
    Access::Needs(Permission::JournalRead),
    || get(list),
)
.about("Ledger", "The lines of an account in your branches, newest first")
.query(parameters::<LineQuery>)
.answers(200, schema::<List<AccountLineView>>)];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LineQuery {
    /// The branch with all below it.
    branch_id: Option<Uuid>,
    currency: Option<CurrencyCode>,
    booked_from: Option<Day>,
    booked_to: Option<Day>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AccountLineView {
    journal_entry_id: Uuid,
    line: i16,
    booked_on: Day,
    value_on: Day,
    branch_id: Uuid,
    event: String,
    description: Option<String>,
    currency: CurrencyCode,
    debit: String,
    credit: String,
    product_id: Option<Uuid>,
    subject_id: Option<Uuid>,
    user_id: Uuid,
    recorded_at: DateTime<Utc>,
}

impl AccountLineView {
    fn of(line: &AccountLine) -> AccountLineView {
        AccountLineView {
            journal_entry_id: line.entry_id,
            line: line.line_no,
            booked_on: Day(line.booked_on),
            value_on: Day(line.value_on),
            branch_id: line.branch_id,
            event: line.event.clone(),
            description: line.description.clone(),
            currency: CurrencyCode(line.currency),
            debit: debit(line.amount).format(line.currency),
            credit: debit(-line.amount).format(line.currency),
            product_id: line.product_id,
            subject_id: line.subject_id,
            user_id: line.user_id,
            recorded_at: line.recorded_at,
        }
    }
}

/// What of a signed amount stands on the debit side.
pub fn debit(amount: Amount) -> Amount {
    amount.or_zero()
}

async fn list(reading: Reading, id: Id, query: Parameters<LineQuery>) -> Result<Json<List<AccountLineView>>, Problem> {
    let query = query.0;
    let bound =
        format!("{} {:?} {:?} {:?} {:?}", id.0, query.branch_id, query.currency, query.booked_from, query.booked_to);
    let after = query.cursor.as_deref().map(|text| read_position(text, &bound)).transpose()?;
    let limit = cursor::page(query.limit, None, &bound)?.limit;
    ledger::store::find_account(&reading.tx, id.0).await?.ok_or_else(Problem::not_found)?;
    let filter = JournalFilter {
        branch_id: query.branch_id,
        booked_from: query.booked_from.map(|day| day.0),
        booked_to: query.booked_to.map(|day| day.0),
    };
    let currency = query.currency.map(|currency| currency.0);
    let page = LinePage { limit, after };
    let rows =
        ledger::store_journal::account_lines_page(&reading.tx, id.0, &reading.caller.scope, &filter, currency, &page)
            .await?;
    let next_cursor = rows.next.map(|position| write_position(position, &bound));
    Ok(Json(List { data: rows.lines.iter().map(AccountLineView::of).collect(), next_cursor }))
}

/// A line is found by its entry and its number: one part more than other lists' cursors have.
fn write_position(position: LinePosition, bound: &str) -> String {
    let mut bytes = position.entry_id.as_bytes().to_vec();
    bytes.extend(position.line_no.to_be_bytes());
    bytes.extend(short_digest("cursor", bound));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_position(text: &str, bound: &str) -> Result<LinePosition, Problem> {
    position_of(text, bound).ok_or_else(|| {
        Problem::malformed(
            "the cursor is not one of this list: begin again without it, and keep the filters between pages",
        )
        .at("cursor", "field.invalid", "not a cursor of this list")
    })
}

fn position_of(text: &str, bound: &str) -> Option<LinePosition> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (entry, rest) = bytes.split_at_checked(16)?;
    let (number, rest) = rest.split_at_checked(2)?;
    let position =
        LinePosition { entry_id: Uuid::from_slice(entry).ok()?, line_no: i16::from_be_bytes(number.try_into().ok()?) };
    (rest == short_digest("cursor", bound)).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_filter() {
        let position = LinePosition { entry_id: Uuid::from_u128(7), line_no: 31_000 };
        let text = write_position(position, "a");
        assert_eq!(position_of(&text, "a"), Some(position));
        assert_eq!(position_of(&text, "b"), None);
        assert_eq!(position_of("AAAA", "a"), None);
    }
}
