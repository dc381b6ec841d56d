"""Loops of the program's own, and threads."""

from __future__ import annotations

import os
import select
import selectors
import socket
import ssl
import threading
import time
from typing import Any

import pytest

import paho_oxide.publish
import paho_oxide.subscribe
from conftest import Broker, Serve, delivered, read_packet, wait_until
from paho_oxide.client import CallbackAPIVersion, Client, MQTTErrorCode, MQTTMessage


def transport(kind: str) -> Any:
    return {"ws": "websockets", "unix": "unix"}.get(kind, "tcp")


class NullLock:
    """What Home Assistant puts in the place of the original's locks."""

    def __enter__(self) -> NullLock:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def acquire(self, blocking: bool = False, timeout: int = -1) -> None:
        pass

    def release(self) -> None:
        pass


class AsyncClient(Client):
    """A subclass as Home Assistant has it: no locks, one thread, an event loop of its own."""

    def setup(self) -> None:
        lock = NullLock()
        self._in_callback_mutex = lock
        self._callback_mutex = lock
        self._msgtime_mutex = lock
        self._out_message_mutex = lock
        self._in_message_mutex = lock
        self._reconnect_delay_mutex = lock
        self._mid_generate_mutex = lock


def carry(client: Client, until: Any, seconds: float = 120.0) -> None:
    """Polls the client's socket as its callbacks say."""
    selector = selectors.DefaultSelector()
    wants_write = [False]
    client.on_socket_register_write = lambda *a: wants_write.__setitem__(0, True)
    client.on_socket_unregister_write = lambda *a: wants_write.__setitem__(0, False)
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        sock = client.socket()
        if sock is None:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants_write[0] or client.want_write() else 0)
        selector.register(sock, events)
        for _, ready in selector.select(0.1):
            if ready & selectors.EVENT_READ:
                client.loop_read()
            if ready & selectors.EVENT_WRITE:
                client.loop_write()
        selector.unregister(sock)
        client.loop_misc()


@pytest.mark.parametrize("kind", ["tcp", "tls", "ws", "unix"])
def test_a_subclass_without_locks_in_a_loop_of_its_own(broker: Broker, kind: str) -> None:
    client = AsyncClient(CallbackAPIVersion.VERSION2, transport=transport(kind))
    client.setup()
    got: list[MQTTMessage] = []
    sockets: list[Any] = []
    client.on_message = lambda c, u, m: got.append(m)
    client.on_socket_open = lambda c, u, s: sockets.append(s)
    client.on_socket_close = lambda c, u, s: sockets.remove(s)
    if kind == "tls":
        client.tls_set(broker.ca)
    if kind == "unix":
        client.connect(broker.unix, 1)
    else:
        client.connect("localhost", {"tcp": broker.tcp, "tls": broker.tls, "ws": broker.ws}[kind])
    assert sockets == [client.socket()]
    sock: Any = client.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    carry(client, client.is_connected)
    subscribed: list[int] = []
    client.on_subscribe = lambda c, u, mid, *a: subscribed.append(mid)
    client.subscribe("loops/#", 2)
    carry(client, lambda: subscribed)
    # Over WebSocket mosquitto 2.0 swallows messages of a megabyte, the original's too, and reads 4 KiB every 100 ms.
    large = os.urandom(70_000 if kind == "ws" else 2 << 20)
    for qos in 0, 1, 2:
        client.publish(f"loops/{qos}", large, qos)
    carry(client, lambda: len(got) == 3)
    assert sorted((m.topic, m.payload == large) for m in got) == [(f"loops/{qos}", True) for qos in (0, 1, 2)]
    client.disconnect()
    carry(client, lambda: client.socket() is None)
    assert sockets == []


def test_disconnect_ends_by_what_the_socket_callbacks_ask_for(serve: Serve) -> None:
    """A server need not close the connection after DISCONNECT, and `loop_misc` is called only now and then."""
    ended = threading.Event()

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        assert read_packet(connection) == (0xE0, b"")
        assert ended.wait(120)

    client = Client(CallbackAPIVersion.VERSION2)
    seen: list[str] = []
    for name in "on_socket_register_write", "on_socket_unregister_write", "on_disconnect", "on_socket_close":
        setattr(client, name, lambda *a, name=name: seen.append(name))
    client.connect("127.0.0.1", serve(script).port)
    while not client.is_connected():
        sock: Any = client.socket()
        select.select([sock], [], [])
        client.loop_read()
    assert seen == []
    client.disconnect()
    assert seen == ["on_socket_register_write"] and client.want_write()
    client.loop_write()
    assert client.socket() is None
    assert seen[1:] == ["on_disconnect", "on_socket_unregister_write", "on_socket_close"]
    ended.set()


