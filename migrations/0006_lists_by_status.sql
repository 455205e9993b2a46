-- Loans of a branch in one status: where few or none are, all of the branch were looked at.
create index loan_state_branch_status on loan_state (branch_id, status, created_at, loan_id);
