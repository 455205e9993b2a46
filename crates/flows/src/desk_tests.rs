//! Decisions fall back whole, whatever they had done by then: for every command of the desk.

use std::sync::Arc;

use access::approvals::{Approval, Maker};
use chrono::{DateTime, NaiveDate};
use clients::actions::activate::Activate;
use clients::actions::register::Register;
use clients::client::{ClientKind, ClientName, ClientStatus, Gender};
use clients::command::ClientCommand;
use db::caller::{Granted, Scope};
use db::tx::Today;
use kernel::amount::Amount;
use kernel::permission::Permission;
use kernel::plain_amount::PlainAmount;
use ledger::books::ChartRows;
use ledger::command::EntryCommand;
use ledger::manual::{ManualLine, PostManualEntry};
use ledger::reversal::ReverseEntry;
use ledger::setup::{CHANNELS, standard_rows};
use ledger::slots::{Channel, ChannelAccount, SlotAccount};
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::disburse::Disburse;
use loans::actions::end_application::{EndApplication, Ending};
use loans::actions::renegotiate::Renegotiate;
use loans::actions::repay::{Overpayment, Repay};
use loans::actions::reverse::Reverse;
use loans::command::LoanCommand;
use loans::product::{Limits, Product};
use loans::terms::{
    Allocation, Amortization, Basis, Calculation, ENGINE, FirstPeriod, Frequency, Interest, InterestMethod, Rate,
    RatePer, SettlementRebate, Terms, Unit,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::held::HeldCommand;

const HEAD: Uuid = Uuid::from_u128(10);
const PRODUCT: Uuid = Uuid::from_u128(11);
const CLIENT: Uuid = Uuid::from_u128(20);
const PENDING: Uuid = Uuid::from_u128(21);
const APPLIED: Uuid = Uuid::from_u128(30);
const APPROVED: Uuid = Uuid::from_u128(31);
const ACTIVE: Uuid = Uuid::from_u128(32);
const ENTRY: Uuid = Uuid::from_u128(40);
const APPROVAL: Uuid = Uuid::from_u128(50);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn scope() -> Scope {
    Scope { branch_id: HEAD, officer_id: None }
}

fn caller(id: u128) -> Caller {
    let granted = Granted::all("everybody", Permission::ALL.iter().copied().collect());
    Caller {
        user_id: Uuid::from_u128(id),
        staff_id: None,
        scope: scope(),
        request_id: Uuid::nil(),
        granted: Arc::new(granted),
    }
}

fn plain(text: &str) -> PlainAmount {
    PlainAmount::parse(text).unwrap()
}

/// 24 % a year on the declining balance, monthly.
fn terms() -> Terms {
    Terms {
        frequency: Frequency { every: 1, unit: Unit::Month },
        interest: Interest {
            method: InterestMethod::Declining,
            rate: Rate { percent: rust_decimal::Decimal::from(24), per: RatePer::Year },
            calculation: Calculation::PerPeriod,
            day_count: kernel::day_count::DayCount::Thirty360,
            first_period: FirstPeriod::ByDays,
        },
        amortization: Amortization::default(),
        rounding: None,
        allocation: Allocation::default(),
        settlement_rebate: SettlementRebate::Actuarial,
        non_accrual_days: 90,
        basis: Basis::default(),
        engine: ENGINE,
    }
}

fn product() -> Product {
    let currency = "KES".parse().unwrap();
    let minor = |amount: i64| Amount::of_minor(amount);
    Product {
        id: PRODUCT,
        code: "W".into(),
        name: "W".into(),
        currency,
        terms: terms(),
        limits: Limits {
            principal_least: minor(1),
            principal_most: minor(100_000_000),
            instalments_fewest: 1,
            instalments_most: 60,
        },
        charges: Vec::new(),
        withholds: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        version: 1,
    }
}

fn books() -> Books {
    let rows = standard_rows("KES".parse().unwrap());
    let account = |code: &str| rows.accounts.iter().find(|account| account.code == code).unwrap().id;
    let slots = loans::postings::SLOTS.iter().map(|known| SlotAccount {
        product_id: PRODUCT,
        slot: known.slot.as_str().to_owned(),
        account_id: account(known.standard_code),
    });
    let channels = CHANNELS.iter().map(|(channel, code)| ChannelAccount {
        channel: *channel,
        branch_id: None,
        account_id: account(code),
    });
    let (slots, channels) = (slots.collect(), channels.collect());
    Books::new(ChartRows { slots, channels, ..rows }, None)
}

fn register(id: Uuid, status: ClientStatus) -> Register {
    Register {
        id,
        branch_id: HEAD,
        officer_id: None,
        kind: ClientKind::Person,
        status,
        name: ClientName { full: "Achieng Odhiambo".into(), ..ClientName::default() },
        birth: None,
        gender: Some(Gender::Female),
        area: None,
        phone: None,
    }
}

fn apply(id: Uuid) -> Apply {
    Apply {
        id,
        client_id: CLIENT,
        product_id: PRODUCT,
        principal: plain("12000.00"),
        instalments: 12,
        expected_disbursed_on: day("2026-01-31"),
        first_due_on: None,
        officer_id: None,
        applied_on: None,
    }
}

fn approve(loan_id: Uuid) -> Approve {
    Approve { loan_id, approved_on: None, principal: None, instalments: None, conditions: None, valid_until: None }
}

fn disburse(loan_id: Uuid) -> Disburse {
    Disburse { loan_id, disbursed_on: None, amount: None, channel: Channel::Cash, receipt: None }
}

fn repay(loan_id: Uuid, amount: &str) -> Repay {
    Repay {
        loan_id,
        amount: plain(amount),
        paid_on: None,
        channel: Channel::Cash,
        receipt: Some(format!("R{amount}")),
        overpayment: Overpayment::Take,
    }
}

fn post(id: Uuid, amount: i64) -> PostManualEntry {
    let line = |account: &str, debit: bool| ManualLine {
        account: account.into(),
        branch_id: None,
        debit: debit.then_some(Amount::of_minor(amount)),
        credit: (!debit).then_some(Amount::of_minor(amount)),
    };
    PostManualEntry {
        id,
        booked_on: None,
        value_on: None,
        branch_id: HEAD,
        description: "Rent".into(),
        currency: "KES".parse().unwrap(),
        lines: vec![line("5310", true), line("1040", false)],
    }
}

/// A desk with loans in every state, as a batch finds it.
fn desk() -> Desk {
    let settings = Settings {
        base_currency: "KES".parse().unwrap(),
        backdating_limit_days: None,
        journal_approval_limit: Some(Amount::of_minor(10_000)),
        version: 1,
    };
    let today = Today { now: DateTime::UNIX_EPOCH, business_date: day("2026-01-31") };
    let mut sheet = DaySheet::new(today, Arc::new(settings), books(), Ids::starting_at(DateTime::UNIX_EPOCH));
    sheet.places.branches.insert(HEAD, vec![HEAD]);
    let numbers = || (1..9).map(|number| format!("N-{number}")).collect::<Vec<_>>();
    let mut desk = Desk {
        sheet: sheet.clone(),
        approvals: ApprovalShelf::default(),
        clients: ClientShelf::of(Vec::new(), scope(), numbers()),
        loans: LoanShelf::of(vec![product()], numbers()),
        entries: EntryShelf::default(),
        makers: HashMap::new(),
    };
    let mut give = |by: u128, command: DeskCommand| {
        desk.attempt(|desk| desk.decide(&command, &caller(by), By::Maker)).unwrap();
    };
    give(1, DeskCommand::Client(ClientCommand::Register(register(CLIENT, ClientStatus::Active))));
    give(1, DeskCommand::Client(ClientCommand::Register(register(PENDING, ClientStatus::Pending))));
    for id in [APPLIED, APPROVED, ACTIVE] {
        give(1, DeskCommand::Loan(LoanCommand::Apply(apply(id))));
    }
    for id in [APPROVED, ACTIVE] {
        give(2, DeskCommand::Loan(LoanCommand::Approve(approve(id))));
    }
    give(2, DeskCommand::Loan(LoanCommand::Disburse(disburse(ACTIVE))));
    give(2, DeskCommand::Loan(LoanCommand::Repay(repay(ACTIVE, "100.00"))));
    give(2, DeskCommand::Entry(EntryCommand::Post(post(ENTRY, 500))));
    let found = desk.loans.found_again(scope());
    let approval = Approval {
        id: APPROVAL,
        operation: "journal_entry.post".into(),
        path: String::new(),
        body: json!({}),
        summary: String::new(),
        branch_id: HEAD,
        maker: Maker { user_id: Uuid::from_u128(1), staff_id: None, name: "Wanjiru".into() },
        asked_at: DateTime::UNIX_EPOCH,
        expires_at: DateTime::UNIX_EPOCH + chrono::Duration::days(1),
        decided: None,
        version: 1,
    };
    Desk {
        loans: found,
        approvals: ApprovalShelf::of(vec![approval], scope()),
        makers: HashMap::from([(Uuid::from_u128(1), caller(1))]),
        ..desk
    }
}

fn the_payment(desk: &Desk) -> Uuid {
    let history = desk.loans.history(ACTIVE).unwrap();
    history.iter().find(|known| known.receipt.is_some()).unwrap().event.id
}

/// One of each kind that succeeds on this desk.
fn commands(desk: &Desk) -> Vec<DeskCommand> {
    let decide = |verdict| {
        let held = HeldCommand {
            command: DeskCommand::Entry(EntryCommand::Post(post(Uuid::from_u128(60), 50_000))),
            maker_id: Uuid::from_u128(1),
            permissions: vec![Permission::JournalPost],
        };
        let decided_by = vec![Permission::JournalApprove];
        let decide = Decide { approval_id: APPROVAL, verdict, seen_version: None, decided_by, held: Some(held) };
        DeskCommand::Decide(Box::new(decide))
    };
    let end = |loan_id, ending| EndApplication { loan_id, ending, reason: Some("Moved away".into()) };
    let client = |command| DeskCommand::Client(command);
    let loan = |command| DeskCommand::Loan(command);
    let transaction_id = the_payment(desk);
    let renegotiate = Renegotiate { loan_id: ACTIVE, on: None, reason: "Flood".into(), renegotiated: true };
    let reverse_entry = ReverseEntry { entry_id: ENTRY, id: Uuid::from_u128(61), description: None };
    let item = |command| Item { command, sent: db::lane::Sent { path: String::new(), body: "{}".into() } };
    vec![
        client(ClientCommand::Register(register(Uuid::from_u128(22), ClientStatus::Active))),
        client(ClientCommand::Activate(Activate { client_id: PENDING })),
        loan(LoanCommand::Apply(apply(Uuid::from_u128(33)))),
        loan(LoanCommand::Approve(approve(APPLIED))),
        loan(LoanCommand::EndApplication(end(APPLIED, Ending::Reject))),
        loan(LoanCommand::EndApplication(end(APPROVED, Ending::Withdraw))),
        loan(LoanCommand::Disburse(disburse(APPROVED))),
        loan(LoanCommand::Repay(repay(ACTIVE, "250.00"))),
        loan(LoanCommand::Repay(repay(ACTIVE, "99999.00"))),
        loan(LoanCommand::Reverse(Reverse { loan_id: ACTIVE, transaction_id, reason: None })),
        loan(LoanCommand::Renegotiate(renegotiate)),
        DeskCommand::Entry(EntryCommand::Post(post(Uuid::from_u128(62), 700))),
        DeskCommand::Entry(EntryCommand::Reverse(reverse_entry)),
        decide(Verdict::Approved),
        decide(Verdict::Rejected),
        DeskCommand::All(vec![
            item(loan(LoanCommand::Approve(approve(APPLIED)))),
            item(loan(LoanCommand::Disburse(disburse(APPLIED)))),
            item(loan(LoanCommand::Repay(repay(ACTIVE, "300.00")))),
        ]),
    ]
}

#[test]
fn every_command_leaves_the_desk_as_it_was_after_a_panic_and_after_a_refusal() {
    let before = desk();
    for command in commands(&before) {
        let mut desk = before.clone();
        let broken = desk.attempt::<()>(|desk| {
            desk.sheet.begin(Uuid::from_u128(99));
            desk.decide(&command, &caller(2), By::Maker).unwrap();
            panic!("on purpose");
        });
        assert!(matches!(broken, Err(NotDone::Fault(Fault::Panic(text))) if text == "on purpose"), "{command:?}");
        assert_eq!(desk, before, "after a panic: {command:?}");
        let refused = desk.attempt::<()>(|desk| {
            desk.decide(&command, &caller(2), By::Maker)?;
            Err(NotDone::Absent)
        });
        assert!(matches!(refused, Err(NotDone::Absent)));
        assert_eq!(desk, before, "after a refusal: {command:?}");
        desk.attempt(|desk| desk.decide(&command, &caller(2), By::Maker)).unwrap();
        assert_ne!(desk, before, "{command:?} does nothing");
    }
}

#[test]
fn what_is_held_leaves_the_desk_as_it_was() {
    let before = desk();
    let mut desk = before.clone();
    let above = DeskCommand::Entry(EntryCommand::Post(post(Uuid::from_u128(70), 50_000)));
    let held = desk.attempt(|desk| desk.decide(&above, &caller(2), By::Maker));
    let Err(NotDone::Held(hold)) = held else { panic!("not held: {held:?}") };
    assert_eq!(hold.operation, "journal_entry.post");
    assert_eq!(hold.facts.amount, Some((Amount::of_minor(50_000), "KES".parse().unwrap())));
    assert_eq!(desk, before);
    // What a second person approves is not held again.
    desk.attempt(|desk| desk.decide(&above, &caller(2), By::Approver)).unwrap();
}

#[test]
fn a_figure_that_overflows_fails_its_command_alone() {
    let mut desk = desk();
    let before = desk.clone();
    let all = DeskCommand::All(vec![
        Item {
            command: DeskCommand::Loan(LoanCommand::Repay(repay(ACTIVE, "1.00"))),
            sent: db::lane::Sent { path: String::new(), body: "{}".into() },
        };
        2
    ]);
    // The second has the receipt of the first: refused, and the first with it.
    let refused = desk.attempt(|desk| desk.decide(&all, &caller(2), By::Maker));
    let Err(NotDone::Refused(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.pointer().as_deref(), Some("/items/1/body/receipt"));
    assert_eq!(desk, before);
}

proptest! {
    /// Whatever came before, an attempt that fails changes nothing of it, and one that succeeds counts.
    #[test]
    fn attempts_in_any_order_keep_what_succeeded_and_nothing_else(order in prop::collection::vec((0..15_usize, 0..3_u8), 1..12)) {
        let mut desk = desk();
        let mut kept = desk.clone();
        let commands = commands(&desk);
        for (index, how) in order {
            let command = &commands[index];
            let tried = |desk: &mut Desk| match how {
                0 => desk.attempt(|desk| desk.decide(command, &caller(2), By::Maker)).is_ok(),
                1 => desk.attempt::<()>(|desk| { desk.decide(command, &caller(2), By::Maker)?; Err(NotDone::Absent) }).is_ok(),
                _ => desk.attempt::<()>(|desk| { let _ = desk.decide(command, &caller(2), By::Maker); panic!("on purpose") }).is_ok(),
            };
            if tried(&mut desk) {
                kept = desk.clone();
            } else {
                prop_assert_eq!(&desk, &kept);
            }
        }
    }
}
