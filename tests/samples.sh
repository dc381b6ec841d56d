#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Runs the samples against mosquitto.
#
# Usage: tests/samples.sh DIRECTORY [GROUP...]
#
# DIRECTORY holds the built samples. The groups are: simple tools options errors reconnect tls ws proxy oxide;
# without any, all are run. Needs mosquitto, a C compiler, openssl for the group tls, and python3 for the group oxide. Prints
# "N passed, N failed" and exits with 1 if anything failed.
#
# Nothing here sleeps: a subscriber is ready when the broker's log names its subscription, a message
# has come when it is in the subscriber's output. Every wait ends after $LIMIT seconds as a failure.

set -u
# Messages may be any bytes; in a UTF-8 locale `read` takes a stray one for the beginning of a character and goes on past
# the end of the line.
export LC_ALL=C

LIMIT=120
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "${1:?directory of the built samples}" && pwd) || exit 2
shift
groups=" ${*:-simple tools options errors reconnect tls ws proxy oxide} "

work=$(mktemp -d)
passed=0
failed=0
number=0
pids=()

stop_all() {
    local pid
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap stop_all EXIT

# shellcheck source=tests/samples_kit.sh
. "$here/samples_kit.sh"

mosquitto=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto) ||
    missing mosquitto "apt install mosquitto"

"${CC:-cc}" -o "$work/free_ports" "$here/free_ports.c" || missing "a C compiler" "apt install gcc"
mapfile -t ports < <("$work/free_ports" 11)
plain=${ports[0]} auth=${ports[1]} tls=${ports[2]} tls_other=${ports[3]} tls_client=${ports[4]}
psk=${ports[5]} ws=${ports[6]} wss=${ports[7]} proxy=${ports[8]} again=${ports[9]} nobody=${ports[10]}

log=$work/main.log
cat >"$work/main.conf" <<CONF
user $(id -un)
per_listener_settings true
log_type all
log_dest stderr
listener $plain 127.0.0.1
allow_anonymous true
listener $auth 127.0.0.1
allow_anonymous false
password_file $work/passwords
acl_file $work/acl
CONF
printf 'ann:secret\n' >"$work/passwords"
mosquitto_passwd -U "$work/passwords" || exit 2
printf 'user ann\ntopic readwrite #\ntopic deny forbidden\n' >"$work/acl"
if [[ $groups == *\ tls\ * || $groups == *\ ws\ * ]]; then
    command -v openssl >/dev/null || missing openssl "apt install openssl"
    # shellcheck source=tests/samples_certs.sh
    . "$here/samples_certs.sh"
    make_certificates "$work/pki" || exit 2
    cat >>"$work/main.conf" <<CONF
listener $tls 127.0.0.1
allow_anonymous true
certfile $work/pki/server.pem
keyfile $work/pki/server.key
listener $tls_other 127.0.0.1
allow_anonymous true
certfile $work/pki/other.pem
keyfile $work/pki/other.key
listener $tls_client 127.0.0.1
allow_anonymous true
cafile $work/pki/ca.pem
certfile $work/pki/server.pem
keyfile $work/pki/server.key
require_certificate true
use_identity_as_username true
listener $psk 127.0.0.1
allow_anonymous true
psk_hint hint
psk_file $work/psk
use_identity_as_username true
tls_version tlsv1.2
CONF
    printf 'device:00ff1a2b3c4d5e6f\n' >"$work/psk"
fi
if [[ $groups == *\ ws\ * ]]; then
    cat >>"$work/main.conf" <<CONF
listener $ws 127.0.0.1
protocol websockets
allow_anonymous true
listener $wss 127.0.0.1
protocol websockets
allow_anonymous true
certfile $work/pki/server.pem
keyfile $work/pki/server.key
CONF
fi
start_broker main

uri=tcp://127.0.0.1:$plain

# ---------------------------------------------------------------------------------------------------

