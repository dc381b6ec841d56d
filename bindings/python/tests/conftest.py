"""Brokers and scripted servers on ports that the system chooses, and event loops that tell what is left behind."""

from __future__ import annotations

import asyncio
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any, Callable

import pytest
import uvloop

from paho_oxide.client import MQTTMessageInfo

HERE = pathlib.Path(__file__).parent
PROGRAMS = HERE / "programs"


def reserve() -> socket.socket:
    """Returns a socket with a port of loopback, which refuses connections and is nobody else's before the socket is closed.

    A server that binds with SO_REUSEADDR, as mosquitto does, may listen on it.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


KINDS = ("tcp", "tls", "ws", "wss")


class Broker:
    """mosquitto with a listener of each kind. While it is stopped its ports stay taken: clients go on trying them."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        self._held = [reserve() for _ in KINDS]
        self.tcp, self.tls, self.ws, self.wss = (int(held.getsockname()[1]) for held in self._held)

    @property
    def unix(self) -> str:
        return str(self.directory / "m.sock")

    @property
    def ca(self) -> str:
        return str(self.directory / "ca.crt")

    def start(self) -> None:
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert program, "mosquitto is missing: `make deps` installs it"
        secured = f"certfile {self.directory}/server.crt\nkeyfile {self.directory}/server.key\n"
        (self.directory / "mosquitto.conf").write_text(
            "allow_anonymous true\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 100\nuser root\n"
            # Otherwise the server's second small write waits 40 ms for our acknowledgement of the first.
            "set_tcp_nodelay true\n"
            f"listener {self.tcp} 127.0.0.1\nlistener 0 {self.unix}\n"
            f"listener {self.ws} 127.0.0.1\nprotocol websockets\n"
            f"listener {self.wss} 127.0.0.1\nprotocol websockets\n{secured}"
            f"listener {self.tls} 127.0.0.1\n{secured}"
        )
        self.process = subprocess.Popen(
            [program, "-c", str(self.directory / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        process = self.process
        wait_until(lambda: process.poll() is not None or all(self._accepts(getattr(self, kind)) for kind in KINDS))
        assert process.poll() is None, f"mosquitto ends with {process.returncode}"

    @staticmethod
    def _accepts(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        self.stop()
        for held in self._held:
            held.close()


def certificates(directory: pathlib.Path) -> None:
    """Makes an authority and a certificate for localhost."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca", "-days", "2",
        # Python 3.13 asks for it.
        "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (directory / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "server.crt", "-days", "2", "-extfile", "ext",
    )  # fmt: skip


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    directory = tmp_path_factory.mktemp("broker")
    certificates(directory)
    broker = Broker(directory)
    broker.start()
    yield broker
    broker.close()


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that the test may stop and start again."""
    directory = tmp_path_factory.mktemp("own-broker")
    certificates(directory)
    broker = Broker(directory)
    broker.start()
    yield broker
    broker.close()


class Server:
    """A server that runs a script for each connection."""

    def __init__(self, script: Callable[[socket.socket], None]):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.script = script
        self.errors: list[BaseException] = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self.script(connection)
                except OSError:
                    pass
                except BaseException as error:
                    self.errors.append(error)

    def close(self) -> None:
        # An accept() that waits is not woken by close() alone.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


Serve = Callable[[Callable[[socket.socket], None]], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def make(script: Callable[[socket.socket], None]) -> Server:
        servers.append(Server(script))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
        assert not server.errors, server.errors


def read_packet(connection: socket.socket) -> tuple[int, bytes]:
    """Returns the first byte and the body of the next packet; ConnectionError at the end."""

    def exactly(n: int) -> bytes:
        data = b""
        while len(data) < n:
            chunk = connection.recv(n - len(data))
            if not chunk:
                raise ConnectionError
            data += chunk
        return data

    first = exactly(1)[0]
    length = shift = 0
    while True:
        byte = exactly(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return first, exactly(length)


def packet(first: int, body: bytes) -> bytes:
    """Returns a packet with its length."""
    length, encoded = len(body), b""
    while True:
        length, low = divmod(length, 128)
        encoded += bytes([low | (0x80 if length else 0)])
        if not length:
            return bytes([first]) + encoded + body


def publish_packet(topic: bytes, payload: bytes, mid: int = 0, qos: int = 0, dup: bool = False) -> bytes:
    """Returns a PUBLISH of MQTT 3.1.1."""
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if qos else b"") + payload
    return packet(0x30 | qos << 1 | dup << 3, body)


def run_program(name: str, *arguments: str, ours: bool, timeout: float = 600.0) -> str:
    """Runs a program of `programs/`, on this package or on paho-mqtt, and returns what it prints."""
    command = [sys.executable, "-X", "faulthandler"]
    command += ["-m", "paho_oxide"] if ours else []
    done = subprocess.run([*command, str(PROGRAMS / name), *arguments], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def delivered(info: MQTTMessageInfo, seconds: float = 120.0) -> None:
    """Waits until a publish has ended well: `wait_for_publish` also returns when its time is over."""
    info.wait_for_publish(seconds)
    assert info.is_published(), "not acknowledged in time"


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Waits for a condition that no event tells."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.005)


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


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on asyncio's own loop, and on uvloop."""

    def runner(main: Coroutine[Any, Any, Any]) -> Any:
        async def bounded() -> Any:
            task = asyncio.ensure_future(main)
            # Not cancelled by that: a test that expects cancellations would take it for one of them.
            await asyncio.wait([task], timeout=300)
            assert task.done(), f"not ended in time: {task.get_stack()}"
            value = task.result()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"tasks left behind: {left}"
            return value

        loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
        problems: list[Any] = []
        loop.set_exception_handler(lambda _loop, context: problems.append(context))
        try:
            value = loop.run_until_complete(bounded())
        finally:
            loop.close()
        assert not problems, problems
        return value

    return runner
