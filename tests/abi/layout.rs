//! Structures, constants, enumerations, initializers and prototypes of the headers, row by row, in generated C; and the
//! Rust types by the assertions in `src/ffi/layout.rs`.

use std::fmt::Write;
use std::process::Command;

use crate::compiler::{Language, Scratch, compile, must_compile};
use crate::tables::{read, root, rows};

const ALL: &str = "#include <stddef.h>\n#include \"MQTTAsync.h\"\n#include \"MQTTClient.h\"\n";

/// The table of structures is of a 64-bit Unix system.
const LAYOUT_IS_KNOWN: bool = cfg!(all(target_pointer_width = "64", unix));

#[test]
fn structures_are_laid_out_as_in_the_table() {
    if !LAYOUT_IS_KNOWN {
        return;
    }
    let mut source = ALL.to_owned();
    for [of, member, offset, size] in rows("structs.tsv") {
        // An empty last name is that of the structure, inside a property's value, that has none.
        let member = member.trim_end_matches('.');
        if member == "-" {
            writeln!(
                source,
                "_Static_assert(sizeof({of}) == {size}, \"size of {of}\");"
            )
            .unwrap();
        } else {
            writeln!(
                source,
                "_Static_assert(offsetof({of}, {member}) == {offset}, \"offset of {of}.{member}\");\n\
                 _Static_assert(sizeof((({of} *)0)->{member}) == {size}, \"size of {of}.{member}\");"
            )
            .unwrap();
        }
    }
    must_compile(&source);
}

#[test]
fn rust_types_are_asserted_to_be_as_in_the_table() {
    let source = read(&root().join("src/ffi/layout.rs"));
    let mut asserted = Vec::new();
    let mut of = "";
    for line in source.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix("layout! { ") {
            let (name, size) = head.trim_end_matches(';').split_once(": ").unwrap();
            of = name;
            asserted.push(format!("{of} - 0 {size}"));
        } else if let Some(row) = line.strip_suffix(',').filter(|_| !of.is_empty()) {
            asserted.push(format!("{of} {row}"));
        } else if line == "}" {
            of = "";
        }
    }
    let expected: Vec<_> = rows("structs.tsv")
        .into_iter()
        .map(|[of, member, offset, size]| {
            // Two names that C does without: that of the nameless structure, and `r#` before a word that Rust reserves.
            let member = match member.as_str() {
                "value.data" | "value.value" | "value." if of == "MQTTProperty" => {
                    member.replacen("value", "value.strings", 1)
                }
                _ => member.replace("alt.pub", "alt.r#pub"),
            };
            format!("{of} {} {offset} {size}", member.trim_end_matches('.'))
        })
        .collect();
    assert_eq!(asserted, expected);
}

#[test]
fn constants_have_the_values_in_the_table() {
    let mut source = ALL.to_owned();
    for [name, value] in rows("constants.tsv") {
        writeln!(source, "_Static_assert({name} == {value}, \"{name}\");").unwrap();
        writeln!(source, "#if {name} != {value}\n#error {name}\n#endif").unwrap();
    }
    must_compile(&source);
}

#[test]
fn negative_constants_are_in_parentheses() {
    let headers = [
        "MQTTAsync.h",
        "MQTTClient.h",
        "MQTTClientPersistence.h",
        "MQTTProperties.h",
    ]
    .map(|header| read(&root().join("include").join(header)))
    .concat();
    for [name, value] in rows("constants.tsv") {
        if value.starts_with('-') {
            let definition = format!("#define {name} ({value})\n");
            assert!(headers.contains(&definition), "{definition}");
        }
    }
}

#[test]
fn enumerations_have_the_enumerators_in_the_table_and_no_others() {
    let mut source = ALL.to_owned();
    let table = rows::<3>("enums.tsv");
    let mut done: Vec<&str> = Vec::new();
    for [of, name, value] in &table {
        writeln!(source, "_Static_assert({name} == {value}, \"{name}\");").unwrap();
        if done.contains(&of.as_str()) {
            continue;
        }
        done.push(of);
        // -Wswitch wants each enumerator to have its case, and each case its enumerator.
        writeln!(
            source,
            "int has_{of}(enum {of} value);\nint has_{of}(enum {of} value) {{ switch (value) {{"
        )
        .unwrap();
        let mut values: Vec<&str> = Vec::new();
        for [_, name, value] in table.iter().filter(|row| row[0] == *of) {
            if !values.contains(&value.as_str()) {
                values.push(value);
                writeln!(source, "case {name}: return 1;").unwrap();
            }
        }
        writeln!(source, "}} return 0; }}").unwrap();
    }
    must_compile(&source);
}

#[test]
fn prototypes_are_those_in_the_table() {
    let mut source = format!("#include <stdint.h>\n{ALL}");
    for [header, prototype] in rows("functions.tsv") {
        assert!(root().join("include").join(&header).exists());
        // Declaring a function again with other types is an error.
        writeln!(source, "{prototype};").unwrap();
    }
    must_compile(&source);
}

