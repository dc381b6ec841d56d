#!/bin/sh
# The library and Rust's standard library with ThreadSanitizer, as a static archive: tools/tsan.sh <destination.a> [cargo flags]
set -eu
destination=$1
shift
host=x86_64-unknown-linux-gnu
sysroot=$(rustc +nightly --print sysroot 2>/dev/null) || { echo "tsan.sh: no nightly compiler (rustup toolchain install nightly)" >&2; exit 1; }
test -d "$sysroot/lib/rustlib/src/rust/library" ||
    { echo "tsan.sh: no sources of the standard library (rustup component add rust-src --toolchain nightly)" >&2; exit 1; }
# Neither link-time optimisation nor inlining across crates: stacks stay readable. Rust's own locks are instrumented because
# the standard library is built here too.
CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/tsan \
    RUSTFLAGS=-Zsanitizer=thread "${CARGO:-cargo}" +nightly rustc --locked --release --lib --crate-type staticlib \
    -Zbuild-std --target "$host" "$@"
mkdir -p "$(dirname "$destination")"
cp "${CARGO_TARGET_DIR:-target}/tsan/$host/release/libpaho_oxide.a" "$destination"
