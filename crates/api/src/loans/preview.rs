//! The dry run of a command that moves a loan's money: its answer, and the journal lines.

use axum::Json;
use axum::response::{IntoResponse, Response};
use db::lane::Command;
use kernel::amount::Amount;
use ledger::books::Books;
use loans::actions::record::Recorded;
use loans::error::LoanError;
use loans::event::EventKind;
use loans::record::LoanStatus;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::asking::Asking;
use crate::loans::views::RecordedView;
use crate::preview::{WarningView, foreseen};
use crate::problem::Problem;

/// What would happen: the answer, the journal lines, and what should be seen before.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PreviewView {
    dry_run: bool,
    #[serde(flatten)]
    recorded: RecordedView,
    lines: Vec<PreviewLine>,
    warnings: Vec<WarningView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PreviewLine {
    account: String,
    name: String,
    branch_id: Uuid,
    debit: String,
    credit: String,
}

pub async fn preview<C>(asking: &Asking, command: C) -> Result<Response, Problem>
where
    C: Command<Done = Recorded, Refused = LoanError>,
{
    let (tx, recorded) = foreseen(asking, &command).await?;
    let books = Books::read(&tx).await?;
    Ok(Json(PreviewView::of(&recorded, &books)).into_response())
}

impl PreviewView {
    fn of(recorded: &Recorded, books: &Books) -> PreviewView {
        let currency = recorded.loan.currency;
        let lines = recorded.draft.iter().flat_map(|draft| draft.lines()).map(|line| {
            let account = books.account(line.account_id);
            PreviewLine {
                account: account.map(|account| account.code.clone()).unwrap_or_default(),
                name: account.map(|account| account.name.clone()).unwrap_or_default(),
                branch_id: line.branch_id,
                debit: line.amount.or_zero().format(currency),
                credit: (-line.amount).or_zero().format(currency),
            }
        });
        PreviewView {
            dry_run: true,
            recorded: RecordedView::of(recorded),
            lines: lines.collect(),
            warnings: warnings(recorded),
        }
    }
}

fn warnings(recorded: &Recorded) -> Vec<WarningView> {
    let Recorded { event, loan, .. } = recorded;
    let mut warnings = Vec::from_iter(WarningView::of_days(event.event.value_on, event.event.booked_on));
    if matches!(event.event.kind, EventKind::Repaid { .. })
        && matches!(loan.status, LoanStatus::Closed | LoanStatus::Overpaid)
    {
        warnings.push(WarningView::new("settles", "nothing is owed after it: the loan is settled"));
    }
    // Of this payment, or of a later one that it pushes beyond what is owed.
    if loan.balances.overpaid > Amount::ZERO {
        let surplus = loan.balances.overpaid.format(loan.currency);
        let detail = format!("{surplus} {} is more than the loan owes: it is owed to the client", loan.currency);
        warnings.push(WarningView::new("overpaid", detail));
    }
    warnings
}
