"""Prints what may be set when, what a second attempt to connect looks like, and what a callback may do at the end."""

from __future__ import annotations

import socket
import threading
import warnings
from typing import Any, Callable

import paho.mqtt.client as mqtt

warnings.simplefilter("ignore")
SETTINGS = {
    "host": "127.0.0.1", "port": 1883, "keepalive": 7, "connect_timeout": 7.0, "transport": "tcp", "username": "u",
    "password": "p", "max_inflight_messages": 7, "max_queued_messages": 7,
}  # fmt: skip


def exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data


def read(connection: socket.socket) -> bytes:
    head = exactly(connection, 2)
    return head + exactly(connection, head[1])


class Server:
    """Answers each connection's CONNECT with the next of the given answers, and stays until the client closes or `end` is set."""

    def __init__(self, *answers: bytes):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answers = answers
        self.connects: list[bytes] = []
        self.rest: list[bytes] = []
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        for answer in self.answers:
            connection, _ = self.listener.accept()
            with connection:
                try:
                    self.connects.append(read(connection))
                    connection.sendall(answer)
                    connection.settimeout(0.01)
                    while not self.end.is_set():
                        try:
                            data = connection.recv(1000)
                        except socket.timeout:
                            continue
                        if not data:
                            break
                        self.rest.append(data)
                except OSError:
                    pass
        self.listener.close()


def settings(client: mqtt.Client, when: str) -> None:
    for name, value in SETTINGS.items():
        try:
            setattr(client, name, value)
            print(when, name, "is set")
        except Exception as error:
            print(when, name, type(error).__name__, error)
    for call in client.max_inflight_messages_set, client.max_queued_messages_set:
        try:
            print(when, call.__name__, call(7) is client)
        except Exception as error:
            print(when, call.__name__, type(error).__name__, error)


def until(client: mqtt.Client, condition: Callable[[], Any]) -> Any:
    for _ in range(1000):
        rc = client.loop(0.02)
        if condition() or rc:
            return rc
    return "never"


def make(version: mqtt.CallbackAPIVersion, protocol: int, client_id: str = "states", **more: Any) -> tuple[Any, list[Any]]:
    client = mqtt.Client(version, client_id, protocol=protocol, **more)
    seen: list[Any] = []
    client.on_connect = lambda c, u, *a: seen.append(("connect", *map(str, a)))
    client.on_disconnect = lambda c, u, *a: seen.append(("disconnect", *map(repr, a[:-1]), str(a[-1])))
    return client, seen


V1, V2 = mqtt.CallbackAPIVersion
for protocol in 4, 5:
    accepted = b"\x20\x02\0\0" if protocol == 4 else b"\x20\x03\0\0\0"
    client, seen = make(V2, protocol)
    settings(client, "new")
    server = Server(accepted)
    client.connect_async("127.0.0.1", server.port)
    settings(client, "connect_async")
    client.connect("127.0.0.1", server.port)
    settings(client, "connecting")
    print(until(client, client.is_connected))
    settings(client, "connected")
    server.end.set()
    print(repr(until(client, lambda: False)))
    settings(client, "lost")
    print(repr(client.disconnect()))
    settings(client, "disconnected")
    server.thread.join(30)
    print(seen)

# A server that gives nobody an identifier, and one that does not know MQTT 3.1.1.
for code, client_id in ((2, ""), (2, "own"), (1, ""), (1, "own")):
    for again in True, False:
        print("== CONNACK", code, repr(client_id), again)
        client, seen = make(V2, 4, client_id, reconnect_on_failure=again)
        server = Server(bytes([0x20, 2, 0, code]), b"\x20\x02\0\0")
        client.connect("127.0.0.1", server.port)
        print(repr(until(client, client.is_connected)), client.is_connected(), int(client.protocol))
        # The identifier is made at random.
        print([(len(connect), connect[:12] if code == 2 else connect) for connect in server.connects])
        print(len(client._client_id), seen)
        client.disconnect()
        server.end.set()

# What a server says about the keep-alive counts from then on, for the next connection too.
for answer in b"\x20\x06\0\0\x03\x13\0\x2a", b"\x20\x03\0\0\0":
    client, seen = make(V2, 5)
    server = Server(answer, answer)
    print(client.keepalive)
    client.connect("127.0.0.1", server.port, 50)
    print(until(client, client.is_connected), client.keepalive)
    client.reconnect()
    print(until(client, client.is_connected), client.keepalive)
    print([connect[10:12] for connect in server.connects])
    client.disconnect()
    server.end.set()

# DISCONNECT of the server's, as short as MQTT allows and longer.
for version in V1, V2:
    for packet in b"\xe0\0", b"\xe0\1\0", b"\xe0\1\x8b", b"\xe0\2\x8b\0", b"\xe0\2\0\0", b"\xe0\x08\x8b\x06\x1f\0\3why":
        client, seen = make(version, 5, reconnect_on_failure=False)
        server = Server(b"\x20\x03\0\0\0" + packet)
        client.connect("127.0.0.1", server.port)
        until(client, lambda seen=seen: len(seen) == 2)
        print(packet, seen)
        server.end.set()

# A callback at the end that calls the loop once more. (In another callback the original reads the same packet for ever.)
for version in V1, V2:
    for call in "loop", "loop_write", "loop_misc":
        client, seen = make(version, 4)
        server = Server(b"\x20\x02\0\0")

        def on_disconnect(c: Any, *_: Any, call: str = call) -> None:
            seen.append(repr(getattr(c, call)()))

        client.on_connect = lambda c, *_: c.disconnect()
        client.on_disconnect = on_disconnect
        client.connect("127.0.0.1", server.port)
        until(client, lambda seen=seen: seen)
        print(version, call, seen, client.socket())
        server.end.set()
