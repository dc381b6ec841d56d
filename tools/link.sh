#!/bin/sh
# Makes one of the libraries from an engine and a list of exports.
#   tools/link.sh shared <soname> <exports.map> <engine.a> <destination.so>
#   tools/link.sh static <member name> <exports.map> <engine.a> <destination.a>
#
# Both ways start from nothing but the exported names (--require-defined, so that a function which the engine does not
# define is an error here and not in somebody's program), take in what these need, and drop the rest: libpaho-mqtt3a has
# no trace of MQTTClient in it, although both are made from the same engine.
set -eu
kind=$1 name=$2 map=$3 engine=$4 destination=$5
: "${CC:=cc}" "${OBJCOPY:=objcopy}" "${AR:=ar}"

mkdir -p "$(dirname "$destination")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n '/global:/,/local:/s/^ *\([A-Za-z0-9_]*\);.*/\1/p' "$map" >"$work/symbols"
test -s "$work/symbols" || { echo "link.sh: no exports in $map" >&2; exit 1; }
# A response file: a hundred names on the command line would hide the message that matters.
sed 's/.*/-Wl,--require-defined=&/' "$work/symbols" >"$work/roots"

case $kind in
shared)
    # -z defs: every reference resolved here. -Bsymbolic-functions: a program may load libpaho-mqtt3a and libpaho-mqtt3c
    # together, and each keeps to its own engine's functions where their names are the same. Read-only relocations and a
    # non-executable stack, as distributions build theirs. -z nodelete: the engine's threads run this code for as long as
    # the process lives, so dlclose must not take it away from under them.
    # shellcheck disable=SC2046,SC2086 # flags and libraries are meant to be split
    "$CC" ${LDFLAGS:-} -shared -o "$work/full.so" @"$work/roots" "$engine" \
        -Wl,-soname,"$name" -Wl,--version-script="$map" -Wl,--gc-sections -Wl,-Bsymbolic-functions -Wl,--as-needed \
        -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodelete -Wl,-O1 \
        $(cat "$engine.libs")
    # The symbols for debuggers, valgrind and perf go into .debug/ beside the library, where these look for them: the
    # library that gets installed stays small, and a stack from the build tree still has names and lines.
    file=$(basename "$destination")
    debug=$(dirname "$destination")/.debug
    mkdir -p "$debug"
    "$OBJCOPY" --only-keep-debug "$work/full.so" "$debug/$file.debug"
    (cd "$debug" && "$OBJCOPY" --strip-unneeded --add-gnu-debuglink="$file.debug" "$work/full.so")
    mv "$work/full.so" "$destination"
    ;;
static)
    # One relocatable object, in which only the API's names are global: a program that links this archive together with
    # another Rust library, or with another one of these, sees no second copy of Rust's own symbols.
    # --force-group-allocation: a section group left open would be merged with its namesake of another archive, whose
    # symbols are local by then.
    "$CC" -r -nostdlib -o "$work/$name" @"$work/roots" "$engine" -Wl,--gc-sections -Wl,--force-group-allocation
    # Functions that Rust's standard library calls only where the C library has them. Where one linker makes the object and
    # another the program, a reference that was weak can have become a strong one, which an older C library does not satisfy.
    # readelf, as nm takes bitcode for the object.
    readelf -sW "$engine" | awk '$7 == "UND" { if ($5 == "WEAK") weak[$8]; else strong[$8] }
        END { for (name in weak) if (!(name in strong)) print name }' >"$work/weak"
    "$OBJCOPY" --weaken-symbols="$work/weak" "$work/$name"
    # .llvmbc, .llvmcmd: bitcode that comes with Rust's standard library. Left in, nm, ar and ld take the whole object for
    # bitcode where LLVM's plugin for them is installed, and see none of its symbols.
    "$OBJCOPY" --remove-section=.llvmbc --remove-section=.llvmcmd --strip-debug \
        --keep-global-symbols="$work/symbols" "$work/$name"
    # MQTTProperties_* and the other helpers are in both APIs' libraries. Weak, they do not collide in a program that
    # links one of each; either copy will do, they share no state. Of MQTTOxide_setOption and its like the first archive's
    # copy is taken, which knows the clients of that archive.
    # objcopy fails for an empty list, which libpaho-oxide's is: its names are in no other archive.
    case $name in
    libpaho-oxide*) own='^MQTTOxide_' ;;
    *) own='^MQTTAsync_\|^MQTTClient_' ;;
    esac
    if grep -v "$own" "$work/symbols" >"$work/helpers"; then
        "$OBJCOPY" --weaken-symbols="$work/helpers" "$work/$name"
    fi
    rm -f "$work/lib.a"
    "$AR" rcsD "$work/lib.a" "$work/$name"
    mv "$work/lib.a" "$destination"
    ;;
*)
    echo "link.sh: shared or static, not $kind" >&2
    exit 2
    ;;
esac
