//! Where the money is, day by day: so that no account is overdrawn, branches get money from the head office before they pay
//! it out, the head office draws on its funder, and what tellers and officers took is banked at the end of the week.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use kernel::amount::Amount;
use ledger::slots::Channel;

use crate::demo::institution::{BRANCHES, HEAD_OFFICE};
use crate::demo::journal::{self, BANK, BORROWINGS, Entry, Line, OFFICER_CASH, Scale, TELLER_CASH, WALLET, simple};
use crate::demo::loans::World;
use crate::demo::payments::Course;

/// Money that loans move.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    pub branch: usize,
    pub channel: Channel,
    /// In positive.
    pub amount: Amount,
}

/// What the treasury looks at.
#[derive(Debug)]
pub struct Business<'a> {
    pub flows: BTreeMap<NaiveDate, Vec<Flow>>,
    /// Compulsory savings that are due back: since when, of which branch.
    pub savings_due: Vec<(NaiveDate, usize, Amount)>,
    /// Loans with their branch.
    pub courses: Vec<(usize, &'a Course)>,
}

/// What stays on an account when money is moved away, and the sum in which money is moved, for six hundred clients.
const BANK_KEEPS: i64 = 250_000;
const WALLET_KEEPS: i64 = 60_000;
const TELLER_KEEPS: i64 = 40_000;
const MOVED: i64 = 200_000;
const TRANCHE: i64 = 1_500_000;

pub fn account_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Cash => TELLER_CASH,
        Channel::Bank => BANK,
        Channel::MobileMoney => WALLET,
        Channel::Officer => OFFICER_CASH,
    }
}

/// All manual entries, day by day.
pub fn entries(business: &Business<'_>, world: &World, scale: Scale) -> Vec<Entry> {
    let mut treasury = Treasury { scale, balances: BTreeMap::new(), entries: Vec::new(), interest_owed: Amount::ZERO };
    let mut allowances: BTreeMap<usize, Amount> = BTreeMap::new();
    for day in world.span.days() {
        if day == world.span.first {
            journal::opening(day, scale).into_iter().for_each(|entry| treasury.post(entry));
        }
        let flows = business.flows.get(&day).map(Vec::as_slice).unwrap_or_default();
        treasury.lend_and_collect(day, flows);
        if day.weekday() == Weekday::Fri && world.working.contains(day) {
            treasury.bank_takings(day);
        }
        if journal::ends_month(day) {
            treasury.end_month(day, business);
            let changes = allowance_changes(day, business, &mut allowances);
            journal::impairment(day, &changes).into_iter().for_each(|entry| treasury.post(entry));
        }
    }
    treasury.entries
}

fn allowance_changes(
    day: NaiveDate,
    business: &Business<'_>,
    allowances: &mut BTreeMap<usize, Amount>,
) -> BTreeMap<usize, Amount> {
    let mut changes = BTreeMap::new();
    for branch in 0..BRANCHES.len() {
        let courses = business.courses.iter().filter(|(of, _)| *of == branch).map(|(_, course)| *course);
        let needed = journal::allowance(day, courses);
        let before = allowances.insert(branch, needed).unwrap_or_default();
        changes.insert(branch, needed - before);
    }
    changes
}

struct Treasury {
    scale: Scale,
    /// Debit positive.
    balances: BTreeMap<(usize, &'static str), Amount>,
    entries: Vec<Entry>,
    interest_owed: Amount,
}

impl Treasury {
    fn balance(&self, branch: usize, account: &'static str) -> Amount {
        self.balances.get(&(branch, account)).copied().unwrap_or_default()
    }

    fn add(&mut self, branch: usize, account: &'static str, amount: Amount) {
        *self.balances.entry((branch, account)).or_default() += amount;
    }

    fn post(&mut self, entry: Entry) {
        for Line { account, branch, amount } in &entry.lines {
            self.add(*branch, account, *amount);
        }
        self.entries.push(entry);
    }