test_simple() {
    local sub pub message='     topic: MQTT Examples\n   message: Hello World!'

    for sub in MQTTClient_subscribe MQTTAsync_subscribe; do
        for pub in MQTTClient_publish MQTTClient_publish_async MQTTAsync_publish; do
            next "$sub"
            start "$sub" "$uri"
            check "$id" wait_for "$work/$id.out" 'Press Q'
            check "$id" run "$pub" "$uri"
            check "$id" grep -Eq 'delivered|delivery confirmed' "$work/$id.pub"
            check "$id" wait_for "$work/$id.out" '^   message: Hello World!$'
            # stdin has ended, which alone must not end the subscriber; the signal does.
            check "$id" stop $([ "$pub" = MQTTAsync_publish ] && echo INT || echo TERM)
            check "$id" grep -Pzoq "Message arrived\n$message\n" "$work/$id.out"
        done

        next "$sub-quit"
        mkfifo "$work/$id.in"
        "$bin/$sub" "$uri" <"$work/$id.in" >>"$work/$id.out" 2>>"$work/$id.err" &
        pid=$!
        pids+=("$pid")
        exec {keys}>"$work/$id.in"
        check "$id" wait_for "$work/$id.out" 'Press Q'
        printf 'no\nQ\n' >&"$keys"
        check "$id" wait "$pid"
        exec {keys}>&-
    done

    next time
    start MQTTAsync_publish_time "$uri"
    local time_pid=$pid time_id=$id
    next time-sub
    start paho_c_sub data/time -c "$uri" -i "$id"
    check "$id" wait_for "$work/$id.out" '^[0-9]{13}$' 3
    check "$id" stop INT
    id=$time_id pid=$time_pid
    check "$id" stop INT

    # Calls with their return codes unless only packets are asked for.
    for level in '' MINIMUM PROTOCOL; do
        next "trace-$level"
        export MQTT_C_CLIENT_TRACE=ON MQTT_C_CLIENT_TRACE_LEVEL=$level
        check "$id" run MQTTClient_publish "$uri"
        unset MQTT_C_CLIENT_TRACE MQTT_C_CLIENT_TRACE_LEVEL
        check "$id" grep -Eq ' <- PUBACK msgid: 1$' "$work/$id.pub"
        calls=0
        [ "$level" = PROTOCOL ] || calls=2
        check "$id" test $calls -eq \
            "$(grep -Ec '^[0-9]{8} [0-9]{6}\.[0-9]{3} \([0-9]+\) \(0\)[<>] MQTTClient_connect:[0-9]+( \(0\))?$' "$work/$id.pub")"
    done

    next version
    check "$id" run MQTTVersion
    check "$id" grep -q '^Version: ' "$work/$id.pub"
    check "$id" fails 'no-such-library' MQTTVersion no-such-library
}

# Lines of stdin, each a message, the last one without its newline.
test_tools() {
    local sub pub version qos

    for version in 31 311 5; do
        for qos in 0 1 2; do
            for sub in paho_c_sub paho_cs_sub; do
                for pub in paho_c_pub paho_cs_pub; do
                    next "$pub-$sub-v$version-q$qos"
                    check "$id" start_sub "$sub" -c "$uri" -q $qos -V $version
                    check "$id" run "$pub" -t "$id" -h 127.0.0.1 -p "$plain" -q $qos -V $version \
                        < <(printf 'one\ntwo words\n\nthree')
                    check "$id" wait_for "$work/$id.out" '^three$'
                    check "$id" stop TERM
                    check "$id" output_is 'one\ntwo words\n\nthree\n'
                done
            done
        done
    done
}

