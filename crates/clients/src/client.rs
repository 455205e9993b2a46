//! A client.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

kernel::text_enum! {
    pub enum ClientKind {
        Person = "person",
        Organisation = "organisation",
    }
}

kernel::text_enum! {
    /// Loans are made to active clients.
    pub enum ClientStatus {
        Pending = "pending",
        Active = "active",
    }
}

kernel::text_enum! {
    pub enum Gender {
        Female = "female",
        Male = "male",
        Other = "other",
        NotStated = "not_stated",
    }
}

kernel::text_enum! {
    /// Where the client lives, as portfolio reports tell it.
    pub enum Area {
        Urban = "urban",
        Rural = "rural",
    }
}

/// Many clients know the year of their birth and not the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Birth {
    On(NaiveDate),
    Year(i16),
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientName {
    pub given: Option<String>,
    pub family: Option<String>,
    pub second_family: Option<String>,
    /// As it is printed; made of the parts where it is not given.
    pub full: String,
}

impl ClientName {
    /// `None` where no part of a name is given.
    pub fn try_new(
        given: Option<String>,
        family: Option<String>,
        second_family: Option<String>,
        full: Option<String>,
    ) -> Option<ClientName> {
        let parts: Vec<&str> = [&given, &family, &second_family].into_iter().flatten().map(String::as_str).collect();
        let full = full.unwrap_or_else(|| parts.join(" "));
        (!full.is_empty()).then_some(ClientName { given, family, second_family, full })
    }
}

/// Names do not belong into logs.
impl fmt::Debug for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    pub id: Uuid,
    /// The people-facing number.
    pub number: String,
    pub branch_id: Uuid,
    pub officer_id: Option<Uuid>,
    pub kind: ClientKind,
    pub status: ClientStatus,
    pub name: ClientName,
    pub birth: Option<Birth>,
    /// Of persons only.
    pub gender: Option<Gender>,
    pub area: Option<Area>,
    pub phone: Option<String>,
    pub registered_on: NaiveDate,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}
