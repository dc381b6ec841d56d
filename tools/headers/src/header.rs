//! One header: from Rust sources through cbindgen to the C text.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::items::{self, Item};
use crate::table::{
    ENUMERATIONS, Enumeration, Header, NAMELESS, NAMELESS_MEMBER, NOT_EXPORTED,
    POINTER_TYPES_BEGIN_WITH, SHARED,
};

/// Why a header could not be written.
pub type Error = Box<dyn std::error::Error>;

/// What cbindgen makes of a header's sources.
pub fn items(root: &Path, header: &Header) -> Result<Vec<Item>, Error> {
    if header.sources.is_empty() {
        return Ok(Vec::new());
    }
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new();
    for source in header.sources {
        let path = root.join("src/ffi").join(source);
        // cbindgen leaves out types that no function of the same header uses: programs use them all the same.
        let text = std::fs::read_to_string(&path)?;
        config
            .export
            .include
            .extend(text.lines().filter_map(public_type));
        builder = builder.with_src(path);
    }
    let mut text = Vec::new();
    builder.with_config(config).generate()?.write(&mut text);
    Ok(items::split(&String::from_utf8(text)?))
}

/// The name of the type that a line of Rust begins to define, if it is public.
fn public_type(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub ")?;
    let rest = ["struct ", "union ", "type "]
        .iter()
        .find_map(|keyword| line.strip_prefix(keyword))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    Some(rest[..end].to_owned())
}

/// Names of the types that are functions in C, of all headers together.
pub fn function_types(items: &[Item]) -> impl Iterator<Item = String> + '_ {
    items
        .iter()
        .filter_map(Item::function_pointer)
        .filter(|name| !name.starts_with(POINTER_TYPES_BEGIN_WITH))
        .map(str::to_owned)
}

/// Writes a header.
pub fn write(
    header: &Header,
    items: Vec<Item>,
    functions: &HashSet<String>,
) -> Result<String, Error> {
    let items = convert(items, functions)?;
    let mut text = String::new();
    let about: Vec<_> = [format!("@file {}", header.name), String::new()]
        .into_iter()
        .chain(header.about.lines().map(str::to_owned))
        .collect();
    text.push_str(&items::comment(&about, ""));
    write!(text, "\n#if !defined({0})\n#define {0}\n\n", header.guard)?;
    text.push_str("/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */\n\n");
    for include in header.includes {
        writeln!(text, "#include {include}")?;
    }
    if !header.includes.is_empty() {
        text.push('\n');
    }
    if header.verbatim.is_empty() {
        text.push_str("#if defined(__cplusplus)\nextern \"C\" {\n#endif\n\n");
        let mut used = 0;
        for item in &items {
            writeln!(text, "{}\n", item.write())?;
            for initializer in header.initializers {
                if defines(item, initializer.of) {
                    used += 1;
                    let about: Vec<_> = initializer.about.lines().map(str::to_owned).collect();
                    text.push_str(&items::comment(&about, ""));
                    let one_line = format!("#define {} {}\n", initializer.name, initializer.value);
                    if one_line.len() <= items::WIDTH && !one_line.contains('\\') {
                        writeln!(text, "{one_line}")?;
                    } else {
                        writeln!(
                            text,
                            "#define {} \\\n  {}\n",
                            initializer.name, initializer.value
                        )?;
                    }
                }
            }
        }
        if used != header.initializers.len() {
            return Err(format!("{}: an initializer is of no structure there", header.name).into());
        }
        text.push_str("#if defined(__cplusplus)\n}\n#endif\n\n");
    } else {
        writeln!(text, "{}", header.verbatim)?;
    }
    text.push_str("#endif\n");
    if header.tagged {
        text = tagged(&text);
    }
    Ok(text)
}

/// Takes the names that are no tags from the structures.
fn tagged(text: &str) -> String {
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("typedef struct ")?.strip_suffix(" {"))
        .collect();
    let mut text = text.to_owned();
    for name in names {
        text = text
            .replace(
                &format!("typedef struct {name} {{"),
                &format!("struct {name} {{"),
            )
            .replace(&format!("}} {name};"), "};")
            .replace(
                &format!("const {name} *"),
                &format!("const struct {name} *"),
            )
            .replace(&format!("({name} *"), &format!("(struct {name} *"))
            .replace(&format!(" {name} *"), &format!(" struct {name} *"))
            .replace("struct struct ", "struct ");
    }
    text
}

/// Whether an item is the definition of the structure `name`, or an alias of that name.
fn defines(item: &Item, name: &str) -> bool {
    item.alias() == Some(name) || item.body().is_some_and(|(_, of, _)| of == name)
}