test_options() {
    local sub pub version

    head -c 200000 /dev/urandom >"$work/blob"
    for pub in paho_c_pub paho_cs_pub; do
        sub=${pub/pub/sub}

        next "$pub-message"
        check "$id" start_sub "$sub" -c "$uri" --delimiter '|' -q 1
        check "$id" run "$pub" "$id" --connection "$uri" -n
        check "$id" run "$pub" "$id" --connection "$uri" --message 'hello there' --qos 1
        check "$id" run "$pub" "$id" --connection "$uri" -m 'with its own|' -q 1
        check "$id" run "$pub" "$id" --connection "$uri" -m $'end\n' -q 1
        check "$id" wait_for "$work/$id.out" 'end$'
        check "$id" stop INT
        check "$id" output_is '|hello there|with its own|end\n|'

        next "$pub-file"
        check "$id" start_sub "$sub" -c "$uri" --no-delimiter -q 1
        check "$id" run "$pub" "$id" -c "$uri" -f "$work/blob" -q 1
        check "$id" run "$pub" "$id" -c "$uri" -m $'\nend\n' -q 1
        check "$id" wait_for "$work/$id.out" '^end$'
        check "$id" stop INT
        { cat "$work/blob"; printf '\nend\n'; } >"$work/blob.end"
        check "$id" cmp -s "$work/blob.end" "$work/$id.out"

        next "$pub-stdin"
        check "$id" start_sub "$sub" -c "$uri" -q 1
        check "$id" run "$pub" "$id" -c "$uri" -q 1 --delimiter -- --maxdatalen 4 \
            < <(printf 'abcdefghij--k--end')
        check "$id" wait_for "$work/$id.out" '^end$'
        check "$id" stop INT
        check "$id" output_is 'abcd\nefgh\nij--\nk--\nend\n'

        next "$pub-retained"
        check "$id" run "$pub" "$id" -c "$uri" -q 1 -r -m kept
        check "$id" start_sub "$sub" -c "$uri"
        check "$id" wait_for "$work/$id.out" '^kept$'
        check "$id" stop INT
        next "$pub-no-retained" "$topic"
        check "$id" start_sub "$sub" -c "$uri" --no-retained
        check "$id" run "$pub" "$topic" -c "$uri" -m live
        check "$id" wait_for "$work/$id.out" '^live$'
        check "$id" stop INT
        check "$id" output_is 'live\n'

        # The holder of the will dies without a DISCONNECT.
        next "$pub-will"
        check "$id" start_sub "$sub" -c "$uri" -q 2
        local sub_pid=$pid sub_id=$id sub_topic=$topic
        next "$sub-holder"
        check "$id" start_sub "$sub" -c "$uri" --will-topic "$sub_topic" \
            --will-payload 'gone for good' --will-qos 1 --will-retain
        kill -KILL "$pid"
        wait "$pid" 2>/dev/null
        id=$sub_id pid=$sub_pid
        check "$id" wait_for "$work/$id.out" '^gone for good$'
        check "$id" stop INT
        next "$pub-late" "$sub_topic" # it is retained
        check "$id" start_sub "$sub" -c "$uri"
        check "$id" wait_for "$work/$id.out" '^gone for good$'
        check "$id" stop INT

        next "$pub-verbose"
        check "$id" start_sub "$sub" -c "$uri" -q 1 -v -V 5
        check "$id" run "$pub" "$id" -c "$uri" -q 1 -V mqttv5 -m text --message-expiry 77 \
            --user-property colour blue --user-property colour red
        check "$id" wait_for "$work/$id.out" 'key colour value red$'
        check "$id" stop INT
        check "$id" grep -Eq "^(4 )?$id"$'\ttext$' "$work/$id.out"
        check "$id" grep -q 'MESSAGE_EXPIRY_INTERVAL value 77$' "$work/$id.out"
        check "$id" grep -q 'key colour value blue$' "$work/$id.out"

        for version in 311 5; do
            next "$pub-user-v$version"
            check "$id" start_sub "$sub" -c "tcp://127.0.0.1:$auth" -u ann -P secret -V $version -k 17
            check "$id" grep -Eq "as $id \(p$((version == 5 ? 5 : 2)), c1, k17, u'ann'\)" "$log"
            check "$id" run "$pub" "$id" -c "tcp://127.0.0.1:$auth" -u ann -P secret -m in -V $version
            check "$id" wait_for "$work/$id.out" '^in$'
            check "$id" stop INT
        done

        next "$pub-trace"
        check "$id" run "$pub" "$id" -c "$uri" -m x -V 31 -i "$id" --trace protocol
        check "$id" error_has "^Trace : .*$id.* CONNECT"
        check "$id" grep -Eq "as $id \(p1, c1, k10\)" "$log"

        # A signal ends a publisher that waits for input.
        next "$pub-signal"
        mkfifo "$work/$id.in"
        "$bin/$pub" "$id" -c "$uri" -i "$id" -v <"$work/$id.in" >>"$work/$id.out" 2>>"$work/$id.err" &
        pid=$!
        pids+=("$pid")
        exec {keys}>"$work/$id.in"
        check "$id" wait_for "$work/$id.out" '^Connected$'
        check "$id" stop INT
        exec {keys}>&-
        check "$id" wait_for "$log" "(Client $id disconnected\.|Received DISCONNECT from $id)"

        next "$pub-help"
        check "$id" run "$pub" --help
        check "$id" grep -q -- '--psk-identity' "$work/$id.pub"
    done
}

