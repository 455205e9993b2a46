//! `docs/posting-rules.md` is the table of `postings.rs`, and says nothing else.

use std::fmt::Write;
use std::path::Path;

use loans::position::Slot;
use loans::postings::{Leg, RULES, SLOTS};

const HEAD: &str = "# The posting rules of loans

What may be booked when, and from where to where. `crates/loans/src/postings.rs` is the table; tests hold every entry of thousands of
random histories against it. The codes are those of the standard chart: a product may map its slots to other accounts.

A reversal, and the corrections that a late event brings, are these rules the other way round. Where branches differ, the pair between
branches (1440, 2380) is added by itself.
";

const TAIL: &str = "
*Control* accounts are kept by the loans: once a product uses one, nobody posts to it by hand, and `ayni verify` holds it against the
loans. *Money* is the account of the channel in the branch: at the start cash 1020, bank 1040, mobile money 1050, officer 1030.

Made from the source: `AYNI_REGENERATE=1 cargo test -p loans` writes it anew.
";

fn leg(leg: Leg) -> String {
    match leg {
        Leg::Channel => "money, by channel".to_owned(),
        Leg::Slot(slot) => format!("{slot} ({})", code(slot)),
    }
}

fn code(slot: Slot) -> &'static str {
    SLOTS.iter().find(|account| account.slot == slot).map(|account| account.standard_code).unwrap()
}

fn document() -> String {
    let mut text = format!("{HEAD}\n| event | what | debit | credit |\n|---|---|---|---|\n");
    for rule in RULES {
        let (debit, credit) = (leg(rule.debit), leg(rule.credit));
        writeln!(text, "| `{}` | {} | {debit} | {credit} |", rule.event, rule.part).unwrap();
    }
    text.push_str("\n## The slots\n\n| slot | account | control |\n|---|---|---|\n");
    for account in SLOTS {
        let control = if account.control { "yes" } else { "" };
        writeln!(text, "| `{}` | {} | {control} |", account.slot, account.standard_code).unwrap();
    }
    text + TAIL
}

#[test]
fn the_document_is_that_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/posting-rules.md");
    if std::env::var_os("AYNI_REGENERATE").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == document(), "docs/posting-rules.md is not the table: AYNI_REGENERATE=1 cargo test -p loans");
}
