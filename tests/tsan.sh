#!/bin/sh
# Runs C programs on a library built with ThreadSanitizer (tools/tsan.sh), against a mosquitto of its own.
#   tests/tsan.sh <directory with engine.a>
# Any report is a failure; the reports are in <directory>/*.report.
set -eu
directory=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
command -v clang >/dev/null || { echo "tsan.sh: no clang (apt-get install clang)" >&2; exit 1; }
mosquitto=$(PATH=$PATH:/usr/sbin command -v mosquitto) || { echo "tsan.sh: no mosquitto (apt-get install mosquitto)" >&2; exit 1; }
# Rust's own: clang's may be older than the code that the compiler makes.
runtime=$(rustc +nightly --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/lib/librustc-nightly_rt.tsan.a

"${CC:-cc}" -o "$directory/free_ports" "$root/tests/free_ports.c"
port=$("$directory/free_ports" 1)
printf 'listener %s 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 0\nmax_queued_messages 0\n' "$port" \
    >"$directory/mosquitto.conf"
"$mosquitto" -c "$directory/mosquitto.conf" >"$directory/mosquitto.log" 2>&1 &
broker=$!
trap 'kill $broker' EXIT
uri=tcp://127.0.0.1:$port

failed=0
# program arguments...
watch() {
    name=$(basename "$1" .c)
    source=$1
    shift
    clang -fsanitize=thread -g -O1 -I"$root/include" -Wno-everything -c "$root/tests/c/$source" -o "$directory/$name.o"
    clang -o "$directory/$name" "$directory/$name.o" -rdynamic "$directory/engine.a" \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -lssl -lcrypto -lpthread -ldl -lm -lrt
    rm -f "$directory/$name.report"*
    echo "$name $*"
    (cd "$directory" && TSAN_OPTIONS="log_path=$directory/$name.report exitcode=66 suppressions=$root/tests/tsan.supp" \
        timeout 600 "$directory/$name" "$uri" "$@" >"$directory/$name.log" 2>&1) || {
        echo "$name ended with $?" >&2
        tail -n 5 "$directory/$name.log" >&2
        failed=1
    }
    for report in "$directory/$name.report"*; do
        test -e "$report" || continue
        grep -h SUMMARY "$report" | sort | uniq -c >&2
        failed=1
    done
}

watch hostile/process.c signals 3
watch hostile/process.c sigpipe 10
watch stress/churn_async.c 100 4
watch stress/churn_client.c 100 4 callbacks
watch stress/churn_client.c 100 4 blocking
watch stress/destroy_async.c 3
watch stress/destroy_client.c 3
watch stress/for_paho.c 100
watch hostile/oxide.c 50
watch hostile/oxide_threads.c 5
watch ../../c-examples/oxide_gateway.c 100 oxide/tsan
exit $failed
