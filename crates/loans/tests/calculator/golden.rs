//! Whole schedules against files that a banker can open in a spreadsheet.
//!
//! A difference prints the schedule as it is now. The files are never written by a test: whoever changes one has read it.

use loans::schedule::Schedule;

use crate::reference::cases;
use crate::support::{currency, made};

const HEADER: &str = "number,from,due_on,principal,interest,total,balance";

fn as_csv(schedule: &Schedule) -> String {
    let mut text = format!("{HEADER}\n");
    for instalment in &schedule.instalments {
        let amounts = [instalment.principal, instalment.interest, instalment.total(), instalment.balance]
            .map(|amount| amount.format(currency()));
        text += &format!("{},{},{},{}\n", instalment.number, instalment.from, instalment.due_on, amounts.join(","));
    }
    text
}

#[test]
fn schedules_are_those_of_the_files() {
    for case in cases() {
        let path = format!("{}/tests/golden/{}.csv", env!("CARGO_MANIFEST_DIR"), case.name);
        let now = as_csv(&made(&case.terms, &case.contract));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&path).unwrap_or_else(|error| {
            panic!("{path}: {error}\nthe schedule is\n{now}");
        });
        let rows = reader.records().map(|row| row.unwrap().iter().collect::<Vec<_>>().join(",") + "\n");
        assert_eq!(rows.collect::<String>(), now, "{path} differs; the schedule is now\n{now}");
    }
}

#[test]
fn each_file_has_its_case() {
    let names: Vec<String> = cases().into_iter().map(|case| format!("{}.csv", case.name)).collect();
    let folder = format!("{}/tests/golden", env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name) || !name.starts_with('w'), "{name} is compared with nothing");
    }
}
