//! The roles that every institution starts with.

use Permission as P;
use kernel::permission::Permission;

/// What everybody who signs in to work with clients may look at.
const LOOK: &[Permission] = &[P::BranchRead, P::ProductRead, P::ClientRead, P::LoanRead];

/// The roles of a new institution: code, name, permissions.
pub fn standard_roles() -> Vec<(&'static str, &'static str, Vec<Permission>)> {
    let with = |more: &[Permission]| [LOOK, more].concat();
    vec![
        (
            "admin",
            "Administrator: set-up; moves no money",
            vec![
                P::BranchManage,
                P::BranchRead,
                P::UserManage,
                P::UserRead,
                P::SettingManage,
                P::SettingRead,
                P::ChartManage,
                P::ProductManage,
                P::ProductRead,
                P::JournalRead,
            ],
        ),
        ("loan_officer", "Loan officer", with(&[P::ClientManage, P::LoanApply, P::LoanDisburse, P::LoanRepay])),
        ("teller", "Teller", with(&[P::LoanDisburse, P::LoanRepay])),
        (
            "branch_manager",
            "Branch manager",
            with(&[
                P::ClientManage,
                P::LoanApply,
                P::LoanApprove,
                P::LoanDisburse,
                P::LoanRepay,
                P::LoanReverse,
                P::LoanFlag,
                P::BackDate,
                P::ReportRead,
                P::ApprovalRead,
                P::ApprovalDecide,
                P::JournalApprove,
                P::UserRead,
            ]),
        ),
        (
            "accountant",
            "Accountant",
            with(&[
                P::JournalPost,
                P::JournalApprove,
                P::JournalRead,
                P::PeriodManage,
                P::DayClose,
                P::ReportRead,
                P::ApprovalRead,
                P::ApprovalDecide,
                P::SettingRead,
            ]),
        ),
        (
            "auditor",
            "Auditor: reads everything",
            with(&[P::UserRead, P::SettingRead, P::JournalRead, P::ReportRead, P::ApprovalRead]),
        ),
        ("integrator", "Integrator: repayments and reading", with(&[P::LoanRepay])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrator_moves_no_money() {
        let roles = standard_roles();
        let (_, _, admin) = roles.iter().find(|(code, ..)| *code == "admin").unwrap();
        for permission in [P::LoanDisburse, P::LoanRepay, P::LoanReverse, P::LoanApprove, P::JournalPost, P::DayClose] {
            assert!(!admin.contains(&permission), "{permission}");
        }
    }

    #[test]
    fn every_permission_is_granted_by_some_role() {
        let roles = standard_roles();
        for permission in Permission::ALL {
            assert!(roles.iter().any(|(_, _, granted)| granted.contains(permission)), "{permission}");
        }
    }
}
