//! Portfolio at risk: the whole balance of loans that are late, by how many days, as known at the close of a day.
//!
//! Days overdue = the day less the oldest unpaid due date, so what falls due on the day itself is 0. "At least 1 day" is over 0.
//! With renegotiated: every renegotiated loan counts in every column, once, however current it is; without: only by its days.
//! The state of a loan holds a date and not days, so a past day costs what today costs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use db::fault::Fault;
use db::tx::{Row, Tx};
use kernel::amount::Amount;
use kernel::currency::Currency;
use loans::event::Event;
use loans::replay::replay;
use loans::store::read::{events_of_loans, loans_by_ids};
use uuid::Uuid;

/// The columns: more than so many days overdue.
pub const OVER_DAYS: [i32; 5] = [0, 30, 60, 90, 180];

kernel::text_enum! {
    pub enum By {
        Branch = "branch",
        Officer = "officer",
        Product = "product",
        Gender = "gender",
        Area = "area",
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub branch_id: Uuid,
    /// Only this officer's loans: of a caller who sees an own portfolio.
    pub officer_id: Option<Uuid>,
    pub currency: Currency,
    pub as_of: NaiveDate,
    /// With all events that are known now, also those booked after the day.
    pub restated: bool,
    pub by: By,
}

/// The figures of a group of loans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    pub loans: i64,
    pub outstanding: Amount,
    pub with_renegotiated: [Amount; OVER_DAYS.len()],
    pub without_renegotiated: [Amount; OVER_DAYS.len()],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id of the branch, officer or product, or the word; empty where it is not stated.
    pub key: String,
    pub name: String,
    pub cell: Cell,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioAtRisk {
    pub groups: Vec<Group>,
    pub total: Cell,
}

/// Loans with the same place, product and person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    branch_id: Uuid,
    officer_id: Option<Uuid>,
    product_id: Uuid,
    gender: Option<String>,
    area: Option<String>,
}

const KNOWN: &str = include_str!("portfolio_at_risk.sql");
const KNOWN_BY_CLIENT: &str = include_str!("portfolio_at_risk_by_client.sql");

/// Loans whose state as of the day differs once all that is known now is counted: an event was booked later with a value date
/// until then.
const RESTATED: &str = "select distinct loan_id from loan_event where booked_on > $1 and value_on <= $1";

pub async fn portfolio_at_risk(tx: &Tx, asked: &Asked) -> Result<PortfolioAtRisk, Fault> {
    tx.plan_for_values().await?;
    let late: Vec<Uuid> = match asked.restated {
        true => tx.query(RESTATED, &[&asked.as_of]).await?.iter().map(|row| row.get("loan_id")).collect(),
        false => Vec::new(),
    };
    let sql = match asked.by {
        By::Branch | By::Officer | By::Product => KNOWN,
        By::Gender | By::Area => KNOWN_BY_CLIENT,
    };
    let currency = asked.currency.code();
    let rows = tx.query(sql, &[&asked.as_of, &asked.branch_id, &asked.officer_id, &currency, &late]).await?;
    let mut cells: BTreeMap<Place, Cell> = BTreeMap::new();
    for row in &rows {
        cells.entry(place_of_row(row)).or_default().add(&cell_of_row(row));
    }
    for (place, cell) in restated_loans(tx, asked, &late).await? {
        cells.entry(place).or_default().add(&cell);
    }
    group(tx, asked.by, cells).await
}

impl Cell {
    fn of_loan(outstanding: Amount, days_overdue: i64, renegotiated: bool) -> Cell {
        let over = |limit: i32| days_overdue > i64::from(limit);
        let at_risk = |counts: bool| if counts { outstanding } else { Amount::ZERO };
        Cell {
            loans: 1,
            outstanding,
            with_renegotiated: OVER_DAYS.map(|limit| at_risk(over(limit) || renegotiated)),
            without_renegotiated: OVER_DAYS.map(|limit| at_risk(over(limit))),
        }
    }

    fn add(&mut self, other: &Cell) {
        self.loans += other.loans;
        self.outstanding += other.outstanding;
        for (sum, more) in self.with_renegotiated.iter_mut().zip(other.with_renegotiated) {
            *sum += more;
        }
        for (sum, more) in self.without_renegotiated.iter_mut().zip(other.without_renegotiated) {
            *sum += more;
        }
    }
}

fn place_of_row(row: &Row) -> Place {
    Place {
        branch_id: row.get("branch_id"),
        officer_id: row.get("officer_id"),
        product_id: row.get("product_id"),
        gender: row.get("gender"),
        area: row.get("area"),
    }
}

fn cell_of_row(row: &Row) -> Cell {
    let amounts = |column: &str| -> [Amount; OVER_DAYS.len()] {
        let minors: Vec<i64> = row.get(column);
        std::array::from_fn(|index| Amount::of_minor(minors.get(index).copied().unwrap_or_default()))
    };
    Cell {
        loans: row.get("loans"),
        outstanding: Amount::of_minor(row.get("outstanding")),
        with_renegotiated: amounts("with_renegotiated"),
        without_renegotiated: amounts("without_renegotiated"),
    }
}

