"""Prints how connections end: refused, closed, broken, silent."""

from __future__ import annotations

import socket
import threading
import warnings
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties

warnings.simplefilter("ignore")
ACCEPTED_4 = b"\x20\x02\0\0"
ACCEPTED_5 = b"\x20\x03\0\0\0"


def serve(reply: bytes, stays: bool) -> int:
    """Answers CONNECT with these bytes; closes the connection, or leaves it to the client."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = listener.accept()
        with connection, listener:
            connection.recv(4096)
            connection.sendall(reply)
            try:
                while stays and connection.recv(4096):
                    pass
            except OSError:
                pass

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


def run(name: str, version: mqtt.CallbackAPIVersion, protocol: int, reply: bytes, stays: bool, how: str) -> None:
    print("==", name, version, protocol, how)
    client = mqtt.Client(version, client_id="endings", protocol=protocol, reconnect_on_failure=False)

    def callback(name: str) -> Any:
        return lambda _client, _userdata, *a: print(name, *[str(x) if isinstance(x, Properties) else repr(x) for x in a])

    for one in "connect disconnect publish subscribe unsubscribe connect_fail".split():
        setattr(client, "on_" + one, callback(one))
    client.on_message = lambda _client, _userdata, message: print("message", message.topic, message.payload)
    print(repr(client.connect("127.0.0.1", serve(reply, stays), 60)))
    if how == "forever":
        print(repr(client.loop_forever(0.1)))
    else:
        for _ in range(100):
            rc = client.loop(0.2)
            if rc:
                print(repr(rc))
                break
        print(repr(client.loop(0.1)))
    print(client.socket())


for version in mqtt.CallbackAPIVersion:
    for how in "loop", "forever":
        for code in range(1, 7):
            run(f"refused {code}", version, 4, bytes([0x20, 2, 0, code]), False, how)
        for code in 0x84, 0x87, 0x97, 0x99:
            run(f"refused {code:#x}", version, 5, bytes([0x20, 3, 0, code, 0]), False, how)
        reason = b"\x1f\0\x03why"
        run("refused, with a reason", version, 5, bytes([0x20, 9, 0, 0x87, 6]) + reason, False, how)
        for protocol, accepted in (4, ACCEPTED_4), (5, ACCEPTED_5):
            run("closed before CONNACK", version, protocol, b"", False, how)
            run("closed after CONNACK", version, protocol, accepted, False, how)
        run("message and end", version, 4, ACCEPTED_4 + b"\x30\x05\0\1ahi", False, how)
        run("server says DISCONNECT", version, 5, ACCEPTED_5 + b"\xe0\x02\x8b\0", True, how)
        run("and why", version, 5, ACCEPTED_5 + b"\xe0\x08\x8b\x06" + reason, True, how)
        run("QoS 3", version, 4, ACCEPTED_4 + b"\x36\x05\0\1aaa", True, how)
