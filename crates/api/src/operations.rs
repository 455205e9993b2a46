//! The one list of operations.

use crate::operation::Operation;
use crate::{clients, org};

/// Every operation, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    LISTS.iter().copied().flatten()
}

const LISTS: &[&[Operation]] = &[
    org::branches::OPERATIONS,
    org::staff::OPERATIONS,
    org::holidays::OPERATIONS,
    org::settings::OPERATIONS,
    org::business_date::OPERATIONS,
    clients::OPERATIONS,
];
