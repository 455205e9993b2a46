-- The house: the institution, its branches and people, who may do what, and the rows that make every command repeatable.

-- What may happen to the rows of a table is declared in the migration that makes it. Guards, grants, `ayni verify` and the tests go
-- through these two lists, so that none of them names a product's tables.
create table history_table (
    name text primary key
);
comment on table history_table is 'Tables whose rows are written once: guards keep them from every change, this list included. A line is never taken off it.';
comment on column history_table.name is 'The table, in the schema of this one.';

create function declare_history(table_name text) returns void language sql as $$
    insert into history_table (name) select relname from pg_class where oid = table_name::regclass
$$;
select declare_history('history_table');

create table state_table (
    name text primary key
);
comment on table state_table is 'Tables whose rows hold the state of now: the serving role may update them. In any other it only adds and reads.';
comment on column state_table.name is 'The table, in the schema of this one.';

create function declare_state(variadic table_names text[]) returns void language sql as $$
    insert into state_table (name) select relname from unnest(table_names) as declared join pg_class on oid = declared::regclass
$$;

create table setting (
    one boolean primary key default true check (one),
    base_currency text not null check (base_currency ~ '^[A-Z]{3}$'),
    backdating_limit_days integer check (backdating_limit_days >= 0),
    journal_approval_limit_minor bigint check (journal_approval_limit_minor >= 0),
    institution_id uuid not null default gen_random_uuid(),
    version bigint not null default 1
);
comment on table setting is 'The institution''s settings: one row. A limit that is null is not set.';
comment on column setting.institution_id is 'Made with the row, and never changed: the numbers of locks are made from it, so that institutions beside each other never meet at one.';
comment on column setting.backdating_limit_days is 'How many days before the business date a value date may lie; null: any.';
comment on column setting.journal_approval_limit_minor is 'A manual entry above this total is held for a second person; in minor units of the base currency.';

create table business_day (
    one boolean primary key default true check (one),
    open_on date not null
);
comment on table business_day is 'The institution''s open business day: one row. Only the roll of the day changes it, under the exclusive day gate.';

create table day_close (
    closed_on date primary key,
    rolled_at timestamptz not null,
    rolled_by uuid not null,
    booked_at timestamptz,
    entry_count integer,
    check ((booked_at is null) = (entry_count is null))
);
comment on table day_close is 'Each business day that was closed. Booked later than rolled: the close of a day runs beside the next day''s traffic.';

create table day_close_order (
    one boolean primary key default true check (one),
    through date not null,
    ordered_by uuid not null
);
comment on table day_close_order is 'Up to and including which day the days shall be closed: one row at most. Every server works on it until it is done.';

create table period (
    starts_on date primary key check (extract(day from starts_on) = 1),
    status text not null check (status in ('open', 'closing', 'closed')),
    changed_at timestamptz not null,
    changed_by uuid not null
);
comment on table period is 'Months whose state was ever changed; a month without a row is open.';

create table period_close_order (
    starts_on date primary key check (extract(day from starts_on) = 1),
    ordered_at timestamptz not null,
    ordered_by uuid not null,
    refused text
);
comment on table period_close_order is 'Months that shall be closed. Every server works on it; the row goes when the month is closed.';
comment on column period_close_order.refused is 'Why the order was not carried out after all.';

create table branch (
    id uuid primary key,
    code text not null constraint branch_code_key unique,
    name text not null,
    parent_id uuid constraint branch_parent_id_fkey references branch,
    ancestors uuid[] not null,
    created_at timestamptz not null,
    version bigint not null default 1,
    check (ancestors[array_length(ancestors, 1)] = id)
);
create index branch_parent_id on branch (parent_id);
comment on table branch is 'Branches, a tree below one head office. Never deleted: journal lines name them.';
comment on column branch.ancestors is 'From the head office down to and with this branch: a scope covers it when the scope''s branch is among them.';

create sequence staff_number;
create table staff (
    id uuid primary key,
    number text not null constraint staff_number_key unique,
    name text not null,
    branch_id uuid not null constraint staff_branch_id_fkey references branch,
    active boolean not null default true,
    created_at timestamptz not null,
    version bigint not null default 1
);
create index staff_branch_id on staff (branch_id);
comment on table staff is 'People who work for the institution. A loan officer is a member of staff who owns loans.';

create table holiday (
    id uuid primary key,
    held_on date not null,
    name text not null,
    branch_id uuid constraint holiday_branch_id_fkey references branch,
    created_at timestamptz not null,
    constraint holiday_held_on_key unique nulls not distinct (held_on, branch_id)
);
create index holiday_branch_id on holiday (branch_id);
comment on table holiday is 'Days off, of one branch or (branch null) of all.';

create table role (
    code text primary key,
    name text not null,
    permissions text[] not null,
    created_at timestamptz not null,
    version bigint not null default 1
);
comment on table role is 'Named sets of permissions. The permissions are a closed list in the code.';

