-- What the serving role and the reading role may do, made anew by every migrate. The serving role adds to history and reads it;
-- it can not change or empty it, and it owns nothing.

grant usage on schema public to ayni_app, ayni_read;
revoke all on all tables in schema public from ayni_app, ayni_read;
grant select on all tables in schema public to ayni_app;
grant insert on all tables in schema public to ayni_app;
revoke insert on schema_migration from ayni_app;
revoke insert on signing_key from ayni_app;
grant update on setting, business_day, day_close, day_close_order, period, branch, staff, holiday, role, app_user, refresh_token, approval,
    gl_account, chart, client, loan, loan_application, loan_instalment to ayni_app;
grant delete on user_role, sign_in_failure, ledger_turnover, ledger_balance to ayni_app;
grant usage on all sequences in schema public to ayni_app;
grant select on branch, staff, gl_account, ledger_turnover, ledger_balance, journal_entry, journal_line, journal_reversal,
    business_day, setting, day_close to ayni_read;
