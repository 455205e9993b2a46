//! Builds the portfolio through the actions themselves, a thousand commands to a transaction, day by day; the nights of the past
//! come from the pure core, since a million loans closed a hundred times would take hours.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use clients::actions::register::Register;
use clients::client::{ClientKind, ClientName, ClientStatus, Gender};
use clients::command::ClientCommand;
use db::caller::SYSTEM;
use db::caller::{Caller, callers_by_ids};
use db::lane::{About, Asked, Command, Outcome};
use db::pool::{CONNECTIONS, Pool};
use db::tx::Tx;
use flows::close_of_day::drafts;
use flows::desk_command::DeskCommand;
use kernel::plain_amount::PlainAmount;
use ledger::books::Books;
use ledger::post::post;
use ledger::slots::Channel;
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::disburse::Disburse;
use loans::actions::repay::{Overpayment, Repay};
use loans::command::LoanCommand;
use loans::store::products::products_by_ids;
use loans::terms::Terms;
use uuid::Uuid;

use crate::Failure;
use crate::ground::Ground;
use crate::people::Institution;
use crate::portfolio::nights;
use crate::portfolio::plan::{BRANCHES, INSTALMENTS, OFFICERS, OPENED, PRODUCTS, Planned, TODAY, day};

/// Commands in one transaction.
const BATCH: usize = 1_000;
/// Transactions at once.
const WRITERS: usize = 2;

pub struct Portfolio {
    pub branches: Vec<Uuid>,
    pub officers: Vec<Uuid>,
    pub loans: Vec<Uuid>,
    clients: Vec<Uuid>,
    products: Vec<(Uuid, Arc<Terms>)>,
    plans: Vec<Planned>,
    officer: Caller,
    manager: Caller,
    pool: Pool,
}

/// What happens to a loan on a day.
#[derive(Debug, Clone, Copy)]
enum Step {
    Lend(usize),
    Pay(usize, usize),
}

