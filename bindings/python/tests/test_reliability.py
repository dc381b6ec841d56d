"""Nothing is lost: programs that are killed, connections that are lost again and again, memory that stays what it is."""

from __future__ import annotations

import gc
import os
import pathlib
import random
import resource
import socket
import subprocess
import sys
import threading
from typing import Any, Callable

import pytest

from conftest import KINDS, Broker, Server, delivered, read_packet, wait_until
from paho_oxide.client import CallbackAPIVersion, Client, MQTTv5, MQTTv311

KILLS = int(os.environ.get("PAHO_OXIDE_PYTHON_KILLS", "20"))
RECONNECTS = int(os.environ.get("PAHO_OXIDE_PYTHON_RECONNECTS", "1000"))
MESSAGES = int(os.environ.get("PAHO_OXIDE_PYTHON_MESSAGES", "200000"))

SUBSCRIBER = """
import sys
from paho_oxide.client import Client, CallbackAPIVersion
journal = open(sys.argv[2], "a")
def on_message(client, userdata, message):
    journal.write(message.payload.decode() + "\\n")
    journal.flush()
client = Client(CallbackAPIVersion.VERSION2, client_id="killed", clean_session=False)
client.on_message = on_message
client.on_connect = lambda c, *a: c.subscribe("kill", 1)
client.on_subscribe = lambda *a: print("ready", flush=True)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
"""


def test_a_subscriber_that_is_killed_loses_nothing(broker: Broker, tmp_path: pathlib.Path) -> None:
    """What a callback had not finished with is not acknowledged: the server sends it again.

    At QoS 1: between PUBREC and PUBREL a message of QoS 2 is in the client's memory only, the original's too.
    """
    journal = tmp_path / "journal"
    journal.touch()
    publisher = Client(CallbackAPIVersion.VERSION2)
    publisher.connect("127.0.0.1", broker.tcp)
    publisher.loop_start()
    sent = 0
    for kill in range(KILLS + 1):
        process = subprocess.Popen(
            [sys.executable, "-c", SUBSCRIBER, str(broker.tcp), str(journal)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout and process.stdout.readline() == "ready\n"
        before = journal.stat().st_size
        infos = [publisher.publish("kill", str(number), 1) for number in range(sent, sent + 200)]
        sent += 200
        if kill < KILLS:
            target = before + random.randrange(1, 400)
            wait_until(lambda size=target: journal.stat().st_size >= size)  # type: ignore[misc]
            process.kill()
            process.wait()
            for info in infos:
                delivered(info)
        else:
            wait_until(lambda total=sent: len(set(journal.read_text().split())) >= total)  # type: ignore[misc]
            process.kill()
            process.wait()
    publisher.disconnect()
    publisher.loop_stop()
    assert {int(line) for line in journal.read_text().split()} >= set(range(sent))


PUBLISHER = """
import sys
from paho_oxide.client import Client, CallbackAPIVersion
numbers = {}
def on_publish(client, userdata, mid, reason, properties):
    number = numbers.pop(mid)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
client = Client(CallbackAPIVersion.VERSION2)
client.connect("127.0.0.1", int(sys.argv[1]))
# Numbers are there before the callback asks for them: publishes and callbacks take turns on one thread.
client.on_publish = on_publish
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 2000):
    numbers[client.publish("told", str(number), 1 + number % 2).mid] = number
    client.loop(0)
while numbers:
    client.loop()
"""


def test_what_a_killed_publisher_was_told_of_has_arrived(broker: Broker) -> None:
    """`on_publish` means that the server has the message, whatever becomes of the client a moment later."""
    got: set[int] = set()
    ready = threading.Event()
    subscriber = Client(CallbackAPIVersion.VERSION2)
    subscriber.on_message = lambda c, u, m: got.add(int(m.payload))
    subscriber.on_connect = lambda c, *a: c.subscribe("told", 2)
    subscriber.on_subscribe = lambda *a: ready.set()
    subscriber.connect("127.0.0.1", broker.tcp)
    subscriber.loop_start()
    assert ready.wait(120)
    told: set[int] = set()
    for kill in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(broker.tcp), str(kill * 2000)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        for _ in range(random.randrange(1, 1000)):
            told.add(int(process.stdout.readline()))
        process.kill()
        rest = process.stdout.read().split("\n")[:-1]
        told.update(map(int, rest))
        process.wait()
    wait_until(lambda: told <= got)
    subscriber.disconnect()
    subscriber.loop_stop()


def memory() -> int:
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_nobody_is_given_the_port_of_a_server_that_is_stopped(own_broker: Broker) -> None:
    """Otherwise tests that start it again would now and then meet somebody else on it, or the client itself."""
    own_broker.stop()
    for kind in KINDS:
        address = ("127.0.0.1", getattr(own_broker, kind))
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(address)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)
    own_broker.start()


@pytest.mark.parametrize("version", [MQTTv311, MQTTv5])
def test_reconnects_leak_nothing(serve: Callable[[Callable[[socket.socket], None]], Server], version: Any) -> None:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0" if version == MQTTv311 else b"\x20\x03\0\0\0")
        # The connection ends with the first publish, which is acknowledged.
        first, body = read_packet(connection)
        if first & 0xF0 == 0x30:
            connection.sendall(b"\x40\x02" + body[3:5])

    server = serve(script)
    client = Client(CallbackAPIVersion.VERSION2, protocol=version)

    def round_trip() -> None:
        client.connect("127.0.0.1", server.port)
        info = client.publish("t", "x", 1)
        while client.socket() is not None:
            client.loop(1.0)
        assert info.is_published()

    for _ in range(100):
        round_trip()
    gc.collect()
    descriptors, objects, before = len(os.listdir("/proc/self/fd")), len(gc.get_objects()), memory()
    for _ in range(RECONNECTS):
        round_trip()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2
    assert len(gc.get_objects()) <= objects + 200
    assert memory() - before < 16 << 20


def test_many_messages_leave_memory_as_it_was(broker: Broker) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    received = [0]
    ready = threading.Event()

    def on_message(_client: Any, _userdata: Any, message: Any) -> None:
        assert len(message.payload) == 100
        received[0] += 1

    client.on_message = on_message
    client.on_connect = lambda c, *a: c.subscribe("flat", 1)
    client.on_subscribe = lambda *a: ready.set()
    client.connect("127.0.0.1", broker.tcp)
    client.loop_start()
    assert ready.wait(120)

    def batch(count: int) -> None:
        goal = received[0] + count
        for number in range(count):
            client.publish("flat", b"x" * 100, 1)
            if number % 1000 == 999:
                wait_until(lambda least=goal - count + number - 2000: received[0] >= least)  # type: ignore[misc]
        wait_until(lambda: received[0] == goal, 120)

    def collections() -> int:
        return sum(generation["collections"] for generation in gc.get_stats())

    batch(20_000)
    gc.collect()
    objects, before, collected = len(gc.get_objects()), memory(), collections()
    batch(MESSAGES)
    # A message is no work for the collector.
    assert collections() - collected < MESSAGES // 500
    gc.collect()
    assert not gc.garbage
    assert len(gc.get_objects()) <= objects + 200
    assert memory() - before < 16 << 20
    client.disconnect()
    client.loop_stop()
