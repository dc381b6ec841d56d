//! Writes the C headers in `include/` from the Rust definitions in `src/ffi/`, comments included.
//!
//! `cargo run -p paho-headers` writes them; with `--check` it only compares, shows what differs and fails if anything
//! does. `cbindgen` does most of it; [`table`] has what it cannot say, [`header`] brings the two together.

mod header;
mod items;
mod table;

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use header::Error;

fn main() -> ExitCode {
    let check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--check" => true,
        _ => {
            eprintln!("usage: paho-headers [--check]");
            return ExitCode::from(2);
        }
    };
    match run(check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("The headers are not those of the Rust sources: cargo run -p paho-headers");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("paho-headers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes or compares all headers; whether they are up to date.
fn run(check: bool) -> Result<bool, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let include = root.join("include");
    let mut up_to_date = true;
    for (name, text) in headers(&root)? {
        let path = include.join(name);
        let present = std::fs::read_to_string(&path).unwrap_or_default();
        if present == text {
            continue;
        }
        if check {
            up_to_date = false;
            println!("--- include/{name}\n+++ include/{name}, from the Rust sources");
            print!("{}", difference(&present, &text));
        } else {
            std::fs::create_dir_all(&include)?;
            std::fs::write(&path, text)?;
            println!("include/{name}");
        }
    }
    Ok(up_to_date)
}

/// Names and texts of all headers.
fn headers(root: &Path) -> Result<Vec<(&'static str, String)>, Error> {
    let mut functions = HashSet::new();
    let mut parts = Vec::new();
    for header in table::HEADERS {
        let items = header::items(root, header)?;
        functions.extend(header::function_types(&items));
        parts.push((header, items));
    }
    parts
        .into_iter()
        .map(|(header, items)| Ok((header.name, header::write(header, items, &functions)?)))
        .collect()
}

/// The lines that differ, with three unchanged ones before and after.
fn difference(old: &str, new: &str) -> String {
    const CONTEXT: usize = 3;
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - before;
    let after = (old.iter().rev())
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let mut text = format!("@@ line {} @@\n", before + 1);
    let mut add = |mark: char, lines: &[&str]| {
        for line in lines {
            text.push(mark);
            text.push_str(line);
            text.push('\n');
        }
    };
    add(' ', &old[before.saturating_sub(CONTEXT)..before]);
    add('-', &old[before..old.len() - after]);
    add('+', &new[before..new.len() - after]);
    let tail = &old[old.len() - after..];
    add(' ', &tail[..tail.len().min(CONTEXT)]);
    text
}

#[cfg(test)]
mod tests {
    use super::{difference, run};

    #[test]
    fn the_headers_are_those_of_the_rust_sources() {
        assert!(run(true).unwrap(), "cargo run -p paho-headers");
    }

    #[test]
    fn a_difference_shows_what_changed_and_where() {
        let shown = difference("a\nb\nc\nd\ne\nf\ng\n", "a\nb\nc\nd\nE\nf\ng\n");
        assert_eq!(shown, "@@ line 5 @@\n b\n c\n d\n-e\n+E\n f\n g\n");
    }

    #[test]
    fn added_lines_are_not_taken_for_common_ones() {
        assert_eq!(
            difference("a\na\n", "a\na\na\n"),
            "@@ line 3 @@\n a\n a\n+a\n"
        );
    }
}
