//! docs/reliability.md promises, and tests/c/diff/DIFFERENCES.md claims; this sees to it that each test which the pages name exists, and
//! that each sentence and each row names one.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/reliability.md";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join(PAGE)).expect("the page")
}

/// Returns the cells of a table's row, none for another line or the line below the head.
fn cells(line: &str) -> Vec<&str> {
    if !line.starts_with('|') || line.starts_with("|---") {
        return Vec::new();
    }
    line.trim().trim_matches('|').split(" | ").collect()
}

/// Returns the rows of the tables in the section with that title.
fn rows<'a>(page: &'a str, title: &str) -> Vec<Vec<&'a str>> {
    let begin = page.find(&format!("## {title}\n")).expect("the section");
    let section = &page[begin + 3..];
    let section = &section[..section.find("\n## ").unwrap_or(section.len())];
    section
        .lines()
        .map(cells)
        .filter(|row| row.len() == 2)
        .collect()
}

/// Returns what stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Returns the file or directory that a name stands for. A name without a directory is beside the one before it, or is a fuzz target.
fn found(name: &str, before: Option<&Path>) -> Option<PathBuf> {
    let target = root().join(format!("fuzz/fuzz_targets/{name}.rs"));
    let beside = before.and_then(Path::parent).map(|dir| dir.join(name));
    [Some(root().join(name)), beside, Some(target)]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
}

/// Returns the names of functions that stand in brackets behind a name: `(one, two_…)`.
fn functions(behind: &str) -> Vec<&str> {
    let Some(rest) = behind.trim_start().strip_prefix('(') else {
        return Vec::new();
    };
    let inside = rest.split(')').next().unwrap_or("");
    inside
        .split(", ")
        .filter(|name| name.contains('_') && !name.contains([' ', '`']))
        .collect()
}

/// Looks for all that a cell names, and says what is not there. Returns how many tests it names.
fn check(cell: &str, wrong: &mut Vec<String>) -> usize {
    let mut before: Option<PathBuf> = None;
    let mut tests = 0;
    for (at, name) in quoted(cell).into_iter().enumerate() {
        // Commands and names of things are quoted, too.
        let is_file = name.contains('/') || Path::new(name).extension().is_some();
        let is_target = cell.contains("fuzz target") || cell.contains("`fuzz/`");
        let Some(path) = found(name, before.as_deref()) else {
            if is_file && !name.contains(' ') {
                wrong.push(format!("{name}: no such file"));
            }
            continue;
        };
        if !is_file && !is_target {
            continue;
        }
        tests += 1;
        let source = root().join("src");
        if path.starts_with(source) && path.is_file() {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if !text.contains("#[test]") && !text.contains("mod tests;") {
                wrong.push(format!("{name} has no tests"));
            }
        }
        let behind = cell.split('`').nth(2 * at + 2).unwrap_or("");
        let text = fs::read_to_string(&path).unwrap_or_default();
        for function in functions(behind) {
            let prefix = function.trim_end_matches('…');
            let end = if prefix == function { "(" } else { "" };
            if !text.contains(&format!("fn {prefix}{end}")) {
                wrong.push(format!("{name} has no function {function}"));
            }
        }
        before = Some(path);
    }
    tests
}

#[test]
fn every_sentence_names_tests_that_exist() {
    let page = page();
    let mut wrong = Vec::new();
    let mut sentences = 0;
    for title in ["Promises", "Against whom", "Kinds of faults"] {
        for row in rows(&page, title) {
            let head = ["promise", "sentence", "what is right"];
            if head.contains(&row[0].trim()) || row[1].trim() == "test" {
                continue;
            }
            sentences += 1;
            let tests = check(row[1], &mut wrong);
            let admitted = ["not tested: ", "the same", "that is what", "`make "]
                .iter()
                .any(|words| row[1].trim().starts_with(words));
            if tests == 0 && !admitted {
                wrong.push(format!("no test: {}", row[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{PAGE}:\n{}", wrong.join("\n"));
    assert!(sentences > 110, "only {sentences} were read");
}

const DIFFERENCES: &str = "tests/c/diff/DIFFERENCES.md";

/// A difference that no test sees is one that nobody would notice to have gone, or to have grown. A C program of the comparison counts if
/// it is run.
#[test]
fn every_difference_names_tests_that_exist() {
    let page = fs::read_to_string(root().join(DIFFERENCES)).expect("the page");
    let runner = fs::read_to_string(root().join("tests/differential.rs")).expect("the tests");
    let mut wrong = Vec::new();
    let mut differences = 0;
    for row in page.lines().map(cells).filter(|row| !row.is_empty()) {
        let [place, _, _, _, test] = row[..] else {
            wrong.push(format!("{} cells, not 5: {}", row.len(), row[0]));
            continue;
        };
        if test.trim() == "test" {
            continue;
        }
        differences += 1;
        if check(test, &mut wrong) == 0 {
            wrong.push(format!("no test: {place}"));
        }
        for name in quoted(test) {
            let program = name.strip_prefix("tests/c/diff/");
            let program = program.and_then(|file| file.strip_suffix(".c"));
            if program.is_some_and(|program| !runner.contains(&format!("\"{program}\""))) {
                wrong.push(format!("{name} is not run by tests/differential.rs"));
            }
        }
    }
    assert!(wrong.is_empty(), "{DIFFERENCES}:\n{}", wrong.join("\n"));
    assert!(differences > 60, "only {differences} were read");
}

/// All other text of the threat model introduces a table: what a reader could take for a promise has a row.
#[test]
fn the_threat_model_is_tables() {
    let page = page();
    let begin = page.find("## Against whom\n").expect("the section");
    let section = &page[begin..page.find("## Kinds of faults").expect("the next one")];
    for title in [
        "A hostile server",
        "Fairness",
        "A hostile network",
        "A hostile store directory",
        "A hostile environment",
        "Fork",
        "A careless caller",
    ] {
        let begin = section
            .find(&format!("**{title}.**"))
            .unwrap_or_else(|| panic!("{title} is not on the page"));
        let part = section[begin + 2..].split("\n**").next().unwrap_or("");
        assert!(
            part.contains("\n| sentence | test |\n"),
            "{title} has no table"
        );
        let after = part.rsplit_once("|\n").map_or("", |(_, after)| after);
        assert_eq!(after.trim(), "", "{title}: text behind its table");
    }
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let mut wrong = Vec::new();
    assert_eq!(
        check(
            "`tests/promises.rs` (a_test_that_…), `architecture.rs`",
            &mut wrong
        ),
        2
    );
    assert_eq!(check("fuzz target `decode`", &mut wrong), 1);
    assert!(wrong.is_empty(), "{wrong:?}");
    check(
        "`tests/gone.rs`, `tests/promises.rs` (none_such, nor_this_…)",
        &mut wrong,
    );
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn only_the_trace_and_proxies_read_the_environment() {
    fn look(dir: &Path, readers: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                look(&path, readers);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
                if ["env::var", "getenv", "os::environment("]
                    .iter()
                    .any(|call| code.contains(call))
                {
                    let name = path.strip_prefix(root().join("src")).expect("below src");
                    readers.push(name.display().to_string());
                }
            }
        }
    }
    let mut readers = Vec::new();
    look(&root().join("src"), &mut readers);
    readers.sort();
    assert_eq!(readers, ["os.rs", "trace.rs", "transport/plan.rs"]);
}
