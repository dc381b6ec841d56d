#!/bin/sh
# Counts the instructions that one message costs the whole process, benchmark program included, in both APIs.
#   tools/instructions.sh <benchmark programs> <libraries> [<libraries to compare with>]
#
# Each scenario runs under valgrind with a smaller and a larger number of messages; the difference is the messages' own, without
# what starting and connecting cost. Valgrind runs one thread at a time, so that the machine's load does not matter. What threads
# have to do with each other, and how the allocator's blocks come to lie, varies all the same, and only adds: the least of RUNS
# runs counts. Fails if a message costs more than LIMIT times what it costs with the other libraries. ROWS, a part of the rows'
# names, chooses some of them.
set -eu
programs=$1 libraries=$2 base=${3:-}
: "${RUNS:=3}" "${LIMIT:=1.03}"
few=4000 many=24000

work=$(mktemp -d)
mkfifo "$work/input"
"$programs/sink" "$work/ca.pem" <"$work/input" >"$work/ports" &
sink=$!
exec 3>"$work/input"
# The sink ends with its input.
trap 'exec 3>&-; wait $sink; rm -rf "$work"' EXIT
until grep -q '^wss=' "$work/ports"; do
    kill -0 $sink
    sleep 0.1
done
port=$(sed -n 's/^tcp=//p' "$work/ports")

# count <libraries> <messages> <program> <scenario and options>...: the instructions of one run.
count() {
    directory=$1 messages=$2 program=$3
    shift 3
    LD_LIBRARY_PATH=$directory valgrind --tool=callgrind --fair-sched=yes --callgrind-out-file=/dev/null \
        "$programs/$program" "$@" "n=$messages" "uri=tcp://127.0.0.1:$port" >"$work/output" 2>"$work/log" || {
        cat "$work/output" "$work/log" >&2
        return 1
    }
    sed -n 's/.*Collected : //p' "$work/log"
}

# least <libraries> <messages> <program> <scenario and options>...: the least instructions of several runs.
least() {
    run=0
    : >"$work/runs"
    while [ $run -lt "$RUNS" ]; do
        count "$@" >>"$work/runs"
        run=$((run + 1))
    done
    sort -n "$work/runs" | head -n 1
}

# each <libraries> <program> <scenario and options>...: instructions a message.
each() {
    of=$1
    shift
    less=$(least "$of" $few "$@")
    more=$(least "$of" $many "$@")
    echo $(((more - less) / (many - few)))
}

printf '%-28s %10s' 'instructions a message' 'now'
[ -z "$base" ] || printf ' %10s %7s' 'base' 'ratio'
echo
# Limited as programs limit themselves, and as brokers do: without, it is chance how much piles up.
while IFS='|' read -r title scenario; do
    case $title in *"${ROWS:-}"*) ;; *) continue ;; esac
    # shellcheck disable=SC2086 # a program and its options
    now=$(each "$libraries" $scenario)
    printf '%-28s %10d' "$title" "$now"
    if [ -n "$base" ]; then
        # shellcheck disable=SC2086
        before=$(each "$base" $scenario)
        printf ' %10d %7.3f' "$before" "$(echo "$now $before" | awk '{ print $1 / $2 }')"
        if echo "$now $before $LIMIT" | awk '{ exit $1 <= $2 * $3 }'; then
            printf '  more than %s' "$LIMIT"
            touch "$work/above"
        fi
    fi
    echo
done <<'END'
async, publish QoS 0|async publish qos=0
async, publish QoS 1|async publish qos=1 window=100 inflight=1000
async, publish QoS 2|async publish qos=2 window=100 inflight=1000
async, receive QoS 0|async receive qos=0
async, receive QoS 1|async receive qos=1 window=100
async, receive QoS 2|async receive qos=2 window=100
blocking, publish QoS 0|client publish qos=0
blocking, publish QoS 1|client publish qos=1
blocking, publish QoS 2|client publish qos=2
blocking, receive QoS 0|client receive qos=0
blocking, receive QoS 1|client receive qos=1 window=100
blocking, receive QoS 2|client receive qos=2 window=100
blocking, callbacks QoS 1|client callbacks qos=1 window=100
END
[ ! -e "$work/above" ]