/// The loans that the statement left out, replayed with the events valued until the day.
async fn restated_loans(tx: &Tx, asked: &Asked, ids: &[Uuid]) -> Result<Vec<(Place, Cell)>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let records = loans_by_ids(tx, ids, kernel::date::EARLIEST).await?;
    let events = events_of_loans(tx, ids).await?;
    let people = people(tx, ids).await?;
    let within = branches_within(tx, asked.branch_id).await?;
    let mut cells = Vec::new();
    for (id, record) in &records {
        let visible = within.contains(&record.branch_id)
            && asked.officer_id.is_none_or(|officer| record.officer_id == Some(officer))
            && record.currency == asked.currency;
        if !visible {
            continue;
        }
        // A reversal has the value date of what it takes back, so both count or neither.
        let known = events.get(id).into_iter().flatten().map(|known| known.event);
        let until: Vec<Event> = known.filter(|event| event.value_on <= asked.as_of).collect();
        let loan = replay(&Arc::clone(&record.loan.agreement), &until).loan;
        let outstanding = loan.principal_outstanding();
        if outstanding.is_positive() {
            let days = loans::position::days_overdue(&loan, asked.as_of);
            let (gender, area) = people.get(id).cloned().unwrap_or_default();
            let place = Place {
                branch_id: record.branch_id,
                officer_id: record.officer_id,
                product_id: record.product_id,
                gender,
                area,
            };
            cells.push((place, Cell::of_loan(outstanding, days, loan.renegotiated_since.is_some())));
        }
    }
    Ok(cells)
}

async fn people(tx: &Tx, loans: &[Uuid]) -> Result<HashMap<Uuid, (Option<String>, Option<String>)>, Fault> {
    let sql =
        "select loan.id, gender, area from loan join client on client.id = loan.client_id where loan.id = any($1)";
    let rows = tx.query(sql, &[&loans]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), (row.get("gender"), row.get("area")))).collect())
}

async fn branches_within(tx: &Tx, branch_id: Uuid) -> Result<Vec<Uuid>, Fault> {
    let rows = tx.query("select id from branch where $1 = any(ancestors)", &[&branch_id]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

async fn group(tx: &Tx, by: By, cells: BTreeMap<Place, Cell>) -> Result<PortfolioAtRisk, Fault> {
    let mut groups: BTreeMap<String, Cell> = BTreeMap::new();
    let mut total = Cell::default();
    for (place, cell) in &cells {
        let key = match by {
            By::Branch => place.branch_id.to_string(),
            By::Officer => place.officer_id.map(|id| id.to_string()).unwrap_or_default(),
            By::Product => place.product_id.to_string(),
            By::Gender => place.gender.clone().unwrap_or_default(),
            By::Area => place.area.clone().unwrap_or_default(),
        };
        groups.entry(key).or_default().add(cell);
        total.add(cell);
    }
    let names = names(tx, by).await?;
    let named = |key: &str| {
        names.get(key).cloned().unwrap_or_else(|| if key.is_empty() { "not stated" } else { key }.to_owned())
    };
    let mut groups: Vec<Group> = groups.into_iter().map(|(key, cell)| Group { name: named(&key), key, cell }).collect();
    groups.sort_by(|one, other| (&one.name, &one.key).cmp(&(&other.name, &other.key)));
    Ok(PortfolioAtRisk { groups, total })
}

async fn names(tx: &Tx, by: By) -> Result<HashMap<String, String>, Fault> {
    let sql = match by {
        By::Branch => "select id, name from branch",
        By::Officer => "select id, name from staff",
        By::Product => "select id, name from loan_product",
        By::Gender | By::Area => return Ok(HashMap::new()),
    };
    let rows = tx.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get::<_, Uuid>("id").to_string(), row.get("name"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine loans worked by hand: balance, days overdue, renegotiated.
    const LOANS: [(i64, i64, bool); 9] = [
        (420_000, 0, false),
        (185_050, 1, false),
        (330_000, 30, false),
        (275_025, 31, false),
        (99_000, 61, false),
        (150_000, 0, true),
        (64_075, 95, true),
        (210_000, 181, false),
        (800_000, 0, false),
    ];

    #[test]
    fn the_fixture_adds_up() {
        let mut total = Cell::default();
        for (balance, days, renegotiated) in LOANS {
            total.add(&Cell::of_loan(Amount::of_minor(balance), days, renegotiated));
        }
        let minor = |amounts: [Amount; 5]| amounts.map(Amount::minor);
        assert_eq!((total.loans, total.outstanding.minor()), (9, 2_533_150));
        assert_eq!(minor(total.with_renegotiated), [1_313_150, 798_100, 523_075, 424_075, 424_075]);
        assert_eq!(minor(total.without_renegotiated), [1_163_150, 648_100, 373_075, 274_075, 210_000]);
    }
}
