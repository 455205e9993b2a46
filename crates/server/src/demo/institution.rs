//! What stands still: branches, staff, holidays, and the time that the demo covers.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use kernel::amount::Amount;
use kernel::calendar::{Calendar, DueDateShift};
use kernel::currency::Currency;

#[derive(Debug)]
pub struct Branch {
    pub code: &'static str,
    pub name: &'static str,
    /// How many of a hundred clients live in the town.
    pub urban_percent: u32,
}

/// The head office comes with every institution; it has clients of its own.
pub const BRANCHES: [Branch; 3] = [
    Branch { code: "HQ", name: "Head office", urban_percent: 85 },
    Branch { code: "KSM", name: "Kisumu", urban_percent: 50 },
    Branch { code: "MKS", name: "Machakos", urban_percent: 20 },
];

pub const HEAD_OFFICE: usize = 0;

#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub branch: usize,
    pub username: &'static str,
    pub role: &'static str,
    pub own_portfolio: bool,
}

const fn member(name: &'static str, branch: usize, username: &'static str, role: &'static str) -> Member {
    Member { name, branch, username, role, own_portfolio: false }
}

/// The users that people sign in with are those of `arguments::DEMO_USERS`; the others act in the history only.
pub const STAFF: [Member; 8] = [
    member("Grace Wambui", 0, "manager", "branch_manager"),
    member("Peter Otieno", 0, "accountant", "accountant"),
    member("Halima Juma", 0, "halima", "teller"),
    member("Brian Mwangi", 0, "officer", "loan_officer"),
    member("Faith Njeri", 0, "faith", "loan_officer"),
    member("Achieng Okoth", 1, "achieng", "loan_officer"),
    Member { own_portfolio: true, ..member("Kevin Ochieng", 1, "kevin", "loan_officer") },
    member("Mutua Musyoka", 2, "mutua", "loan_officer"),
];

pub const MANAGER: usize = 0;
pub const ACCOUNTANT: usize = 1;
pub const TELLER: usize = 2;

/// Loan officers by their share of the clients.
pub const OFFICERS: [(usize, u32); 5] = [(3, 24), (4, 18), (5, 22), (6, 16), (7, 20)];

/// Who does something: the administrator or a member of the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Administrator,
    Staff(usize),
}

/// Eighteen months, in days.
pub const DAYS: u64 = 550;

/// The days of the demo. The day after the last is the open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Span {
    pub fn beginning(first: NaiveDate) -> Span {
        Span { first, last: later(first, DAYS - 1) }
    }

    /// So that the open day is today.
    pub fn until_today(today: NaiveDate) -> Span {
        Span::beginning(earlier(today, DAYS))
    }

    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take_while(move |day| *day <= self.last)
    }
}

/// Dates of the demo lie far from the ends of the calendar.
pub fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

pub fn earlier(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

pub fn moved(day: NaiveDate, days: i64) -> NaiveDate {
    if days < 0 { earlier(day, days.unsigned_abs()) } else { later(day, days.unsigned_abs()) }
}

/// Kenya's holidays with a fixed date.
const HOLIDAYS: [(u32, u32, &str); 8] = [
    (1, 1, "New Year's Day"),
    (5, 1, "Labour Day"),
    (6, 1, "Madaraka Day"),
    (10, 10, "Mazingira Day"),
    (10, 20, "Mashujaa Day"),
    (12, 12, "Jamhuri Day"),
    (12, 25, "Christmas Day"),
    (12, 26, "Boxing Day"),
];

/// The holidays of the years that the demo touches.
pub fn holidays(span: Span) -> Vec<(NaiveDate, &'static str)> {
    let years = span.first.year()..=span.last.year();
    let of_year = |year| {
        HOLIDAYS
            .iter()
            .filter_map(move |(month, day, name)| Some((NaiveDate::from_ymd_opt(year, *month, *day)?, *name)))
    };
    years.flat_map(of_year).collect()
}

/// The days on which branches are open.
#[derive(Debug)]
pub struct WorkingDays(Calendar);

impl WorkingDays {
    pub fn of(span: Span) -> WorkingDays {
        let holidays = holidays(span).into_iter().map(|(day, _)| day);
        WorkingDays(Calendar::try_new(holidays, [Weekday::Sat, Weekday::Sun]).unwrap_or_default())
    }

    pub fn contains(&self, day: NaiveDate) -> bool {
        self.0.is_working_day(day)
    }

    pub fn from(&self, day: NaiveDate) -> NaiveDate {
        self.0.shift(day, DueDateShift::Next).unwrap_or(day)
    }

    pub fn until(&self, day: NaiveDate) -> NaiveDate {
        self.0.shift(day, DueDateShift::Previous).unwrap_or(day)
    }
}

/// Whole units of a currency. The figures are those of Kenyan shillings, whatever the currency.
pub fn units(currency: Currency, units: i64) -> Amount {
    Amount::of_minor(units * currency.minor_per_unit())
}
