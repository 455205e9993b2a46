//! The table against the source of all crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A public code, and the status where the source says it beside the code.
type Found = BTreeMap<String, BTreeSet<u16>>;

fn sources() -> Vec<(PathBuf, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("error_codes") {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                sources.push((entry, text));
            }
        }
    }
    assert!(sources.len() > 100, "the sources are not where they were looked for");
    sources
}

/// The source without its tests, without raw texts, which hold examples, and without quotes that are no ends of a text.
fn stripped(source: &str) -> String {
    let source = source.replace("\\\"", "").replace("'\"'", "");
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut parts = code.split("r#\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once("\"#").map_or("", |(_, after)| after));
    }
    text
}

fn is_code(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.contains('.') && text.split('.').all(part)
}

/// The texts between quotes that are codes.
fn literals(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2).filter(|text| is_code(text))
}

/// The body of the first function after a place, braces counted.
fn body(source: &str) -> &str {
    let Some(begins) = source.find(['{', ';']).filter(|at| source.as_bytes()[*at] == b'{') else { return "" };
    let mut depth = 0;
    for (at, byte) in source.bytes().enumerate().skip(begins) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return &source[begins..=at],
            b'}' => depth -= 1,
            _ => {}
        }
    }
    ""
}

fn bodies<'a>(source: &'a str, function: &'a str) -> impl Iterator<Item = &'a str> {
    source.match_indices(function).map(|(at, name)| body(&source[at + name.len()..]))
}

/// What each variant maps to in a `match`: (the enum's variant or `_`, the value).
fn arms(body: &str) -> Vec<(String, String)> {
    let compact: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut arms = Vec::new();
    let mut rest = compact.as_str();
    while let Some((patterns, after)) = rest.split_once("=>") {
        let after = after.trim_start().trim_start_matches("{ ");
        let ends = after.find([',', '}', ' ']).unwrap_or(after.len());
        let value = after[..ends].trim_matches('"').to_owned();
        // Of a pattern in a pattern the outer one counts.
        for pattern in patterns.split(" | ") {
            let outer = pattern.trim_start_matches([' ', ',', '}']).split(['(', ' ']).next().unwrap_or_default();
            let outer = outer.rsplit("match self {").next().unwrap_or_default().trim();
            arms.push((outer.to_owned(), value.clone()));
        }
        rest = &after[ends..];
    }
    // The first pattern stands behind the head of the match.
    if let (Some(first), Some((_, head))) = (arms.first_mut(), compact.split_once("match self {")) {
        head.trim_start().split(['(', ' ']).next().unwrap_or_default().clone_into(&mut first.0);
    }
    arms
}

fn status_of_kind(kind: &str) -> Option<u16> {
    Some(match kind {
        "Kind::Unprocessable" => 422,
        "Kind::Conflict" => 409,
        "Kind::Forbidden" => 403,
        "Kind::Stale" => 412,
        "Kind::Absent" => 404,
        _ => return None,
    })
}

/// The codes of an enum of refusals, with the status of their kind.
fn of_refusals(source: &str, found: &mut Found) {
    let kinds: Vec<(String, String)> = bodies(source, "fn kind(").flat_map(arms).collect();
    for body in bodies(source, "fn code(") {
        for code in literals(body) {
            found.entry(code.to_owned()).or_default();
        }
        for (variant, code) in arms(body).into_iter().filter(|(_, code)| is_code(code)) {
            let kind = kinds.iter().find(|(of, _)| *of == variant).or_else(|| kinds.iter().find(|(of, _)| of == "_"));
            let status = kind.and_then(|(_, kind)| status_of_kind(kind));
            // An enum without kinds is part of another, or a fact about the payload.
            found.entry(code).or_default().insert(status.unwrap_or(422));
        }
    }
}

/// The codes of problems that the edge makes itself.
fn of_problems(source: &str, found: &mut Found) {
    for code in literals(source).filter(|code| crate::operations::by_id(code).is_none()) {
        found.entry(code.to_owned()).or_default();
    }
    let compact: String = source.split_whitespace().collect();
    for part in compact.split("Problem::new(").skip(1) {
        let Some((status, code)) = part.strip_prefix("StatusCode::").and_then(|part| part.split_once(",\"")) else {
            continue;
        };
        let code = code.split('"').next().unwrap_or_default();
        if let (Some(status), true) = (status_named(status), is_code(code)) {
            found.entry(code.to_owned()).or_default().insert(status);
        }
    }
    for part in compact.split("unprocessable(\"").skip(1) {
        found.entry(part.split('"').next().unwrap_or_default().to_owned()).or_default().insert(422);
    }
}

fn status_named(name: &str) -> Option<u16> {
    use edge::answer::StatusCode;
    let named = |status: &StatusCode| {
        let reason = status.canonical_reason().unwrap_or_default();
        reason.to_uppercase().replace([' ', '-'], "_") == name
    };
    (400..600).filter_map(|status| StatusCode::from_u16(status).ok()).find(named).map(|status| status.as_u16())
}

fn found() -> Found {
    let mut found = Found::new();
    for (path, source) in sources() {
        let source = stripped(&source);
        if path.components().any(|part| part.as_os_str() == "api" || part.as_os_str() == "edge") {
            of_problems(&source, &mut found);
        } else {
            of_refusals(&source, &mut found);
        }
    }
    found
}

#[test]
fn the_table_has_exactly_the_codes_of_the_source() {
    let listed: BTreeSet<String> = all().map(|row| row.code.to_owned()).collect();
    let found: BTreeSet<String> = found().into_keys().collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty(), "add to crates/api/src/error_codes/, with what they mean: {missing:?}");
    assert!(gone.is_empty(), "nothing answers with them any more: {gone:?}");
    assert_eq!(all().count(), listed.len(), "a code stands twice");
}

#[test]
fn the_table_has_the_statuses_of_the_source() {
    let found = found();
    let with_status = found.values().filter(|statuses| !statuses.is_empty()).count();
    assert!(with_status > 100, "the source is read wrongly: only {with_status} statuses were found");
    for row in all() {
        let statuses = &found[row.code];
        // `field.*` stands in `errors` of a problem of its own.
        assert!(statuses.is_empty() || *statuses == BTreeSet::from([row.status]), "{}: {statuses:?}", row.code);
    }
}

#[test]
fn every_row_says_something_in_one_line() {
    for row in all() {
        for text in [row.means, row.mend] {
            assert!(
                text.ends_with('.') && !text.contains(['|', '\n']) && text.matches('`').count() % 2 == 0,
                "{}",
                row.code
            );
        }
    }
}

#[test]
fn the_page_has_an_anchor_for_each_code_and_nothing_unescaped() {
    let page = page();
    for row in all() {
        assert!(page.contains(&format!("<dt id=\"{}\">", row.code)), "{}", row.code);
    }
    assert!(page.contains("Bearer &lt;token&gt;") && !page.contains('`'));
}

#[test]
fn the_document_is_that_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/error-codes.md");
    if std::env::var_os("AYNI_REGENERATE").is_some() {
        fs::write(&path, markdown()).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == markdown(), "docs/error-codes.md is not the table: AYNI_REGENERATE=1 cargo test -p api");
}
