//! Every public error code: what it means, and what to do. A code is a promise: it is added, and never given another meaning.
//!
//! One table, from which `docs/error-codes.md` and the page at [`docs::ERROR_CODES`](crate::docs::ERROR_CODES) are made. The test
//! reads the source of all crates: the table has exactly the codes that stand there, with the statuses that they get.

use std::fmt::Write;

mod institution;
mod loans;
mod people;
mod requests;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    pub code: &'static str,
    pub status: u16,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub mend: &'static str,
}

/// Codes that stand together in the list.
#[derive(Debug)]
pub struct Area {
    pub name: &'static str,
    pub codes: &'static [ErrorCode],
}

pub const AREAS: &[Area] = &[
    Area { name: "Requests", codes: requests::REQUESTS },
    Area { name: "Records, versions and keys", codes: requests::RECORDS },
    Area { name: "Amounts and dates", codes: requests::VALUES },
    Area { name: "Signing in", codes: people::SIGN_IN },
    Area { name: "Users and roles", codes: people::USERS },
    Area { name: "Second persons", codes: people::APPROVALS },
    Area { name: "The institution", codes: institution::INSTITUTION },
    Area { name: "Clients", codes: institution::CLIENTS },
    Area { name: "Products", codes: loans::PRODUCTS },
    Area { name: "Terms of loans", codes: loans::TERMS },
    Area { name: "Schedules and quotes", codes: loans::SCHEDULES },
    Area { name: "Loans", codes: loans::LOANS },
    Area { name: "Journal and chart", codes: institution::JOURNAL },
    Area { name: "Months", codes: institution::MONTHS },
    Area { name: "Reports", codes: institution::REPORTS },
];

const INTRODUCTION: &str = "An answer that is not 2xx is a problem (RFC 9457, `application/problem+json`) with a `code` from this list, \
     which stays the same for ever; the words of `detail` may change. `errors` names the places in the request, each with a code of its \
     own. 409: the same request may succeed later, because state differs. 422: this request cannot succeed under the rules. \
     503 and 429 come with `Retry-After`.";

const fn code(code: &'static str, status: u16, means: &'static str, mend: &'static str) -> ErrorCode {
    ErrorCode { code, status, means, mend }
}

pub fn all() -> impl Iterator<Item = &'static ErrorCode> {
    AREAS.iter().flat_map(|area| area.codes)
}

/// The list as `docs/error-codes.md` has it.
pub fn markdown() -> String {
    let mut text = format!("# Error codes\n\n{}\n", wrapped(INTRODUCTION));
    for area in AREAS {
        let _ = write!(text, "\n## {}\n\n| code | status | means | what to do |\n|---|---|---|---|\n", area.name);
        for row in area.codes {
            let _ = writeln!(text, "| `{}` | {} | {} | {} |", row.code, row.status, row.means, row.mend);
        }
    }
    text.push_str("\nMade from `crates/api/src/error_codes/`: `AYNI_REGENERATE=1 cargo test -p api` writes it anew.\n");
    text
}

/// The list as a page; each code is an anchor.
pub fn page() -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Ayni: error codes</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Error codes</h1>\n\
         <p>{}</p>\n<p><a href=\"/docs\">The reference of the API</a></p>\n",
        with_code(&escaped(INTRODUCTION))
    );
    for area in AREAS {
        let _ = write!(page, "<h2>{}</h2>\n<dl>\n", escaped(area.name));
        for row in area.codes {
            let _ = writeln!(
                page,
                "<dt id=\"{code}\"><a href=\"#{code}\"><code>{code}</code></a> <span>{status}</span></dt>\n<dd>{means} {mend}</dd>",
                code = row.code,
                status = row.status,
                means = with_code(&escaped(row.means)),
                mend = with_code(&escaped(row.mend)),
            );
        }
        page.push_str("</dl>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}\
     h2{margin-top:2rem}dt{margin-top:.8rem}dt:target{background:#ffefb0}dd{margin:0 0 0 1.5rem}\
     dt a{color:inherit;text-decoration:none}dt span{color:#777;margin-left:.5rem}code{font-size:.95em}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What stands between backticks is code.
fn with_code(text: &str) -> String {
    let mut parts = text.split('`');
    let mut page = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        page.push_str(if index.is_multiple_of(2) { "<code>" } else { "</code>" });
        page.push_str(part);
    }
    page
}

/// Broken into lines of at most 120 characters.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split_whitespace() {
        if width + word.len() >= 120 {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.len();
    }
    lines
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
