//! Holds `CLAUSES.md` against the sources: no statement twice, no test that there is not, no test that is not listed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

struct Row {
    version: &'static str,
    clause: String,
    tests: Vec<String>,
    reason: String,
}

fn rows() -> Vec<Row> {
    let mut version = "";
    let mut rows = Vec::new();
    for line in include_str!("CLAUSES.md").lines() {
        match line.strip_prefix("## ") {
            Some("MQTT 3.1.1") => version = "v311",
            Some("MQTT 5.0") => version = "v5",
            _ => {}
        }
        if !line.starts_with("| MQTT-") {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [clause, tests, reason] = cells[..] else {
            panic!("{line}")
        };
        rows.push(Row {
            version,
            clause: clause.into(),
            tests: tests
                .split(',')
                .map(|test| test.trim().trim_matches('`').to_owned())
                .filter(|test| !test.is_empty())
                .collect(),
            reason: reason.into(),
        });
    }
    rows
}

/// The tests in the sources, by their paths, with the comments above them.
fn tests() -> HashMap<String, String> {
    let mut tests = HashMap::new();
    for version in ["v311", "v5"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/wire")
            .join(version);
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let source = fs::read_to_string(&path).unwrap();
            let mut comment = String::new();
            let mut lines = source.lines();
            while let Some(line) = lines.next() {
                if let Some(text) = line.strip_prefix("///") {
                    comment.push_str(text);
                } else if line == "#[test]" {
                    let function = lines.next().unwrap().strip_prefix("fn ").unwrap();
                    let name = function.split('(').next().unwrap();
                    tests.insert(
                        format!("{version}::{module}::{name}"),
                        std::mem::take(&mut comment),
                    );
                } else {
                    comment.clear();
                }
            }
        }
    }
    tests
}

/// The statement that a test is named for: `mqtt_3_1_2_24_...` is for MQTT-3.1.2-24.
fn clause_of(test: &str) -> Option<String> {
    let numbers: Vec<&str> = test
        .rsplit("::")
        .next()?
        .strip_prefix("mqtt_")?
        .split('_')
        .take_while(|part| part.parse::<u8>().is_ok())
        .collect();
    let (last, section) = numbers.split_last()?;
    Some(format!("MQTT-{}-{last}", section.join(".")))
}

#[test]
fn every_statement_has_a_test_or_a_reason() {
    let tests = tests();
    let mut seen = HashSet::new();
    let rows = rows();
    for row in &rows {
        assert!(
            seen.insert((row.version, &row.clause)),
            "{} {} twice",
            row.version,
            row.clause
        );
        assert!(
            !row.tests.is_empty() || !row.reason.is_empty(),
            "nothing about {}",
            row.clause
        );
        for test in &row.tests {
            assert!(
                tests.contains_key(test),
                "{test} of {} is not there",
                row.clause
            );
            assert!(
                test.starts_with(row.version),
                "{test} is of the other version"
            );
        }
    }
    // As many as the specifications have.
    let count = |version| rows.iter().filter(|row| row.version == version).count();
    assert_eq!((count("v311"), count("v5")), (141, 251));
}

#[test]
fn every_test_is_listed_with_its_statement() {
    let rows = rows();
    for (test, comment) in tests() {
        let Some(clause) = clause_of(&test) else {
            continue;
        };
        let version = test.split("::").next().unwrap();
        let listed = rows
            .iter()
            .any(|row| row.version == version && row.clause == clause && row.tests.contains(&test));
        assert!(listed, "{test} is not listed with {clause}");
        assert!(
            comment.contains(&format!("[{clause}]")),
            "{test} does not cite [{clause}]"
        );
    }
}
