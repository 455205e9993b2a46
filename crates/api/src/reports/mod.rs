//! Reports, and in which form they are asked for.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use chrono::NaiveDate;
use reporting::trial_balance::is_in_scope;
use uuid::Uuid;

use crate::asking::Reading;
use crate::problem::Problem;
use crate::wire::Day;

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
    pub fn read(format: Option<&str>, headers: &HeaderMap) -> Result<Form, Problem> {
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
            None if accepts(headers, "text/csv") => Ok(Form::Csv),
            None => Ok(Form::Json),
        }
    }
}

/// Whether a media type is named before JSON or any other.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accept.split(',').next().unwrap_or_default();
    first.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
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
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, &disposition)], text)
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_parameter_comes_before_the_header() {
        let accepting = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(kind));
            headers
        };
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
            assert_eq!(Form::read(format, &accepting(accept)).ok(), expect, "{format:?} {accept}");
        }
    }
}
