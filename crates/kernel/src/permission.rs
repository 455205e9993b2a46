//! The closed list of permissions.

crate::text_enum! {
    /// What a role may grant. One for each kind of decision, not for each route.
    pub enum Permission {
        BranchManage = "branch.manage",
        BranchRead = "branch.read",
        UserManage = "user.manage",
        UserRead = "user.read",
        SettingManage = "setting.manage",
        SettingRead = "setting.read",
        ChartManage = "chart.manage",
        ProductManage = "product.manage",
        ProductRead = "product.read",
        ClientManage = "client.manage",
        ClientRead = "client.read",
        LoanApply = "loan.apply",
        LoanApprove = "loan.approve",
        LoanDisburse = "loan.disburse",
        LoanRepay = "loan.repay",
        LoanReverse = "loan.reverse",
        LoanFlag = "loan.flag",
        LoanRead = "loan.read",
        /// Say that something happened on a day before today.
        BackDate = "loan.back_date",
        JournalPost = "journal.post",
        JournalApprove = "journal.approve",
        JournalRead = "journal.read",
        PeriodManage = "period.manage",
        DayClose = "day.close",
        ReportRead = "report.read",
        ApprovalRead = "approval.read",
        /// Decide on what waits for a second person; what kind, the permission for that kind says.
        ApprovalDecide = "approval.decide",
    }
}