test_errors() {
    local program api
    for program in paho_c_pub paho_c_sub paho_cs_pub paho_cs_sub; do
        api=$([[ $program == paho_cs* ]] && echo MQTTClient || echo MQTTAsync)
        next "$program-errors"
        check "$id" fails 'no topic' "$program"
        check "$id" fails 'unknown option --bogus' "$program" t --bogus
        check "$id" fails "between 0 and 2, not '3'" "$program" t -q 3
        check "$id" fails '--qos needs its argument' "$program" t --qos
        check "$id" fails "one of 31.311.5, not '4'" "$program" t -V 4
        check "$id" fails 'need --will-topic' "$program" t --will-payload x
        check "$id" fails 'need a TLS connection' "$program" t -c "$uri" --cafile x
        check "$id" fails 'need each other' "$program" t -c ssl://127.0.0.1:1 --psk 00
        check "$id" fails "${api}_connect.* failed: " "$program" t -h 127.0.0.1 -p "$nobody"
        check "$id" fails "${api}_createWithOptions failed: " "$program" t -c rubbish://127.0.0.1
        check "$id" fails "${api}_connect failed: not authorized" \
            "$program" t -c "tcp://127.0.0.1:$auth" -u ann -P wrong
        check "$id" fails "${api}_connect5? failed: Not authorized" \
            "$program" t -c "tcp://127.0.0.1:$auth" -u ann -P wrong -V 5
        run "$program" t -h 127.0.0.1 -p "$nobody" --quiet
        check "$id" test $? -eq 1 -a ! -s "$work/$id.puberr"
        if [[ $program == *pub ]]; then
            check "$id" fails 'exclude each other' "$program" t -m a -n
            check "$id" fails 'need -V 5' "$program" t -m a --message-expiry 3
            check "$id" fails 'cannot open' "$program" t -c "$uri" -f "$work/none"
            check "$id" fails '(MQTTAsync_send|MQTTClient_publish5) failed: Not authorized' \
                "$program" forbidden -c "tcp://127.0.0.1:$auth" -u ann -P secret -V 5 -q 1 -m x
        fi
    done
    for program in MQTTClient_publish MQTTClient_publish_async MQTTClient_subscribe \
        MQTTAsync_publish MQTTAsync_subscribe MQTTAsync_publish_time; do
        next "$program-errors"
        check "$id" fails "${program%%_*}_connect failed: " "$program" "tcp://127.0.0.1:$nobody"
        check "$id" fails "${program%%_*}_create(WithOptions)? failed: " "$program" rubbish://x
    done
}

