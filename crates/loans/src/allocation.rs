//! How a payment is split.
//!
//! **The rule.** Seen from the value date, an instalment is *past due* (due before it), *due* (on it) or *in advance*
//! (after it). `Terms.allocation.order` ranks the twelve buckets class × part. The walk says how they are grouped:
//! - *by part*: every bucket is a group of its own, so one part is paid across all instalments, then the next part;
//! - *by instalment*: the buckets of one class are one group, so all parts of the oldest instalment are paid, then the
//!   next.
//!
//! The money goes group by group; inside a group instalment by instalment, oldest first; inside an instalment part by
//! part in the order's order; each takes what it is owed, until nothing is left. So a payment in advance goes to the
//! next instalment, then to the one after it.
//!
//! Absent on purpose: interest is not recomputed by a payment. What is paid ahead is paid towards the schedule.

use chrono::NaiveDate;
use kernel::amount::Amount;

use crate::loan::{LoanInstalment, Part};
use crate::terms::{Allocation, Bucket, Walk};

/// A line of how an event's money was split. The lines of one payment add up to its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    /// `None` only for what was overpaid.
    pub instalment: Option<u32>,
    pub part: Part,
    /// Negative where a settlement takes back interest that was paid ahead.
    pub amount: Amount,
}

/// When an instalment falls due, seen from the value date of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    PastDue,
    Due,
    InAdvance,
}

/// Pays `amount` into the instalments by the rule above. What finds no place is missing from the lines.
pub(crate) fn allocate(
    rule: &Allocation,
    instalments: &mut [LoanInstalment],
    value_on: NaiveDate,
    amount: Amount,
) -> Vec<Allocated> {
    let mut lines = Vec::new();
    let mut left = amount;
    for (class, parts) in groups(rule) {
        for instalment in of_class(instalments, class, value_on) {
            for &part in &parts {
                if !left.is_positive() {
                    return lines;
                }
                let paid = left.min(instalment.outstanding(part));
                if paid.is_positive() {
                    instalment.pay(part, paid, value_on);
                    left -= paid;
                    lines.push(Allocated { instalment: Some(instalment.promised.number), part, amount: paid });
                }
            }
        }
    }
    lines
}

/// The groups of the rule, in the order in which the money reaches them.
fn groups(rule: &Allocation) -> Vec<(Class, Vec<Part>)> {
    let mut groups: Vec<(Class, Vec<Part>)> = Vec::new();
    for (class, part) in rule.order.iter().map(class_and_part) {
        match (rule.walk, groups.iter_mut().find(|group| group.0 == class)) {
            (Walk::ByInstalment, Some(group)) => group.1.push(part),
            (Walk::ByInstalment, None) | (Walk::ByPart, _) => groups.push((class, vec![part])),
        }
    }
    groups
}

/// Instalments stand in the order of their due dates, so a class is one run of them.
fn of_class(instalments: &mut [LoanInstalment], class: Class, value_on: NaiveDate) -> &mut [LoanInstalment] {
    let due = instalments.partition_point(|instalment| instalment.promised.due_on < value_on);
    let in_advance = instalments.partition_point(|instalment| instalment.promised.due_on <= value_on);
    match class {
        Class::PastDue => &mut instalments[..due],
        Class::Due => &mut instalments[due..in_advance],
        Class::InAdvance => &mut instalments[in_advance..],
    }
}

const fn class_and_part(bucket: &Bucket) -> (Class, Part) {
    match bucket {
        Bucket::PastDuePenalty => (Class::PastDue, Part::Penalties),
        Bucket::PastDueFee => (Class::PastDue, Part::Fees),
        Bucket::PastDueInterest => (Class::PastDue, Part::Interest),
        Bucket::PastDuePrincipal => (Class::PastDue, Part::Principal),
        Bucket::DuePenalty => (Class::Due, Part::Penalties),
        Bucket::DueFee => (Class::Due, Part::Fees),
        Bucket::DueInterest => (Class::Due, Part::Interest),
        Bucket::DuePrincipal => (Class::Due, Part::Principal),
        Bucket::InAdvancePenalty => (Class::InAdvance, Part::Penalties),
        Bucket::InAdvanceFee => (Class::InAdvance, Part::Fees),
        Bucket::InAdvanceInterest => (Class::InAdvance, Part::Interest),
        Bucket::InAdvancePrincipal => (Class::InAdvance, Part::Principal),
    }
}
