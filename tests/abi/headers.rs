//! The headers compile without a warning, in every language that programs are written in, each alone and in any order.

use std::fmt::Write;

use crate::compiler::{Language, STRICT, compile};

const HEADERS: &[&str] = &[
    "MQTTAsync.h",
    "MQTTClient.h",
    "MQTTClientPersistence.h",
    "MQTTExportDeclarations.h",
    "MQTTProperties.h",
    "MQTTReasonCodes.h",
    "MQTTSubscribeOpts.h",
    "paho_oxide.h",
];

const STANDARDS: &[(Language, &str)] = &[
    (Language::C, "-std=c99"),
    (Language::C, "-std=c11"),
    (Language::C, "-std=c17"),
    (Language::Cxx, "-std=c++11"),
    (Language::Cxx, "-std=c++17"),
];

fn check(language: Language, standard: &str, headers: &[&str]) {
    let mut source = String::new();
    for header in headers {
        writeln!(source, "#include \"{header}\"").unwrap();
    }
    // Pedantic C wants a file to declare something, and a header may hold nothing but macros.
    source.push_str("typedef int something;\n");
    let mut options = vec![standard, "-fsyntax-only"];
    options.extend(STRICT);
    if let Err(errors) = compile(language, &source, &options) {
        panic!("{standard}, {headers:?}: {errors}");
    }
}

#[test]
fn no_header_is_missing_here() {
    let mut present: Vec<_> = std::fs::read_dir(crate::tables::root().join("include"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    present.sort();
    assert_eq!(present, HEADERS);
}

#[test]
fn each_header_compiles_alone() {
    for &(language, standard) in STANDARDS {
        for header in HEADERS {
            check(language, standard, &[header]);
        }
    }
}

#[test]
fn all_headers_compile_together_in_both_orders_and_twice() {
    let there_and_back: Vec<_> = HEADERS
        .iter()
        .chain(HEADERS.iter().rev())
        .copied()
        .collect();
    let back_and_there: Vec<_> = HEADERS.iter().rev().chain(HEADERS).copied().collect();
    for &(language, standard) in STANDARDS {
        check(language, standard, &there_and_back);
        check(language, standard, &back_and_there);
    }
}

#[test]
fn each_two_headers_compile_in_either_order() {
    for first in HEADERS {
        for second in HEADERS.iter().filter(|second| *second != first) {
            check(Language::C, "-std=c99", &[first, second]);
        }
    }
}
