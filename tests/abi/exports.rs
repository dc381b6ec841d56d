//! Each library exports what the original's releases export, the named functions of our own, and nothing else.

use std::collections::BTreeSet;

use crate::tables::{exports, read, root, rows};

const LIBRARIES: &[&str] = &[
    "libpaho-mqtt3a",
    "libpaho-mqtt3as",
    "libpaho-mqtt3c",
    "libpaho-mqtt3cs",
];

/// Global symbols of a linker version script, which must make all others local.
fn global(script: &str) -> BTreeSet<String> {
    let (_, rest) = script.split_once("global:\n").unwrap();
    let (global, rest) = rest.split_once("local:\n").unwrap();
    assert_eq!(rest.split_whitespace().collect::<Vec<_>>(), ["*;", "};"]);
    let symbols: Vec<_> = global
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            line.strip_suffix(';')
                .unwrap_or_else(|| panic!("no symbol: {line}"))
        })
        .map(str::to_owned)
        .collect();
    let set: BTreeSet<_> = symbols.iter().cloned().collect();
    assert_eq!(symbols.len(), set.len(), "a symbol is listed twice");
    set
}

#[test]
fn version_scripts_list_what_the_tables_do() {
    for library in LIBRARIES {
        let script = read(&root().join("tools/exports").join(format!("{library}.map")));
        assert_eq!(global(&script), exports(library), "{library}");
    }
}

/// Names of the functions that C can call, read from the sources: a name that is only in a comment or a call is none.
fn defined() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let room = root().join("src/ffi");
    let entries = [room.clone(), room.join("exports"), room.join("types")]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        for line in read(&path).lines() {
            let line = line.trim();
            let name = |rest: &str| rest.split('(').next().unwrap_or_default().to_owned();
            if let Some((_, rest)) = line.split_once("extern \"C\" fn ") {
                names.insert(name(rest));
            } else if let Some((old, rest)) = line.split_once(" Paho_thread_") {
                // In a list of functions that have two names each.
                names.insert(old.to_owned());
                names.insert(format!("Paho_thread_{}", name(rest)));
            }
        }
    }
    names
}

#[test]
fn everything_exported_or_declared_is_defined() {
    let defined = defined();
    for library in LIBRARIES {
        let missing: Vec<_> = exports(library).difference(&defined).cloned().collect();
        assert!(missing.is_empty(), "{library}: {missing:?}");
    }
    for [_, prototype] in rows("functions.tsv") {
        let name = prototype.split(" (").next().unwrap();
        let name = name.rsplit([' ', '*']).next().unwrap();
        assert!(defined.contains(name), "{name}");
    }
}

#[test]
fn our_own_api_exports_its_header_and_nothing_else() {
    let header = read(&root().join("include/paho_oxide.h"));
    let declared: BTreeSet<_> = header
        .split("LIBMQTT_API ")
        .skip(1)
        .filter_map(|declaration| declaration.split_once('('))
        .filter_map(|(head, _)| head.rsplit([' ', '*']).next())
        .map(str::to_owned)
        .collect();
    let for_paho: BTreeSet<_> = rows("exports-for-paho.txt")
        .into_iter()
        .map(|[name]| name)
        .collect();
    assert!(for_paho.is_subset(&declared), "{for_paho:?}");
    let declared: BTreeSet<_> = declared.difference(&for_paho).cloned().collect();
    assert!(declared.len() > 30 && declared.iter().all(|name| name.starts_with("MQTTOxide_")));
    for library in ["libpaho-oxide", "libpaho-oxide-tls"] {
        let script = read(&root().join("tools/exports").join(format!("{library}.map")));
        assert_eq!(global(&script), declared, "{library}");
    }
}
