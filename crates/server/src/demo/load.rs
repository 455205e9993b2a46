//! The load: the plan carried out day by day, each day closed before the next.
//!
//! What happens on one day is given at once, so that the lanes make few batches of it; only where numbers are given out, to
//! clients and loans, one comes after the other, so that the same seed numbers them the same way.

use chrono::NaiveDate;
use clients::actions::activate::Activate;
use clients::actions::register::Register;
use clients::client::{ClientKind, ClientStatus};
use clients::command::ClientCommand;
use db::pool::Pool;
use flows::desk_command::DeskCommand;
use flows::office::OfficeCommand;
use futures::future::try_join_all;
use futures::try_join;
use kernel::amount::Amount;
use kernel::permission::Permission as P;
use kernel::plain_amount::PlainAmount;
use ledger::command::EntryCommand;
use ledger::manual::{ManualLine, PostManualEntry};
use ledger::periods::{ClosePeriod, Month};
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::disburse::Disburse;
use loans::actions::end_application::{EndApplication, Ending};
use loans::actions::renegotiate::Renegotiate;
use loans::actions::repay::{Overpayment, Repay};
use loans::actions::reverse::Reverse;
use loans::command::LoanCommand;
use uuid::Uuid;

use crate::demo::desk::Desk;
use crate::demo::institution::{ACCOUNTANT, MANAGER, TELLER, Who, later};
use crate::demo::journal::Entry;
use crate::demo::payments::{Flag, Payment};
use crate::demo::plan::{Day, Numbered, Plan};
use crate::demo::{found, id};
use crate::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    Whole,
    /// Up to the end of a day.
    Part,
}

/// Carries the plan out, from the open day on. `goes_on` hears of each day that is over, and may end the load there.
pub async fn load(
    desk: &Desk<'_>,
    plan: &Plan,
    pool: &Pool,
    open_on: NaiveDate,
    goes_on: impl Fn(NaiveDate) -> bool,
) -> Result<Loaded, Failure> {
    for day in plan.world.span.days().filter(|day| *day >= open_on) {
        if let Some(acts) = plan.days.get(&day) {
            Loading { desk, plan, pool }.day(acts).await?;
        }
        flows::close_of_day::close_through(pool, day).await?;
        if !goes_on(day) {
            return Ok(Loaded::Part);
        }
    }
    ledger::fold::fold(pool).await?;
    compare(plan.outstanding(), found::outstanding(pool).await?)
}

/// The plan followed each loan with the same calculations: both must come to the same.
fn compare(planned: Amount, loaded: Amount) -> Result<Loaded, Failure> {
    match planned == loaded {
        true => Ok(Loaded::Whole),
        false => Err(Failure::Said(format!(
            "the demo data are not what was planned: {loaded:?} units are owed by clients, not {planned:?}: this is an error of Ayni"
        ))),
    }
}

struct Loading<'a> {
    desk: &'a Desk<'a>,
    plan: &'a Plan,
    pool: &'a Pool,
}

