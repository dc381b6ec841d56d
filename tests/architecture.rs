//! The direction of the arrows in ARCHITECTURE.md: which room may use which, and no circle of files inside a room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the ground up: each may use those before it.
const ROOMS: &[&str] = &[
    "os",
    "trace",
    "registry",
    "protocol",
    "options",
    "persistence",
    "transport",
    "reactor",
    "engine",
    "events",
    "ffi",
];

/// The hidden room through which tests and fuzzers reach what is not public may use everything.
const FOR_TESTS: &[&str] = &["for_tests", "testing"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns all source files but those of unit tests.
fn files() -> Vec<PathBuf> {
    fn add(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    add(&path, found);
                }
            } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs")
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    add(&source(), &mut found);
    found.sort();
    found
}

/// Returns a file's code without comments and without its module of unit tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the room that a file belongs to.
fn room(file: &Path) -> String {
    let inside = file.strip_prefix(source()).expect("below src");
    let first = inside.components().next().expect("a name");
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn arrows_between_rooms_go_down_only() {
    let level = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut wrong = Vec::new();
    for file in files() {
        let from = room(&file);
        if from == "lib" || FOR_TESTS.contains(&&*from) {
            continue;
        }
        let Some(own) = level(&from) else {
            wrong.push(format!("{}: a room that has no place", file.display()));
            continue;
        };
        for part in code(&file).split("crate::").skip(1) {
            let to: String = part
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if level(&to).is_some_and(|other| other > own) {
                wrong.push(format!("{} uses {to}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that go up:\n{}", wrong.join("\n"));
}

/// Returns the trees of the `use` statements.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        let begin = match line.split_once("use ") {
            Some(("", tree)) => tree,
            Some((visibility, tree))
                if visibility == "pub "
                    || (visibility.starts_with("pub(") && visibility.ends_with(") ")) =>
            {
                tree
            }
            _ => continue,
        };
        let mut tree = begin.to_owned();
        while !tree.contains(';') {
            let Some(more) = lines.next() else { break };
            tree += more.trim();
        }
        found.push(tree.split(';').next().unwrap_or("").to_owned());
    }
    found
}

/// Writes out a `use` tree: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(tree: &str, found: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        found.push(tree.trim().to_owned());
        return;
    };
    let (head, rest) = (
        &tree[..open],
        &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())],
    );
    let (mut depth, mut start) = (0, 0);
    for (at, c) in rest.char_indices().chain([(rest.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !rest[start..at].trim().is_empty() {
                    expand(&format!("{}{}", head.trim(), rest[start..at].trim()), found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// Returns the file of the innermost module on a path that `file` uses.
fn target(file: &Path, path: &str) -> Option<PathBuf> {
    let mut segments = path.split("::").map(str::trim);
    // A module's children are in the directory of its name; those of mod.rs beside it.
    let mut dir = match segments.next()? {
        "crate" => source(),
        "super" if file.ends_with("mod.rs") => file.parent()?.parent()?.to_path_buf(),
        "super" => file.parent()?.to_path_buf(),
        "self" if file.ends_with("mod.rs") => file.parent()?.to_path_buf(),
        "self" => file.with_extension(""),
        _ => return None,
    };
    let mut module = None;
    for segment in segments {
        if segment == "super" {
            dir.pop();
            module = None;
            continue;
        }
        let next = dir.join(segment);
        let file = [next.with_extension("rs"), next.join("mod.rs")];
        match file.into_iter().find(|file| file.is_file()) {
            Some(file) => module = Some(file),
            None => break,
        }
        dir = next;
    }
    module
}

/// Returns which files each file of a room uses, but for `mod.rs`, which only lists and describes.
fn edges(room_files: &[PathBuf]) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
    let mut edges = BTreeMap::new();
    for file in room_files {
        let mut paths = Vec::new();
        for tree in uses(&code(file)) {
            expand(&tree, &mut paths);
        }
        let targets = paths
            .iter()
            .filter_map(|path| target(file, path))
            .filter(|to| to != file && room_files.contains(to))
            .collect();
        edges.insert(file.clone(), targets);
    }
    edges
}

/// Returns a circle, if there is one.
fn circle(edges: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Option<Vec<PathBuf>> {
    fn walk(
        at: &PathBuf,
        edges: &BTreeMap<PathBuf, BTreeSet<PathBuf>>,
        trail: &mut Vec<PathBuf>,
        done: &mut BTreeSet<PathBuf>,
    ) -> bool {
        if trail.contains(at) {
            trail.push(at.clone());
            return true;
        }
        if !done.contains(at) {
            trail.push(at.clone());
            if edges[at].iter().any(|to| walk(to, edges, trail, done)) {
                return true;
            }
            trail.pop();
            done.insert(at.clone());
        }
        false
    }
    let (mut trail, mut done) = (Vec::new(), BTreeSet::new());
    edges
        .keys()
        .any(|file| walk(file, edges, &mut trail, &mut done))
        .then_some(trail)
}

#[test]
fn no_circle_of_files_inside_a_room() {
    let mut circles = Vec::new();
    for room_name in ROOMS {
        let inside: Vec<PathBuf> = files()
            .into_iter()
            .filter(|file| room(file) == *room_name && !file.ends_with("mod.rs"))
            .collect();
        if let Some(circle) = circle(&edges(&inside)) {
            let names: Vec<_> = circle
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            circles.push(format!("{room_name}: {}", names.join(" -> ")));
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn use_trees_are_written_out() {
    let mut found = Vec::new();
    expand("super::{a, b::{c, d}, e::F}", &mut found);
    assert_eq!(
        found,
        ["super::a", "super::b::c", "super::b::d", "super::e::F"]
    );
}

/// Returns the value of a constant that is a number, a product or a shift.
fn value(expression: &str) -> Option<u64> {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    if let Some((left, right)) = expression.split_once("<<") {
        return Some(number(left)? << number(right)?);
    }
    expression.split('*').map(number).product()
}

/// Returns the ways in which a page may write a number.
fn written(value: u64) -> Vec<String> {
    let digits = value.to_string();
    let grouped: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    let mut ways = vec![digits.clone(), grouped.join(",")];
    for (unit, size) in [("KiB", 1_u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)] {
        if value > 0 && value % size == 0 {
            ways.push(format!("{} {unit}", value / size));
        }
    }
    ways
}

/// The limits of docs/reliability.md are those of the sources: each is where the page says, and as large.
#[test]
fn the_page_of_limits_is_right() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md"))
            .expect("the page");
    let section = page.split("\n## Limits\n").nth(1).expect("the section");
    let rows = section
        .split("\n## ")
        .next()
        .unwrap_or("")
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(".rs`"));
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for row in rows {
        let words: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let places: Vec<&&str> = words
            .iter()
            .filter(|word| Path::new(word).extension().is_some_and(|kind| kind == "rs"))
            .collect();
        let text: String = places
            .iter()
            .map(|place| fs::read_to_string(source().join(place)).unwrap_or_default())
            .collect();
        if text.is_empty() {
            wrong.push(format!("no such file: {row}"));
        }
        let is_constant = |word: &&&str| {
            word.len() > 4 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        for name in words.iter().filter(is_constant) {
            let Some((_, definition)) = text.split_once(&format!("const {name}:")) else {
                wrong.push(format!("{name} is not there: {row}"));
                continue;
            };
            let expression = definition
                .split_once('=')
                .and_then(|(_, rest)| rest.split_once(';'))
                .map_or("", |(expression, _)| expression.trim());
            // Constants made of others, and durations, are read by people.
            if let Some(value) = value(expression) {
                compared += 1;
                if !written(value).iter().any(|way| row.contains(way.as_str())) {
                    wrong.push(format!("{name} is {value}: {row}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 10, "hardly a number was compared: {compared}");
}

/// CONTRIBUTING.md names each test target and each fuzz target.
#[test]
fn the_page_for_contributors_names_every_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).expect("the page");
    let entries = |dir: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(root.join(dir)).expect("a directory");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    let name = |path: &Path| {
        let name = path.file_stem().and_then(|name| name.to_str());
        name.expect("a name").to_owned()
    };
    let is_source = |path: &Path| path.extension().is_some_and(|kind| kind == "rs");
    let mut wanted = Vec::new();
    for path in entries("tests") {
        if is_source(&path) {
            wanted.push(format!("{}.rs`", name(&path)));
        } else if path.join("main.rs").exists() {
            wanted.push(format!("`tests/{}/`", name(&path)));
        }
    }
    for path in entries("fuzz/fuzz_targets") {
        wanted.push(format!("`{}`", name(&path)));
    }
    wanted.retain(|name| !page.contains(name.as_str()));
    assert!(wanted.is_empty(), "not named: {wanted:?}");
}
