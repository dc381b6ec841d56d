"""What users of other clients suffer from, each situation as a test."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any

import pytest

from conftest import Broker, Serve, delivered, publish_packet, read_packet, reserve, wait_until
from paho_oxide._transport import default_proxy
from paho_oxide.client import CallbackAPIVersion, Client, MQTTErrorCode, MQTTMessageInfo
from paho_oxide.packettypes import PacketTypes
from paho_oxide.properties import Properties

ACCEPTED = b"\x20\x02\0\0"


def make(**arguments: Any) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, **arguments)
    client.reconnect_delay_set(1, 1)
    return client


def answer(connection: socket.socket, first: int, body: bytes) -> None:
    """Accepts everything, as a server of MQTT 3.1.1 does."""
    if first == 0x10:
        connection.sendall(ACCEPTED)
    elif first & 0xF0 == 0x30 and first & 6:
        size = int.from_bytes(body[:2], "big")
        connection.sendall((b"\x40\x02" if first & 6 == 2 else b"\x50\x02") + body[2 + size : 4 + size])
    elif first == 0x62:
        connection.sendall(b"\x70\x02" + body)
    elif first == 0x82:
        filters, at = 0, 2
        while at < len(body):
            at += 3 + int.from_bytes(body[at : at + 2], "big")
            filters += 1
        connection.sendall(bytes([0x90, 2 + filters]) + body[:2] + bytes(filters))
    elif first == 0xC0:
        connection.sendall(b"\xd0\0")


@pytest.mark.parametrize("qos", [1, 2])
def test_wait_for_publish_ends_after_the_server_was_away(own_broker: Broker, qos: int) -> None:
    client = make()
    published: list[int] = []
    lost = threading.Event()
    client.on_publish = lambda c, u, mid, *a: published.append(mid)
    client.on_disconnect = lambda *a: lost.set()
    client.connect("127.0.0.1", own_broker.tcp)
    client.loop_start()
    delivered(client.publish("t", "first", qos))
    own_broker.stop()
    assert lost.wait(120)
    info = client.publish("t", "while it is away", qos)
    assert info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN
    with pytest.raises(RuntimeError, match="not currently connected"):
        info.wait_for_publish(120)
    own_broker.start()
    wait_until(lambda: info.mid in published)
    delivered(info)
    client.disconnect()
    client.loop_stop()


def test_wait_for_publish_at_qos_0_over_a_lost_connection(serve: Serve) -> None:
    waiting = threading.Event()

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(ACCEPTED)
        # Reads nothing more: what is published next cannot be written whole.
        assert waiting.wait(120)

    client = make(reconnect_on_failure=False)
    client.connect("127.0.0.1", serve(script).port)
    while not client.is_connected():
        client.loop(1.0)
    # Without a thread, so that publish() does not wait for room.
    info = client.publish("t", b"x" * (64 << 20), 0)
    client.loop_start()
    threading.Timer(0.2, waiting.set).start()
    with pytest.raises(RuntimeError, match="connection was lost"):
        info.wait_for_publish(120)
    assert waiting.is_set()
    client.loop_stop()


def test_publish_that_waits_for_room_goes_on_when_the_connection_is_lost(serve: Serve) -> None:
    begun = threading.Event()

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(ACCEPTED)
        # The connection is lost when publish() has written what goes in.
        assert connection.recv(1, socket.MSG_PEEK)
        wait_until(client.want_write)
        begun.set()

    client = make(reconnect_on_failure=False)
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    wait_until(client.is_connected)
    info = client.publish("t", b"x" * (64 << 20), 0)
    assert begun.is_set(), "publish() did not wait for room"
    with pytest.raises(RuntimeError, match="connection was lost"):
        info.wait_for_publish(120)
    client.loop_stop()


def test_loop_start_before_connect(broker: Broker) -> None:
    client = make()
    client.loop_start()
    client.connect("127.0.0.1", broker.tcp)
    info = client.publish("t", "x", 1)
    delivered(info)
    client.disconnect()
    client.loop_stop()


def test_publish_in_every_callback(broker: Broker) -> None:
    client = make()
    published: list[MQTTMessageInfo] = []
    done = threading.Event()

    def publish(name: str) -> None:
        published.append(client.publish("from/" + name, "x", 1))

    def on_connect(*_: Any) -> None:
        client.subscribe("from/+", 1)
        publish("on_connect")

    client.on_connect = on_connect
    client.on_subscribe = lambda *a: publish("on_subscribe")
    client.on_publish = lambda *a: publish("on_publish") if len(published) < 4 else done.set()
    client.on_message = lambda *a: publish("on_message") if len(published) < 4 else None
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()
    assert done.wait(120)
    for info in published:
        delivered(info)
    client.disconnect()
    client.loop_stop()


def test_a_lock_of_the_programs_in_callback_and_around_publish(broker: Broker) -> None:
    lock, count, done = threading.Lock(), [0], threading.Event()
    client = make()

    def on_publish(*_: Any) -> None:
        with lock:
            count[0] += 1
            if count[0] == 2000:
                done.set()

    client.on_publish = on_publish
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()
    for _ in range(2000):
        with lock:
            client.publish("t", "x" * 100, 1)
    assert done.wait(120)
    client.disconnect()
    client.loop_stop()


def test_loop_stop_right_after_loop_start(broker: Broker) -> None:
    for _ in range(50):
        client = make()
        client.connect("127.0.0.1", broker.tcp)
        client.loop_start()
        info = client.publish("t", "x", 0)
        assert client.loop_stop() == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert info.rc == 0
        client.disconnect()


def test_loop_stop_without_a_connection_returns_at_once() -> None:
    spent = 0.0
    with reserve() as nobody:
        for _ in range(10):
            client = make()
            client.connect_async(*nobody.getsockname())
            failed = threading.Event()
            client.on_connect_fail = lambda *a: failed.set()  # noqa: B023
            client.reconnect_delay_set(100, 100)
            client.loop_start()
            assert failed.wait(120)
            began = time.monotonic()
            client.loop_stop()
            spent += time.monotonic() - began
    # The thread looks up once a second by itself.
    assert spent < 6


def test_reconnects_come_ever_more_seldom_until_the_server_accepts(serve: Serve) -> None:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(ACCEPTED)
        read_packet(connection)

    client = Client(CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(2, 9)
    client._thread_terminate = True  # so that no time passes
    delays = []
    for _ in range(4):
        client._reconnect_wait()
        delays.append(client._reconnect_delay)
    assert delays == [2, 4, 8, 9]
    client.connect("127.0.0.1", serve(script).port)
    while not client.is_connected():
        client.loop(1.0)
    client._thread_terminate = True
    client._reconnect_wait()
    assert client._reconnect_delay == 2
    client.disconnect()


def test_loop_stop_of_an_idle_client_returns_at_once(broker: Broker) -> None:
    spent = 0.0
    for _ in range(10):
        client = make()
        client.connect("127.0.0.1", broker.tcp)
        client.loop_start()
        wait_until(client.is_connected)
        began = time.monotonic()
        client.loop_stop()
        spent += time.monotonic() - began
        client.disconnect()
    # As above.
    assert spent < 6


def test_what_was_published_before_loop_stop_is_sent(serve: Serve) -> None:
    got: list[bytes] = []

    def script(connection: socket.socket) -> None:
        try:
            while True:
                first, body = read_packet(connection)
                answer(connection, first, body)
                if first & 0xF0 == 0x30:
                    got.append(body)
        except ConnectionError:
            pass

    client = make()
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    for number in range(500):
        client.publish("t", str(number), 1)
    client.loop_stop()
    assert len(got) == 500
    client.disconnect()


def test_an_exception_in_a_callback_is_logged_and_ends_the_thread(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    hooked: list[Any] = []
    ended = threading.Event()

    def hook(arguments: Any) -> None:
        hooked.append(arguments.exc_value)
        ended.set()

    before, threading.excepthook = threading.excepthook, hook
    try:
        client = make()
        client.enable_logger(logging.getLogger("pains"))
        client.on_connect = lambda *a: 1 / 0
        client.connect("127.0.0.1", broker.tcp)
        with caplog.at_level(logging.ERROR, "pains"):
            client.loop_start()
            assert ended.wait(120)
        assert isinstance(hooked[0], ZeroDivisionError)
        assert "Caught exception in on_connect: division by zero" in caplog.text
        # The end is visible, and another thread can be started.
        wait_until(lambda: client.loop_stop() == MQTTErrorCode.MQTT_ERR_INVAL)
        client.on_connect = None
        assert client.loop_start() == MQTTErrorCode.MQTT_ERR_SUCCESS
        delivered(client.publish("t", "x", 1))
        client.disconnect()
        client.loop_stop()
    finally:
        threading.excepthook = before


def test_suppress_exceptions(broker: Broker) -> None:
    client = make()
    client.suppress_exceptions = True
    client.on_connect = lambda *a: 1 / 0
    client.on_publish = lambda *a: 1 / 0
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()
    delivered(client.publish("t", "x", 1))
    delivered(client.publish("t", "y", 1))
    client.disconnect()
    client.loop_stop()


def test_a_message_whose_callback_failed_is_not_acknowledged(serve: Serve) -> None:
    acknowledged: list[int] = []
    connections: list[int] = []

    def script(connection: socket.socket) -> None:
        connections.append(1)
        try:
            while True:
                first, body = read_packet(connection)
                answer(connection, first, body)
                if first == 0x10 and len(connections) == 1:
                    connection.sendall(publish_packet(b"t", b"1", 1, 1) + publish_packet(b"t", b"2", 2, 1))
                    connection.sendall(publish_packet(b"t", b"3", 3, 1))
                elif first == 0x40:
                    acknowledged.append(int.from_bytes(body, "big"))
        except ConnectionError:
            pass

    got: list[bytes] = []

    def on_message(_client: Any, _userdata: Any, message: Any) -> None:
        got.append(message.payload)
        if message.payload == b"2":
            raise KeyError("no")

    client = make()
    client.on_message = on_message
    client.connect("127.0.0.1", serve(script).port)
    with pytest.raises(KeyError):
        client.loop_forever()
    while got != [b"1", b"2", b"3"]:
        client.loop(0.1)
    client.disconnect()
    wait_until(lambda: acknowledged == [1, 3])


def test_answers_from_on_message_have_no_nagle_delay_and_keep_their_order(serve: Serve) -> None:
    rounds = 100
    times: list[float] = []
    order: list[bytes] = []

    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_packet(connection)
        connection.sendall(ACCEPTED)
        for number in range(rounds):
            began = time.monotonic()
            connection.sendall(publish_packet(b"ping", str(number).encode(), number + 1, 1))
            answers = [read_packet(connection) for _ in range(3)]
            times.append(time.monotonic() - began)
            order.extend(body for first, body in answers if first & 0xF0 == 0x30)
            assert sorted(first & 0xF0 for first, _ in answers) == [0x30, 0x30, 0x40]

    client = make()
    client.on_message = lambda c, u, m: [c.publish(topic, m.payload) for topic in ("pong/1", "pong/2")]
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    wait_until(lambda: len(times) == rounds)
    assert order == [b"\0\6pong/%d%d" % (half, number) for number in range(rounds) for half in (1, 2)]
    # Nagle's delay is 40 ms each time; a busy machine is late, too, but not each time.
    assert sorted(times)[rounds // 5] < 0.03
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledgement_follows_the_callback(serve: Serve, qos: int) -> None:
    callback_done = threading.Event()
    outcome: list[bool] = []

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(ACCEPTED + publish_packet(b"t", b"x", 7, qos))
        if qos == 2:
            assert read_packet(connection) == (0x50, b"\0\7")
            connection.sendall(b"\x62\x02\0\7")
        assert read_packet(connection) == (0x40 if qos == 1 else 0x70, b"\0\7")
        outcome.append(callback_done.is_set())

    def on_message(*_: Any) -> None:
        time.sleep(0.2)
        callback_done.set()

    client = make()
    client.on_message = on_message
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    wait_until(lambda: outcome)
    assert outcome == [True]
    client.disconnect()
    client.loop_stop()


def test_manual_ack(serve: Serve) -> None:
    acknowledged: list[int] = []

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(ACCEPTED + publish_packet(b"t", b"1", 1, 1) + publish_packet(b"t", b"2", 2, 1))
        for _ in range(2):
            first, body = read_packet(connection)
            assert first == 0x40
            acknowledged.append(int.from_bytes(body, "big"))

    got: list[Any] = []
    client = make(manual_ack=True)
    client.on_message = lambda c, u, m: got.append(m)
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    wait_until(lambda: len(got) == 2)
    assert acknowledged == []
    client.ack(got[1].mid, 1)
    wait_until(lambda: acknowledged == [2])
    client.ack(got[0].mid, 1)
    wait_until(lambda: acknowledged == [2, 1])
    client.disconnect()
    client.loop_stop()


def test_after_loop_stop_publish_writes_by_itself_again(serve: Serve) -> None:
    got: list[bytes] = []
    ended = threading.Event()

    def script(connection: socket.socket) -> None:
        try:
            while len(got) < 100:
                first, body = read_packet(connection)
                answer(connection, first, body)
                if first & 0xF0 == 0x30:
                    got.append(body)
            assert ended.wait(120)
        except ConnectionError:
            pass

    client = make()
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    wait_until(client.is_connected)
    client.loop_stop()
    # So close to each other that a thread of loop_start would be left to write them.
    for number in range(100):
        client.publish("t", str(number), 0)
    wait_until(lambda: len(got) == 100)
    ended.set()
    client.disconnect()


@pytest.mark.parametrize("version", [4, 5])
def test_a_qos_that_is_none_is_refused_by_subscribe(version: Any) -> None:
    client = make(protocol=version)
    for qos in -1, 3, 4:
        for topic in ("a", [("a", qos)], [("b", 0), ("a", qos)]):
            with pytest.raises(ValueError, match="Invalid QoS level"):
                client.subscribe(topic, qos)


def test_what_only_mqtt_5_has_is_refused_below_it() -> None:
    client = make()
    with pytest.raises(ValueError, match="Properties only apply to MQTT V5"):
        client.connect_async("localhost", properties=Properties(PacketTypes.CONNECT))
    with pytest.raises(ValueError, match="Clean start only applies to MQTT V5"):
        client.connect_async("localhost", clean_start=True)


def test_the_proxy_of_the_environment_is_passed_by_where_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("mqtt_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "near.test")
    assert default_proxy("far.test")["proxy_addr"] == "proxy.test"
    assert default_proxy("near.test") == {}
