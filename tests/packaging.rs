//! What `make` and `make install` put out, looked at from outside: symbols, dependencies, hardening, and programs that
//! find the libraries the way users' programs do.
//!
//! The files under test are in `$PAHO_OXIDE_OUTPUT`, by default `build/output`. `make test` builds them first.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

const LIBRARIES: [&str; 4] = ["a", "as", "c", "cs"];
const ABI_VERSION: &str = "1.3.15";

/// A program that needs a function of its library to start at all.
const C_PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
#include API_HEADER

int main(void) {
    const API_PAIR *pair = API_VERSION();
    int pairs = 0;
    for (; pair->name != NULL; pair++) pairs++;
    const char *name = MQTTReasonCode_toString(MQTTREASONCODE_SUCCESS);
    printf("%d %s\n", pairs > 0, name);
    return pairs > 0 && strcmp(name, "SUCCESS") == 0 ? 0 : 1;
}
"#;

/// One of each API in one program.
const C_PROGRAM_BOTH: &str = r#"
#include <stdio.h>
#include "MQTTAsync.h"
#include "MQTTClient.h"

int main(void) {
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperties_free(&properties);
    return MQTTAsync_getVersionInfo() != NULL && MQTTClient_getVersionInfo() != NULL ? 0 : 1;
}
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output() -> PathBuf {
    let directory =
        env::var_os("PAHO_OXIDE_OUTPUT").map_or_else(|| root().join("build/output"), PathBuf::from);
    assert!(
        directory.join("libpaho-mqtt3a.so").exists(),
        "{} holds no libraries: run `make` first, or `make test`",
        directory.display()
    );
    directory
}

fn shared(library: &str) -> PathBuf {
    output().join(format!("libpaho-mqtt3{library}.so"))
}

/// A directory of the test's own, empty.
fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Runs a command and gives what it printed; fails with everything it said when it did.
fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(
        status.success(),
        "{command:?}: {status}\n{stdout}\n{stderr}"
    );
    stdout.into_owned()
}

fn c_compiler() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".into())
}

fn readelf(options: &str, file: &Path) -> String {
    run(Command::new("readelf").arg(options).arg(file))
}

/// The names in a linker map's `global:` part.
fn exports(library: &str) -> BTreeSet<String> {
    let map = root().join(format!("tools/exports/libpaho-mqtt3{library}.map"));
    let text = fs::read_to_string(map).unwrap();
    let (_, globals) = text.split_once("global:").unwrap();
    let (globals, _) = globals.split_once("local:").unwrap();
    let names: BTreeSet<String> = globals
        .split(';')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(names.len() > 50, "{names:?}");
    names
}

/// The names that `nm` lists with one of these type letters.
fn symbols(options: &[&str], file: &Path, types: &str) -> BTreeSet<String> {
    run(Command::new("nm").args(options).arg(file))
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().rev();
            let (name, kind) = (fields.next()?, fields.next()?);
            types.contains(kind).then(|| name.to_owned())
        })
        .collect()
}

