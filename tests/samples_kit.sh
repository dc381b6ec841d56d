# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What the groups of samples.sh have in common: programs that are started, waited for and stopped, and what is expected of them.
# Sourced by it, which sets bin, work, LIMIT, mosquitto and the counters.

missing() {
    echo "samples.sh: $1 is not installed ($2)" >&2
    exit 2
}

# check NAME COMMAND...: counts and reports whether the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name" >&2
        local file
        for file in "$work/$name".{out,err}; do
            if [ -s "$file" ]; then
                echo "  ${file##*.}: $(head -c 600 "$file" | tr -c '[:print:]\n' '?')" >&2
            fi
        done
    fi
}

# wait_for FILE REGEX [COUNT]: until COUNT lines (1) of a file that may still grow match.
wait_for() {
    local file=$1 regex=$2 left=${3:-1} line fd tail_pid result=1
    # Bytes, not characters: a binary payload that ends in the first byte of a character would swallow the newline.
    local LC_ALL=C
    # The program that writes it may not have made it yet, and tail would end at once.
    : >>"$file"
    exec {fd}< <(exec timeout $LIMIT tail -n +1 -f "$file" 2>/dev/null)
    tail_pid=$!
    while IFS= read -r -u "$fd" line; do
        if [[ $line =~ $regex ]] && [ $((left -= 1)) -eq 0 ]; then
            result=0
            break
        fi
    done
    kill "$tail_pid" 2>/dev/null
    exec {fd}<&-
    [ $result -eq 0 ] || echo "  no line like '$regex' in ${file##*/}" >&2
    return $result
}

# A name for the next program's files and client id, used once, and for its topic unless given.
next() {
    number=$((number + 1))
    id=$1-$number
    topic=${2:-$id}
    : >"$work/$id.out"
    : >"$work/$id.err"
}

# start PROGRAM ARGUMENTS...: in the background, output in $work/$id.out and .err; sets pid.
start() {
    local program=$1
    shift
    "$bin/$program" "$@" >>"$work/$id.out" 2>>"$work/$id.err" </dev/null &
    pid=$!
    pids+=("$pid")
}

# start_sub PROGRAM ARGUMENTS...: a paho_*_sub as client $id on topic $topic, ready for messages.
start_sub() {
    local program=$1
    shift
    start "$program" -t "$topic" -i "$id" "$@"
    wait_for "$log" ": $id [012] $topic\$"
}

# stop SIGNAL: 0 if the started program then ends with exit code 0.
stop() {
    kill "-$1" "$pid"
    wait "$pid"
}

# run PROGRAM ARGUMENTS...: to its end, output in $work/$id.pub and .puberr; its exit code.
run() {
    local program=$1
    shift
    timeout $LIMIT "$bin/$program" "$@" >"$work/$id.pub" 2>"$work/$id.puberr"
}

# output_is TEXT: what the started program has printed.
output_is() {
    printf '%b' "$1" | cmp -s - "$work/$id.out" && return
    echo "  expected: $1" >&2
    return 1
}

error_has() {
    grep -Eq -- "$1" "$work/$id.puberr" && return
    echo "  expected on stderr: $1; is: $(cat "$work/$id.puberr")" >&2
    return 1
}

# fails REGEX PROGRAM ARGUMENTS...: exit code 1 and an error message like REGEX.
fails() {
    local regex=$1
    shift
    run "$@"
    [ $? -eq 1 ] && error_has "$regex"
}

# start_broker NAME: with the configuration $work/NAME.conf; log in $work/NAME.log; sets broker_pid.
start_broker() {
    : >"$work/$1.log"
    "$mosquitto" -c "$work/$1.conf" >>"$work/$1.log" 2>&1 &
    broker_pid=$!
    pids+=("$broker_pid")
    wait_for "$work/$1.log" 'mosquitto version .* running' || {
        cat "$work/$1.log" >&2
        exit 2
    }
}
