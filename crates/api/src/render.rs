//! Outcomes as stored answers: the body by what was done, the status from the operation's row.

use db::lane::{Answer, Asked, Outcome};
use edge::problem::Problem;
use flows::desk_command::{DeskCommand, DeskDone};
use flows::office::{OfficeCommand, OfficeDone};
use kernel::refusal::Kind;
use loans::action::LoanDone;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::access::api_clients::NewApiClientView;
use crate::access::approvals::ApprovalView;
use crate::access::roles::RoleView;
use crate::access::users::UserView;
use crate::clients::ClientView;
use crate::ledger::accounts::AccountView;
use crate::ledger::journal::EntryView;
use crate::ledger::periods::PeriodView;
use crate::loans::products::ProductView;
use crate::loans::show::LoanView;
use crate::loans::views::{LoanSummaryView, RecordedView};
use crate::operations;
use crate::org::branches::BranchView;
use crate::org::business_date::ClosedView;
use crate::org::holidays::HolidayView;
use crate::org::settings::SettingsView;
use crate::org::staff::StaffView;

/// The answer of the desk.
pub fn desk(asked: &Asked<'_, DeskCommand>, outcome: &Outcome<DeskDone>) -> Answer {
    answer(asked, outcome, |done| (done.record_id(), view(asked.command, done)))
}

/// The answer of the office.
pub fn office(asked: &Asked<'_, OfficeCommand>, outcome: &Outcome<OfficeDone>) -> Answer {
    answer(asked, outcome, office_view)
}

fn answer<C, D>(asked: &Asked<'_, C>, outcome: &Outcome<D>, view: impl FnOnce(&D) -> (Option<Uuid>, String)) -> Answer {
    let problem = |problem: &Problem, stored: bool| Answer {
        status: problem.status.as_u16(),
        body: problem.body(asked.caller.request_id),
        stored,
        subject_id: None,
        replayed: false,
        retry_after: problem.retry_after,
    };
    match outcome {
        Outcome::Done(done) => {
            let (subject_id, body) = view(done);
            let status = status_of(asked.about.operation);
            Answer { status, body, stored: true, subject_id, replayed: false, retry_after: None }
        }
        Outcome::Held(held) => {
            let view = json!({"approval": {"id": held.approval_id, "status": "pending", "expires_at": held.expires_at,
                "deciders": held.deciders}});
            Answer {
                status: 202,
                body: view.to_string(),
                stored: true,
                subject_id: Some(held.approval_id),
                replayed: false,
                retry_after: None,
            }
        }
        // After a conflict the same key decides again: the state may have changed.
        Outcome::Refused(refused) => {
            problem(&Problem::of_refusal(refused.as_ref()), refused.kind() == Kind::Unprocessable)
        }
        Outcome::Absent => problem(&Problem::not_found(), false),
        Outcome::Denied(denied) => problem(&Problem::of_denied(*denied), false),
        Outcome::Busy { .. } => problem(&Problem::unavailable(), false),
        Outcome::Failed(_) => problem(&Problem::internal(), false),
    }
}

/// What an operation answers where it did what was asked.
fn status_of(operation: &str) -> u16 {
    operations::by_id(operation).map_or(200, |row| row.status)
}

fn text(view: &impl Serialize) -> String {
    serde_json::to_string(view).unwrap_or_default()
}

/// What the caller sees of what was done.
pub fn view(command: &DeskCommand, done: &DeskDone) -> String {
    match done {
        DeskDone::Client(client) => text(&ClientView::of(client)),
        DeskDone::Loan(LoanDone::Applied(applied)) => {
            text(&LoanView::of(&applied.record, &applied.application, applied.record.since_on))
        }
        DeskDone::Loan(LoanDone::Ended(loan)) => text(&LoanSummaryView::of(loan)),
        DeskDone::Loan(LoanDone::Recorded(recorded)) => text(&RecordedView::of(recorded)),
        DeskDone::Entry(entry) => text(&EntryView::of(entry)),
        DeskDone::Decided(approval, _) => text(&ApprovalView::decided(approval)),
        DeskDone::All(all) => text(&AllView::of(command, all)),
    }
}

/// What an atomic call answers: what each item would have answered alone.
#[derive(Serialize)]
struct AllView {
    data: Vec<PartView>,
}

#[derive(Serialize)]
struct PartView {
    status: u16,
    body: Option<Box<RawValue>>,
}

impl AllView {
    fn of(command: &DeskCommand, all: &[(Uuid, DeskDone)]) -> AllView {
        let DeskCommand::All(items) = command else { return AllView { data: Vec::new() } };
        let part = |(item, (_, done)): (&flows::atomic::Item, &(Uuid, DeskDone))| PartView {
            status: status_of(item.command.about().operation),
            body: RawValue::from_string(view(&item.command, done)).ok(),
        };
        AllView { data: items.iter().zip(all).map(part).collect() }
    }
}

fn office_view(done: &OfficeDone) -> (Option<Uuid>, String) {
    match done {
        OfficeDone::Branch(branch) => (Some(branch.id), text(&BranchView::of(branch))),
        OfficeDone::Staff(staff) => (Some(staff.id), text(&StaffView::of(staff))),
        OfficeDone::Holiday(holiday) => (Some(holiday.id), text(&HolidayView::of(holiday))),
        OfficeDone::Settings(settings) => (Some(Uuid::nil()), text(&SettingsView::of(settings))),
        OfficeDone::User(user) => (Some(user.id), text(&UserView::of(user))),
        OfficeDone::Role(role) => (Some(role.id()), text(&RoleView::of(role))),
        OfficeDone::ApiClient(client) => (Some(client.id), text(&NewApiClientView::of(client))),
        OfficeDone::Product(product) => (Some(product.id), text(&ProductView::of(product))),
        OfficeDone::Account(account) => (Some(account.id), text(&AccountView::of(account))),
        OfficeDone::Days(ordered) => (Some(Uuid::nil()), text(&ClosedView::of(ordered))),
        OfficeDone::Period(period) => (Some(Uuid::nil()), text(&PeriodView::of(period))),
        OfficeDone::Decided(approval) => (Some(approval.id), text(&ApprovalView::decided(approval))),
    }
}
