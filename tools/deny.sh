#!/bin/sh
# What we depend on: licences, sources, duplicates (deny.toml), and with `advisories` known vulnerabilities.
#   tools/deny.sh [advisories]
# Needs cargo-deny. Without it, or without the database of advisories, it says so and does not fail.
set -eu
: "${CARGO:=cargo}"
"$CARGO" deny --version >/dev/null 2>&1 || {
    echo 'deny.sh: NOT CHECKED: dependencies. No cargo-deny (cargo install --locked cargo-deny)' >&2
    exit 0
}
deny() { "$CARGO" deny --config deny.toml --locked "$@"; }

# Each of the graphs has but a part of what deny.toml lists.
deny --workspace check --hide-inclusion-graph -A duplicate -A license-not-encountered -A license-exception-not-encountered \
    licenses sources bans
# The libraries by themselves: nothing twice.
deny --exclude-dev check -D duplicate -A license-not-encountered -A license-exception-not-encountered bans
for other in fuzz models; do
    deny --manifest-path $other/Cargo.toml check --hide-inclusion-graph -A duplicate -A license-not-encountered \
        -A license-exception-not-encountered -A unnecessary-skip -A unmatched-skip licenses sources bans
done

[ "${1:-}" = advisories ] || exit 0
said=$(deny --workspace check advisories 2>&1) && status=0 || status=$?
printf '%s\n' "$said"
case $said in
*'failed to fetch advisory database'*)
    echo 'deny.sh: NOT CHECKED: advisories. Their database could not be fetched' >&2
    exit 0
    ;;
esac
exit "$status"
