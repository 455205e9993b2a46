//! The books prove themselves: what must hold, asked of the rows.
//!
//! I3: every entry is whole and balances per currency and branch; turnover and month-end balances are the sums of the lines. I6: the guards
//! that keep history from being changed are in place, and the serving role has no right to change it. Each check names its first
//! offender; the statements are run in one snapshot.

use db::fault::Fault;
use db::tx::Tx;

/// Something that must hold and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check: `ledger.entry_unbalanced`.
    pub check: &'static str,
    pub what: String,
    /// The first place where it was seen.
    pub place: String,
}

/// A statement that gives (what, place) of an offender, or no row.
struct Check {
    name: &'static str,
    sql: &'static str,
}

const CHECKS: &[Check] = &[
    Check {
        name: "ledger.entry_unbalanced",
        sql: "select format('debits less credits are %s minor units of %s', sum(amount_minor), currency) as what,
                     format('entry %s, branch %s', entry_id, branch_id) as place
              from journal_line group by entry_id, currency, branch_id having sum(amount_minor) <> 0 order by entry_id limit 1",
    },
    Check {
        name: "ledger.entry_not_whole",
        sql: "select format('%s lines are announced, %s are there, the last is number %s', entry.line_count, coalesce(line.lines, 0), line.last_no) as what,
                     format('entry %s', coalesce(entry.id, line.entry_id)) as place
              from journal_entry entry
              full join (select entry_id, count(*) as lines, max(line_no) as last_no, min(booked_on) as first_on, max(booked_on) as last_on
                         from journal_line group by entry_id) line on line.entry_id = entry.id
              where entry.id is null or line.entry_id is null or entry.line_count <> line.lines or line.last_no <> line.lines
                 or entry.booked_on <> line.first_on or entry.booked_on <> line.last_on
              order by entry.id limit 1",
    },
    Check {
        name: "ledger.turnover",
        sql: "select format('turnover less lines: debits %s, credits %s minor units of %s', sum(debit), sum(credit), currency) as what,
                     format('account %s, branch %s, product %s, booked on %s', account_id, branch_id, product_id, booked_on) as place
              from (select account_id, branch_id, product_id, currency, booked_on, debit_minor as debit, credit_minor as credit from ledger_turnover
                    union all
                    select account_id, branch_id, product_id, currency, booked_on, -sum(greatest(amount_minor, 0)), sum(least(amount_minor, 0))
                    from journal_line group by account_id, branch_id, product_id, currency, booked_on) both_sides
              group by account_id, branch_id, product_id, currency, booked_on
              having sum(debit) <> 0 or sum(credit) <> 0 order by booked_on, account_id limit 1",
    },
    Check {
        name: "ledger.month_end_balance",
        sql: "with month_end as (
                  select month_end_on from ledger_balance
                  union select (starts_on + interval '1 month')::date - 1 from period where status = 'closed'
              ), moved as (
                  select account_id, branch_id, product_id, currency, date_trunc('month', booked_on)::date as starts_on, sum(amount_minor) as amount
                  from journal_line group by account_id, branch_id, product_id, currency, date_trunc('month', booked_on)::date
              )
              select format('the lines up to the month''s end less its balance are %s minor units of %s', sum(amount), currency) as what,
                     format('account %s, branch %s, product %s, at %s', account_id, branch_id, product_id, month_end_on) as place
              from (select account_id, branch_id, product_id, currency, month_end_on, amount from moved join month_end on starts_on <= month_end_on
                    union all
                    select account_id, branch_id, product_id, currency, month_end_on, -balance_minor from ledger_balance) both_sides
              group by account_id, branch_id, product_id, currency, month_end_on having sum(amount) <> 0 order by month_end_on, account_id limit 1",
    },
    Check {
        name: "ledger.balance_of_open_month",
        sql: "select 'a balance is kept of a month that is open' as what, format('month end %s', month_end_on) as place
              from ledger_balance where not exists (
                  select from period where status = 'closed' and starts_on = date_trunc('month', month_end_on)::date)
              order by month_end_on limit 1",
    },
    Check {
        name: "ledger.line_without_account",
        sql: "select format('there is no account %s', account_id) as what, format('entry %s, line %s', entry_id, line_no) as place
              from journal_line where not exists (select from gl_account where id = account_id) order by entry_id limit 1",
    },
    Check {
        name: "ledger.line_without_branch",
        sql: "select format('there is no branch %s', branch_id) as what, format('entry %s, line %s', entry_id, line_no) as place
              from journal_line where not exists (select from branch where id = branch_id) order by entry_id limit 1",
    },
    Check {
        name: "ledger.entry_without_branch",
        sql: "select format('there is no branch %s', branch_id) as what, format('entry %s', id) as place
              from journal_entry entry where not exists (select from branch where branch.id = entry.branch_id) order by entry.id limit 1",
    },
    Check {
        name: "ledger.reversal_without_entry",
        sql: "select 'one of the two entries is not there' as what, format('entry %s, reversed by %s', entry_id, reversal_id) as place
              from journal_reversal reversal
              where not exists (select from journal_entry where id = reversal.entry_id)
                 or not exists (select from journal_entry where id = reversal.reversal_id) limit 1",
    },
    // What lies between branches is booked by the ledger itself, also beside a manual entry.
    Check {
        name: "ledger.control_account_by_hand",
        sql: "select 'a manual entry posts to an account that a sub-ledger keeps' as what, format('entry %s, account %s', entry.id, account.code) as place
              from gl_account account
              join journal_line line on line.account_id = account.id
              join journal_entry entry on entry.id = line.entry_id and entry.event in ('journal_entry.posted', 'journal_entry.reversed')
              where account.control and account.code not in ('1440', '2380') order by entry.id limit 1",
    },
    Check {
        name: "ledger.booked_in_future",
        sql: "select format('booked on %s', booked_on) as what, format('entry %s', id) as place
              from journal_entry where booked_on > (select open_on from business_day) order by booked_on limit 1",
    },
    // What is not on the list has no guards that anybody misses: so the list itself is guarded, and the journal must be on it.
    Check {
        name: "history.not_declared",
        sql: "select 'it is not on the list of tables that never change' as what, format('table %s', name) as place
              from unnest(array['history_table', 'journal_entry', 'journal_line', 'journal_reversal', 'audit']) as name
              where name not in (select name from history_table) order by name limit 1",
    },
    Check {
        name: "history.guard_missing",
        sql: "select format('the trigger %s is missing or not always on', guard.name) as what, format('table %s', guard.history) as place
              from (select history_table.name as history, trigger.name
                    from history_table, unnest(array['history_is_fixed', 'history_is_not_emptied']) as trigger (name)
                    union all select 'journal_line', 'journal_line_whole') guard
              where not exists (
                  select from pg_trigger where tgrelid = to_regclass(guard.history) and tgname = guard.name and tgenabled = 'A')
              order by 2 limit 1",
    },
    Check {
        name: "history.role_may_change_it",
        sql: "select format('the role %s may %s it', role, privilege) as what, format('table %s', history) as place
              from (select name as history from history_table) declared, unnest(array['ayni_app', 'ayni_read']) as role,
                   unnest(array['update', 'delete', 'truncate']) as privilege
              where to_regclass(history) is not null and exists (select from pg_roles where rolname = role)
                and (has_table_privilege(role, to_regclass(history), privilege)
                     or (privilege = 'update' and has_any_column_privilege(role, to_regclass(history), privilege)))
              limit 1",
    },
    Check {
        name: "history.role_is_mighty",
        sql: "select 'the serving role is a superuser, passes row-level security, or owns the tables' as what, format('role %s', rolname) as place
              from pg_roles role
              where rolname in ('ayni_app', 'ayni_read')
                and (rolsuper or rolbypassrls or pg_has_role(role.oid, (select relowner from pg_class where oid = to_regclass('journal_line')), 'usage'))
              limit 1",
    },
];

/// Asks everything; empty where all holds. Meant for one reading transaction: what is compared is of one moment.
pub async fn verify(tx: &Tx) -> Result<Vec<Finding>, Fault> {
    let mut findings = Vec::new();
    for check in CHECKS {
        if let Some(row) = tx.query_opt(check.sql, &[]).await? {
            findings.push(Finding { check: check.name, what: row.get("what"), place: row.get("place") });
        }
    }
    Ok(findings)
}

/// The checks as (name, statement): what it is that is asked.
pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    CHECKS.iter().map(|check| (check.name, check.sql))
}
