//! Files and functions that one can keep in one's head.

use super::{repository, rust_files};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

fn all() -> Vec<(String, String)> {
    [rust_files("crates"), rust_files("tests")].concat()
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long: Vec<String> = all()
        .iter()
        .filter(|(_, text)| text.lines().count() > FILE_LINES)
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "split where the meaning splits:\n{}", long.join("\n"));
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut long = Vec::new();
    for (path, text) in all() {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if !begins_function(line) {
                continue;
            }
            // As rustfmt writes it: a function ends at the next closing brace in its own column.
            let end = format!("{}}}", " ".repeat(line.len() - line.trim_start().len()));
            let length = lines[number..].iter().position(|line| *line == end).unwrap_or_default() + 1;
            if length > FUNCTION_LINES {
                long.push(format!("{path}:{}: {length} lines", number + 1));
            }
        }
    }
    assert!(long.is_empty(), "split where the meaning splits:\n{}", long.join("\n"));
}

fn begins_function(line: &str) -> bool {
    let words = ["pub", "pub(crate)", "pub(super)", "async", "const"];
    let mut rest = line.split_whitespace().skip_while(|word| words.contains(word));
    rest.next() == Some("fn") && !line.trim_end().ends_with('}')
}

#[test]
fn every_migration_is_in_the_list() {
    let list = std::fs::read_to_string(repository().join("crates/db/src/migrations.rs")).unwrap();
    let mut last = 0;
    for folder in ["migrations", "migrations/repeated"] {
        let mut names: Vec<String> = std::fs::read_dir(repository().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        names.sort();
        assert!(!names.is_empty());
        for name in names {
            let place = list.find(&format!("include_str!(\"../../../{folder}/{name}\")"));
            let place = place.unwrap_or_else(|| panic!("{folder}/{name} is not in db::migrations"));
            assert!(place > last, "{folder}/{name} does not stand in order");
            last = place;
        }
    }
}