/// Turns what cbindgen wrote into what C programs expect.
fn convert(items: Vec<Item>, functions: &HashSet<String>) -> Result<Vec<Item>, Error> {
    let mut enumerators: HashMap<&str, Vec<Item>> = HashMap::new();
    let mut nameless: HashMap<String, (String, String)> = HashMap::new();
    let mut shared: HashMap<String, Item> = HashMap::new();
    let mut converted = Vec::new();

    let (defines, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|i| i.define().is_some());
    for item in defines {
        let (name, value) = item.define().unwrap_or_default();
        if let Some(of) = ENUMERATIONS.iter().find(|e| name.starts_with(e.prefix)) {
            enumerators.entry(of.name).or_default().push(item);
        } else {
            let value = if value.starts_with('-') {
                format!("({value})")
            } else {
                value.to_owned()
            };
            let code = format!("#define {name} {value}");
            converted.push(Item { code, ..item });
        }
    }

    for mut item in others {
        item.code = c_types(&item.code, functions);
        item.code = write_out(&item.code, &nameless);
        item.code = items::shorten_comments(&item.code);
        if let Some((keyword, name, members)) = item.body() {
            if NAMELESS.contains(&name) {
                nameless.insert(name.to_owned(), (keyword.to_owned(), members));
                continue;
            }
            if SHARED.contains(&name) {
                shared.insert(name.to_owned(), item);
                continue;
            }
        } else if let Some(name) = item.alias() {
            if let Some(enumeration) = ENUMERATIONS.iter().find(|e| e.name == name) {
                let of = enumerators
                    .remove(name)
                    .ok_or_else(|| format!("{name} has no constants"))?;
                item.code = enumerate(enumeration, &of);
            } else if let Some(original) = item.code.split(' ').nth(2).and_then(|of| shared.get(of))
            {
                let (keyword, _, members) = original.body().ok_or("a shared type has a body")?;
                item = Item {
                    code: format!("typedef {keyword} {name} {{\n{members}\n}} {name};"),
                    doc: original.doc.clone(),
                };
            }
        } else if let Some(name) = item.function_pointer().map(str::to_owned) {
            if functions.contains(&name) {
                item.code = item.code.replacen(&format!("(*{name})"), &name, 1);
            }
            item.code = items::lay_out(&item.code);
        } else {
            if NOT_EXPORTED
                .iter()
                .any(|name| item.code.contains(&format!("{name}(")))
            {
                item.code = item.code.replacen("LIBMQTT_API", "", 1);
            }
            item.code = items::lay_out(&item.code);
        }
        converted.push(item);
    }
    if let Some(left) = enumerators.keys().next() {
        return Err(format!("constants of {left}, which is not in the same header").into());
    }
    Ok(converted)
}

/// Names types as C does: enumerations with their keyword, function types with an asterisk, structures by their `typedef`.
fn c_types(code: &str, functions: &HashSet<String>) -> String {
    // Stands for an asterisk that the space after it has to go in front of, and for a word to go with that space.
    const ASTERISK: &str = "\u{1}";
    const NOTHING: &str = "\u{2}";
    let (head, rest) = match code.split_once(" {\n") {
        Some((head, _)) => code.split_at(head.len()),
        None if code.starts_with("typedef struct ") => return code.to_owned(),
        None => ("", code),
    };
    let rest = items::change_words(rest, |word, after| {
        let is_use = after.starts_with(' ');
        if word == "struct" && is_use {
            Some(NOTHING.to_owned())
        } else if ENUMERATIONS.iter().any(|e| e.name == word) && is_use {
            Some(format!("enum {word}"))
        } else if functions.contains(word) && is_use {
            Some(format!("{word}{ASTERISK}"))
        } else {
            None
        }
    });
    format!("{head}{rest}")
        .replace(&format!("{ASTERISK} "), " *")
        .replace(&format!("{NOTHING} "), "")
}

/// Writes nameless types out where members have them.
fn write_out(code: &str, nameless: &HashMap<String, (String, String)>) -> String {
    let mut lines = Vec::new();
    for line in code.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let words: Vec<_> = line.trim().trim_end_matches(';').split(' ').collect();
        let (ty, member) = match words[..] {
            [.., ty, member] => (ty, member),
            _ => ("", ""),
        };
        let Some((keyword, members)) = nameless.get(ty) else {
            lines.push(line.to_owned());
            continue;
        };
        let mut name = format!(" {member}");
        if member == NAMELESS_MEMBER {
            // Structures without a name in others came with C11, but compilers have had them for long. It takes this
            // keyword to have them in C99 and C++ without a warning.
            lines.push(format!("{indent}#if defined(__GNUC__)"));
            lines.push(format!("{indent}__extension__"));
            lines.push(format!("{indent}#endif"));
            name.clear();
        }
        lines.push(format!("{indent}{keyword} {{"));
        lines.extend(members.lines().map(|line| format!("{indent}{line}")));
        lines.push(format!("{indent}}}{name};"));
    }
    lines.join("\n")
}

/// An enumeration, of constants that were macros.
fn enumerate(enumeration: &Enumeration, constants: &[Item]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (n, constant) in constants.iter().enumerate() {
        let (name, value) = constant.define().unwrap_or_default();
        let comma = if n + 1 < constants.len() { "," } else { "" };
        lines.push(format!(
            "{}  {name} = {value}{comma}",
            items::comment(&constant.doc, "  ")
        ));
    }
    format!("enum {} {{\n{}\n}};", enumeration.name, lines.join("\n"))
}
