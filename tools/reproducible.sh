#!/bin/sh
# Builds a library again, in another directory, and compares: tools/reproducible.sh <directory of the first> [make arguments]
# The tree as it is, committed or not; without what git does not know of.
set -eu
first=$(cd "$1" && pwd)
shift
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar --create --null --files-from=- | tar --extract --directory="$copy"
# Nothing of the first build's surroundings.
unset CARGO_TARGET_DIR MAKEFLAGS MFLAGS PAHO_OXIDE_OUTPUT
for file in libpaho-mqtt3a.a "$(basename "$(readlink -f "$first/libpaho-mqtt3a.so")")"; do
    "${MAKE:-make}" -C "$copy" --no-print-directory "$@" "build/output/$file"
    cmp "$first/$file" "$copy/build/output/$file"
    echo "$file: the same bytes"
done