@pytest.mark.parametrize("kind", ["tcp", "tls", "ws", "unix"])
@pytest.mark.parametrize("version", [4, 5])
def test_a_megabyte_and_ten_thousand_messages_in_a_thread(broker: Broker, kind: str, version: Any) -> None:
    client = Client(CallbackAPIVersion.VERSION2, protocol=version, transport=transport(kind))
    got: list[bytes] = []
    ready = threading.Event()
    client.on_message = lambda c, u, m: got.append(m.payload)
    client.on_connect = lambda c, *a: c.subscribe("many/" + kind, 1)
    client.on_subscribe = lambda *a: ready.set()
    if kind == "tls":
        client.tls_set(broker.ca)
    if kind == "unix":
        client.connect(broker.unix, 1)
    else:
        client.connect("localhost", {"tcp": broker.tcp, "tls": broker.tls, "ws": broker.ws}[kind])
    client.loop_start()
    assert ready.wait(120)
    large = 70_000 if kind == "ws" else 1 << 20  # as above
    client.publish("many/" + kind, b"L" * large, 1)
    for number in range(10_000):
        client.publish("many/" + kind, str(number), 1)
    wait_until(lambda: len(got) == 10_001, 120)
    assert [len(got[0]), *map(int, got[1:])] == [large, *range(10_000)]
    client.disconnect()
    client.loop_stop()


def test_helpers(broker: Broker) -> None:
    messages: list[Any] = [("helper/1", "one", 1, True), {"topic": "helper/2", "payload": b"two", "retain": True}]
    paho_oxide.publish.multiple(messages, port=broker.tcp, hostname="127.0.0.1")
    paho_oxide.publish.single("helper/3", 3, 2, True, "127.0.0.1", broker.tcp)
    simple: Any = paho_oxide.subscribe.simple  # its annotations are the original's: none
    got = simple("helper/#", 1, 3, hostname="127.0.0.1", port=broker.tcp)
    assert sorted((m.topic, m.payload) for m in got) == [("helper/1", b"one"), ("helper/2", b"two"), ("helper/3", b"3")]
    one = simple("helper/1", hostname="127.0.0.1", port=broker.tcp, keepalive=10)
    assert one.payload == b"one"
    for number in 1, 2, 3:
        paho_oxide.publish.single(f"helper/{number}", None, retain=True, hostname="127.0.0.1", port=broker.tcp)


def test_message_callback_add_calls_all_that_match(broker: Broker) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    got: list[tuple[str, str]] = []
    done = threading.Event()
    client.message_callback_add("filter/+", lambda c, u, m: got.append(("plus", m.topic)))
    client.message_callback_add("filter/a", lambda c, u, m: got.append(("a", m.topic)))

    @client.topic_callback("end")
    def end(c: Client, u: Any, m: MQTTMessage) -> None:
        done.set()

    client.on_message = lambda c, u, m: got.append(("else", m.topic))
    client.on_connect = lambda c, *a: c.subscribe([("filter/#", 1), ("end", 1)])
    client.on_subscribe = lambda c, *a: [c.publish(t, "x", 1) for t in ("filter/a", "filter/b", "filter/b/c", "end")]
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()
    assert done.wait(120)
    assert sorted(got) == [("a", "filter/a"), ("else", "filter/b/c"), ("plus", "filter/a"), ("plus", "filter/b")]
    client.disconnect()
    client.loop_stop()