/// The values of one kind of entry in the dynamic section.
fn dynamic(library: &str, tag: &str) -> Vec<String> {
    readelf("-dW", &shared(library))
        .lines()
        .filter(|line| line.contains(&format!("({tag})")))
        .map(|line| {
            line.rsplit(['[', ']'])
                .nth(1)
                .unwrap_or(line)
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn shared_libraries_export_their_lists_and_nothing_else() {
    for library in LIBRARIES {
        let exported = symbols(&["-D", "--defined-only"], &shared(library), "TWBDRVi");
        assert_eq!(exported, exports(library), "libpaho-mqtt3{library}");
    }
}

#[test]
fn static_archives_define_their_lists_and_nothing_else() {
    for library in LIBRARIES {
        let archive = output().join(format!("libpaho-mqtt3{library}.a"));
        let defined = symbols(&["--defined-only", "--extern-only"], &archive, "TWBDRVi");
        assert_eq!(defined, exports(library), "libpaho-mqtt3{library}.a");
    }
}

#[test]
fn names_and_links_are_the_originals() {
    for library in LIBRARIES {
        let name = format!("libpaho-mqtt3{library}.so");
        assert_eq!(dynamic(library, "SONAME"), [format!("{name}.1")]);
        for (link, target) in [
            (name.clone(), format!("{name}.1")),
            (format!("{name}.1"), format!("{name}.{ABI_VERSION}")),
        ] {
            assert_eq!(
                fs::read_link(output().join(link)).unwrap(),
                Path::new(&target)
            );
        }
    }
}

#[test]
fn only_the_s_libraries_need_openssl_and_none_needs_much_else() {
    for library in LIBRARIES {
        let needed = dynamic(library, "NEEDED");
        let (tls, rest): (Vec<_>, Vec<_>) = needed
            .iter()
            .partition(|name| name.starts_with("libssl.") || name.starts_with("libcrypto."));
        assert_eq!(
            tls.is_empty(),
            !library.ends_with('s'),
            "libpaho-mqtt3{library}: {needed:?}"
        );
        // The C library in its parts, and the unwinder that comes with every compiler.
        for name in rest {
            let known = [
                "libc.so",
                "libm.so",
                "libgcc_s.so",
                "ld-linux",
                "libdl.so",
                "libpthread.so",
                "librt.so",
            ];
            assert!(
                known.iter().any(|k| name.starts_with(k)),
                "libpaho-mqtt3{library} needs {name}"
            );
        }
    }
}

#[test]
fn libraries_are_hardened() {
    for library in LIBRARIES {
        let segments = readelf("-lW", &shared(library));
        assert!(segments.contains("GNU_RELRO"), "{segments}");
        let stack = segments
            .lines()
            .find(|line| line.contains("GNU_STACK"))
            .expect(&segments);
        assert!(stack.contains("RW ") && !stack.contains("RWE"), "{stack}");
        let writable_code = segments
            .lines()
            .find(|l| l.contains("LOAD") && l.contains("RWE"));
        assert_eq!(writable_code, None);
        let flags = readelf("-dW", &shared(library));
        assert!(flags.contains("BIND_NOW"), "{flags}");
        assert!(!flags.contains("TEXTREL"), "{flags}");
        assert!(
            !flags.contains("RPATH") && !flags.contains("RUNPATH"),
            "{flags}"
        );
    }
}

/// Built elsewhere they are the same, and they tell nobody where that was.
#[test]
fn libraries_name_no_directory_of_the_build() {
    let cargo_home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap();
    for library in LIBRARIES {
        for file in [
            shared(library),
            output().join(format!("libpaho-mqtt3{library}.a")),
        ] {
            let bytes = fs::read(&file).unwrap();
            for directory in [cargo_home.as_str(), root().to_str().unwrap()] {
                let found = bytes
                    .windows(directory.len())
                    .any(|window| window == directory.as_bytes());
                assert!(!found, "{} names {directory}", file.display());
            }
        }
    }
}

#[test]
fn samples_find_the_libraries_beside_themselves() {
    for sample in [
        "MQTTClient_publish",
        "MQTTAsync_subscribe",
        "paho_c_pub",
        "paho_cs_sub",
        "MQTTVersion",
    ] {
        let flags = readelf("-dW", &output().join(sample));
        assert!(flags.contains("[$ORIGIN]"), "{sample}: {flags}");
    }
}

fn write_program(directory: &Path, file: &str, library: &str) {
    let api = if library.starts_with('a') {
        "MQTTAsync"
    } else {
        "MQTTClient"
    };
    let text = C_PROGRAM
        .replace("API_HEADER", &format!("\"{api}.h\""))
        .replace("API_PAIR", &format!("{api}_nameValue"))
        .replace("API_VERSION", &format!("{api}_getVersionInfo"));
    fs::write(directory.join(file), text).unwrap();
}

#[test]
fn static_archives_link_alone() {
    let directory = scratch("static");
    for library in LIBRARIES {
        write_program(&directory, "program.c", library);
        let mut link = Command::new(c_compiler());
        link.current_dir(&directory)
            .args(["-o", "program", "program.c", "-I"])
            .arg(root().join("include"))
            .arg(output().join(format!("libpaho-mqtt3{library}.a")));
        if library.ends_with('s') {
            link.args(["-lssl", "-lcrypto"]);
        }
        run(link.args(["-lpthread", "-ldl", "-lm"]));
        let program = directory.join("program");
        run(&mut Command::new(&program));
        assert!(
            !readelf("-dW", &program).contains("libpaho"),
            "linked to the shared library"
        );
    }
}

#[test]
fn static_archives_of_both_apis_link_together() {
    let directory = scratch("static-both");
    fs::write(directory.join("program.c"), C_PROGRAM_BOTH).unwrap();
    run(Command::new(c_compiler())
        .current_dir(&directory)
        .args(["-o", "program", "program.c", "-I"])
        .arg(root().join("include"))
        .args(["a", "c"].map(|library| output().join(format!("libpaho-mqtt3{library}.a"))))
        .args(["-lpthread", "-ldl", "-lm"]));
    run(&mut Command::new(directory.join("program")));
}

#[test]
fn shared_libraries_of_both_apis_load_together() {
    let directory = scratch("shared-both");
    fs::write(directory.join("program.c"), C_PROGRAM_BOTH).unwrap();
    run(Command::new(c_compiler())
        .current_dir(&directory)
        .args(["-o", "program", "program.c", "-I"])
        .arg(root().join("include"))
        .arg(format!("-L{}", output().display()))
        .args(["-lpaho-mqtt3a", "-lpaho-mqtt3c"]));
    run(Command::new(directory.join("program")).env("LD_LIBRARY_PATH", output()));
}

/// Runs `make` on what is built already; the paths are those of a package being made: below DESTDIR.
fn make(target: &str, destination: &Path) {
    // One at a time: where sources are newer than what was built, make builds first.
    static MAKE: Mutex<()> = Mutex::new(());
    let _turn = MAKE.lock();
    run(Command::new("make")
        // The variables of an outer make would reach this one.
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .env_remove("MAKELEVEL")
        .current_dir(root())
        .args(["-s", target, "PREFIX=/opt/paho"])
        .arg(format!("DESTDIR={}", destination.display())));
}

fn installed(name: &str) -> PathBuf {
    let destination = scratch(name);
    make("install", &destination);
    destination.join("opt/paho")
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let printed = run(Command::new("pkg-config")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .arg(format!("--define-variable=prefix={}", prefix.display()))
        .arg(format!("--define-variable=libdir={}/lib", prefix.display()))
        .arg(format!(
            "--define-variable=includedir={}/include",
            prefix.display()
        ))
        .args(arguments));
    printed.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn installed_tree_serves_pkg_config() {
    let prefix = installed("install-pkg-config");
    let directory = scratch("pkg-config-program");
    for library in LIBRARIES {
        let package = format!("paho-mqtt3{library}");
        assert_eq!(
            pkg_config(&prefix, &["--modversion", &package]),
            [ABI_VERSION]
        );
        write_program(&directory, "program.c", library);
        let program = directory.join("program");

        let flags = pkg_config(&prefix, &["--cflags", "--libs", &package]);
        run(Command::new(c_compiler())
            .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&program)
            .arg(directory.join("program.c"))
            .args(flags));
        run(Command::new(&program).env("LD_LIBRARY_PATH", prefix.join("lib")));

        // Statically, as pkg-config describes it: the archives' own dependencies come along.
        fs::create_dir_all(directory.join("archives")).unwrap();
        let archive = format!("lib{package}.a");
        fs::copy(
            prefix.join("lib").join(&archive),
            directory.join("archives").join(&archive),
        )
        .unwrap();
        let flags = pkg_config(&prefix, &["--static", "--cflags", "--libs", &package]);
        run(Command::new(c_compiler())
            .arg("-o")
            .arg(&program)
            .arg(directory.join("program.c"))
            .arg(format!("-L{}", directory.join("archives").display()))
            .args(flags));
        assert!(
            !readelf("-dW", &program).contains("libpaho"),
            "linked to the shared library"
        );
        run(&mut Command::new(&program));
    }
}

#[test]
fn installed_tree_serves_cpp() {
    let prefix = installed("install-cpp");
    let directory = scratch("cpp-program");
    for library in ["a", "c"] {
        write_program(&directory, "program.cpp", library);
        let program = directory.join("program");
        run(Command::new("c++")
            .args([
                "-std=c++11",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
                "-o",
            ])
            .arg(&program)
            .arg(directory.join("program.cpp"))
            .args(pkg_config(
                &prefix,
                &["--cflags", "--libs", &format!("paho-mqtt3{library}")],
            )));
        run(Command::new(&program).env("LD_LIBRARY_PATH", prefix.join("lib")));
    }
}

#[test]
fn installed_tree_serves_cmake() {
    let prefix = installed("install-cmake");
    let source = scratch("cmake-program");
    let mut lists = String::from(
        "cmake_minimum_required(VERSION 3.5)\nproject(user C)\nfind_package(eclipse-paho-mqtt-c 1.3 REQUIRED)\n",
    );
    for library in LIBRARIES {
        write_program(&source, &format!("{library}.c"), library);
        for kind in ["", "-static"] {
            write!(
                lists,
                "add_executable({library}{kind} {library}.c)\n\
                 target_link_libraries({library}{kind} eclipse-paho-mqtt-c::paho-mqtt3{library}{kind})\n"
            )
            .unwrap();
        }
    }
    fs::write(source.join("CMakeLists.txt"), lists).unwrap();
    let build = source.join("build");
    run(Command::new("cmake")
        .arg("-S")
        .arg(&source)
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    run(Command::new("cmake").arg("--build").arg(&build));
    for library in LIBRARIES {
        let linked = readelf("-dW", &build.join(library));
        assert!(
            linked.contains(&format!("[libpaho-mqtt3{library}.so.1]")),
            "{linked}"
        );
        run(&mut Command::new(build.join(library)));
        run(&mut Command::new(build.join(format!("{library}-static"))));
    }
}

#[test]
fn uninstall_leaves_nothing() {
    let destination = scratch("uninstall");
    make("install", &destination);
    let count = |directory: &Path| {
        let listed = run(Command::new("find")
            .arg(directory)
            .args(["!", "-type", "d"]));
        listed.lines().count()
    };
    // Per library, of which two are our own API's: the file, two links, the archive, the .pc file; two CMake files; eight headers.
    assert_eq!(count(&destination), 6 * 5 + 2 + 8);
    make("uninstall", &destination);
    assert_eq!(count(&destination), 0);
}
