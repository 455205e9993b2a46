//! Wrong input: each case gets its status, its code, its place, and a sentence that says what to do.

mod amounts;
mod books;
mod loans;

use crate::harness::*;

/// A problem with its place; empty: none.
#[track_caller]
fn refused(answer: Answer, status: u16, code: &str, pointer: &str) {
    let text = answer.text.clone();
    let problem = answer.problem(status, code);
    let found = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
    assert_eq!(found, pointer, "{text}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        !detail.contains("Some(") && !detail.contains("::") && !detail.contains("minor"),
        "no sentence for people: {detail}"
    );
}
