"""Prints what becomes of a message of QoS 2 whose connection, or whose client, ends between PUBREC and PUBREL."""

from __future__ import annotations

import socket
import threading
import warnings
from typing import Any

import paho.mqtt.client as mqtt

warnings.simplefilter("ignore")


def publish(protocol: int, payload: bytes, dup: bool) -> bytes:
    body = b"\0\1t\0\7" + (b"\0" if protocol == 5 else b"") + payload
    return bytes([0x34 | dup << 3, len(body)]) + body


def read(connection: socket.socket) -> bytes:
    head = connection.recv(2, socket.MSG_WAITALL)
    return head + connection.recv(head[1], socket.MSG_WAITALL) if len(head) == 2 and head[1] else head


def serve(listener: socket.socket, protocol: int, present: bool, second: list[bytes], seen: list[bytes]) -> None:
    for attempt in range(2):
        connection, _ = listener.accept()
        with connection:
            assert read(connection)[0] == 0x10
            accepted = bytes([present and attempt, 0]) + (b"\0" if protocol == 5 else b"")
            connection.sendall(bytes([0x20, len(accepted)]) + accepted)
            for packet in [publish(protocol, b"first", False)] if attempt == 0 else second:
                connection.sendall(packet)
                got = read(connection)
                # A reason code of 0 may be left out.
                seen.append(got[:1] + got[2:4])


def run(name: str, protocol: int, clean: bool, present: bool, again: bool, second: list[bytes]) -> None:
    print(
        "==", name, protocol, "clean" if clean else "kept", "present" if present else "new", "same" if again else "new client"
    )
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []
    thread = threading.Thread(target=serve, args=(listener, protocol, present, second, seen), daemon=True)
    thread.start()
    client: Any = None
    for _ in range(2):
        if client is None or not again:
            how: dict[str, Any] = {} if protocol == 5 else {"clean_session": clean}
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "inbound", protocol=protocol, **how)
            client.on_message = lambda c, u, m: print("message", m.payload, m.mid)
        start = {"clean_start": clean} if protocol == 5 else {}
        client.connect("127.0.0.1", listener.getsockname()[1], **start)
        while client.loop(1.0) == 0:
            pass
        print("--", client.socket())
    thread.join(120)
    listener.close()
    print(seen)


release = b"\x62\x02\0\7"
for protocol in 3, 4, 5:
    for clean, present in ((True, False), (False, False), (False, True)):
        if protocol == 3 and present:
            continue  # its CONNACK does not tell
        for again in True, False:
            kept = present or (protocol == 3 and not clean)
            # A server that has forgotten the session does not release a message of it; one that has not does not use the
            # number of a message that it has not released for another.
            if kept or clean:
                run("released", protocol, clean, present, again, [release])
            run("sent again", protocol, clean, present, again, [publish(protocol, b"first", True), release])
            if not kept:
                run("another", protocol, clean, present, again, [publish(protocol, b"second", False), release])
