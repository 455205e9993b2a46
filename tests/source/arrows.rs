//! The arrows between the crates, and what each may know of.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::{literals, repository, rust_files};

/// Which of our crates each may use. Products never use each other; the ledger knows no product; the private Postgres knows
/// nothing of what is kept in it.
const ARROWS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("schema", &[]),
    ("embedded", &[]),
    ("db", &["kernel"]),
    ("edge", &["kernel", "db"]),
    ("org", &["kernel", "schema", "db"]),
    ("ledger", &["kernel", "db", "org"]),
    ("access", &["kernel", "db", "org"]),
    ("clients", &["kernel", "db", "ledger", "org", "access"]),
    ("loans", &["kernel", "db", "ledger", "org", "access", "clients"]),
    ("savings", &["kernel", "db", "ledger", "org", "access", "clients"]),
    ("insurance", &["kernel", "db", "ledger", "org", "access", "clients"]),
    ("cash", &["kernel", "db", "ledger", "org", "access", "clients"]),
    ("field", &["kernel", "db", "ledger", "org", "access", "clients", "loans", "savings", "insurance", "cash"]),
    ("flows", &["kernel", "db", "ledger", "org", "access", "clients", "loans", "savings", "insurance", "cash"]),
    ("reporting", &["kernel", "db", "ledger", "org", "access", "clients", "loans", "savings", "insurance", "cash"]),
    (
        "api",
        &[
            "kernel",
            "db",
            "edge",
            "ledger",
            "org",
            "access",
            "clients",
            "loans",
            "savings",
            "insurance",
            "cash",
            "field",
            "flows",
            "reporting",
        ],
    ),
];

/// Only these may know of HTTP.
const HTTP: &[&str] = &["actix-web", "actix-http", "axum", "hyper", "tower", "tower-http"];

/// Besides the stores: checks are reports on the books; the binary looks at a database before there is a schema in it; the first
/// start fills it; the private Postgres is asked where its data lies.
const EXCEPTIONS: &[&str] = &[
    "crates/ledger/src/verify.rs",
    "crates/ledger/src/fold.rs",
    "crates/flows/src/verify.rs",
    "crates/loans/src/verify.rs",
    "crates/org/src/setup.rs",
    "crates/embedded/src/running.rs",
    "crates/server/src/house.rs",
    "crates/server/src/commands/serve.rs",
    "crates/server/src/commands/doctor.rs",
    "crates/server/src/demo/found.rs",
];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(repository().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".into()])
        .exec()
        .unwrap();
    let used = |package: &cargo_metadata::Package| {
        package
            .dependencies
            .iter()
            .filter(|one| one.kind == DependencyKind::Normal)
            .map(|one| one.name.to_string())
            .collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), used(package))).collect()
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let dependencies = dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    for (name, used) in &dependencies {
        let used: Vec<&str> = used.iter().map(String::as_str).filter(|used| ours.contains(used)).collect();
        let Some((_, allowed)) = ARROWS.iter().find(|(arrow, _)| arrow == name) else {
            assert!(
                matches!(name.as_str(), "server" | "bench"),
                "{name} has no place among the arrows: say what it may use"
            );
            continue;
        };
        for used in used {
            assert!(allowed.contains(&used), "{name} must not use {used}");
        }
    }
}

/// Loans are read from the first module to the last, so that no rule is explained by one that comes later.
#[test]
fn modules_of_loans_name_only_what_stands_above_them() {
    let files = rust_files("crates/loans/src");
    let list = files.iter().find(|(path, _)| path.ends_with("src/lib.rs")).map(|(_, text)| text.as_str()).unwrap();
    let order: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 10, "the list of modules is read wrongly: {order:?}");
    let place = |name: &str| order.iter().position(|module| *module == name);
    let mut offenders = Vec::new();
    for (path, text) in &files {
        let within = path.trim_start_matches("crates/loans/src/");
        let Some(own) = within.split(['/', '.']).next().and_then(place) else { continue };
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (_, after) in line.match_indices("crate::").map(|(at, word)| line.split_at(at + word.len())) {
                let named: String = after.chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect();
                if place(&named).is_some_and(|other| other > own) {
                    offenders.push(format!("{path}: {}", line.trim()));
                }
            }
        }
    }
    assert!(offenders.is_empty(), "named before they are explained:\n{}", offenders.join("\n"));
}

#[test]
fn only_the_edge_knows_http() {
    for (name, used) in dependencies() {
        let http: Vec<&String> = used.iter().filter(|used| HTTP.contains(&used.as_str())).collect();
        assert!(
            http.is_empty() || matches!(name.as_str(), "edge" | "api" | "server" | "bench"),
            "{name} uses {http:?}"
        );
    }
}

#[test]
fn only_stores_speak_sql() {
    let mut offenders = Vec::new();
    for (path, text) in rust_files("crates") {
        let file = path.rsplit('/').next().unwrap();
        let may = path.starts_with("crates/db/")
            || path.starts_with("crates/reporting/")
            || path.starts_with("crates/bench/")
            || path == "crates/ledger/src/post.rs"
            || file.starts_with("store")
            || path.contains("/src/store/")
            || EXCEPTIONS.contains(&path.as_str())
            || path.contains("/tests/")
            || path.contains("tests.rs");
        if !may {
            let text = literals::without_tests(&text);
            offenders.extend(
                literals::statements(text)
                    .into_iter()
                    .map(|sql| format!("{path}: {}", sql.split_whitespace().take(8).collect::<Vec<_>>().join(" "))),
            );
        }
    }
    assert!(offenders.is_empty(), "SQL outside of the stores:\n{}", offenders.join("\n"));
}