#[test]
fn each_function_is_declared_in_its_header() {
    let mut sources = std::collections::BTreeMap::<String, String>::new();
    for [header, prototype] in rows("functions.tsv") {
        let name = prototype
            .split(" (")
            .next()
            .unwrap()
            .rsplit([' ', '*'])
            .next()
            .unwrap();
        // Naming it needs a declaration.
        let source = sources.entry(header).or_default();
        writeln!(source, "typedef void function(void);").unwrap();
        writeln!(source, "function *use_{name}(void);").unwrap();
        writeln!(
            source,
            "function *use_{name}(void) {{ return (function *){name}; }}"
        )
        .unwrap();
    }
    for (header, functions) in sources {
        let source = format!("#include \"{header}\"\n{functions}");
        if let Err(errors) = compile(Language::C, &source, &["-std=c11", "-fsyntax-only"]) {
            panic!("{header}: {errors}");
        }
    }
}

#[test]
fn initializers_give_the_bytes_in_the_table() {
    if !LAYOUT_IS_KNOWN || cfg!(target_endian = "big") {
        return;
    }
    let mut source = format!(
        "{ALL}#include <stdio.h>\n\
         static int show(const char *name, const void *data, size_t size) {{\n\
         const unsigned char *byte = data;\n\
         printf(\"%s\\t%zu\\t\", name, size);\n\
         while (size--) printf(\"%02x\", *byte++);\n\
         return printf(\"\\n\"); }}\n\
         int main(void) {{\n"
    );
    let table = rows::<3>("initializers.tsv");
    for [name, ..] in &table {
        let (of, _) = name.split_once("_initializer").unwrap();
        writeln!(
            source,
            "{{ static {of} object = {name}; show(\"{name}\", &object, sizeof object); }}"
        )
        .unwrap();
    }
    source.push_str("return 0; }\n");

    let scratch = Scratch::new("initializers");
    let program = scratch.file("program");
    let mut options = vec!["-std=c99", "-o", program.to_str().unwrap()];
    options.extend(crate::compiler::STRICT);
    compile(Language::C, &source, &options).unwrap();
    let output = Command::new(&program).output().unwrap();
    assert!(output.status.success());
    let expected: String = table.iter().map(|row| row.join("\t") + "\n").collect();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn initializers_can_be_used_in_cxx() {
    let mut source = ALL.to_owned();
    for [name, ..] in rows::<3>("initializers.tsv") {
        let (of, _) = name.split_once("_initializer").unwrap();
        writeln!(source, "extern {of} a_{name};\n{of} a_{name} = {name};").unwrap();
    }
    let mut options = vec!["-std=c++11", "-fsyntax-only"];
    options.extend(crate::compiler::STRICT);
    compile(Language::Cxx, &source, &options).unwrap();
}

/// Returns the names that a structure's body, without comments, declares.
fn declared(body: &str) -> Vec<&str> {
    body.split([';', ','])
        .filter_map(|part| {
            part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// Returns a C text without its comments.
fn without_comments(text: &str) -> String {
    let mut parts = text.split("/*");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once("*/").expect("a comment that ends").1);
    }
    kept
}

#[test]
fn the_manual_of_the_event_api_declares_what_the_header_does() {
    let manual = read(&root().join("docs/oxide-api.md"));
    let mut source = "#include <stddef.h>\n#include \"paho_oxide.h\"\n".to_owned();
    let mut structures = 0;
    for block in manual.split("```c\n").skip(1) {
        let block = without_comments(block.split("```").next().unwrap_or_default());
        if !block.starts_with("struct ") && !block.starts_with("typedef ") {
            continue; // statements, not declarations
        }
        // A typedef may be repeated, if it is the same; a structure needs a name of its own.
        let mut parts = block.split("struct MQTTOxide_");
        source.push_str(parts.next().unwrap_or_default());
        let mut checks = String::new();
        for part in parts {
            let name = part.split(' ').next().unwrap_or_default();
            let Some(body) = part[name.len()..].strip_prefix(" {") else {
                write!(source, "struct MQTTOxide_{part}").unwrap();
                continue;
            };
            structures += 1;
            write!(source, "struct Manual_{part}").unwrap();
            let body = body.split('}').next().unwrap_or_default();
            for member in declared(body) {
                writeln!(
                    checks,
                    "_Static_assert(offsetof(struct Manual_{name}, {member}) == offsetof(struct MQTTOxide_{name}, {member}), \
                     \"{name}.{member}\");"
                )
                .unwrap();
            }
            writeln!(
                checks,
                "_Static_assert(sizeof(struct Manual_{name}) == sizeof(struct MQTTOxide_{name}), \"{name}\");"
            )
            .unwrap();
        }
        source.push_str(&checks);
    }
    assert!(structures >= 8, "only {structures} structures found");
    must_compile(&source);
}