create table app_user (
    id uuid primary key,
    username text not null constraint app_user_username_key unique check (username = lower(username)),
    name text not null,
    password_hash text,
    branch_id uuid not null constraint app_user_branch_id_fkey references branch,
    staff_id uuid constraint app_user_staff_id_fkey references staff,
    own_portfolio boolean not null default false,
    active boolean not null default true,
    integration text,
    sessions_from timestamptz not null,
    created_at timestamptz not null,
    version bigint not null default 1
);
create index app_user_branch_id on app_user (branch_id);
create index app_user_staff_id on app_user (staff_id);
comment on table app_user is 'Who may sign in: people (a password) and integrations (API clients).';
comment on column app_user.branch_id is 'The user acts in this branch and all below it.';
comment on column app_user.own_portfolio is 'The user sees only clients and loans of the own staff record.';
comment on column app_user.integration is 'The name that several API clients of one integration share: their idempotency keys are one space.';
comment on column app_user.sessions_from is 'Tokens issued before this instant are no longer taken.';

create table user_role (
    user_id uuid not null constraint user_role_user_id_fkey references app_user,
    role_code text not null constraint user_role_role_code_fkey references role,
    primary key (user_id, role_code)
);
create index user_role_role_code on user_role (role_code);
comment on table user_role is 'Which roles a user has.';

create table api_client (
    id uuid primary key,
    client_id text not null constraint api_client_client_id_key unique,
    secret_hash text not null,
    user_id uuid not null constraint api_client_user_id_fkey references app_user,
    created_at timestamptz not null
);
create index api_client_user_id on api_client (user_id);
comment on table api_client is 'Client credentials of integrations; each acts as one user.';

create table refresh_token (
    id uuid primary key,
    family uuid not null,
    user_id uuid not null constraint refresh_token_user_id_fkey references app_user,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    replaced_at timestamptz,
    revoked_at timestamptz
);
create index refresh_token_user_id on refresh_token (user_id);
create index refresh_token_family on refresh_token (family);
comment on table refresh_token is 'Issued refresh tokens, by the digest of their secret. One that is used again after the grace for a lost reply revokes its family.';

create table signing_key (
    id uuid primary key,
    private_key bytea not null,
    public_key bytea not null,
    created_at timestamptz not null
);
comment on table signing_key is 'Ed25519 keys that sign access tokens; made once by migrate, shared by all servers, the newest signs.';

create table sign_in_failure (
    id bigint generated always as identity primary key,
    subject uuid not null,
    failed_at timestamptz not null
);
create index sign_in_failure_subject on sign_in_failure (subject, failed_at);
comment on table sign_in_failure is 'Failed sign-ins by the digest of account or address, so that all servers throttle together.';

create table idempotency_key (
    id uuid primary key,
    fingerprint bytea not null check (length(fingerprint) = 32),
    operation text not null,
    status smallint not null,
    user_id uuid not null,
    subject_id uuid,
    approval_id uuid,
    stored_at timestamptz not null
);
comment on table idempotency_key is 'One row for each command that was carried out or decided against, written in the transaction of its effect.';
comment on column idempotency_key.id is 'Digest of namespace and key: one UUID, because a two-column key is planned as a scan on a table that was never analysed.';
comment on column idempotency_key.fingerprint is 'SHA-256 over operation, path parameters and the parsed body as sent.';

create table idempotency_body (
    id uuid primary key,
    body text not null,
    stored_at timestamptz not null
);
comment on table idempotency_body is 'The stored answers, apart from the narrow key rows because they are kept for a shorter time.';

create table approval (
    id uuid primary key,
    operation text not null,
    path text not null,
    body jsonb not null,
    summary text not null,
    branch_id uuid not null constraint approval_branch_id_fkey references branch,
    maker_id uuid not null constraint approval_maker_id_fkey references app_user,
    status text not null check (status in ('pending', 'approved', 'rejected')),
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    decided_by uuid constraint approval_decided_by_fkey references app_user,
    decided_at timestamptz,
    result_id uuid,
    version bigint not null default 1,
    check ((status = 'pending') = (decided_at is null))
);
create index approval_branch_id on approval (branch_id);
create index approval_maker_id on approval (maker_id);
create index approval_decided_by on approval (decided_by);
create index approval_pending on approval (asked_at) where status = 'pending';
comment on column approval.path is 'The path''s parameters, in the order of the template, with / between them.';
comment on column approval.body is 'As it was sent, with what was left out and is known since: the second person reads it, and it is carried out so.';
comment on table approval is 'Commands that wait for a second person.';

create table audit (
    id uuid primary key,
    at timestamptz not null,
    user_id uuid not null,
    operation text not null,
    subject_id uuid,
    status smallint not null,
    request_id uuid not null,
    key_id uuid,
    business_date date not null
);
create index audit_subject on audit (subject_id, at);
comment on table audit is 'Who did what, when, with which result; one row a command, written in its transaction.';
select declare_history('audit');

create table outbox (
    sequence bigint generated always as identity primary key,
    at timestamptz not null,
    kind text not null,
    subject_id uuid not null,
    payload jsonb not null
);
comment on table outbox is 'What happened, for programs that listen; written in the transaction that made it happen.';

select declare_state('setting', 'business_day', 'day_close', 'day_close_order', 'period', 'period_close_order', 'branch', 'staff', 'holiday', 'role', 'app_user',
    'refresh_token', 'approval');
