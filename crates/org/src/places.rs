//! Which branch lies where, and which member of staff works in which.
//!
//! Every product asks the same two questions before it decides: does the scope of who asks cover the branch, and is there such an
//! officer. One statement reads the answers for all that a batch names; what a batch does not name is not in them.

use db::caller::Scope;
use db::fault::Fault;
use db::tx::Tx;
use uuid::Uuid;

use crate::store;

pub use crate::record::Places;

impl Places {
    pub async fn read(tx: &Tx, branches: &[Uuid], officers: &[Uuid]) -> Result<Places, Fault> {
        store::places(tx, branches, officers).await
    }

    /// Whether a scope covers a branch; it covers none that is not known.
    pub fn covers(&self, scope: &Scope, branch_id: Uuid) -> bool {
        self.branches.get(&branch_id).is_some_and(|ancestors| ancestors.contains(&scope.branch_id))
    }

    /// Whether there is such a member of staff, in a branch that a scope covers.
    pub fn has_officer(&self, scope: &Scope, officer_id: Uuid) -> bool {
        self.officers.get(&officer_id).is_some_and(|ancestors| ancestors.contains(&scope.branch_id))
    }

    /// The lowest branch above all of these: a user with that branch in scope sees every one of them. Branches that are not known are
    /// passed over.
    pub fn common_branch(&self, branches: impl Iterator<Item = Uuid>) -> Option<Uuid> {
        let mut ways = branches.filter_map(|branch| self.branches.get(&branch).map(Vec::as_slice));
        let mut common = ways.next()?;
        for way in ways {
            let shared = common.iter().zip(way).take_while(|(one, other)| one == other).count();
            common = common.get(..shared)?;
        }
        common.last().copied()
    }
}

/// The head office: the branch above all others.
pub async fn head_office(tx: &Tx) -> Result<Uuid, Fault> {
    store::head_office(tx).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_branch_is_the_lowest_above_all() {
        let [head, north, east, town] = [1, 2, 3, 4].map(Uuid::from_u128);
        let ways = [vec![head], vec![head, north], vec![head, east], vec![head, north, town]];
        let branches = ways.into_iter().map(|way| (way[way.len() - 1], way)).collect();
        let places = Places { branches, ..Places::default() };
        let cases: [(&[Uuid], Option<Uuid>); 4] =
            [(&[town], Some(town)), (&[town, north], Some(north)), (&[town, east], Some(head)), (&[], None)];
        for (named, expect) in cases {
            assert_eq!(places.common_branch(named.iter().copied()), expect);
        }
    }
}
