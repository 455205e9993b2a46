//! The records of the house, as decisions and the store know them.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use db::caller::Scope;
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};
use kernel::amount::Amount;
use kernel::currency::Currency;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    /// None: the head office.
    pub parent_id: Option<Uuid>,
    /// From the head office down to and with this branch.
    pub ancestors: Vec<Uuid>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl Branch {
    /// Whether a scope covers this branch.
    pub fn is_in(&self, scope: &Scope) -> bool {
        self.ancestors.contains(&scope.branch_id)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = schema::staff, check_for_backend(Pg))]
pub struct Staff {
    pub id: Uuid,
    pub number: String,
    pub name: String,
    pub branch_id: Uuid,
    pub active: bool,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = schema::holiday, check_for_backend(Pg))]
pub struct Holiday {
    pub id: Uuid,
    pub held_on: NaiveDate,
    pub name: String,
    /// None: in all branches.
    pub branch_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub base_currency: Currency,
    /// How many days before the business date a value date may lie.
    pub backdating_limit_days: Option<i32>,
    /// A manual entry above this total waits for a second person; in the base currency.
    pub journal_approval_limit: Option<Amount>,
    pub version: i64,
}

/// The close of one business day.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = schema::day_close, check_for_backend(Pg))]
pub struct DayClose {
    pub closed_on: NaiveDate,
    pub rolled_at: DateTime<Utc>,
    /// None: the day has rolled, its entries are not all booked yet.
    pub booked_at: Option<DateTime<Utc>>,
    pub entry_count: Option<i32>,
}

/// What is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// `C-000001`
    Client,
    /// `L-000001`
    Loan,
    /// `S-0001`
    Staff,
}

/// Branches with their ancestors, and members of staff with their branch, as far as a batch names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// From the head office down to and with each branch.
    pub branches: HashMap<Uuid, Vec<Uuid>>,
    /// The same of the branch in which each active member of staff works.
    pub officers: HashMap<Uuid, Vec<Uuid>>,
}
