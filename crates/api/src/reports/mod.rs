//! Reports, and in which form they are asked for.

use edge::answer::{Response, StatusCode, header, with, written};
use edge::problem::Problem;
use edge::request::Accept;
use edge::wire::Day;

use chrono::NaiveDate;
use reporting::trial_balance::is_in_scope;
use uuid::Uuid;

use crate::asking::Reading;

pub mod portfolio_at_risk;

pub mod trial_balance;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
}

impl Form {
    /// `?format=` says it; without, the header Accept; without, JSON.
    pub fn read(format: Option<&str>, accept: &Accept) -> Result<Form, Problem> {
        match format {
            Some("json") => Ok(Form::Json),
            Some("csv") => Ok(Form::Csv),
            Some(_) => {
                let detail = "a report comes as json or csv";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "report.format", detail).at(
                    "format",
                    "report.format",
                    detail,
                ))
            }
            None if accept.names_first("text/csv") => Ok(Form::Csv),
            None => Ok(Form::Json),
        }
    }
}

/// The day that a report tells of; the open one where none is asked for.
pub fn as_of(asked: Option<Day>, business_date: NaiveDate) -> Result<NaiveDate, Problem> {
    let as_of = asked.map_or(business_date, |day| day.0);
    if as_of > business_date {
        let detail = format!("the business day is {business_date}: nothing is known of a later day such as {as_of}");
        return Err(unprocessable("report.as_of_in_future", "as_of", &detail));
    }
    Ok(as_of)
}

/// The branch that a report tells of, with all below it; the caller's own where none is asked for.
pub async fn branch_in_scope(reading: &Reading, asked: Option<Uuid>) -> Result<Uuid, Problem> {
    let scope = reading.caller.scope.branch_id;
    let branch_id = asked.unwrap_or(scope);
    if !is_in_scope(&reading.tx, branch_id, scope).await? {
        let detail = "there is no such branch, or it is outside your branches";
        return Err(unprocessable("reference.not_found", "branch_id", detail));
    }
    Ok(branch_id)
}

fn unprocessable(code: &'static str, pointer: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).at(pointer, code, detail)
}

/// A table as a file to keep.
pub fn csv_file(name: &str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    with(written(StatusCode::OK, "text/csv; charset=utf-8", text), header::CONTENT_DISPOSITION, &disposition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_comes_before_the_header() {
        let cases = [
            (None, "*/*", Some(Form::Json)),
            (None, "text/csv", Some(Form::Csv)),
            (None, "text/csv; q=1, application/json", Some(Form::Csv)),
            (None, "application/json, text/csv", Some(Form::Json)),
            (Some("csv"), "application/json", Some(Form::Csv)),
            (Some("json"), "text/csv", Some(Form::Json)),
            (Some("pdf"), "*/*", None),
        ];
        for (format, accept, expect) in cases {
            assert_eq!(Form::read(format, &Accept(accept.to_owned())).ok(), expect, "{format:?} {accept}");
        }
    }
}
