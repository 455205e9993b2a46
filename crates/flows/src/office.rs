//! The office: commands about the institution itself, which have no shelf.
//!
//! Consecutive commands of one kind form a slice; slices run in the order of arrival.

use std::collections::HashMap;

use access::api_clients::{ApiClient, CreateApiClient};
use access::approvals::{Approval, Decided, Verdict};
use access::limits::limit_for;
use access::roles::{CreateRole, Role};
use access::shelf::ApprovalShelf;
use access::users::{ChangeUser, CreateUser, User};
use db::caller::{Caller, Scope, callers_by_ids};
use db::deciding::{Hold, NotDone};
use db::fault::Fault;
use db::lane::{About, Answer, Asked, Command, Outcome, SlicedCommand};
use db::tx::Tx;
use ledger::chart::{Account, OpenAccount};
use ledger::periods::{ClosePeriod, Period, ReopenPeriod};
use loans::actions::offer_product::OfferProduct;
use loans::product::Product;
use org::branches::{Branch, OpenBranch};
use org::holidays::{DeclareHoliday, Holiday};
use org::places::head_office;
use org::settings::{ChangeSettings, Settings};
use org::staff::{EmployStaff, Staff};
use uuid::Uuid;

use crate::close_of_day::{CloseDays, Ordered};
use crate::held::{self, Decide};
use crate::visible::{Record, Seen, records};

#[derive(Debug, Clone)]
pub enum OfficeCommand {
    OpenBranch(OpenBranch),
    EmployStaff(EmployStaff),
    DeclareHoliday(DeclareHoliday),
    ChangeSettings(ChangeSettings),
    CreateUser(CreateUser),
    ChangeUser(ChangeUser),
    CreateRole(CreateRole),
    CreateApiClient(CreateApiClient),
    OfferProduct(OfferProduct),
    OpenAccount(OpenAccount),
    CloseDays(CloseDays),
    ClosePeriod(ClosePeriod),
    ReopenPeriod(ReopenPeriod),
    /// A second person's word on one that was held.
    Decide(Box<Decide<OfficeCommand>>),
}

#[derive(Debug)]
pub enum OfficeDone {
    Branch(Branch),
    Staff(Staff),
    Holiday(Holiday),
    Settings(Settings),
    User(User),
    Role(Role),
    ApiClient(ApiClient),
    Product(Box<Product>),
    Account(Account),
    Days(Ordered),
    Period(Period),
    Decided(Box<Approval>),
}

impl Command for OfficeCommand {
    type Done = OfficeDone;
    const LANE: &'static str = "office";

    fn about(&self) -> About {
        match self {
            OfficeCommand::OpenBranch(command) => command.about(),
            OfficeCommand::EmployStaff(command) => command.about(),
            OfficeCommand::DeclareHoliday(command) => command.about(),
            OfficeCommand::ChangeSettings(command) => command.about(),
            OfficeCommand::CreateUser(command) => command.about(),
            OfficeCommand::ChangeUser(command) => command.about(),
            OfficeCommand::CreateRole(command) => command.about(),
            OfficeCommand::CreateApiClient(command) => command.about(),
            OfficeCommand::OfferProduct(command) => command.about(),
            OfficeCommand::OpenAccount(command) => command.about(),
            OfficeCommand::CloseDays(command) => command.about(),
            OfficeCommand::ClosePeriod(command) => command.about(),
            OfficeCommand::ReopenPeriod(command) => command.about(),
            OfficeCommand::Decide(decide) => {
                let held = decide.held.as_ref().map(|held| held.command.about()).unwrap_or_default();
                let mut about = About { operation: decide.operation(), subject: Some(decide.approval_id), ..held };
                about.rows.push(decide.approval_id);
                about
            }
        }
    }

