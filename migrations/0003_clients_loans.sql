-- Clients, loan products, loans. A loan's events are history; its state, instalments and allocations are a cache of their replay.

create sequence client_number;
create table client (
    id uuid primary key,
    number text not null constraint client_number_key unique,
    branch_id uuid not null constraint client_branch_id_fkey references branch,
    officer_id uuid constraint client_officer_id_fkey references staff,
    kind text not null check (kind in ('person', 'organisation')),
    status text not null check (status in ('pending', 'active')),
    given_name text,
    family_name text,
    second_family_name text,
    full_name text not null,
    born_on date,
    born_in smallint check (born_in between 1900 and 2199),
    gender text check (gender in ('female', 'male', 'other', 'not_stated')),
    area text check (area in ('urban', 'rural')),
    phone text,
    registered_on date not null,
    registered_by uuid not null,
    created_at timestamptz not null,
    version bigint not null default 1,
    constraint client_gender_of_person check ((kind = 'person') = (gender is not null))
);
create index client_created on client (created_at, id);
create index client_branch on client (branch_id, created_at, id);
create index client_officer on client (officer_id, created_at, id);
create index client_name on client (lower(full_name) text_pattern_ops);
comment on table client is 'Clients: persons and organisations that the institution lends to. Personal data stands here and nowhere else.';

create table loan_product (
    id uuid primary key,
    code text not null constraint loan_product_code_key unique,
    name text not null,
    currency text not null,
    terms jsonb not null,
    principal_least_minor bigint not null check (principal_least_minor > 0),
    principal_most_minor bigint not null,
    instalments_fewest smallint not null check (instalments_fewest > 0),
    instalments_most smallint not null,
    charges jsonb not null,
    withholds jsonb not null,
    basis text not null check (basis in ('accrual', 'cash')),
    created_at timestamptz not null,
    version bigint not null default 1,
    check (principal_least_minor <= principal_most_minor and instalments_fewest <= instalments_most)
);
comment on table loan_product is 'Loan products. A version never changes; a loan keeps its own copy of the terms.';

create table loan_terms (
    id uuid primary key,
    terms jsonb not null,
    accrual_weight text not null,
    basis text not null check (basis in ('accrual', 'cash')),
    non_accrual_days integer not null
);
comment on table loan_terms is 'Copies of terms, by the digest of their text: loans with the same terms share one, and none ever changes.';
comment on column loan_terms.accrual_weight is 'How days weigh in an instalment: actual_days, or the day count of daily interest. The close of day reads it in SQL.';

create sequence loan_number;
create table loan (
    id uuid primary key,
    number text not null constraint loan_number_unique unique,
    client_id uuid not null,
    product_id uuid not null,
    terms_id uuid not null,
    currency text not null,
    created_at timestamptz not null
);
create index loan_client on loan (client_id);
comment on table loan is 'What never changes of a loan: who borrowed, under which number, by which product and terms. All that changes stands in loan_state.';
comment on column loan.number is 'What is printed on papers; made when the loan is applied for.';

-- Columns of a fixed width that are never null stand first: Postgres finds them without reading those before, and the close of day
-- and the reports read them of every loan.
create table loan_state (
    loan_id uuid primary key,
    client_id uuid not null,
    product_id uuid not null,
    terms_id uuid not null,
    branch_id uuid not null,
    created_at timestamptz not null,
    committed_minor bigint not null,
    deducted_fees_minor bigint not null,
    withheld_minor bigint not null,
    principal_minor bigint not null,
    principal_paid_minor bigint not null,
    interest_minor bigint not null,
    interest_paid_minor bigint not null,
    overpaid_minor bigint not null,
    since_on date not null,
    version integer not null,
    instalments smallint not null,
    schedule_version smallint not null,
    currency text not null,
    status text not null check (status in ('applied', 'approved', 'active', 'closed', 'overpaid', 'rejected', 'withdrawn')),
    officer_id uuid,
    first_due_on date,
    disbursed_on date,
    matures_on date,
    settled_on date,
    renegotiated_since date,
    oldest_unpaid_due_on date,
    last_value_on date,
    last_rank smallint,
    last_event_id uuid,
    check ((last_event_id is null) = (last_value_on is null))
) with (fillfactor = 80);
create index loan_state_created on loan_state (created_at, loan_id);
create index loan_state_branch on loan_state (branch_id, created_at, loan_id);
create index loan_state_officer on loan_state (officer_id, created_at, loan_id);
comment on table loan_state is 'The current state of each loan, the row that its commands lock: a cache of its replay, right while time passes because it holds dates, not days. No foreign keys: it is written with every repayment.';
comment on column loan_state.product_id is 'That of the loan, once more, as are client_id, terms_id, currency and created_at: lists, reports and the close of day need no join.';
comment on column loan_state.settled_on is 'A payment reached the payoff on this value date: nothing more is owed, and the interest paid is the interest of the loan.';
comment on column loan_state.since_on is 'The business day since which this state is known; the state before stands in loan_state_past.';
comment on column loan_state.oldest_unpaid_due_on is 'What ages the loan: the due date of its oldest instalment that is not paid.';

