"""Exceptions of signals' handlers, at every place where the interpreter runs one: nothing is lost, nothing is told twice."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import queue
import random
import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Callable

import pytest

import paho_oxide
from conftest import Broker, Serve, packet, publish_packet, read_packet, wait_until
from paho_oxide.aio import Client as AsyncioClient
from paho_oxide.client import CallbackAPIVersion, Client, MQTTMessage, MQTTMessageInfo

PACKAGE = str(pathlib.Path(paho_oxide.__file__).parent)
# So many exceptions are raised inside the package in each test, however long that takes.
INTERRUPTS = 400


class Interrupt(BaseException):
    """What the handler raises: as KeyboardInterrupt no `except Exception` holds it up."""


@contextlib.contextmanager
def interrupts(here: Callable[[FrameType], bool], kind: type[BaseException] = Interrupt) -> Iterator[list[int]]:
    """Raises exceptions wherever the interpreter runs a handler in frames that are meant; counts them."""
    raised = [0]
    over: list[bool] = []

    def handler(_number: int, frame: FrameType | None) -> None:
        if over:
            return
        # Never at the same distance from the last one.
        signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-5, 3e-4))
        if frame is not None and here(frame):
            raised[0] += 1
            raise kind

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 1e-4)
    try:
        yield raised
    finally:
        # A signal that came before this is heeded after it, and must not set the timer again.
        over.append(True)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def in_package(frame: FrameType) -> bool:
    # An exception of __del__ would only be printed.
    return frame.f_code.co_filename.startswith(PACKAGE) and frame.f_code.co_name != "__del__"


def frames(error: BaseException | None) -> Iterator[FrameType]:
    """Returns the frames that an exception has left, and those that an earlier one had, which was being handled."""
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            yield traceback.tb_frame
            traceback = traceback.tb_next
        error = error.__context__


class Program:
    """A program whose main thread has the loop, and counts by content what its callbacks were told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self.on_message

    def on_message(self, _client: Any, _userdata: Any, message: MQTTMessage) -> None:
        self.told.append(message.payload)

    def here(self, frame: FrameType) -> bool:
        return in_package(frame) or frame.f_code is Program.on_message.__code__

    def loop(self) -> None:
        """One turn of the loop. A callback that was interrupted has been told, whether it had noted that or not."""
        try:
            assert self.client.loop(1.0) == 0
        except Interrupt as interrupt:
            for frame in frames(interrupt):
                if frame.f_code is Program.on_message.__code__:
                    payload = frame.f_locals["message"].payload
                    if payload not in self.told[-2:]:
                        self.told.append(payload)


def sender(qos: int, stop: threading.Event, sent: list[bytes]) -> Callable[[socket.socket], None]:
    """Returns the script of a server that sends numbered messages."""

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\2\0\0")

        # A message whose callback was interrupted is not acknowledged, and its identifier does not come back.
        identifiers: queue.SimpleQueue[int] = queue.SimpleQueue()
        for identifier in range(1, 65_536):
            identifiers.put(identifier)

        def read() -> None:
            with contextlib.suppress(OSError):
                while True:
                    first, body = read_packet(connection)
                    if first == 0x40:
                        identifiers.put(int.from_bytes(body[:2], "big"))

        reader = threading.Thread(target=read)
        reader.start()
        while not stop.is_set():
            burst = [b"%d" % number for number in range(len(sent), len(sent) + 50)]
            sent.extend(burst)
            packets = [publish_packet(b"t", payload, identifiers.get() if qos else 0, qos) for payload in burst]
            connection.sendall(b"".join(packets))
        connection.sendall(publish_packet(b"t", b"last"))
        reader.join()

    return script


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("qos", [0, 1])
def test_every_message_is_told_once(serve: Serve, qos: int, filtered: bool) -> None:
    stop, sent = threading.Event(), list[bytes]()
    server = serve(sender(qos, stop, sent))
    program = Program()
    if filtered:
        program.client.on_message = None
        program.client.message_callback_add("t", program.on_message)
    program.client.connect("127.0.0.1", server.port)
    with interrupts(program.here) as raised:
        while raised[0] < INTERRUPTS:
            program.loop()
        stop.set()
    while b"last" not in program.told:
        program.loop()
    assert program.told == [*sent, b"last"]
    program.client.disconnect()


def test_every_publish_ends_and_is_told_once(broker: Broker) -> None:
    told: list[int] = []

    def on_publish(_client: Any, _userdata: Any, mid: int, _reason: Any, _properties: Any) -> None:
        told.append(mid)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_publish = on_publish
    client.connect("127.0.0.1", broker.tcp)
    infos: list[MQTTMessageInfo] = []
    with interrupts(lambda frame: in_package(frame) and armed[0]) as raised:
        armed = [False]
        while raised[0] < INTERRUPTS:
            armed[0] = False
            infos += [client.publish("interrupted", b"x", 1) for _ in range(20)]
            armed[0] = True
            try:
                client.loop(1.0)
            except Interrupt:
                pass
            armed[0] = False
    while client._connection.outstanding():
        client.loop(1.0)
    client.loop(0.0)
    assert all(info.is_published() for info in infos)
    assert told == [info.mid for info in infos]
    client.disconnect()