    /// What goes out is covered before anything comes in.
    fn lend_and_collect(&mut self, day: NaiveDate, flows: &[Flow]) {
        let mut going_out: BTreeMap<(usize, &'static str), Amount> = BTreeMap::new();
        for flow in flows.iter().filter(|flow| flow.amount.is_negative()) {
            *going_out.entry((flow.branch, account_of(flow.channel))).or_default() += -flow.amount;
        }
        // The wallet first: it is filled from the bank account. The head office last: it fills those of the branches.
        for account in [WALLET, BANK] {
            for branch in (0..BRANCHES.len()).rev() {
                let amount = going_out.get(&(branch, account)).copied().unwrap_or_default();
                self.cover(day, branch, account, amount);
            }
        }
        for flow in flows {
            self.add(flow.branch, account_of(flow.channel), flow.amount);
        }
    }

    /// Sees to it that an amount may leave an account.
    fn cover(&mut self, day: NaiveDate, branch: usize, account: &'static str, amount: Amount) {
        if !amount.is_positive() {
            return;
        }
        let keeps = self.scale.of(if account == WALLET { WALLET_KEEPS } else { BANK_KEEPS });
        let short = amount + keeps - self.balance(branch, account);
        if !short.is_positive() {
            return;
        }
        if account == WALLET {
            let sum = in_whole(short, self.scale.of(MOVED));
            self.cover(day, branch, BANK, sum);
            self.post(simple(day, branch, "Mobile-money float bought", WALLET, BANK, sum));
        } else if branch == HEAD_OFFICE {
            let sum = in_whole(short, self.scale.of(TRANCHE));
            self.post(simple(day, branch, "Drawn on the credit line of the funder", BANK, BORROWINGS, sum));
        } else {
            let sum = in_whole(short, self.scale.of(MOVED));
            self.cover(day, HEAD_OFFICE, BANK, sum);
            self.post(sent(day, HEAD_OFFICE, branch, sum));
        }
    }

    /// Friday: what tellers, officers and wallets hold goes to the bank, except a float.
    fn bank_takings(&mut self, day: NaiveDate) {
        for branch in 0..BRANCHES.len() {
            for (account, keeps, description) in [
                (TELLER_CASH, self.scale.of(TELLER_KEEPS), "Cash banked"),
                (OFFICER_CASH, Amount::ZERO, "Officers' takings banked"),
                (WALLET, self.scale.of(WALLET_KEEPS + MOVED), "Mobile money moved to the bank"),
            ] {
                let surplus = self.balance(branch, account) - keeps;
                if surplus.is_positive() {
                    self.post(simple(day, branch, description, BANK, account, surplus));
                }
            }
        }
    }

    fn end_month(&mut self, day: NaiveDate, business: &Business<'_>) {
        for branch in 0..BRANCHES.len() {
            for (description, account, amount) in journal::expenses(branch, self.scale) {
                self.pay(simple(day, branch, description, account, BANK, amount));
            }
            let is_of_month = |on: NaiveDate| (on.year(), on.month()) == (day.year(), day.month());
            let due = business.savings_due.iter().filter(|(on, of, _)| is_of_month(*on) && *of == branch);
            let savings: Amount = due.map(|(_, _, amount)| *amount).sum();
            journal::savings_returned(day, branch, savings).into_iter().for_each(|entry| self.pay(entry));
            let came_in = wallet_takings(business, branch, is_of_month);
            journal::wallet_fee(day, branch, came_in).into_iter().for_each(|entry| self.post(entry));
        }
        self.post(journal::depreciation(day, self.scale));
        let borrowed = -self.balance(HEAD_OFFICE, BORROWINGS);
        let (booked, paid) = journal::interest(day, borrowed, &mut self.interest_owed);
        booked.into_iter().for_each(|entry| self.post(entry));
        paid.into_iter().for_each(|entry| self.pay(entry));
        self.send_back(day);
    }

    /// Money that lies idle: a branch sends it to the head office, which pays back to the funder.
    fn send_back(&mut self, day: NaiveDate) {
        let (keeps, sum, tranche) = (self.scale.of(BANK_KEEPS), self.scale.of(MOVED), self.scale.of(TRANCHE));
        for branch in (0..BRANCHES.len()).filter(|branch| *branch != HEAD_OFFICE) {
            let idle = whole(self.balance(branch, BANK) - keeps, sum);
            if idle.minor() >= 4 * sum.minor() {
                self.post(sent(day, branch, HEAD_OFFICE, idle));
            }
        }
        let borrowed = -self.balance(HEAD_OFFICE, BORROWINGS);
        let idle = whole(self.balance(HEAD_OFFICE, BANK) - keeps, tranche).min(borrowed);
        if idle.is_positive() {
            self.post(simple(day, HEAD_OFFICE, "Repaid to the credit line of the funder", BORROWINGS, BANK, idle));
        }
    }

    /// Posts an entry whose money comes from the bank account of its branch.
    fn pay(&mut self, entry: Entry) {
        let amount: Amount = entry.lines.iter().filter(|line| line.account == BANK).map(|line| -line.amount).sum();
        self.cover(entry.on, entry.branch, BANK, amount);
        self.post(entry);
    }
}

fn wallet_takings(business: &Business<'_>, branch: usize, is_of_month: impl Fn(NaiveDate) -> bool) -> Amount {
    let days = business.flows.iter().filter(|(day, _)| is_of_month(**day));
    let flows = days.flat_map(|(_, flows)| flows);
    let takings = flows.filter(|flow| flow.branch == branch && flow.channel == Channel::MobileMoney);
    takings.map(|flow| flow.amount.or_zero()).sum()
}

/// Money from one branch's bank account to another's: what they then owe each other the ledger adds by itself.
fn sent(day: NaiveDate, from: usize, to: usize, amount: Amount) -> Entry {
    let lines = vec![Line { account: BANK, branch: to, amount }, Line { account: BANK, branch: from, amount: -amount }];
    let description = format!("Funds from {} to {}", BRANCHES[from].name, BRANCHES[to].name);
    Entry { on: day, branch: HEAD_OFFICE, description, lines }
}

/// At least an amount, in whole sums.
fn in_whole(amount: Amount, sum: Amount) -> Amount {
    whole(amount + sum - Amount::of_minor(1), sum)
}

/// At most an amount, in whole sums.
fn whole(amount: Amount, sum: Amount) -> Amount {
    Amount::of_minor(amount.or_zero().minor() / sum.minor().max(1) * sum.minor())
}
