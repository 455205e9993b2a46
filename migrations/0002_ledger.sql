-- The ledger: chart, journal, turnover. Journal rows are written once and never change.

create table gl_account (
    id uuid primary key,
    code text not null constraint gl_account_code_key unique,
    name text not null,
    class text not null check (class in ('asset', 'liability', 'equity', 'income', 'expense', 'memo')),
    side text not null check (side in ('debit', 'credit')),
    header boolean not null default false,
    control boolean not null default false,
    created_at timestamptz not null,
    version bigint not null default 1
);
comment on table gl_account is 'The chart of accounts. Never deleted: journal lines name them without a foreign key.';
comment on column gl_account.header is 'Only groups other accounts; nothing is posted to it.';
comment on column gl_account.control is 'A sub-ledger is active for it: then nobody posts to it by hand.';

create table chart (
    one boolean primary key default true check (one),
    version uuid not null
);
insert into chart (version) values (gen_random_uuid());
comment on table chart is 'The version of chart, slot and channel mappings: servers keep them in memory and read them again when it has moved.';
comment on column chart.version is 'Random, never counted up: what a transaction that was rolled back had read can then not pass for what the next one writes.';

create table slot_account (
    product_id uuid not null,
    slot text not null,
    account_id uuid not null constraint slot_account_account_id_fkey references gl_account,
    primary key (product_id, slot)
);
create index slot_account_account_id on slot_account (account_id);
comment on table slot_account is 'Which account a product''s slot posts to. Immutable once used.';

create table channel_account (
    channel text not null check (channel in ('cash', 'bank', 'mobile_money', 'officer')),
    branch_id uuid constraint channel_account_branch_id_fkey references branch,
    account_id uuid not null constraint channel_account_account_id_fkey references gl_account,
    constraint channel_account_key unique nulls not distinct (channel, branch_id)
);
create index channel_account_branch_id on channel_account (branch_id);
create index channel_account_account_id on channel_account (account_id);
comment on table channel_account is 'Where money of a channel stands, for all branches (branch null) or for one.';

create table journal_entry (
    id uuid primary key,
    booked_on date not null,
    value_on date not null,
    branch_id uuid not null,
    event text not null,
    subject_id uuid,
    description text,
    line_count integer not null check (line_count >= 2),
    user_id uuid not null,
    recorded_at timestamptz not null,
    command_id uuid,
    check ((event in ('journal_entry.posted', 'journal_entry.reversed')) = (description is not null))
);
create index journal_entry_branch on journal_entry (branch_id, booked_on, recorded_at, id);
create index journal_entry_subject on journal_entry (subject_id) where subject_id is not null;
comment on table journal_entry is 'Entries of the journal. Not partitioned: the key must be unique over all days.';
comment on column journal_entry.event is 'What caused it: manual, or the event of a product. Free text stands on manual entries only.';
comment on column journal_entry.command_id is 'The command that made it, by the id of its audit row. Null: the close of a day.';
comment on column journal_entry.subject_id is 'The loan, or another record, that it is about; null where it sums up many.';
select declare_history('journal_entry');

create table journal_line (
    entry_id uuid not null,
    line_no smallint not null check (line_no >= 1),
    account_id uuid not null,
    branch_id uuid not null,
    product_id uuid,
    currency text not null,
    amount_minor bigint not null check (amount_minor <> 0),
    subject_id uuid,
    booked_on date not null,
    recorded_at timestamptz not null,
    primary key (entry_id, line_no)
);
create index journal_line_account on journal_line (account_id, branch_id, booked_on, recorded_at);
comment on table journal_line is 'Lines of entries: debit positive, credit negative, in minor units. No foreign keys: three of them cost a factor of three; post() validates, verify looks for orphans.';
comment on column journal_line.booked_on is 'That of its entry, once more: a row of a trial balance drills to its lines by the index alone. The keys of a batch repeat, so it stays smaller than one with the entry in it.';
comment on column journal_line.recorded_at is 'That of its entry, once more: the order of an account''s lines within a day.';
select declare_history('journal_line');

create table journal_reversal (
    entry_id uuid primary key,
    reversal_id uuid not null constraint journal_reversal_reversal_id_key unique
);
comment on table journal_reversal is 'Which entry takes back which; each at most once.';
select declare_history('journal_reversal');

create table ledger_turnover (
    account_id uuid not null,
    branch_id uuid not null,
    product_id uuid,
    currency text not null,
    booked_on date not null,
    debit_minor numeric(38, 0) not null,
    credit_minor numeric(38, 0) not null
);
create index ledger_turnover_booked on ledger_turnover (booked_on);
create index ledger_turnover_account on ledger_turnover (account_id, booked_on);
comment on table ledger_turnover is 'Sums of lines. Each batch adds a row per account it touched and updates none; the fold merges rows that lie side by side.';

create table ledger_balance (
    account_id uuid not null,
    branch_id uuid not null,
    product_id uuid,
    currency text not null,
    month_end_on date not null,
    balance_minor numeric(38, 0) not null,
    constraint ledger_balance_key unique nulls not distinct (month_end_on, account_id, branch_id, product_id, currency)
);
comment on table ledger_balance is 'Balances at the end of each closed month, written by its close: a balance is the last of these plus the days since.';

select declare_state('gl_account', 'chart');
