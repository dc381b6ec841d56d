//! Runs the C and C++ compilers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tables::root;

/// A language, with its compiler and what to install where there is none.
#[derive(Clone, Copy)]
pub enum Language {
    C,
    Cxx,
}

impl Language {
    fn command(self) -> (String, &'static str, &'static str) {
        let (variable, default, name, package) = match self {
            Self::C => ("CC", "cc", "c", "gcc"),
            Self::Cxx => ("CXX", "c++", "c++", "g++"),
        };
        let compiler = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
        (compiler, name, package)
    }
}

/// A directory that is removed at the end of the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(test: &str) -> Self {
        let name = format!("abi-{test}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compiles a text with our headers; `Err` has what the compiler said.
pub fn compile(language: Language, source: &str, options: &[&str]) -> Result<(), String> {
    let (compiler, name, package) = language.command();
    let mut child = Command::new(&compiler)
        .arg("-I")
        .arg(root().join("include"))
        .args(options)
        .args(["-x", name, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| {
            panic!("no compiler `{compiler}` ({e}): install the package {package}")
        });
    // A compiler that gives up early closes the pipe: what it said about that is the result.
    let _ = child.stdin.take().unwrap().write_all(source.as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Options that make everything questionable an error.
pub const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// Checks that a C text compiles; it does not keep the result.
pub fn must_compile(source: &str) {
    let mut options = vec!["-std=c11", "-fsyntax-only"];
    options.extend(STRICT);
    if let Err(errors) = compile(Language::C, source, &options) {
        panic!("{errors}");
    }
}