def test_a_full_tls_socket_is_written_to_when_it_has_room(broker: Broker, serve: Serve) -> None:
    full, size = threading.Event(), 16 << 20

    def script(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(broker.directory / "server.crt", broker.directory / "server.key")
        with context.wrap_socket(connection, server_side=True) as secured:
            read_packet(secured)
            secured.sendall(b"\x20\x02\0\0")
            assert full.wait(120)
            assert len(read_packet(secured)[1]) == size + 3
            while secured.recv(100):
                pass

    client = Client(CallbackAPIVersion.VERSION2)
    client.tls_set(broker.ca)
    client.connect("localhost", serve(script).port, 0)
    while not client.is_connected():
        client.loop(1.0)
    info = client.publish("t", bytes(size), 0)
    assert not info.is_published()
    # Only room in the socket wakes this loop.
    thread = threading.Thread(target=client.loop_forever, args=(1000.0,))
    thread.start()
    threading.Timer(0.2, full.set).start()
    delivered(info)
    client.disconnect()
    thread.join(120)
    assert not thread.is_alive()


def test_threads(broker: Broker) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    published: list[int] = []
    client.on_publish = lambda c, u, mid, *a: published.append(mid)
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()

    def work() -> None:
        for number in range(500):
            info = client.publish("threads", str(number), number % 3)
            if number % 50 == 0:
                delivered(info)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    wait_until(lambda: len(published) == 4000)
    assert len(set(published)) == 4000
    assert client.disconnect() == MQTTErrorCode.MQTT_ERR_SUCCESS
    client.loop_stop()


def test_loop_stop_while_loop_start_is_at_work(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.tcp)
    begun, asked = threading.Event(), threading.Event()
    start = threading.Thread.start
    codes: list[MQTTErrorCode] = []

    def slow(thread: threading.Thread) -> None:
        if thread.name.startswith("paho-mqtt-client"):
            begun.set()
            assert asked.wait(120)
            time.sleep(0.1)
        start(thread)

    def stop() -> None:
        assert begun.wait(120)
        asked.set()
        codes.append(client.loop_stop())

    monkeypatch.setattr(threading.Thread, "start", slow)
    stopper = threading.Thread(target=stop)
    stopper.start()
    assert client.loop_start() == MQTTErrorCode.MQTT_ERR_SUCCESS
    stopper.join(120)
    # One that has not begun cannot be joined: there is no other way than to wait.
    assert codes == [MQTTErrorCode.MQTT_ERR_SUCCESS]
    client.disconnect()


@pytest.mark.parametrize("name", ["on_connect", "on_subscribe", "on_publish", "on_message", "on_disconnect", "on_socket_close"])
def test_every_call_in_every_callback(broker: Broker, name: str) -> None:
    """None of them waits for what only the callback's own end can bring, `loop_stop` included."""
    client = Client(CallbackAPIVersion.VERSION2, "every")
    done = threading.Event()
    results: dict[str, Any] = {}
    calls: dict[str, Any] = {
        "publish 0": lambda: client.publish("every/x", "y").rc,
        "publish 1": lambda: client.publish("every/x", "y", 1).rc,
        "subscribe": lambda: client.subscribe("every/y")[0],
        "unsubscribe": lambda: client.unsubscribe("every/z")[0],
        "loop_start": client.loop_start,
        "want_write": client.want_write,
        "message_callback_add": lambda: client.message_callback_add("q", print),
        "message_callback_remove": lambda: client.message_callback_remove("q"),
        "user_data_set": lambda: client.user_data_set(5),
        "ack": lambda: client.ack(1, 1),
        "will_set": lambda: client.will_set("w"),
        "reconnect_delay_set": lambda: client.reconnect_delay_set(1, 2),
        "enable_logger": client.enable_logger,
        "loop": lambda: client.loop(0.01),
        "disconnect": client.disconnect,
        "loop_stop": client.loop_stop,
    }

    def callback(*_: Any) -> None:
        if not done.is_set():
            results.update((key, call()) for key, call in calls.items())
            done.set()

    client.on_connect = lambda *a: client.subscribe("every/m", 1)
    client.on_subscribe = lambda *a: client.publish("every/m", "z", 1)
    ends = name in ("on_disconnect", "on_socket_close")
    client.on_message = (lambda *a: client.disconnect()) if ends else None
    setattr(client, name, callback)
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()
    assert done.wait(120)
    assert set(results) == set(calls)
    assert results["loop_start"] == MQTTErrorCode.MQTT_ERR_INVAL
    if not ends:
        assert {results[key] for key in ("publish 0", "publish 1", "subscribe", "unsubscribe", "ack", "disconnect")} == {0}
    client.loop_stop()
    client.disconnect()


def test_private_attributes_that_programs_read(broker: Broker) -> None:
    """aiomqtt, Home Assistant and tests of programs look at these."""
    client = Client(CallbackAPIVersion.VERSION2, "private")
    assert client._client_id == b"private"
    assert (client._host, client._port, client._keepalive) == ("", 1883, 60)
    assert client._sock is None and client._thread is None and client._logger is None
    assert client._state.name == "MQTT_CS_NEW"
    client.connect("127.0.0.1", broker.tcp, 30)
    assert (client._host, client._port, client._keepalive) == ("127.0.0.1", broker.tcp, 30)
    assert client._sock is client.socket()
    assert client._state.name == "MQTT_CS_CONNECTING"
    client.loop_start()
    assert isinstance(client._thread, threading.Thread)
    wait_until(client.is_connected)
    assert client._state.name == "MQTT_CS_CONNECTED"
    client.loop_stop()
    assert client._thread is None
    client._sock_close()
    assert client.socket() is None
    client.enable_logger()
    assert client._logger is client.logger is not None


def test_callbacks_that_are_methods_of_a_subclass(broker: Broker) -> None:
    """They are looked up each time: the class may have them, and an assignment replaces them."""

    class Program(Client):
        seen: list[str]

        def on_connect(self, *_: Any) -> None:
            self.seen.append("connect")
            self.subscribe("methods", 1)

        def on_subscribe(self, *_: Any) -> None:
            self.seen.append("subscribe")
            self.publish("methods", "x", 1)

        def on_message(self, *_: Any) -> None:
            self.seen.append("message")
            self.disconnect()

        def on_publish(self, *_: Any) -> None:
            self.seen.append("publish")

        def on_disconnect(self, *_: Any) -> None:
            self.seen.append("disconnect")

    client = Program(CallbackAPIVersion.VERSION2)
    client.seen = []
    client.connect("127.0.0.1", broker.tcp)
    thread = threading.Thread(target=client.loop_forever, daemon=True)
    thread.start()
    thread.join(120)
    assert not thread.is_alive()
    # The acknowledgement and the message have no order between them, and the end may come before the former.
    assert [name for name in client.seen if name != "publish"] == ["connect", "subscribe", "message", "disconnect"]
