"""Loops of the program's own, processes, threads, and the interpreter's end."""

from __future__ import annotations

import multiprocessing
import os
import select
import selectors
import signal
import socket
import ssl
import subprocess
import sys
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


def child(port: int, queue: Any) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    info = client.publish("child", "x", 1)
    info.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()
    queue.put(info.is_published())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(broker: Broker, method: str) -> None:
    parent = Client(CallbackAPIVersion.VERSION2)
    parent.connect("127.0.0.1", broker.tcp)
    parent.loop_start()
    delivered(parent.publish("parent", "x", 1))
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=child, args=(broker.tcp, queue))
    process.start()
    assert queue.get(timeout=300) is True
    process.join(120)
    assert process.exitcode == 0
    # The parent's connection has not noticed anything.
    delivered(parent.publish("parent", "y", 2))
    parent.disconnect()
    parent.loop_stop()


def test_a_parents_client_in_the_child_says_so(broker: Broker) -> None:
    parent = Client(CallbackAPIVersion.VERSION2)
    parent.connect("127.0.0.1", broker.tcp)
    parent.loop_start()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            parent.publish("t", "x")
            answer = "published"
        except RuntimeError as error:
            # Nor has the child the parent's thread.
            answer = f"{error} {parent.loop_stop()!r}"
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    assert "before a fork" in text and "MQTT_ERR_INVAL" in text
    assert os.waitpid(pid, 0)[1] == 0
    delivered(parent.publish("t", "x", 1))
    parent.disconnect()
    parent.loop_stop()


def python(code: str, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code, *arguments], capture_output=True, text=True, timeout=300, **more
    )


EXIT = """
import sys, threading, time
from paho_oxide.client import Client, CallbackAPIVersion
clients = []
received = threading.Event()
for number in range(20):
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda c, *a: c.subscribe("exit")
    client.on_subscribe = lambda c, *a: c.publish("exit", "x")
    client.on_message = lambda c, u, m: (received.set(), {body})
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_start()
    clients.append(client)
assert received.wait(120)
{end}
"""


@pytest.mark.parametrize("body", ["None", "time.sleep(5)", "c.publish('exit', 'y')"])
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "del clients, client"])
def test_the_interpreter_ends_with_clients_alive(broker: Broker, body: str, end: str) -> None:
    done = python(EXIT.format(body=body, end=end), str(broker.tcp))
    assert done.returncode == 0, done.stderr
    assert "Fatal" not in done.stderr


@pytest.mark.parametrize("tls", [False, True])
def test_the_interpreter_does_not_wait_for_acknowledgements(broker: Broker, serve: Serve, tls: bool) -> None:
    code = """
import atexit, sys, threading
def report():
    print([thread.name for thread in threading.enumerate() if "paho" in thread.name], client.socket() is not None)
atexit.register(report)  # runs after what the package has registered
from paho_oxide.client import Client, CallbackAPIVersion
client = Client(CallbackAPIVersion.VERSION2)
connected = threading.Event()
client.on_connect = lambda *a: connected.set()
client.max_queued_messages_set(100)
if sys.argv[2]:
    client.tls_set(sys.argv[2])
client.connect("localhost", int(sys.argv[1]))
client.loop_start()
assert connected.wait(120)
client.publish("t", "x", 1)
"""

    def script(connection: socket.socket) -> None:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(broker.directory / "server.crt", broker.directory / "server.key")
            connection = context.wrap_socket(connection, server_side=True)
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        while connection.recv(100):
            pass

    done = python(code, str(serve(script).port), broker.ca if tls else "")
    assert done.stdout == "[] True\n", done.stderr


def test_threads_that_wait_when_the_interpreter_ends() -> None:
    """One that came back from a wait into an ending interpreter would end the process with a crash."""
    code = """
import socket, sys, threading, time
from paho_oxide.client import Client, CallbackAPIVersion
class Last:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)  # the interpreter is ending, and lets other threads run
listener = socket.create_server(("127.0.0.1", 0))
client = Client(CallbackAPIVersion.VERSION2)
client.connect("127.0.0.1", listener.getsockname()[1])
info = client.publish("t", "x", 1)
for _ in range(20):
    threading.Thread(target=info.wait_for_publish, daemon=True).start()
threading.Thread(target=client.loop_forever, args=(0.05,), daemon=True).start()
time.sleep(0.2)
sys.modules["last"] = Last()
print("end", flush=True)
"""
    done = python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


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


# Where tests run in a shell's background SIGINT is ignored, by their children, too.
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (said, process.returncode) == ("interrupted\n", 0)