impl Loading<'_> {
    async fn day(&self, day: &Day) -> Result<(), Failure> {
        try_join!(
            try_join_all(day.entries.iter().map(|entry| self.post(entry))),
            self.register(&day.registrations),
            try_join_all(day.activations.iter().map(|index| self.activate(*index))),
            self.apply(&day.applications),
            try_join_all(day.approvals.iter().map(|index| self.approve(*index))),
            try_join_all(day.rejections.iter().map(|index| self.end(*index, Ending::Reject))),
            try_join_all(day.withdrawals.iter().map(|index| self.end(*index, Ending::Withdraw))),
            try_join_all(day.disbursements.iter().map(|index| self.disburse(*index))),
            self.collect(day),
        )?;
        match day.month {
            Some(month) => self.close_month(month).await,
            None => Ok(()),
        }
    }

    /// A loan that is flagged today may also be paid today.
    async fn collect(&self, day: &Day) -> Result<(), Failure> {
        try_join_all(day.flags.iter().map(|flag| self.flag(flag))).await?;
        try_join_all(day.payments.iter().map(|payment| self.repay(payment))).await?;
        Ok(())
    }

    async fn register(&self, people: &[usize]) -> Result<(), Failure> {
        for index in people {
            let person = &self.plan.people[*index];
            let command = Register {
                id: id("client", *index),
                branch_id: self.desk.branch(person.branch),
                officer_id: Some(id("staff", person.officer)),
                kind: person.kind,
                status: match person.activated_on {
                    Some(_) => ClientStatus::Pending,
                    None => ClientStatus::Active,
                },
                name: person.name.clone(),
                birth: person.birth,
                gender: person.gender,
                area: Some(person.area),
                phone: Some(person.phone.clone()),
            };
            let by = (Who::Staff(person.officer), P::ClientManage);
            self.desk
                .give(by, format!("client/{index}"), DeskCommand::Client(ClientCommand::Register(command)))
                .await?;
        }
        Ok(())
    }

    async fn activate(&self, index: usize) -> Result<(), Failure> {
        let command = Activate { client_id: id("client", index) };
        let by = (Who::Staff(self.plan.people[index].officer), P::ClientManage);
        self.desk
            .give(by, format!("client/{index}/activate"), DeskCommand::Client(ClientCommand::Activate(command)))
            .await?;
        Ok(())
    }

    async fn apply(&self, loans: &[usize]) -> Result<(), Failure> {
        for index in loans {
            let loan = &self.plan.loans[*index];
            let command = Apply {
                id: id("loan", *index),
                client_id: id("client", self.plan.clients[*index]),
                product_id: id("product", loan.product),
                principal: self.plain(loan.principal)?,
                instalments: loan.instalments,
                expected_disbursed_on: loan.expected_disbursed_on,
                first_due_on: loan.first_due_on,
                officer_id: None,
                applied_on: None,
            };
            let by = (self.officer(*index), P::LoanApply);
            self.desk.give(by, format!("loan/{index}"), DeskCommand::Loan(LoanCommand::Apply(command))).await?;
        }
        Ok(())
    }

    async fn approve(&self, index: usize) -> Result<(), Failure> {
        let loan = &self.plan.loans[index];
        let is_organisation = self.plan.people[self.plan.clients[index]].kind == ClientKind::Organisation;
        let command = Approve {
            loan_id: id("loan", index),
            approved_on: None,
            principal: None,
            instalments: None,
            conditions: is_organisation.then(|| "All members of the committee sign".to_owned()),
            valid_until: Some(later(loan.expected_disbursed_on, 30)),
        };
        let by = (Who::Staff(MANAGER), P::LoanApprove);
        self.desk.give(by, format!("loan/{index}/approve"), DeskCommand::Loan(LoanCommand::Approve(command))).await?;
        Ok(())
    }

    async fn end(&self, index: usize, ending: Ending) -> Result<(), Failure> {
        let (by, reason) = match ending {
            Ending::Reject => ((Who::Staff(MANAGER), P::LoanApprove), "The business does not carry the instalment"),
            Ending::Withdraw => ((self.officer(index), P::LoanApply), "The client no longer wants the loan"),
        };
        let command = EndApplication { loan_id: id("loan", index), ending, reason: Some(reason.to_owned()) };
        self.desk
            .give(by, format!("loan/{index}/{ending}"), DeskCommand::Loan(LoanCommand::EndApplication(command)))
            .await?;
        Ok(())
    }

    async fn disburse(&self, index: usize) -> Result<(), Failure> {
        let command = Disburse {
            loan_id: id("loan", index),
            disbursed_on: None,
            amount: None,
            channel: self.plan.loans[index].channel,
            receipt: Some(format!("D-{:06}", index + 1)),
        };
        let by = (Who::Staff(TELLER), P::LoanDisburse);
        self.desk.give(by, format!("loan/{index}/disburse"), DeskCommand::Loan(LoanCommand::Disburse(command))).await?;
        Ok(())
    }

    /// One payment; where it is mistyped, it is taken back and keyed again.
    async fn repay(&self, payment: &Numbered<Payment>) -> Result<(), Failure> {
        let Numbered { number, it: payment } = payment;
        if let Some(wrong) = payment.mistyped {
            let key = format!("payment/{number}/mistyped");
            let body = self.repay_amount(payment, wrong, key.clone(), format!("R-{:06}-1", number + 1)).await?;
            let command = Reverse {
                loan_id: id("loan", payment.loan),
                transaction_id: transaction_id(&body, &key)?,
                reason: Some("Mistyped: keyed twice the amount".to_owned()),
            };
            let by = (Who::Staff(MANAGER), P::LoanReverse);
            self.desk
                .give(by, format!("payment/{number}/reverse"), DeskCommand::Loan(LoanCommand::Reverse(command)))
                .await?;
        }
        let (key, receipt) = (format!("payment/{number}"), format!("R-{:06}", number + 1));
        self.repay_amount(payment, payment.amount, key, receipt).await?;
        Ok(())
    }

    async fn repay_amount(
        &self,
        payment: &Payment,
        amount: Amount,
        key: String,
        receipt: String,
    ) -> Result<String, Failure> {
        let command = Repay {
            loan_id: id("loan", payment.loan),
            amount: self.plain(amount)?,
            paid_on: payment.paid_on,
            channel: payment.channel,
            receipt: Some(receipt),
            overpayment: Overpayment::Take,
        };
        let by = (Who::Staff(payment.taken_by), P::LoanRepay);
        Ok(self.desk.give(by, key, DeskCommand::Loan(LoanCommand::Repay(command))).await?.body)
    }

    async fn flag(&self, flag: &Flag) -> Result<(), Failure> {
        let (word, reason) = match flag.renegotiated {
            true => ("renegotiated", "New dates were agreed after the drought"),
            false => ("cured", "Three months of payments in time"),
        };
        let command = Renegotiate {
            loan_id: id("loan", flag.loan),
            on: None,
            reason: reason.to_owned(),
            renegotiated: flag.renegotiated,
        };
        let by = (Who::Staff(MANAGER), P::LoanFlag);
        self.desk
            .give(by, format!("loan/{}/{word}", flag.loan), DeskCommand::Loan(LoanCommand::Renegotiate(command)))
            .await?;
        Ok(())
    }

    async fn post(&self, entry: &Numbered<Entry>) -> Result<(), Failure> {
        let Numbered { number, it: entry } = entry;
        let lines = entry.lines.iter().map(|line| ManualLine {
            account: line.account.to_owned(),
            branch_id: Some(self.desk.branch(line.branch)),
            debit: Some(line.amount).filter(|amount| amount.is_positive()),
            credit: Some(-line.amount).filter(|amount| amount.is_positive()),
        });
        let command = PostManualEntry {
            id: id("entry", *number),
            booked_on: None,
            value_on: None,
            branch_id: self.desk.branch(entry.branch),
            description: entry.description.clone(),
            currency: self.plan.world.currency,
            lines: lines.collect(),
        };
        let by = (Who::Staff(ACCOUNTANT), P::JournalPost);
        self.desk.give(by, format!("entry/{number}"), DeskCommand::Entry(EntryCommand::Post(command))).await?;
        Ok(())
    }

    async fn close_month(&self, month: Month) -> Result<(), Failure> {
        let by = (Who::Staff(ACCOUNTANT), P::PeriodManage);
        let command = OfficeCommand::ClosePeriod(ClosePeriod { month });
        self.desk.give(by, format!("month/{month}"), command).await?;
        flows::close_of_day::work_off(self.pool).await?;
        Ok(())
    }

    /// The officer of the loan's client.
    fn officer(&self, loan: usize) -> Who {
        Who::Staff(self.plan.people[self.plan.clients[loan]].officer)
    }

    fn plain(&self, amount: Amount) -> Result<PlainAmount, Failure> {
        PlainAmount::parse(&amount.format(self.plan.world.currency))
            .map_err(|error| Failure::Said(format!("the demo data: {amount:?}: {error}")))
    }
}

/// The transaction that a repayment was answered with.
fn transaction_id(body: &str, key: &str) -> Result<Uuid, Failure> {
    let view: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let id = view["transaction"]["id"].as_str().and_then(|text| text.parse().ok());
    id.ok_or_else(|| {
        Failure::Said(format!("the demo data could not be loaded: no transaction in the answer for {key}"))
    })
}
