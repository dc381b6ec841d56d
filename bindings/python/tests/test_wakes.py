"""Each thing that has to wake a thread which waits: without it the thread of these tests would sleep for ten minutes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Broker, delivered, wait_until_asleep
from paho_oxide.client import CallbackAPIVersion, Client

LONG = 600.0


class Patient(threading.Event):
    """An event on which nobody waits in slices."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(LONG)


@pytest.fixture(params=["tcp", "tls"])
def sleeper(request: pytest.FixtureRequest, broker: Broker) -> Iterator[tuple[Client, threading.Thread]]:
    """A client whose loop sleeps in another thread, and that thread."""
    client = Client(CallbackAPIVersion.VERSION2)
    if request.param == "tls":
        client.tls_set(broker.ca)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("localhost", getattr(broker, request.param), keepalive=0)
    thread = threading.Thread(target=client.loop_forever, args=(LONG,), daemon=True)
    thread.start()
    assert connected.wait(120)
    wait_until_asleep(thread)
    yield client, thread
    if thread.is_alive():
        client._hurry()


def ends(thread: threading.Thread) -> bool:
    thread.join(120)
    return not thread.is_alive()


def test_the_end_of_the_interpreter_wakes_a_loop(sleeper: tuple[Client, threading.Thread]) -> None:
    client, thread = sleeper
    client._hurry()
    assert ends(thread)


def test_disconnect_wakes_a_loop(sleeper: tuple[Client, threading.Thread]) -> None:
    client, thread = sleeper
    client.disconnect()
    assert ends(thread)


class Sleepy(Client):
    """A client whose thread does not look every second whether it was stopped."""

    def loop_forever(self, timeout: float = LONG, retry_first_connection: bool = False) -> Any:
        return super().loop_forever(timeout, retry_first_connection)


@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_loop_stop_wakes_a_loop(broker: Broker, kind: str) -> None:
    client = Sleepy(CallbackAPIVersion.VERSION2)
    if kind == "tls":
        client.tls_set(broker.ca)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("localhost", getattr(broker, kind), keepalive=0)
    client.loop_start()
    assert connected.wait(120)
    thread: Any = client._thread
    wait_until_asleep(thread)
    stopping = threading.Thread(target=client.loop_stop, daemon=True)
    stopping.start()
    assert ends(thread) and ends(stopping)
    client.disconnect()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publishes_one_closely_behind_the_other_wake_a_loop(sleeper: tuple[Client, threading.Thread], qos: int) -> None:
    client, thread = sleeper
    for _ in range(20):
        infos = [client.publish("wakes", "x", qos) for _ in range(50)]
        delivered(infos[-1])
        wait_until_asleep(thread)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_publishes_leave_to_the_thread_of_loop_start_wakes_it(broker: Broker, qos: int) -> None:
    """The first of several writes by itself; those that follow closely are left to the thread, which sleeps."""
    client = Sleepy(CallbackAPIVersion.VERSION2)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("localhost", broker.tcp, keepalive=0)
    client.loop_start()
    assert connected.wait(120)
    thread: Any = client._thread
    for _ in range(20):
        wait_until_asleep(thread)
        infos = [client.publish("wakes", "x", qos) for _ in range(50)]
        delivered(infos[-1])
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("wake", ["_hurry", "disconnect", "loop_stop"])
def test_a_wait_for_the_next_attempt_is_woken(monkeypatch: pytest.MonkeyPatch, wake: str) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(1, 1)
    monkeypatch.setattr(client, "_wakeup", Patient())
    failed = threading.Event()
    client.on_connect_fail = lambda *_: failed.set()
    # Nobody listens on port 1.
    client.connect_async("127.0.0.1", 1)
    client.loop_start()
    thread: Any = client._thread
    assert failed.wait(120)
    wait_until_asleep(thread)
    getattr(client, wake)()
    assert ends(thread)
