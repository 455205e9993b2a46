-- What the serving role and the reading role may do, made anew by every migrate. The serving role adds to history and reads it;
-- it cannot change or empty it, and it owns nothing.

grant usage on schema public to ayni_app, ayni_read;
revoke all on all tables in schema public from ayni_app, ayni_read;
grant select on all tables in schema public to ayni_app;
grant insert on all tables in schema public to ayni_app;
revoke insert on schema_migration from ayni_app;
revoke insert on signing_key from ayni_app;
-- What is history and what is state is for migrations to say.
revoke insert on history_table, state_table from ayni_app;
do $$
declare state text;
begin
    foreach state in array array(select name from state_table where name not in (select name from history_table) order by name) loop
        execute format('grant update on %I to ayni_app', state);
    end loop;
end $$;
grant delete on user_role, sign_in_failure, ledger_turnover, ledger_balance, period_close_order to ayni_app;
grant usage on all sequences in schema public to ayni_app;
grant select on branch, staff, gl_account, ledger_turnover, ledger_balance, journal_entry, journal_line, journal_reversal,
    business_day, setting, day_close to ayni_read;
