"""What servers send that the original takes otherwise, or not at all: no differential program can show it."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import Broker, Serve, delivered, publish_packet, read_packet, wait_until
from paho_oxide.client import CallbackAPIVersion, Client, MQTTv5
from paho_oxide.reasoncodes import ReasonCode, reason_code


def test_a_pubrec_that_refuses_ends_the_publish(serve: Serve) -> None:
    got: list[tuple[int, bytes]] = []

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x03\0\0\0")
        got.append(read_packet(connection))
        connection.sendall(b"\x50\x04\0\1\x97\0")
        # Neither PUBREL nor the message again: the next packet is DISCONNECT.
        got.append(read_packet(connection))

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    published: list[Any] = []
    client.on_publish = lambda c, u, mid, reason, properties: published.append((mid, str(reason)))
    client.connect("127.0.0.1", serve(script).port)
    client.loop_start()
    wait_until(client.is_connected)
    info = client.publish("t", "x", 2)
    delivered(info)
    assert published == [(info.mid, "Quota exceeded")]
    client.disconnect()
    client.loop_stop()
    wait_until(lambda: len(got) == 2)
    assert [first & 0xF0 for first, _ in got] == [0x30, 0xE0]


def test_srv_records_are_tried_by_priority_and_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [(20, 5, "c"), (10, 1, "b"), (10, 9, "a"), (30, 0, "d")]
    answers = [SimpleNamespace(priority=p, weight=w, target=f"{name}.", port=1) for p, w, name in records]
    monkeypatch.setattr("dns.resolver.resolve", lambda name, kind: answers)
    tried: list[str] = []

    class Trying(Client):
        def connect(self, host: str, *arguments: Any, **more: Any) -> Any:
            tried.append(host)
            raise OSError

    with pytest.raises(ValueError, match="No SRV hosts responded"):
        Trying(CallbackAPIVersion.VERSION2).connect_srv("example.test")
    assert tried == ["a", "b", "c", "d"]


class WebSocketServer:
    """The server's end of a WebSocket, after the handshake."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(1)
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.head += b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"

    def frame(self) -> tuple[int, bytes]:
        def exactly(length: int) -> bytes:
            data = self.connection.recv(length, socket.MSG_WAITALL)
            if len(data) < length:
                raise ConnectionError
            return data

        first, second = exactly(2)
        assert second & 0x80, "a client's frames are masked"
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(exactly(2 if length == 126 else 8), "big")
        mask = exactly(4)
        return first, bytes(byte ^ mask[index % 4] for index, byte in enumerate(exactly(length)))


@pytest.mark.parametrize("step", [1, 3, 1 << 20])
def test_frames_in_pieces_pings_between_them_and_a_close(serve: Serve, step: int) -> None:
    frames: list[tuple[int, bytes]] = []
    large = os.urandom(70_000)

    def script(connection: socket.socket) -> None:
        server = WebSocketServer(connection)
        message = publish_packet(b"t", large)
        # The first frames come with the answer to the handshake, a ping in the middle of a message, lengths of all three sizes.
        data = b"\x02\x01\x20" + b"\x89\x02hi" + b"\x00\x02\x02\0" + b"\x80\x01\0"
        data += b"\x82\x7e" + (200).to_bytes(2, "big") + message[:200]
        data += b"\x82\x7f" + (len(message) - 200).to_bytes(8, "big") + message[200:]
        data += b"\x89\0" + b"\x8a\x03odd" + b"\x88\x02\x03\xe8"
        connection.sendall(server.head + data[:20])
        rest = data[20:]
        if step < 1 << 20:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        small = min(len(rest), 300 * step)
        for at in range(0, small, step):
            connection.sendall(rest[at : at + step])
        connection.sendall(rest[small:])
        try:
            while True:
                frames.append(server.frame())
        except ConnectionError:
            pass

    client = Client(CallbackAPIVersion.VERSION2, client_id="ws", transport="websockets", reconnect_on_failure=False)
    got: list[bytes] = []
    ended: list[str] = []
    client.on_message = lambda c, u, m: got.append(m.payload)
    client.on_disconnect = lambda c, u, flags, reason, p: ended.append(str(reason))
    client.connect("127.0.0.1", serve(script).port)
    client.loop_forever()
    assert got == [large]
    assert ended == ["Unspecified error"]
    wait_until(lambda: len(frames) >= 3)
    assert frames[0][0] == 0x82 and frames[0][1][0] == 0x10
    assert frames[1:3] == [(0x8A, b"hi"), (0x8A, b"")]