@pytest.mark.parametrize("transport", ["tls", "ws"])
def test_a_stream_goes_on_or_ends_but_is_never_out_of_step(broker: Broker, transport: str) -> None:
    """What was read or written when an exception came is not known: the connection ends, and nothing of QoS 1 is lost."""
    got: set[bytes] = set()
    subscriber = Client(CallbackAPIVersion.VERSION2, client_id=f"interrupted-{transport}", clean_session=False,
                        transport="websockets" if transport == "ws" else "tcp")  # fmt: skip
    if transport == "tls":
        subscriber.tls_set(broker.ca)

    def on_message(_client: Any, _userdata: Any, message: MQTTMessage) -> None:
        got.add(message.payload)

    subscriber.on_message = on_message
    subscriber.on_connect = lambda client, *_: client.subscribe(f"interrupted/{transport}", 1)
    ready: list[bool] = []
    subscriber.on_subscribe = lambda *_: ready.append(True)
    subscriber.connect("localhost", getattr(broker, transport))
    while not ready:
        subscriber.loop(1.0)
    publisher = Client(CallbackAPIVersion.VERSION2)
    publisher.connect("127.0.0.1", broker.tcp)
    publisher.loop_start()
    sent = 0
    armed = [False]
    with interrupts(lambda frame: in_package(frame) and armed[0]) as raised:
        while raised[0] < INTERRUPTS:
            if publisher._connection.outstanding() < 100:
                publisher.publish(f"interrupted/{transport}", b"%d" % sent, 1)
                sent += 1
            try:
                armed[0] = True
                rc = subscriber.loop(1.0)
                armed[0] = False
            except Interrupt:
                armed[0] = False
                continue
            # A connection that an exception ended, not one that the server ended because of what it read.
            assert rc in (0, 4, 7), rc
            if rc:
                subscriber.reconnect()
    publisher.publish(f"interrupted/{transport}", b"last", 1)
    while b"last" not in got:
        if subscriber.loop(1.0):
            subscriber.reconnect()
    # Interrupted callbacks are the only ones that may be missing before a reconnect, and one was made after each.
    subscriber.reconnect()
    all_of_them = {b"%d" % number for number in range(sent)}
    wait_until(lambda: (subscriber.loop(0.1) and subscriber.reconnect()) or all_of_them <= got)
    subscriber.disconnect()
    publisher.disconnect()
    publisher.loop_stop()


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws"])
def test_a_handler_may_publish(broker: Broker, transport: str) -> None:
    """Wherever it has interrupted the loop of the same thread."""
    publisher = Client(CallbackAPIVersion.VERSION2, transport="websockets" if transport == "ws" else "tcp")
    if transport == "tls":
        publisher.tls_set(broker.ca)
    publisher.connect("localhost", getattr(broker, transport))
    infos: list[MQTTMessageInfo] = []

    def here(frame: FrameType) -> bool:
        if in_package(frame):
            infos.append(publisher.publish("handler", b"x", 1))
        return False

    with interrupts(here):
        while len(infos) < INTERRUPTS:
            assert publisher.loop(0.01) == 0
    while publisher._connection.outstanding():
        assert publisher.loop(1.0) == 0
    assert all(info.is_published() for info in infos)
    publisher.disconnect()


def test_asyncio_callbacks(serve: Serve) -> None:
    """Exceptions in callbacks of the event loop's, which logs them and goes on.

    Only in frames of the package: what comes of them in the event loop's own is its business.
    """
    stop, sent = threading.Event(), list[bytes]()
    server = serve(sender(0, stop, sent))

    class Failure(Exception):
        pass

    def here(innermost: FrameType) -> bool:
        frame: FrameType | None = innermost
        while frame is not None and in_package(innermost):
            if frame.f_code is AsyncioClient._readable.__code__:
                return True
            frame = frame.f_back
        return False

    async def main() -> list[bytes]:
        got: list[bytes] = []
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with AsyncioClient("127.0.0.1", server.port, protocol=4) as client:  # type: ignore[arg-type]
            with interrupts(here, Failure) as raised:
                async for message in client.messages:
                    got.append(message.payload)
                    if raised[0] >= INTERRUPTS:
                        break
            stop.set()
            async for message in client.messages:
                got.append(message.payload)
                if message.payload == b"last":
                    break
        return got

    assert asyncio.run(asyncio.wait_for(main(), 300)) == [*sent, b"last"]


def test_a_callback_that_raises_stop_iteration_has_failed(serve: Serve) -> None:
    """It is an exception as any other: `starmap`, which calls the callback, would take it for the end of the messages."""

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\2\0\0" + publish_packet(b"t", b"1") + publish_packet(b"t", b"2") + packet(0xD0, b""))
        connection.recv(1)

    server = serve(script)
    for filtered in (False, True):
        client = Client(CallbackAPIVersion.VERSION2)
        told: list[bytes] = []

        def on_message(_client: Any, _userdata: Any, message: MQTTMessage, told: list[bytes] = told) -> None:
            told.append(message.payload)
            next(iter(()))

        if filtered:
            client.message_callback_add("t", on_message)
        else:
            client.on_message = on_message
        client.connect("127.0.0.1", server.port)
        failures = 0
        while len(told) < 2:
            try:
                client.loop(1.0)
            except StopIteration:
                failures += 1
        assert failures == 2
        client.disconnect()
        wait_until(lambda client=client: client.loop(0.1) or not client.is_connected())  # type: ignore[misc]
