#!/bin/sh
# Links the Rust crate `paho-mqtt`, which wraps Paho C, with our libraries and runs the crate's own tests on them: once with
# the static archive, once with the shared library.
#   tools/rust-crate.sh <directory of the libraries> <work directory>
#
# The version is fixed. It is fetched from the registry like any dependency; nothing of it is kept in the tree.
set -eu
VERSION=0.14.0
here=$(cd "$(dirname "$0")/.." && pwd)
libraries=$(cd "$1" && pwd)
work=$2
cargo=${CARGO:-cargo}
# Ours are built with these; the crate is not meant to be.
unset RUSTFLAGS CARGO_TARGET_DIR

mkdir -p "$work/fetch/src"
work=$(cd "$work" && pwd)
: >"$work/fetch/src/lib.rs"
printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\npaho-mqtt = { version = "=%s", default-features = false, features = ["ssl"] }\n[workspace]\n' \
    "$VERSION" >"$work/fetch/Cargo.toml"
manifest=$(cd "$work/fetch" && "$cargo" metadata --format-version 1 |
    sed 's/"manifest_path":"/\n&/g' | sed -n "s|^\"manifest_path\":\"\([^\"]*/paho-mqtt-$VERSION/Cargo.toml\)\".*|\1|p" | head -n 1)
test -n "$manifest" || { echo "rust-crate.sh: no paho-mqtt $VERSION" >&2; exit 1; }
rm -rf "$work/crate"
cp -R "$(dirname "$manifest")" "$work/crate"
chmod -R u+w "$work/crate"
# The examples want more crates than the tests do.
printf '\n[workspace]\n' >>"$work/crate/Cargo.toml"

# run KIND FLAGS: the crate finds the libraries in PAHO_MQTT_C_DIR/lib.
run() {
    kind=$1 flags=$2
    echo "paho-mqtt $VERSION on libpaho-mqtt3as, $kind"
    (cd "$work/crate" && PAHO_MQTT_C_DIR="$work/$kind" LD_LIBRARY_PATH="$work/$kind/lib" RUSTFLAGS="$flags" \
        "$cargo" test --lib --no-default-features --features ssl --target-dir "$work/target-$kind")
    (cd "$work/crate" && PAHO_MQTT_C_DIR="$work/$kind" LD_LIBRARY_PATH="$work/$kind/lib" RUSTFLAGS="$flags" \
        "$cargo" build --example sync_publish --no-default-features --features ssl --target-dir "$work/target-$kind")
}
for kind in static shared; do
    rm -rf "${work:?}/$kind"
    mkdir -p "$work/$kind/lib"
    ln -s "$here/include" "$work/$kind/include"
    # The crate looks for the archive's name before it lets the linker choose.
    ln -s "$libraries/libpaho-mqtt3as.a" "$work/$kind/lib/"
done
ln -s "$libraries/libpaho-mqtt3as.so" "$libraries/libpaho-mqtt3as.so.1" "$work/shared/lib/"
# A program that links the archive links what the archive needs.
run static "-C link-arg=-Wl,--no-as-needed -l dylib=ssl -l dylib=crypto"
run shared ""
