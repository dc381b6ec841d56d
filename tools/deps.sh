#!/bin/sh
# What the targets of the Makefile need, and how to get it.
#   tools/deps.sh check  [group...]   names what is missing, with its remedy; fails when anything is
#   tools/deps.sh ensure [group...]   installs what is missing where it can (Debian, Ubuntu), then checks
# Groups: build (the default), test, bench, lint. The others contain build.
set -eu
cd "$(dirname "$0")/.."
: "${CC:=cc}" "${CARGO:=cargo}"
RUST_VERSION=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
# A program is tried, not only looked for: a compiler without its C library is as good as none.
compiles() { printf '%s\n' "$2" | "$1" -x "$3" -c -o /dev/null - 2>/dev/null; }
c_compiler() { have "$CC" && compiles "$CC" '#include <stdio.h>' c; }
cxx_compiler() { have c++ && compiles c++ '#include <string>' c++; }
openssl_headers() {
    if [ -n "${OPENSSL_DIR:-}" ]; then
        [ -e "$OPENSSL_DIR/include/openssl/ssl.h" ]
    else
        have pkg-config && pkg-config --exists 'openssl >= 1.1.1'
    fi
}
python_venv() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }
debian_file() { [ -e "$1" ]; }
rust_component() { have "$CARGO" && "$CARGO" "$1" --version >/dev/null 2>&1; }

# One line a need: group | how it is tested | Debian package | what it is, for people who have no apt.
needs() {
    cat <<'END'
build|c_compiler|gcc libc6-dev|a C compiler and the C library's headers (set CC to choose one)
build|have ld|binutils|GNU binutils: ld
build|have objcopy|binutils|GNU binutils: objcopy
build|have ar|binutils|GNU binutils: ar
build|have pkg-config|pkg-config|pkg-config, which finds OpenSSL
build|openssl_headers|libssl-dev|OpenSSL 1.1.1 or later with its headers (or OPENSSL_DIR set to where it is)
test|cxx_compiler|g++|a C++ compiler
test|have mosquitto|mosquitto|the broker mosquitto
test|have tinyproxy|tinyproxy|the HTTP proxy tinyproxy
test|have openssl|openssl|OpenSSL's command, which makes the tests' certificates
test|have cmake|cmake|CMake
test|have python3|python3|Python 3
test|python_venv|python3-venv|Python's module venv, in which the Python package is built and tested
test|have go|golang-go|Go, for the Go program of the README
test|have valgrind|valgrind|valgrind
test|have strace|strace|strace
test|have abidiff|abigail-tools|libabigail: abidiff
bench|have mosquitto|mosquitto|the broker mosquitto
bench|have valgrind|valgrind|valgrind, which counts instructions
bench|debian_file /usr/include/mosquitto.h|libmosquitto-dev|libmosquitto, to compare with
END
    # Programs and libraries as the distribution built them, to run them on ours and compare.
    if have apt-get; then
        cat <<'END'
test|debian_file /usr/include/MQTTAsync.h|libpaho-mqtt-dev|Paho C, to compare with
test|debian_file /usr/include/mqtt/async_client.h|libpaho-mqttpp-dev|Paho C++, to run on this library
bench|debian_file /usr/include/MQTTAsync.h|libpaho-mqtt-dev|Paho C, to compare with
test|have paho_c_pub|paho.mqtt.c-examples|Paho C's programs, to run on this library
test|have janus|janus|the WebRTC server Janus, to run on this library
END
    fi
}

in_groups() {
    case " $groups " in *" $1 "*) return 0 ;; esac
    return 1
}

# Prints "package|description" for every need that is not met.
missing() {
    needs | while IFS='|' read -r group test package what; do
        # shellcheck disable=SC2086 # a test is a command with its arguments
        if in_groups "$group" && ! $test; then printf '%s|%s\n' "$package" "$what"; fi
    done
}

version_at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# Rust comes from rustup or a distribution's backports, not from us: it is only checked.
check_rust() {
    if ! have "$CARGO"; then
        echo "missing: cargo, Rust's build tool. Install Rust $RUST_VERSION or later with rustup (https://rustup.rs),"
        echo "         then open a new shell, or set CARGO to where cargo is."
        return 1
    fi
    found=$("$CARGO" --version | sed 's/^cargo \([0-9.]*\).*/\1/')
    if ! version_at_least "$RUST_VERSION" "$found"; then
        echo "too old: cargo $found; Rust $RUST_VERSION or later is needed. With rustup: rustup update stable"
        return 1
    fi
    if in_groups lint; then
        for component in fmt clippy; do
            rust_component $component || {
                echo "missing: cargo $component. With rustup: rustup component add rustfmt clippy"
                return 1
            }
        done
    fi
}

check() {
    status=0
    check_rust >&2 || status=1
    list=$(missing)
    if [ -n "$list" ]; then
        status=1
        printf '%s\n' "$list" | while IFS='|' read -r package what; do
            printf 'missing: %s  [Debian, Ubuntu: %s]\n' "$what" "$package"
        done >&2
        if have apt-get; then
            echo "'make deps' installs what is missing: apt-get install $(packages "$list")" >&2
        fi
    fi
    return $status
}

packages() { printf '%s\n' "$1" | cut -d'|' -f1 | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/ $//'; }

install_packages() {
    list=$(missing)
    [ -n "$list" ] || return 0
    have apt-get || return 0 # check names what to install
    root=
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || { echo "deps: neither root nor sudo here: as root, apt-get install $(packages "$list")" >&2; return 1; }
        root=sudo
    fi
    echo "deps: installing $(packages "$list")"
    export DEBIAN_FRONTEND=noninteractive
    $root apt-get update -q
    # shellcheck disable=SC2046 # one word a package
    $root apt-get install -q -y --no-install-recommends $(packages "$list")
}

# What rustup can add by itself.
install_components() {
    in_groups lint && have rustup || return 0
    { rust_component fmt && rust_component clippy; } || rustup component add rustfmt clippy
}

action=${1:-check}
[ $# -eq 0 ] || shift
groups="build $*"
case $action in
check) check ;;
ensure)
    install_packages
    install_components
    check
    ;;
*)
    echo "deps.sh: check or ensure, not $action" >&2
    exit 2
    ;;
esac