impl Portfolio {
    /// Branches, officers and products, and the plan of what follows.
    pub async fn found(ground: &Ground, address: &str, count: usize) -> Result<Portfolio, Failure> {
        let institution = Institution::found(address).await?;
        let branches = institution.branches(BRANCHES).await?;
        let officers = institution.officers(&branches, OFFICERS).await?;
        let product_ids = institution.products(PRODUCTS).await?;
        let pool = Pool::try_new(&ground.app_url(), CONNECTIONS)?;
        let tx = Tx::begin_reading(&pool).await?;
        let known = products_by_ids(&tx, &product_ids).await?;
        let mut products = Vec::new();
        for id in product_ids {
            let product = known.get(&id).ok_or("a product is missing")?;
            products.push((id, Arc::new(product.terms.clone())));
        }
        let mut callers = Vec::new();
        for name in ["officer", "manager"] {
            let row = ground.client.query_one("select id from app_user where username = $1", &[&name]).await?;
            let id: Uuid = row.get(0);
            callers.push(callers_by_ids(&tx, &[id]).await?.remove(&id).ok_or("a user is missing")?);
        }
        drop(tx);
        let (manager, officer) = (callers.pop().ok_or("no manager")?, callers.pop().ok_or("no officer")?);
        let ids = || (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
        let plans = (0..count).map(|number| Planned::new(number, &products[number % PRODUCTS].1));
        let plans = plans.collect::<Result<Vec<_>, Failure>>()?;
        let (loans, clients) = (ids(), ids());
        Ok(Portfolio { branches, officers, loans, clients, products, plans, officer, manager, pool })
    }

    /// All days from the opening to today, which stays open.
    pub async fn live(&self, ground: &Ground) -> Result<(), Failure> {
        // The tables are empty and never analysed: as in a lane, a scan must not stay in a plan.
        ground.client.batch_execute("alter role ayni_app set enable_seqscan = off").await?;
        let terms: Vec<Arc<Terms>> = self.products.iter().map(|(_, terms)| terms.clone()).collect();
        let nights =
            nights::nights(&self.plans, &terms, &self.branches, &self.loans, |product| self.products[product].0)?;
        let mut steps: BTreeMap<NaiveDate, Vec<Step>> = BTreeMap::new();
        for (number, plan) in self.plans.iter().enumerate() {
            steps.entry(plan.booked_on).or_default().push(Step::Lend(number));
            for (index, (on, _)) in plan.payments.iter().enumerate() {
                steps.entry(*on).or_default().push(Step::Pay(number, index));
            }
        }
        let (mut open, today) = (day(OPENED)?, day(TODAY)?);
        while open <= today {
            self.carry_out(steps.remove(&open).unwrap_or_default()).await?;
            if open == today {
                break;
            }
            org::business_day::roll(&self.pool, open, SYSTEM).await?;
            let tx = Tx::begin_long(&self.pool).await?;
            let entries = drafts(open, nights.get(&open).map_or(&[], Vec::as_slice), &Books::read(&tx).await?)?;
            post(&tx, &entries).await?;
            org::store::day_close_booked(&tx, open, i32::try_from(entries.len())?).await?;
            tx.commit().await?;
            if open.day() == 1 {
                eprintln!("{open}");
            }
            open = open.succ_opt().ok_or("no next day")?;
        }
        ground.client.batch_execute("alter role ayni_app reset enable_seqscan").await?;
        ground.client.batch_execute("vacuum analyze").await?;
        ground.client.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// First the loans of a day, then the payments.
    async fn carry_out(&self, steps: Vec<Step>) -> Result<(), Failure> {
        let (lent, paid): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(|step| matches!(step, Step::Lend(_)));
        for steps in [lent, paid] {
            let parts: Vec<&[Step]> = steps.chunks(BATCH).collect();
            for at_once in parts.chunks(WRITERS) {
                futures::future::try_join_all(at_once.iter().map(|part| self.carry_out_part(part))).await?;
            }
        }
        Ok(())
    }

    async fn carry_out_part(&self, steps: &[Step]) -> Result<(), Failure> {
        let mut tx = Tx::begin_long(&self.pool).await?;
        let lent: Vec<usize> =
            steps.iter().filter_map(|step| if let Step::Lend(n) = step { Some(*n) } else { None }).collect();
        let mut commands: Vec<(&Caller, DeskCommand)> = Vec::new();
        for number in lent {
            commands.push((&self.officer, DeskCommand::Client(ClientCommand::Register(self.client(number)))));
            commands.push((&self.officer, DeskCommand::Loan(LoanCommand::Apply(self.application(number)?))));
            commands.push((&self.manager, DeskCommand::Loan(LoanCommand::Approve(self.approval(number)))));
            commands.push((&self.manager, DeskCommand::Loan(LoanCommand::Disburse(self.disbursement(number)))));
        }
        for step in steps {
            if let Step::Pay(number, index) = step {
                let payment = self.payment(*number, *index)?;
                commands.push((&self.manager, DeskCommand::Loan(LoanCommand::Repay(payment))));
            }
        }
        run(&mut tx, &commands).await?;
        tx.commit().await?;
        Ok(())
    }

    fn client(&self, number: usize) -> Register {
        let plan = &self.plans[number];
        let full = format!("Client {number:07}");
        Register {
            id: self.clients[number],
            branch_id: self.branches[plan.branch],
            officer_id: Some(self.officers[plan.officer]),
            kind: ClientKind::Person,
            status: ClientStatus::Active,
            name: ClientName { full, ..ClientName::default() },
            birth: None,
            gender: Some(if number.is_multiple_of(4) { Gender::Male } else { Gender::Female }),
            area: None,
            phone: None,
        }
    }

    fn application(&self, number: usize) -> Result<Apply, Failure> {
        let plan = &self.plans[number];
        Ok(Apply {
            id: self.loans[number],
            client_id: self.clients[number],
            product_id: self.products[plan.product].0,
            principal: PlainAmount::parse(&plain(plan.principal.minor()))?,
            instalments: INSTALMENTS,
            expected_disbursed_on: plan.disbursed_on,
            first_due_on: Some(plan.first_due_on),
            officer_id: None,
            applied_on: None,
        })
    }

    fn approval(&self, number: usize) -> Approve {
        Approve {
            loan_id: self.loans[number],
            approved_on: Some(self.plans[number].disbursed_on),
            principal: None,
            instalments: None,
            conditions: None,
            valid_until: None,
        }
    }

    fn disbursement(&self, number: usize) -> Disburse {
        let disbursed_on = Some(self.plans[number].disbursed_on);
        Disburse { loan_id: self.loans[number], disbursed_on, amount: None, channel: Channel::Bank, receipt: None }
    }

    fn payment(&self, number: usize, index: usize) -> Result<Repay, Failure> {
        let (_, amount) = self.plans[number].payments[index];
        Ok(Repay {
            loan_id: self.loans[number],
            amount: PlainAmount::parse(&plain(amount.minor()))?,
            paid_on: None,
            channel: Channel::Cash,
            receipt: None,
            overpayment: Overpayment::Refuse,
        })
    }
}

/// Minor units as the API writes them.
fn plain(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// Carries out commands on the desk, in one batch; each must be done.
async fn run(tx: &mut Tx, commands: &[(&Caller, DeskCommand)]) -> Result<(), Failure> {
    let abouts: Vec<About> = commands.iter().map(|(_, command)| command.about()).collect();
    let asked: Vec<Asked<'_, DeskCommand>> = commands
        .iter()
        .zip(&abouts)
        .map(|((caller, command), about)| Asked { caller, command, about, sent: None, command_id: Uuid::now_v7() })
        .collect();
    for (one, outcome) in asked.iter().zip(DeskCommand::run(tx, &asked).await?) {
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Refused(refused) => {
                return Err(format!("{} was refused: {refused}", one.about.operation).into());
            }
            other => return Err(format!("{} was not done: {other:?}", one.about.operation).into()),
        }
    }
    Ok(())
}
