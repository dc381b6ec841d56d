"""Processes of the tests' own: forks, signals, greenlets, and the interpreter's end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import ssl
import subprocess
import sys
from typing import Any

import pytest

from conftest import Broker, Serve, delivered, read_packet
from paho_oxide.client import CallbackAPIVersion, Client


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
if kind != "ws":  # of which mosquitto takes 40 KiB a second
    infos = [client.publish("elsewhere", bytes(40_000), 0) for _ in range(100)]
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
