"""Prints what an exception in each callback does: in loop(), in loop_forever() and in the thread of loop_start()."""

from __future__ import annotations

import socket
import sys
import threading
import warnings
from typing import Any

import paho.mqtt.client as mqtt

warnings.simplefilter("ignore")
NAMES = "pre_connect socket_open connect subscribe publish message unsubscribe disconnect socket_close".split()


def read(connection: socket.socket) -> bytes:
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        raise ConnectionError
    return head + (connection.recv(head[1], socket.MSG_WAITALL) if head[1] else b"")


def serve(listener: socket.socket, protocol: int) -> None:
    none = b"\0" if protocol == 5 else b""
    try:
        connection, _ = listener.accept()
        with connection:
            while True:
                packet = read(connection)
                kind, mid = packet[0] & 0xF0, packet[2:4]
                if kind == 0x10:
                    connection.sendall(bytes([0x20, 2 + len(none)]) + b"\0\0" + none)
                elif kind == 0x80:
                    connection.sendall(bytes([0x90, 3 + len(none)]) + mid + none + b"\1")
                elif kind == 0x30:
                    size = 2 + int.from_bytes(packet[2:4], "big")
                    connection.sendall(b"\x40\x02" + packet[2 + size : 4 + size])
                    connection.sendall(bytes([0x30, 6 + len(none)]) + b"\0\3any" + none + b"x")
                elif kind == 0xA0:
                    answer = mid + none + (b"\0" if protocol == 5 else b"")
                    connection.sendall(bytes([0xB0, len(answer)]) + answer)
                elif kind == 0xE0:
                    return
    except OSError:
        pass


def run(how: str, version: mqtt.CallbackAPIVersion, protocol: int, failing: str, suppress: bool) -> None:
    print("==", how, version, protocol, failing, suppress)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, protocol), daemon=True).start()
    client = mqtt.Client(version, "failing", protocol=protocol, reconnect_on_failure=False)
    client.suppress_exceptions = suppress
    seen: list[str] = []

    def log(_client: Any, _userdata: Any, level: int, text: str) -> None:
        if "Caught" in text:
            print(level, text)

    client.on_log = log

    def callback(name: str) -> Any:
        def function(*_: Any) -> None:
            seen.append(name)
            print(name)
            if name == "connect":
                client.subscribe("any", 1)
            elif name == "subscribe":
                client.publish("any", "x", 1)
            elif name == "message":
                client.unsubscribe("any")
            elif name == "unsubscribe":
                client.disconnect()
            if name == failing:
                raise ValueError(f"in {name}")

        return function

    for name in NAMES:
        setattr(client, "on_" + name, callback(name))
    if failing == "filtered":

        def filtered(*_: Any) -> None:
            print("filtered")
            client.disconnect()
            raise ValueError("in filtered")

        client.message_callback_add("any", filtered)
    hooked: list[str] = []
    hook, threading.excepthook = threading.excepthook, lambda arguments: hooked.append(repr(arguments.exc_value))
    try:
        try:
            print(repr(client.connect("127.0.0.1", listener.getsockname()[1])))
            if how == "forever":
                print(repr(client.loop_forever()))
            elif how == "thread":
                client.loop_start()
                for thread in threading.enumerate():
                    if thread.name.startswith("paho-mqtt-client"):
                        thread.join(120)
                print(hooked, repr(client.loop_stop()))
            else:
                for _ in range(50):
                    rc = client.loop(0.2)
                    if rc:
                        print(repr(rc))
                        break
        except ValueError as error:
            print("raised", error)
        # What comes when the program goes on all the same.
        if how == "loop" and failing not in ("socket_close", "disconnect"):
            print(client.socket() is not None)
    finally:
        threading.excepthook = hook
        client.suppress_exceptions = True
        client.on_socket_close = client.on_disconnect = None
        listener.close()


for version, protocol in ((mqtt.CallbackAPIVersion.VERSION1, 4), (mqtt.CallbackAPIVersion.VERSION2, 5)):
    for how in "loop", "forever", "thread":
        for failing in [*NAMES, "filtered"]:
            for suppress in False, True:
                run(how, version, protocol, failing, suppress)
sys.stdout.flush()