def test_frames_that_came_with_the_handshake_are_there_at_once(serve: Serve) -> None:
    ended = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(WebSocketServer(connection).head + b"\x82\x04\x20\x02\0\0")
        assert ended.wait(120)

    client = Client(CallbackAPIVersion.VERSION2, transport="websockets")
    client.connect("127.0.0.1", serve(script).port)
    began = time.monotonic()
    client.loop(100.0)
    assert client.is_connected() and time.monotonic() - began < 60
    ended.set()
    client.disconnect()


@pytest.mark.parametrize(
    "data",
    [b"\xc2\x01\x20", b"\x82\x81\0\0\0\0\x20", b"\x83\x01\x20", b"\x89\x7e\0\x80" + bytes(128), b"\x09\x01x"],
    ids=["reserved bit", "masked", "unknown opcode", "long ping", "ping in pieces"],
)
def test_what_is_no_websocket_frame_ends_the_connection(serve: Serve, data: bytes) -> None:
    ended = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(WebSocketServer(connection).head + data)
        assert ended.wait(120)

    client = Client(CallbackAPIVersion.VERSION2, transport="websockets", reconnect_on_failure=False)
    reasons: list[str] = []
    client.on_disconnect = lambda c, u, flags, reason, p: reasons.append(str(reason))
    client.connect("127.0.0.1", serve(script).port)
    client.loop_forever()
    ended.set()
    assert reasons == ["Protocol error"]


def test_reason_codes_made_for_callbacks_are_as_the_class_makes_them() -> None:
    known = 0
    for kind in range(1, 16):
        for code in range(256):
            try:
                expected = ReasonCode(kind, identifier=code)
            except (KeyError, ValueError) as error:
                with pytest.raises(type(error)):
                    reason_code(kind, code)
                continue
            known += 1
            for _ in range(2):
                made = reason_code(kind, code)
                assert vars(made) == vars(expected) and type(made) is ReasonCode
                # A program may change one.
                made.value = 0x80
    assert known > 80


@pytest.mark.parametrize("how", ["tls, with a farewell", "tls, without", "websocket, without a frame"])
def test_a_server_that_closes_a_tls_or_websocket_connection(serve: Serve, broker: Broker, how: str) -> None:
    def script(connection: socket.socket) -> None:
        if how.startswith("websocket"):
            server = WebSocketServer(connection)
            connection.sendall(server.head + b"\x82\x04\x20\x02\0\0")
            server.frame()
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(broker.directory / "server.crt", broker.directory / "server.key")
        with context.wrap_socket(connection, server_side=True) as secured:
            read_packet(secured)
            secured.sendall(b"\x20\x02\0\0")
            if how == "tls, with a farewell":
                secured.settimeout(0.2)
                try:
                    # The client need not answer.
                    secured.unwrap()
                except (OSError, ValueError):
                    pass

    web = how.startswith("websocket")
    client = Client(CallbackAPIVersion.VERSION2, transport="websockets" if web else "tcp", reconnect_on_failure=False)
    if not web:
        client.tls_set(broker.ca)
    reasons: list[str] = []
    client.on_disconnect = lambda c, u, flags, reason, p: reasons.append(str(reason))
    client.connect("localhost", serve(script).port)
    # In a thread of its own: a loop that never notices the end must not hang the tests.
    thread = threading.Thread(target=client.loop_forever, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert reasons == ["Unspecified error"]