def test_keyboard_interrupt_gets_through_loop_forever(broker: Broker) -> None:
    code = f"""{INTERRUPTIBLE}
import sys
from paho_oxide.client import Client, CallbackAPIVersion
client = Client(CallbackAPIVersion.VERSION2)
client.on_connect = lambda *a: print("connected", flush=True)
client.connect("127.0.0.1", int(sys.argv[1]))
try:
    client.loop_forever()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(broker.tcp)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "connected\n"
    interrupt(process)


def test_keyboard_interrupt_gets_through_wait_for_publish() -> None:
    code = f"""{INTERRUPTIBLE}
import socket
from paho_oxide.client import Client, CallbackAPIVersion
listener = socket.create_server(("127.0.0.1", 0))
client = Client(CallbackAPIVersion.VERSION2)
client.connect("127.0.0.1", listener.getsockname()[1])
client.loop_start()
info = client.publish("t", "x", 1)
try:
    print("waiting", flush=True)
    info.wait_for_publish()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    interrupt(process)


def test_gevent(broker: Broker) -> None:
    code = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from paho_oxide.client import Client, CallbackAPIVersion
client = Client(CallbackAPIVersion.VERSION2)
got = []
client.on_message = lambda c, u, m: got.append(m.payload)
client.on_connect = lambda c, *a: c.subscribe("gevent", 1)
client.on_subscribe = lambda c, *a: [c.publish("gevent", str(n), 1) for n in range(100)]
client.connect("127.0.0.1", int(sys.argv[1]))
def carry():
    while len(got) < 100:
        gevent.socket.wait_read(client.socket().fileno())
        client.loop_read()
greenlet = gevent.spawn(carry)
greenlet.join(120)
print(len(got))
client.disconnect()
"""
    done = python(code, str(broker.tcp))
    assert done.stdout == "100\n", done.stderr


@pytest.mark.parametrize("kind", ["tcp", "tls", "ws"])
def test_greenlets_in_the_place_of_threads(broker: Broker, kind: str) -> None:
    """Whatever waits lets the others go on: the loop of `loop_start`, `wait_for_publish`, and `publish` without room."""
    code = """
from gevent import monkey
monkey.patch_all()
import sys, threading
import gevent
from paho_oxide.client import Client, CallbackAPIVersion
kind, port, ca = sys.argv[1:]
client = Client(CallbackAPIVersion.VERSION2, transport="websockets" if kind == "ws" else "tcp")
if kind == "tls":
    client.tls_set(ca)
got, subscribed = [], threading.Event()
client.on_message = lambda c, u, m: got.append(len(m.payload))
client.on_connect = lambda c, *a: c.subscribe("greenlets", 1)
client.on_subscribe = lambda *a: subscribed.set()
client.connect("localhost", int(port), keepalive=0)
client.loop_start()
assert subscribed.wait(120)
turns, stop = [0], []
def beside():
    while not stop:
        turns[0] += 1
        gevent.sleep(0.001)
greenlet = gevent.spawn(beside)
for qos in 0, 1, 2:
    infos = [client.publish("greenlets", "x", qos) for _ in range(100)]
    infos[-1].wait_for_publish(120)
    assert infos[-1].is_published()
before = turns[0]
infos = [client.publish("elsewhere", bytes(40_000), 0) for _ in range(100)]
if kind != "ws":  # where mosquitto takes 40 KiB a second
    infos[-1].wait_for_publish(120)
while len(got) < 300 or turns[0] < before + 10:
    gevent.sleep(0.001)
stop.append(True)
greenlet.join(120)
client.disconnect()
client.loop_stop()
print(sum(got), client.socket() is None)
"""
    done = python(code, kind, str(getattr(broker, kind)), broker.ca)
    assert done.stdout == "300 True\n", done.stderr


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


def test_signal_handlers_may_publish(broker: Broker) -> None:
    code = """
import signal, sys
from paho_oxide.client import Client, CallbackAPIVersion
client = Client(CallbackAPIVersion.VERSION2)
got, sent = [], [0]
def handler(*_):
    sent[0] += 1
    client.publish("signal", str(sent[0]), 1)
    if sent[0] == 20:
        signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, handler)
client.on_message = lambda c, u, m: got.append(int(m.payload)) or len(got) < 20 or c.disconnect()
client.on_connect = lambda c, *a: c.subscribe("signal", 1)
client.on_subscribe = lambda *a: signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever(1000)
print(got == list(range(1, 21)))
"""
    done = python(code, str(broker.tcp))
    assert done.stdout == "True\n", done.stderr


def test_a_subinterpreter_is_refused() -> None:
    code = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import sys
import paho_oxide.client
run = getattr(interpreters, "run_string", None) or interpreters.exec
run(interpreters.create(), sys.argv[1])
"""
    inside = """
try:
    import paho_oxide.client
except ImportError as error:
    print("subinterpreters" in str(error), flush=True)
"""
    done = python(code, inside)
    assert done.stdout == "True\n", done.stderr


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
