"""Each thing that has to wake a thread which waits: without it the thread of these tests would sleep for ten minutes."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Broker, delivered, wait_until
from paho_oxide.client import CallbackAPIVersion, Client

LONG = 600.0


class Patient(threading.Event):
    """An event on which nobody waits in slices."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(LONG)


def is_asleep(thread: threading.Thread) -> bool:
    stat = pathlib.Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


def wait_until_asleep(thread: threading.Thread) -> None:
    """Waits until a thread has gone to sleep, not only for the interpreter. That a test still passes if it has not is fine."""
    looks = [0]

    def look() -> bool:
        looks[0] = looks[0] + 1 if is_asleep(thread) else 0
        return looks[0] >= 10

    wait_until(look)


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
    thread.join(60)
    return not thread.is_alive()


def test_the_end_of_the_interpreter_wakes_a_loop(sleeper: tuple[Client, threading.Thread]) -> None:
    client, thread = sleeper
    client._hurry()
    assert ends(thread)


def test_disconnect_wakes_a_loop(sleeper: tuple[Client, threading.Thread]) -> None:
    client, thread = sleeper
    client.disconnect()
    assert ends(thread)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publishes_one_closely_behind_the_other_wake_a_loop(sleeper: tuple[Client, threading.Thread], qos: int) -> None:
    client, thread = sleeper
    for _ in range(20):
        infos = [client.publish("wakes", "x", qos) for _ in range(50)]
        delivered(infos[-1])
        wait_until_asleep(thread)


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