    async fn visible(tx: &Tx, stored: &[(Asked<'_, Self>, &Answer)]) -> Result<Vec<bool>, Fault> {
        // What is the whole institution's is shown to all who may give the command; an approval lies in a branch.
        let wanted: Vec<(Record, Scope)> = stored
            .iter()
            .map(|(one, _)| match one.command {
                OfficeCommand::Decide(decide) => (Record::Approval(decide.approval_id), one.caller.scope),
                _ => (Record::Institution, one.caller.scope),
            })
            .collect();
        Ok(records(tx, &wanted).await?.into_iter().map(|seen| seen == Seen::Visible).collect())
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<OfficeDone>>, Fault> {
        let mut outcomes = Vec::with_capacity(asked.len());
        for slice in asked.chunk_by(|one, next| same_kind(one.command, next.command)) {
            outcomes.extend(run_slice(tx, slice).await?);
        }
        Ok(outcomes)
    }
}

fn same_kind(one: &OfficeCommand, other: &OfficeCommand) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// The commands of a slice as those of their kind.
fn of_kind<'a, C>(
    slice: &[Asked<'a, OfficeCommand>],
    pick: impl Fn(&'a OfficeCommand) -> Option<&'a C>,
) -> Vec<Asked<'a, C>> {
    let one = |asked: &Asked<'a, OfficeCommand>| {
        let Asked { caller, command, about, sent, command_id } = *asked;
        pick(command).map(|command| Asked { caller, command, about, sent, command_id })
    };
    slice.iter().filter_map(one).collect()
}

async fn carry_out<'a, C: SlicedCommand>(
    tx: &mut Tx,
    slice: &[Asked<'a, OfficeCommand>],
    pick: impl Fn(&'a OfficeCommand) -> Option<&'a C>,
    done: fn(C::Done) -> OfficeDone,
) -> Result<Vec<Outcome<OfficeDone>>, Fault> {
    let outcomes = C::run(tx, &of_kind(slice, pick)).await?;
    Ok(outcomes.into_iter().map(|outcome| outcome.map(done)).collect())
}

/// One match for each kind: what picks the command out, and what wraps its result.
async fn run_slice(tx: &mut Tx, slice: &[Asked<'_, OfficeCommand>]) -> Result<Vec<Outcome<OfficeDone>>, Fault> {
    use OfficeCommand as C;
    use OfficeDone as D;
    macro_rules! slice_of {
        ($kind:ident, $done:expr) => {
            carry_out(tx, slice, |command| if let C::$kind(it) = command { Some(it) } else { None }, $done).await
        };
    }
    match slice.first().map(|asked| asked.command) {
        None => Ok(Vec::new()),
        Some(C::OpenBranch(_)) => slice_of!(OpenBranch, D::Branch),
        Some(C::EmployStaff(_)) => slice_of!(EmployStaff, D::Staff),
        Some(C::DeclareHoliday(_)) => slice_of!(DeclareHoliday, D::Holiday),
        Some(C::ChangeSettings(_)) => slice_of!(ChangeSettings, D::Settings),
        Some(C::CreateUser(_)) => slice_of!(CreateUser, D::User),
        Some(C::ChangeUser(_)) => slice_of!(ChangeUser, D::User),
        Some(C::CreateRole(_)) => slice_of!(CreateRole, D::Role),
        Some(C::CreateApiClient(_)) => slice_of!(CreateApiClient, D::ApiClient),
        Some(C::OfferProduct(_)) => slice_of!(OfferProduct, |product| D::Product(Box::new(product))),
        Some(C::OpenAccount(_)) => slice_of!(OpenAccount, D::Account),
        Some(C::CloseDays(_)) => slice_of!(CloseDays, D::Days),
        Some(C::ClosePeriod(_)) => slice_of!(ClosePeriod, D::Period),
        Some(C::ReopenPeriod(_)) => {
            reopen(tx, &of_kind(slice, |command| if let C::ReopenPeriod(it) = command { Some(it) } else { None })).await
        }
        Some(C::Decide(_)) => {
            decide(tx, &of_kind(slice, |command| if let C::Decide(it) = command { Some(it.as_ref()) } else { None }))
                .await
        }
    }
}

/// Reopening a month is held for a second person, as the table of limits says.
async fn reopen(tx: &mut Tx, asked: &[Asked<'_, ReopenPeriod>]) -> Result<Vec<Outcome<OfficeDone>>, Fault> {
    let settings = Settings::known(tx).await?;
    let mut outcomes = Vec::new();
    let branch_id = head_office(tx).await?;
    for one in asked {
        let operation = one.about.operation;
        let facts = match one.command.decide(tx).await? {
            Ok(facts) => facts,
            Err(why) => {
                outcomes.push(Outcome::from(why));
                continue;
            }
        };
        if limit_for(operation, &facts, &settings).is_none() {
            outcomes.push(Outcome::Done(OfficeDone::Period(one.command.carry_out(tx, one.caller.user_id).await?)));
            continue;
        }
        let mut approvals = ApprovalShelf::default();
        let hold = Hold { operation, facts };
        let heard = held::file(tx, &mut approvals, &settings, vec![(one, hold, branch_id)], || tx.new_id()).await?;
        let writings = approvals.put_back(tx);
        tx.carry_out(&writings).await?;
        outcomes.extend(heard.into_iter().map(|heard| match heard {
            Ok(held) => Outcome::Held(held),
            Err(refused) => Outcome::refused(refused),
        }));
    }
    Ok(outcomes)
}

/// Second persons' words, one after the other.
async fn decide(tx: &mut Tx, asked: &[Asked<'_, Decide<OfficeCommand>>]) -> Result<Vec<Outcome<OfficeDone>>, Fault> {
    let wanted: Vec<(Uuid, Scope)> = asked.iter().map(|one| (one.command.approval_id, one.caller.scope)).collect();
    let makers: Vec<Uuid> =
        asked.iter().filter_map(|one| one.command.held.as_ref().map(|held| held.maker_id)).collect();
    let mut approvals = ApprovalShelf::take(tx, &wanted).await?;
    let makers = callers_by_ids(tx, &makers).await?;
    let mut outcomes = Vec::new();
    for Asked { caller, command, .. } in asked {
        if approvals.is_locked_elsewhere(command.approval_id, caller.scope) {
            outcomes.push(Outcome::Busy { dragged: false });
            continue;
        }
        let decided = decide_one(tx, &mut approvals, &makers, caller, command).await?;
        outcomes.push(
            decided.map_or_else(Outcome::from, |approval| Outcome::Done(OfficeDone::Decided(Box::new(approval)))),
        );
    }
    approvals.keep();
    let writings = approvals.put_back(tx);
    tx.carry_out(&writings).await?;
    Ok(outcomes)
}

async fn decide_one(
    tx: &Tx,
    approvals: &mut ApprovalShelf,
    makers: &HashMap<Uuid, Caller>,
    caller: &Caller,
    command: &Decide<OfficeCommand>,
) -> Result<Result<Approval, NotDone>, Fault> {
    let approval = match held::may_decide(command, approvals, caller, tx.now) {
        Ok(approval) => approval,
        Err(why) => return Ok(Err(why)),
    };
    if command.verdict == Verdict::Approved {
        let Some(held) = &command.held else {
            return Err(Fault::Invariant(format!("what the approval {} holds was not read", approval.id)));
        };
        let maker = match held::maker(held, makers, caller) {
            Ok(maker) => maker,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let OfficeCommand::ReopenPeriod(reopen) = &held.command else {
            return Err(Fault::Invariant(format!("the approval {} holds a command that is never held", approval.id)));
        };
        if let Err(why) = reopen.decide(tx).await? {
            return Ok(Err(why));
        }
        reopen.carry_out(tx, maker.user_id).await?;
    }
    let decided = Decided { verdict: command.verdict, by: caller.user_id, at: tx.now, result_id: None };
    Ok(Ok(held::decide(approvals, approval.id, decided)?))
}
