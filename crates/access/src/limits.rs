//! The table of limits: which commands wait for a second person, and who decides.
//!
//! A row looks at the facts that a decision states and at the settings; no action knows that it may be held.

use db::deciding::Facts;
use kernel::permission::Permission;
use org::settings::Settings;

/// One row of the table.
#[derive(Debug)]
pub struct Limit {
    pub operation: &'static str,
    holds: fn(&Facts, &Settings) -> bool,
    /// What the second person must be allowed to do, beside deciding at all.
    pub decided_by: Permission,
    /// The beginning of the line that the second person reads.
    words: &'static str,
}

const LIMITS: &[Limit] = &[
    Limit {
        operation: "journal_entry.post",
        holds: is_above_journal_limit,
        decided_by: Permission::JournalApprove,
        words: "Manual entry",
    },
    Limit {
        operation: "journal_entry.reverse",
        holds: is_above_journal_limit,
        decided_by: Permission::JournalApprove,
        words: "Reversal of a manual entry",
    },
    Limit { operation: "period.reopen", holds: always, decided_by: Permission::PeriodManage, words: "Reopening" },
];

/// The limit that holds a command with these facts; `None`: nobody else has to agree.
pub fn limit_for(operation: &str, facts: &Facts, settings: &Settings) -> Option<&'static Limit> {
    LIMITS.iter().find(|limit| limit.operation == operation && (limit.holds)(facts, settings))
}

/// What a second person must be allowed to do to decide on a command that is held, beside deciding at all.
pub fn deciding_permission(operation: &str) -> Option<Permission> {
    LIMITS.iter().find(|limit| limit.operation == operation).map(|limit| limit.decided_by)
}

/// The limit in the journal is in the base currency, and nothing here knows rates: while one is set, every entry in another currency
/// waits.
fn is_above_journal_limit(facts: &Facts, settings: &Settings) -> bool {
    let Some((limit, (amount, currency))) = settings.journal_approval_limit.zip(facts.amount) else { return false };
    currency != settings.base_currency || amount > limit
}

fn always(_: &Facts, _: &Settings) -> bool {
    true
}

impl Limit {
    /// One line that the second person reads.
    pub fn summary(&self, facts: &Facts) -> String {
        let of = facts.amount.map(|(amount, currency)| format!(" of {} {currency}", amount.format(currency)));
        let said = facts.description.as_ref().map(|said| format!(": {said}"));
        format!("{}{}{}", self.words, of.unwrap_or_default(), said.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::amount::Amount;

    fn settings(limit: Option<i64>) -> Settings {
        Settings {
            base_currency: "KES".parse().unwrap(),
            backdating_limit_days: None,
            journal_approval_limit: limit.map(Amount::of_minor),
            version: 1,
        }
    }

    fn facts(amount: i64, currency: &str) -> Facts {
        let amount = Some((Amount::of_minor(amount), currency.parse().unwrap()));
        Facts { amount, description: Some("Rent".into()), ..Facts::default() }
    }

    #[test]
    fn above_the_limit_or_in_another_currency_an_entry_waits() {
        let cases = [
            (Some(499), 500, "KES", true),
            (Some(500), 500, "KES", false),
            (Some(500), 1, "USD", true),
            (None, 1_000_000, "USD", false),
        ];
        for operation in ["journal_entry.post", "journal_entry.reverse"] {
            for (limit, amount, currency, waits) in cases {
                let found = limit_for(operation, &facts(amount, currency), &settings(limit));
                assert_eq!(found.is_some(), waits, "{operation} {amount} {currency} above {limit:?}");
            }
        }
        assert!(limit_for("loan.repay", &facts(1_000_000, "USD"), &settings(Some(1))).is_none());
    }

    #[test]
    fn reopening_a_month_always_waits() {
        let facts = Facts { description: Some("2026-01".into()), ..Facts::default() };
        let limit = limit_for("period.reopen", &facts, &settings(None)).unwrap();
        assert_eq!(limit.decided_by, Permission::PeriodManage);
        assert_eq!(limit.summary(&facts), "Reopening: 2026-01");
    }

    #[test]
    fn the_second_person_reads_decimals_and_words() {
        let facts = facts(50_000, "KES");
        let limit = limit_for("journal_entry.post", &facts, &settings(Some(1))).unwrap();
        assert_eq!(limit.summary(&facts), "Manual entry of 500.00 KES: Rent");
    }
}
