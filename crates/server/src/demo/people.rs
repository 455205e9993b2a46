//! Clients: who takes which loan. Some come back for a second one.

use chrono::{Datelike, NaiveDate};
use clients::client::{Area, Birth, ClientKind, ClientName, Gender};

use crate::demo::dice::Dice;
use crate::demo::institution::{BRANCHES, OFFICERS, STAFF, earlier, later};
use crate::demo::loans::{Fate, PlannedLoan, World};
use crate::demo::names;
use crate::demo::payments::{Course, course};

#[derive(Clone)]
pub struct Person {
    pub branch: usize,
    pub officer: usize,
    pub kind: ClientKind,
    pub name: ClientName,
    pub birth: Option<Birth>,
    pub gender: Option<Gender>,
    pub area: Area,
    pub phone: String,
    pub registered_on: NaiveDate,
    /// Where the papers were seen only later.
    pub activated_on: Option<NaiveDate>,
}

/// With the name, which is invented: the plan is compared by it.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name.full)
            .field("branch", &self.branch)
            .field("officer", &self.officer)
            .field("birth", &self.birth)
            .field("gender", &self.gender)
            .field("area", &self.area)
            .field("registered_on", &self.registered_on)
            .field("activated_on", &self.activated_on)
            .finish_non_exhaustive()
    }
}

/// The people, whose loan each is, and how each was paid.
#[derive(Debug)]
pub struct Borrowing {
    pub people: Vec<Person>,
    /// For each loan, its client.
    pub clients: Vec<usize>,
    /// For each loan that was paid out.
    pub courses: Vec<Option<Course>>,
}

/// Gives loan after loan to a client: to one who has repaid and comes back, as often as there are more loans than clients;
/// where nobody has repaid yet, to one who takes a second loan beside the first.
pub fn borrowing(count: usize, loans: &[PlannedLoan], world: &World, dice: &mut Dice) -> Borrowing {
    let mut borrowing = Borrowing { people: Vec::new(), clients: Vec::new(), courses: Vec::new() };
    for (index, loan) in loans.iter().enumerate() {
        let client = match borrowing.comes_back(count, &loans[..=index], loans.len(), dice) {
            Some(client) => client,
            None => {
                borrowing.people.push(person(borrowing.people.len(), loan, world, dice));
                borrowing.people.len() - 1
            }
        };
        borrowing.clients.push(client);
        let officer = borrowing.people[client].officer;
        borrowing.courses.push(loan.is_disbursed.then(|| course(index, loan, officer, world, dice)));
    }
    borrowing
}

impl Borrowing {
    /// Who takes the last of these loans again.
    fn comes_back(&self, count: usize, loans: &[PlannedLoan], of: usize, dice: &mut Dice) -> Option<usize> {
        let (loan, earlier) = loans.split_last()?;
        let missing = count - self.people.len();
        let left = of - earlier.len();
        if left <= missing {
            return None;
        }
        let repaid = |index: &usize| {
            self.courses[*index]
                .as_ref()
                .and_then(Course::settled_on)
                .is_some_and(|day| later(day, 5) < loan.applied_on)
        };
        let is_alone =
            |index: &usize| self.clients.iter().filter(|client| **client == self.clients[*index]).count() == 1;
        let mut known: Vec<usize> = (0..earlier.len()).filter(repaid).filter(is_alone).collect();
        if missing == 0 && known.is_empty() {
            known = (0..earlier.len()).filter(|index| earlier[*index].fate == Fate::Regular).filter(is_alone).collect();
        }
        let must = missing == 0;
        if known.is_empty() || !(must || dice.percent(50)) {
            return must.then_some(0);
        }
        Some(self.clients[dice.pick(&known)])
    }
}

fn person(index: usize, loan: &PlannedLoan, world: &World, dice: &mut Dice) -> Person {
    let offer = &world.offers[loan.product];
    let officer = dice.weighted(&OFFICERS);
    let branch = STAFF[officer].branch;
    let is_organisation = dice.percent(offer.organisations_percent);
    let opened_on = later(world.span.first, 1);
    let wished = world.working.until(earlier(loan.applied_on, dice.between(3, 14).unsigned_abs()));
    let registered_on = wished.max(opened_on);
    let mut person = Person {
        branch,
        officer,
        kind: ClientKind::Organisation,
        name: ClientName { full: names::organisation(dice), ..ClientName::default() },
        birth: None,
        gender: None,
        area: if dice.percent(BRANCHES[branch].urban_percent) { Area::Urban } else { Area::Rural },
        // No subscriber's number begins with three zeros.
        phone: format!("+254000{:06}", index + 1),
        registered_on,
        activated_on: Some(later(registered_on, 1)),
    };
    if !is_organisation {
        let is_woman = dice.percent(offer.women_percent);
        let (given, family) = names::person(dice, is_woman);
        person.kind = ClientKind::Person;
        person.name = ClientName {
            given: Some(given.to_owned()),
            family: Some(family.to_owned()),
            second_family: None,
            full: format!("{given} {family}"),
        };
        person.gender = Some(if is_woman { Gender::Female } else { Gender::Male });
        person.birth = Some(birth(registered_on, person.area, dice));
        person.activated_on = None;
    }
    person
}

/// In the country many know only the year.
fn birth(today: NaiveDate, area: Area, dice: &mut Dice) -> Birth {
    let born_on = earlier(today, dice.between(20 * 366, 64 * 365).unsigned_abs());
    if area == Area::Rural && dice.percent(45) {
        return Birth::Year(i16::try_from(born_on.year()).unwrap_or(1980));
    }
    Birth::On(born_on)
}
