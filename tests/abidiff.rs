//! `abidiff` between the distribution's libraries and ours.
//!
//! Neither side's library can be compared by type: the distribution's have no debug information, and ours describe Rust. So the comparison is
//! made twice. The libraries themselves are compared by their symbols: nothing removed, and nothing added but what the tables name. The types
//! are compared where both sides have them in C: in the headers, by way of two small libraries that hold one pointer to each exported
//! function, one compiled against the distribution's headers, one against ours.

mod common;

#[path = "abi/tables.rs"]
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::cc::{compiler, scratch};
use common::output::{Flavour, include_dir, original_dir, output_dir};

const FLAVOURS: [Flavour; 4] = [Flavour::A, Flavour::As, Flavour::C, Flavour::Cs];

/// What abidiff says, and its exit code: 1 error, 2 wrong use, 4 a change, 8 an incompatible one, added up.
fn abidiff(options: &[&str], old: &Path, new: &Path) -> (String, i32) {
    let output = Command::new("abidiff")
        .args(options)
        .arg(old)
        .arg(new)
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot run abidiff: {error} (apt-get install abigail-tools)")
        });
    let code = output.status.code().unwrap_or(-1);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        code >= 0 && code & (1 | 2) == 0,
        "abidiff failed with {code}:\n{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (text, code)
}

/// The names behind `[A]`, `[C]` or `[D]`, aliases included.
fn marked(report: &str, mark: &str) -> BTreeSet<String> {
    report
        .lines()
        .filter_map(|line| line.trim().strip_prefix(mark))
        .flat_map(|names| names.split([',', ' ']))
        .filter(|word| !word.is_empty() && *word != "aliases")
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_symbol_is_removed_and_only_known_ones_are_added() {
    for flavour in FLAVOURS {
        let name = format!("lib{}", flavour.link_name());
        let old = original_dir(flavour).join(flavour.soname());
        let new = output_dir().join(flavour.soname());
        let (report, code) = abidiff(&[], &old, &new);
        assert!(code & 8 == 0, "{name}: incompatible:\n{report}");
        assert_eq!(marked(&report, "[D]"), BTreeSet::new(), "{name}:\n{report}");
        assert_eq!(marked(&report, "[C]"), BTreeSet::new(), "{name}:\n{report}");
        // Added: what newer releases export, and this distribution's does not.
        for added in marked(&report, "[A]") {
            assert!(
                tables::exports(&name).contains(&added),
                "{name}: {added} is in no table:\n{report}"
            );
        }
    }
}

/// The prototypes in the table, by function.
fn prototypes() -> BTreeMap<String, String> {
    tables::rows::<2>("functions.tsv")
        .into_iter()
        .map(|[_, prototype]| {
            let before = prototype.split(" (").next().unwrap_or_default();
            let name = before.rsplit([' ', '*']).next().unwrap_or_default();
            (name.to_owned(), prototype.clone())
        })
        .collect()
}

/// A library with a pointer to each function that the distribution's library exports and a header declares, for its debug information.
fn typed(flavour: Flavour, header: &str, include: &Path, whose: &str) -> PathBuf {
    let declared = prototypes();
    let list = tables::read(&tables::root().join(format!(
        "tests/abi/tables/exports-debian12-lib{}.txt",
        flavour.link_name()
    )));
    let mut source = format!("#include \"{header}\"\n");
    let mut count = 0;
    for name in list.lines().filter(|name| declared.contains_key(*name)) {
        let _ = writeln!(source, "__typeof__(&{name}) typed_{name};");
        count += 1;
    }
    assert!(count > 40, "only {count} functions of {header}");
    let dir = scratch("abidiff");
    let (file, library) = (
        dir.join(format!("{header}-{whose}.c")),
        dir.join(format!("{header}-{whose}.so")),
    );
    fs::write(&file, source).expect("the source can be written");
    let output = Command::new(compiler())
        .args(["-g", "-shared", "-fPIC", "-I"])
        .arg(include)
        .arg(&file)
        .arg("-o")
        .arg(&library)
        .output()
        .expect("the C compiler runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    library
}

/// What abidiff says of a struct whose nested member has a tag on one side and none on the other: nothing that matters to a program.
const HARMLESS: [&str; 3] = [
    "type size hasn't changed",
    "there are data member changes:",
    "has *some* difference - please report as a bug",
];

/// Lines of the report about types which say that size, offset, type or value of something changed.
fn harmful(report: &str) -> Vec<&str> {
    let after_variables = report
        .lines()
        .skip_while(|line| !line.starts_with('\''))
        .filter(|line| !line.trim().is_empty());
    after_variables
        .filter(|line| {
            let heading = line.starts_with('\'') && line.ends_with(" changed:");
            !heading && !HARMLESS.iter().any(|harmless| line.contains(harmless))
        })
        .collect()
}

#[test]
fn no_type_is_changed_but_as_the_tables_say() {
    for (flavour, header) in [(Flavour::A, "MQTTAsync.h"), (Flavour::C, "MQTTClient.h")] {
        let old = typed(flavour, header, Path::new("/usr/include"), "original");
        let new = typed(flavour, header, &include_dir(), "ours");
        let (report, _) = abidiff(&["--leaf-changes-only", "--no-show-locs"], &old, &new);
        assert!(
            report.contains("variables summary: 0 Removed, 2 Changed, 0 Added"),
            "{header}:\n{report}"
        );
        // int in the distribution's release, int64_t in the one whose interface this is: the tables have it so. A program compiled for int
        // reads the lower half of the register.
        for name in [
            "MQTTProperties_getNumericValue",
            "MQTTProperties_getNumericValueAt",
        ] {
            assert!(
                report.contains(&format!("* typed_{name}'")),
                "{header}:\n{report}"
            );
            let in_table = prototypes()[name].starts_with("int64_t ");
            assert!(in_table, "{name} is another one in the tables");
        }
        assert_eq!(harmful(&report), Vec::<&str>::new(), "{header}:\n{report}");
    }
}

/// The judge itself: a header with a member moved and a parameter more.
#[test]
fn a_changed_header_is_seen() {
    let changed = scratch("abidiff-changed");
    for entry in fs::read_dir(include_dir()).expect("the headers are there") {
        let path = entry.expect("it can be read").path();
        let text = fs::read_to_string(&path).expect("it is a header");
        let text = text
            .replacen(
                "int keepAliveInterval;",
                "int inserted;\n  int keepAliveInterval;",
                1,
            )
            .replace(
                "MQTTClient_isConnected(MQTTClient handle)",
                "MQTTClient_isConnected(MQTTClient handle, int more)",
            );
        fs::write(changed.join(path.file_name().expect("a file")), text)
            .expect("it can be written");
    }
    let old = typed(
        Flavour::C,
        "MQTTClient.h",
        Path::new("/usr/include"),
        "before",
    );
    let new = typed(Flavour::C, "MQTTClient.h", &changed, "changed");
    let (report, _) = abidiff(&["--leaf-changes-only", "--no-show-locs"], &old, &new);
    assert!(report.contains("3 Changed"), "{report}");
    assert!(!harmful(&report).is_empty(), "{report}");
}