# The broker goes away and comes back on the same port.
test_reconnect() {
    local program

    cat >"$work/again.conf" <<CONF
user $(id -un)
log_type all
log_dest stderr
listener $again 127.0.0.1
allow_anonymous true
CONF
    for program in paho_c_sub paho_cs_sub MQTTAsync_subscribe MQTTAsync_publish_time; do
        local address=tcp://127.0.0.1:$again client
        start_broker again
        next "$program-reconnect"
        case $program in
        paho_*) client=$id && start "$program" "$topic" -c "$address" -i "$id" ;;
        *_time) topic='' client=ExampleClientTimePub && start "$program" "$address" ;;
        *) topic='MQTT Examples' client=ExampleClientSub && start "$program" "$address" ;;
        esac
        check "$id" wait_for "$work/again.log" "${topic:+: }$client"
        kill -TERM "$broker_pid"
        wait "$broker_pid"
        start_broker again
        if [ -n "$topic" ]; then
            check "$id" wait_for "$work/again.log" ": $client [01] $topic\$"
            check "$id" run paho_c_pub "$topic" -c "$address" -m back
            check "$id" wait_for "$work/$id.out" 'back$'
        else
            check "$id" wait_for "$work/again.log" "Received PUBLISH from $client" 3
        fi
        kill -TERM "$pid"
        wait "$pid"
        # Samples that were on their way when the broker went may be reported as lost.
        check "$id" test $? -le $([ -n "$topic" ] && echo 0 || echo 1)
        kill -TERM "$broker_pid"
        wait "$broker_pid"
    done
}

# tls_pair NAME PUB ARGUMENTS...: a message there and back with the same connection options.
tls_pair() {
    local name=$1 pub=$2
    shift 2
    next "$pub-$name"
    check "$id" start_sub "${pub/pub/sub}" "$@"
    check "$id" run "$pub" "$id" -m "$name" "$@"
    check "$id" wait_for "$work/$id.out" "^$name\$"
    check "$id" stop INT
}

test_tls() {
    local pub address=ssl://127.0.0.1:$tls p=$work/pki connect='_connect5? failed: '

    for pub in paho_c_pub paho_cs_pub; do
        tls_pair cafile $pub -c "$address" --cafile "$p/ca.pem"
        tls_pair capath $pub -c "$address" --capath "$p/hashed" -V 5
        tls_pair insecure $pub -c "ssl://127.0.0.1:$tls_other" --cafile "$p/ca.pem" --insecure
        tls_pair client $pub -c "ssl://127.0.0.1:$tls_client" --cafile "$p/ca.pem" \
            --cert "$p/client.pem" --key "$p/client.key" --keypass opensesame
        check "$id" grep -q "as $id (.* u'some device')" "$log"
        tls_pair ciphers $pub -c "$address" --cafile "$p/ca.pem" --ciphers ECDHE-RSA-AES128-GCM-SHA256
        tls_pair psk $pub -c "ssl://127.0.0.1:$psk" --psk 00ff1A2b3c4d5e6f --psk-identity device \
            --ciphers PSK-AES128-CBC-SHA
        check "$id" grep -q "as $id (.* u'device')" "$log"

        next "$pub-tls-errors"
        check "$id" fails "$connect" $pub t -n -c "$address"
        check "$id" fails "$connect" $pub t -n -c "ssl://127.0.0.1:$tls_other" --cafile "$p/ca.pem"
        check "$id" fails "$connect" $pub t -n -c "ssl://127.0.0.1:$tls_client" --cafile "$p/ca.pem" \
            --cert "$p/client.pem" --key "$p/client.key" --keypass wrong
        check "$id" fails "$connect" $pub t -n -c "$address" --cafile "$p/ca.pem" --ciphers NO-SUCH
        check "$id" fails "$connect" $pub t -n -c "ssl://127.0.0.1:$psk" --psk 00ff \
            --psk-identity device --ciphers PSK-AES128-CBC-SHA
    done
}

test_ws() {
    local pub
    for pub in paho_c_pub paho_cs_pub; do
        tls_pair ws $pub -c "ws://127.0.0.1:$ws/mqtt"
        tls_pair wss $pub -c "wss://127.0.0.1:$wss/mqtt" --cafile "$work/pki/ca.pem" -V 5
    done
}

