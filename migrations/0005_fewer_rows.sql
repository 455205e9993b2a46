-- What a command writes beside its effect, and no statement reads alone, is one row a commit: its answer and what it says to
-- whoever listens.
alter table idempotency_body alter column body type text[] using array[body];
alter table idempotency_body rename column body to bodies;
-- Kept as it is: compressing it takes longer than writing it.
alter table idempotency_body alter column bodies set storage external;
comment on table idempotency_body is 'The stored answers, one row a commit, apart from the narrow key rows because they are kept for a shorter time.';

alter table idempotency_key add column body_id uuid, add column body_no smallint;
update idempotency_key set body_id = id, body_no = 1;
alter table idempotency_key alter column body_id set not null, alter column body_no set not null;
comment on column idempotency_key.body_no is 'Which of the answers in idempotency_body.bodies, from 1.';

alter table outbox add column events jsonb;
update outbox set events = jsonb_build_array(jsonb_build_object('kind', kind, 'subject_id', subject_id, 'payload', payload));
alter table outbox alter column events set not null, drop column kind, drop column subject_id, drop column payload;
comment on table outbox is 'What happened, for programs that listen: one row a commit, written in the transaction that made it happen.';
comment on column outbox.events is 'An array of {kind, subject_id, payload}, in the order in which they happened.';

-- Events are read by loan; the key serves for that. Their split is read nowhere yet.
alter table loan_event drop constraint loan_event_pkey;
drop index loan_event_loan;
alter table loan_event add primary key (loan_id, id);
drop index loan_allocation_loan;

-- Turnover is read by day: its rows are as many as accounts move on one.
drop index ledger_turnover_account;
