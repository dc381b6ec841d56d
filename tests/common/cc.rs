//! Compiling the C programs of the tests.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::output::Flavour;
use super::root;

/// The C compiler: `CC`, else `cc`.
pub fn compiler() -> OsString {
    env::var_os("CC").unwrap_or_else(|| OsString::from("cc"))
}

/// A directory of this test run for what it builds, under cargo's own directory for that.
pub fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&dir)
        .unwrap_or_else(|error| panic!("cannot create {}: {error}", dir.display()));
    dir
}

/// Compiles `source` (relative to the repository's root) against the headers in `include` and links it with the library of that flavour in
/// `libraries`. Returns the executable, which finds no library by itself: the caller sets `LD_LIBRARY_PATH`.
///
/// # Panics
/// When there is no compiler, or with the compiler's messages when it refuses the program.
pub fn cc(
    source: &str,
    flavour: Flavour,
    include: &Path,
    libraries: &Path,
    executable: &Path,
) -> PathBuf {
    cc_with(source, &[flavour], include, libraries, executable)
}

/// As [`cc`], with several libraries in one program.
///
/// # Panics
/// As [`cc`].
pub fn cc_with(
    source: &str,
    flavours: &[Flavour],
    include: &Path,
    libraries: &Path,
    executable: &Path,
) -> PathBuf {
    compile(source, flavours, include, libraries, executable, &[])
}

/// As [`cc`], for a program that finds the library by itself: one that is setuid is not told where to look.
///
/// # Panics
/// As [`cc`].
pub fn cc_with_rpath(
    source: &str,
    flavour: Flavour,
    include: &Path,
    libraries: &Path,
    executable: &Path,
) -> PathBuf {
    let rpath = format!("-Wl,-rpath,{}", libraries.display());
    compile(
        source,
        &[flavour],
        include,
        libraries,
        executable,
        &[&rpath],
    )
}

fn compile(
    source: &str,
    flavours: &[Flavour],
    include: &Path,
    libraries: &Path,
    executable: &Path,
    more: &[&str],
) -> PathBuf {
    let output = Command::new(compiler())
        .args([
            "-std=gnu99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-format-truncation",
            "-g",
        ])
        .arg("-I")
        .arg(include)
        .arg(root().join(source))
        .arg("-o")
        .arg(executable)
        // The file itself and not -l: a directory of the compiler's own must not come first.
        .args(
            flavours
                .iter()
                .map(|flavour| libraries.join(flavour.soname())),
        )
        // The original's library names what it needs itself; ours too.
        .args(["-lpthread", "-ldl", "-Wl,--allow-shlib-undefined"])
        .args(more)
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "cannot run the C compiler {}: {error} (apt-get install gcc libc6-dev)",
                compiler().to_string_lossy()
            )
        });
    assert!(
        output.status.success(),
        "{source} does not compile against {}:\n{}",
        include.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    executable.to_path_buf()
}