test_proxy() {
    local tinyproxy pub
    tinyproxy=$(PATH=$PATH:/usr/sbin command -v tinyproxy) || {
        echo "no tinyproxy: the group proxy is left out" >&2
        return
    }
    printf 'Port %s\nListen 127.0.0.1\nAllow 127.0.0.1\nLogLevel Info\nTimeout 60\n' \
        "$proxy" >"$work/proxy.conf"
    # Line by line, since the test reads along.
    stdbuf -oL "$tinyproxy" -d -c "$work/proxy.conf" >"$work/proxy.log" 2>&1 &
    pids+=($!)
    wait_for "$work/proxy.log" 'Accepting connections' || exit 2
    for pub in paho_c_pub paho_cs_pub; do
        tls_pair proxy $pub -c "$uri" --http-proxy "http://127.0.0.1:$proxy"
        check "$id" grep -q "CONNECT 127.0.0.1:$plain" "$work/proxy.log"
        next "$pub-no-proxy"
        check "$id" fails '_connect failed: ' $pub t -n -c "$uri" \
            --http-proxy "http://127.0.0.1:$nobody"
        if [[ $groups == *\ tls\ * ]]; then
            tls_pair tls-proxy $pub -c "ssl://127.0.0.1:$tls" --cafile "$work/pki/ca.pem" \
                --https-proxy "127.0.0.1:$proxy"
            check "$id" grep -q "CONNECT 127.0.0.1:$tls" "$work/proxy.log"
        fi
    done
}

# lines FILE LINE...: the file has these lines and no others.
lines() {
    local file=$1
    shift
    diff <(printf '%s\n' "$@") "$file"
}

# scram MODE PASSWORD CODE: oxide_auth with that password against a server of that kind ends with that exit code.
scram() {
    timeout $LIMIT python3 "$here/scram_server.py" "$1" "$bin/oxide_auth" device "$2" >"$work/$id.pub" 2>"$work/$id.puberr"
    [ $? -eq "$3" ]
}

# Events in batches: a loop of the program's own, bytes that the program carries, AUTH, and one queue for many clients.
test_oxide() {
    next oxide_poll
    check "$id" run oxide_poll 127.0.0.1 "$plain" oxide/poll
    check "$id" grep -q '^oxide/poll: hello$' "$work/$id.pub"
    next oxide_gateway
    check "$id" run oxide_gateway "$uri" 300 oxide/gateway
    check "$id" grep -q '^300 clients, 0 failed$' "$work/$id.pub"
    next oxide_manual_ack
    check "$id" run oxide_manual_ack "$uri" oxide/jobs
    check "$id" lines "$work/$id.pub" 'took: paint the fence' 'gave up' 'took: paint the fence' finished 'nothing left'
    check "$id" fails 'connect: ' oxide_manual_ack "tcp://127.0.0.1:$nobody" t
    next oxide_routes
    check "$id" run oxide_routes "$uri" oxide/routes
    check "$id" lines "$work/$id.pub" 'temperatures: oxide/routes/kitchen/temperature 21' \
        'kitchen: oxide/routes/kitchen/temperature 21' 'kitchen: oxide/routes/kitchen/light on' \
        'others: oxide/routes/garden/gate open'
    check "$id" fails 'connect failed' oxide_routes "tcp://127.0.0.1:$nobody" t
    next oxide_feed
    check "$id" run oxide_feed 127.0.0.1 "$plain" oxide/feed
    check "$id" grep -q '^oxide/feed: hello$' "$work/$id.pub"
    check "$id" grep -Eq '^[0-9]{2,} bytes to the server, [0-9]{2,} from it$' "$work/$id.pub"
    next oxide_auth_known
    check "$id" scram honest 'correct horse' 0
    check "$id" grep -q '^authenticated anew$' "$work/$id.pub"
    next oxide_auth_unknown
    check "$id" scram honest 'battery staple' 1
    check "$id" error_has 'reason code 0x87'
    next oxide_auth_impostor
    check "$id" scram impostor 'correct horse' 1
    check "$id" error_has 'does not know the password'
    next oxide_auth_expired
    check "$id" scram expired 'correct horse' 1
    check "$id" grep -q '^authenticated as device' "$work/$id.pub"
    check "$id" error_has 'ended the connection .reason code 0x87'
    next oxide_nobody
    check "$id" fails 'client 0: ' oxide_gateway "tcp://127.0.0.1:$nobody" 1 t
}

for group in $groups; do
    if ! declare -F "test_$group" >/dev/null; then
        echo "samples.sh: no group $group" >&2
        exit 2
    fi
    "test_$group"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