create table loan_state_past (until_on date not null, like loan_state including comments, primary key (loan_id, since_on));
create index loan_state_past_until on loan_state_past (until_on, since_on);
comment on table loan_state_past is 'States that a loan had before: known from since_on to the day before until_on. What a report says of a past day is read here.';

create table loan_application (
    loan_id uuid primary key,
    principal_minor bigint not null,
    expected_disbursed_on date not null,
    charges jsonb not null,
    withholds jsonb not null,
    applied_on date not null,
    applied_by uuid not null,
    approved_on date,
    approved_by uuid,
    approved_minor bigint,
    valid_until date,
    conditions text,
    closed_reason text,
    created_at timestamptz not null
);
comment on table loan_application is 'What was applied for and decided, apart from the narrow state that every payment writes.';

create table loan_event (
    id uuid primary key,
    loan_id uuid not null,
    number integer not null,
    kind text not null check (kind in ('approved', 'approval_lapsed', 'disbursed', 'repaid', 'renegotiated', 'reversed')),
    value_on date not null,
    booked_on date not null,
    amount_minor bigint,
    deducted_fees_minor bigint,
    withheld_minor bigint,
    flag boolean,
    reverses uuid constraint loan_event_reverses_key unique,
    channel text,
    receipt text,
    reason text,
    entry_id uuid,
    command_id uuid not null,
    user_id uuid not null,
    recorded_at timestamptz not null,
    check ((kind = 'reversed') = (reverses is not null))
);
create index loan_event_loan on loan_event (loan_id, id);
create unique index loan_event_receipt on loan_event (receipt) where receipt is not null;
create index loan_event_backdated on loan_event (booked_on) where value_on < booked_on;
comment on column loan_event.command_id is 'The command that recorded it, by the id of its audit row.';
comment on column loan_event.number is 'The loan''s version after it: events of a loan in the order in which they became known.';
comment on table loan_event is 'What happened to loans: append-only, the source of everything else about them.';
select declare_history('loan_event');

create table loan_instalment (
    loan_id uuid not null,
    schedule_version smallint not null,
    number smallint not null,
    from_on date not null,
    due_on date not null,
    principal_minor bigint not null,
    interest_minor bigint not null,
    balance_minor bigint not null,
    interest_before_minor bigint not null,
    settlement_minor bigint not null,
    settlement_before_minor bigint not null,
    principal_paid_minor bigint not null,
    interest_paid_minor bigint not null,
    settled_on date,
    primary key (loan_id, schedule_version, number)
) with (fillfactor = 80);
comment on table loan_instalment is 'Instalments of each schedule version: what was promised and what is paid. A cache of the replay.';
comment on column loan_instalment.settlement_minor is 'The instalment''s share of the interest that counts when the loan is settled early.';

create table loan_allocation (
    event_id uuid not null,
    loan_id uuid not null,
    instalment smallint,
    part text not null check (part in ('principal', 'interest', 'fees', 'penalties', 'overpaid')),
    amount_minor bigint not null check (amount_minor <> 0),
    booked_on date not null
);
create index loan_allocation_loan on loan_allocation (loan_id);
comment on table loan_allocation is 'How each event''s money was split, as signed rows: a back-dated event adds rows that bring the sums to the new split.';
select declare_history('loan_allocation');

select declare_state('client', 'loan_state', 'loan_application', 'loan_instalment');
