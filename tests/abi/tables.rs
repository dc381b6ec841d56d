//! The tables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The top of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn path(name: &str) -> PathBuf {
    root().join("tests/abi/tables").join(name)
}

/// Reads a text file of the source tree.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of a table, each with `N` columns.
pub fn rows<const N: usize>(name: &str) -> Vec<[String; N]> {
    let rows: Vec<_> = read(&path(name))
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
            columns
                .try_into()
                .unwrap_or_else(|_| panic!("{name}: not {N} columns: {line}"))
        })
        .collect();
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

/// The symbols that one of the four libraries exports: those of the original's releases together, what its static
/// archives define for programs to link, and those of our own for programs on the Paho APIs.
pub fn exports(library: &str) -> BTreeSet<String> {
    let lists = [
        format!("exports-{library}.txt"),
        format!("exports-debian12-{library}.txt"),
        "exports-static.txt".to_owned(),
        "exports-for-paho.txt".to_owned(),
    ];
    lists
        .iter()
        .flat_map(|list| {
            let text = read(&path(list));
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}
