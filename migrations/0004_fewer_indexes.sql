-- An index that no statement reads costs every repayment: these two did.
drop index audit_subject;
drop index journal_entry_subject;

-- Few events take another back: only they stand in the index that lets it happen once.
alter table loan_event drop constraint loan_event_reverses_key;
create unique index loan_event_reverses_key on loan_event (reverses) where reverses is not null;
