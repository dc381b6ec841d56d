#!/bin/sh
# Builds the crate as a static library and puts it where the linking rules look for it.
#   tools/engine.sh plain|tls <destination.a> [cargo flags]
# Beside the library goes <destination>.libs: what the system's linker must add for Rust's standard library and, in the
# tls engine, for OpenSSL.
set -eu
engine=$1 destination=$2
shift 2
case $engine in
plain) features=--no-default-features ;;
tls) features= ;;
*) echo "engine.sh: no such engine: $engine" >&2; exit 2 ;;
esac

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/release" "$(dirname "$destination")"
# rustc prints the list only when it compiles, not when cargo finds its result fresh: so the list lives in cargo's
# directory too, and goes when that goes. `cargo rustc --crate-type staticlib`, because with the rlib of the manifest in
# the same command there would be no link-time optimisation.
libs=$(cd "$target/release" && pwd)/native-libs-$engine
# Panic messages and debug information name source files. They get names that are the same wherever the library is built,
# and tell nothing about the machine.
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$(pwd)=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/="
export RUSTFLAGS
# shellcheck disable=SC2086 # $features is one word or none
"${CARGO:-cargo}" rustc --locked --release --lib --crate-type staticlib $features "$@" -- \
    --print native-static-libs="$libs"

cp "$libs" "$destination.libs"
cp "$target/release/libpaho_oxide.a" "$destination.new"
mv "$destination.new" "$destination"
