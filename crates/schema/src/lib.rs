//! The tables as diesel knows them, printed from the catalogue of a migrated database: a test compares them, and writes them anew.

mod clients_loans;
pub use clients_loans::*;

mod house;
pub use house::*;

mod ledger;
pub use ledger::*;

diesel::joinable!(api_client -> app_user (user_id));
diesel::allow_tables_to_appear_in_same_query!(api_client, app_user);
diesel::joinable!(app_user -> branch (branch_id));
diesel::allow_tables_to_appear_in_same_query!(app_user, branch);
diesel::joinable!(app_user -> staff (staff_id));
diesel::allow_tables_to_appear_in_same_query!(app_user, staff);
diesel::joinable!(approval -> branch (branch_id));
diesel::allow_tables_to_appear_in_same_query!(approval, branch);
diesel::joinable!(channel_account -> branch (branch_id));
diesel::allow_tables_to_appear_in_same_query!(channel_account, branch);
diesel::joinable!(channel_account -> gl_account (account_id));
diesel::allow_tables_to_appear_in_same_query!(channel_account, gl_account);
diesel::joinable!(client -> branch (branch_id));
diesel::allow_tables_to_appear_in_same_query!(client, branch);
diesel::joinable!(client -> staff (officer_id));
diesel::allow_tables_to_appear_in_same_query!(client, staff);
diesel::joinable!(holiday -> branch (branch_id));
diesel::allow_tables_to_appear_in_same_query!(holiday, branch);
diesel::joinable!(refresh_token -> app_user (user_id));
diesel::allow_tables_to_appear_in_same_query!(refresh_token, app_user);
diesel::joinable!(slot_account -> gl_account (account_id));
diesel::allow_tables_to_appear_in_same_query!(slot_account, gl_account);
diesel::joinable!(staff -> branch (branch_id));
diesel::allow_tables_to_appear_in_same_query!(staff, branch);
diesel::joinable!(user_role -> app_user (user_id));
diesel::allow_tables_to_appear_in_same_query!(user_role, app_user);
diesel::joinable!(user_role -> role (role_code));
diesel::allow_tables_to_appear_in_same_query!(user_role, role);
